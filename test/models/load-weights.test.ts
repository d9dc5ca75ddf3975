import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoadProgress, loss, memory, models, optim, randn, tensor, writeSafetensors, writeTorch } from 'eegtorch'
import { rejectionOf } from '../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-load-weights-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

// its largest weights take 4 MiB, so that they are mapped; its biases 8 KiB
const options = { nChans: 4, hiddenSize: 512, nLayers: 1, nTimes: 16, nOutputs: 2 }
const input = randn([2, 4, 16])
const saved = async (name: string) => {
  const net = models.lstmEeg(options).eval()
  await net.save(at(name))
  return net
}

test.each([false, true])('weights of a file give the same outputs (copied: %s)', async (copy) => {
  using net = await saved('same.safetensors')
  using back = await models.load(at('same.safetensors'), { copy })
  expect(back.training).toBe(false)
  for (const [name, own] of Object.entries(back.stateDict())) {
    expect([name, own.dtype, own.requiresGrad]).toEqual([name, 'float32', false])
    expect([name, own.equal(net.stateDict()[name]!)]).toEqual([name, true])
  }
  expect(back.forward(input).allclose(net.forward(input), { rtol: 1e-5, atol: 1e-6 })).toBe(true)
  expect(Object.values(back.parameters()).every(({ requiresGrad }) => requiresGrad)).toBe(true)
})

test.each(['float16', 'bfloat16', 'float64'] as const)('weights come in %s as PyTorch converts them', async (dtype) => {
  using net = await saved('convert.safetensors')
  using back = await models.load(at('convert.safetensors'), { dtype })
  for (const [name, own] of Object.entries(back.stateDict())) {
    expect([name, own.dtype]).toEqual([name, dtype])
    expect([name, own.equal(net.stateDict()[name]!.to({ dtype }))]).toEqual([name, true])
  }
})

test('a tensor of several pieces is converted whole', async () => {
  using net = models.eegProjection({ inDim: 8, outDim: 1500 }) // 2.25 million weights in its last layer, and a rest behind the last whole piece
  await net.save(at('pieces.safetensors'))
  using back = await models.load(at('pieces.safetensors'), { dtype: 'bfloat16' })
  for (const [name, own] of Object.entries(back.stateDict()))
    expect([name, own.equal(net.stateDict()[name]!.to({ dtype: 'bfloat16' }))]).toEqual([name, true])
})

test('tensors of 64 KiB or more are mapped, smaller ones copied', async () => {
  using net = models.eegProjection({ inDim: 8, outDim: 160 }) // 100 KiB in its last matrix, 5 KiB in its first
  await net.save(at('mapped.safetensors'))
  const mappings = () => readFileSync('/proc/self/maps', 'utf8').match(/mapped\.safetensors/g)?.length ?? 0
  using copied = await models.load(at('mapped.safetensors'), { copy: true })
  expect([copied.name, mappings()]).toEqual(['eeg_projection', 0])
  using mapped = await models.load(at('mapped.safetensors'))
  expect([mapped.name, mappings()]).toEqual(['eeg_projection', 1])
})

test('half precision on disk is mapped into a network of half precision, and widened into one of single', async () => {
  using net = models.lstmEeg(options)
  net.to({ dtype: 'bfloat16' })
  await net.save(at('half.safetensors'))
  using half = await models.load(at('half.safetensors'), { dtype: 'bfloat16' })
  using single = await models.load(at('half.safetensors'))
  for (const [name, own] of Object.entries(net.stateDict())) {
    expect([name, half.stateDict()[name]!.equal(own)]).toEqual([name, true])
    expect([name, single.stateDict()[name]!.equal(own.to({ dtype: 'float32' }))]).toEqual([name, true])
  }
})

test('training a mapped network and saving it over its own file changes the file only by renaming', async () => {
  await saved('trained.safetensors')
  const before = readFileSync(at('trained.safetensors'))
  using net = await models.load(at('trained.safetensors'))
  using other = await models.load(at('trained.safetensors'))
  const untrained = other.forward(input).toArray()
  net.train()
  const step = net.trainStep({ loss: loss.crossEntropy(), optimizer: optim.adamW({ lr: 0.1 }) })
  for (let i = 0; i < 2; i++) await step({ inputs: input, targets: tensor([0, 1], { dtype: 'int64' }) })
  net.eval()
  expect(readFileSync(at('trained.safetensors')).equals(before)).toBe(true)
  await net.save(at('trained.safetensors'))
  expect(readFileSync(at('trained.safetensors')).equals(before)).toBe(false)
  expect(other.forward(input).toArray()).toEqual(untrained)
  using back = await models.load(at('trained.safetensors'))
  for (const [name, own] of Object.entries(back.stateDict())) {
    expect([name, own.equal(net.stateDict()[name]!)]).toEqual([name, true])
  }
})

test('tensors that share memory in a file do not share it in a network that trains them apart', async () => {
  using net = models.lstmEeg({ ...options, nChans: 512 })
  const state = net.stateDict()
  const shared = state['lstm.weight_hh_l0']!
  await writeTorch(at('shared.pth'), new Map(Object.entries({ ...state, 'lstm.weight_ih_l0': shared })))
  using back = await models.load(at('shared.pth'), { model: 'lstm_eeg', config: { ...options, nChans: 512 } })
  const { 'lstm.weight_ih_l0': a, 'lstm.weight_hh_l0': b } = back.stateDict()
  expect([a!.equal(b!), a!.equal(shared)]).toEqual([true, true])
  a!.zero_()
  expect(b!.equal(shared)).toBe(true)
})

test('progress counts the bytes of the file up to all of them', async () => {
  using net = await saved('progress.safetensors')
  const told: LoadProgress[] = []
  using _ = await models.load(at('progress.safetensors'), { onProgress: (progress) => void told.push(progress) })
  const total = 4 * net.parameterCount()
  expect(told.at(-1)).toEqual({ file: at('progress.safetensors'), done: total, total })
})

test('a loading that was aborted, an unknown GPU and a type that is no floating-point one are refused', async () => {
  await saved('refused.safetensors')
  const before = memory().tensors
  const load = (more: object) => rejectionOf(models.load(at('refused.safetensors'), more))
  expect(await load({ signal: AbortSignal.abort() })).toMatchObject({ code: 'CANCELLED' })
  expect(await load({ device: 'cuda:99' })).toMatchObject({ code: 'DEVICE_MISMATCH', file: at('refused.safetensors') })
  expect(await load({ dtype: 'int32' })).toMatchObject({ code: 'DTYPE_MISMATCH', file: at('refused.safetensors') })
  expect(memory().tensors).toBeLessThanOrEqual(before)
})

test('integers in the place of real numbers are a mismatch that is named', async () => {
  using net = models.lstmEeg(options)
  const state = { ...net.stateDict(), 'lstm.bias_hh_l0': tensor(new Array(2048).fill(1), { dtype: 'int64' }) }
  await writeSafetensors(at('integers.safetensors'), state)
  const refused = models.load(at('integers.safetensors'), { model: 'lstm_eeg', config: options })
  expect(await rejectionOf(refused)).toMatchObject({
    code: 'CHECKPOINT_MISMATCH',
    file: at('integers.safetensors'),
    message: expect.stringMatching(/lstm\.bias_hh_l0 is Long instead of Float/),
  })
})
