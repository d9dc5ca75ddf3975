import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspectCheckpoint, models, openCheckpoint, randn, scope, writeCheckpoint } from 'eegtorch'
import { writeSafetensors } from '../../lib/checkpoints/safetensors.ts'
import { formatCheckpoint } from '../../lib/models/inspect-checkpoint.ts'
import { fixture } from '../checkpoints/fixtures.ts'
import { errorOf } from '../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-checkpoint-'))
afterAll(() => rmSync(folder, { recursive: true }))

const small = { nChans: 4, nOutputs: 2, nTimes: 128 }

test('a saved model comes back with its config, its weights and the same outputs', async () => {
  const path = join(folder, 'eegnet.safetensors')
  const net = models.eegnet(small).eval()
  await net.save(path, { classes: ['left', 'right'] })
  const back = await models.load<'eegnet'>(path)
  expect([back.name, back.config.nTimes, back.training]).toEqual(['eegnet', 128, false])
  const x = randn([3, 4, 128])
  expect(back.forward(x).toArray()).toEqual(net.forward(x).toArray())
  expect(openCheckpoint(path).metadata).toMatchObject({ model: 'eegnet', classes: ['left', 'right'] })
})

test('a folder of config.json and model.safetensors, without a model name, is recognised by its tensors', async () => {
  const path = join(folder, 'braindecode')
  mkdirSync(path)
  const net = models.eegnet(small)
  await writeSafetensors(join(path, 'model.safetensors'), net.stateDict())
  const config = { ...net.referenceConfig, chs_info: null, input_window_seconds: 0.512 }
  writeFileSync(join(path, 'config.json'), JSON.stringify(config))
  const back = await models.load<'eegnet'>(path)
  expect([back.name, back.config.nChans]).toEqual(['eegnet', 4])
})

// As braindecode 1.8.1 writes it: classes by their Python path, null for what was not given, options that only other models use.
test("braindecode's own config.json builds the network that it describes", async () => {
  const path = join(folder, 'braindecode-config')
  mkdirSync(path)
  const net = models.eegnet({ ...small, F1: 4, activation: 'GELU', dropProb: 0.5 })
  await writeSafetensors(join(path, 'model.safetensors'), net.stateDict())
  const config = {
    ...net.referenceConfig,
    ...{ activation: 'torch.nn.modules.activation.GELU', sfreq: null, F2: null },
    ...{ chs_info: null, input_window_seconds: null, braindecode_version: '1.8.1' },
  }
  writeFileSync(join(path, 'config.json'), JSON.stringify(config))
  const back = await models.load<'eegnet'>(path)
  expect(back.config).toMatchObject({ F1: 4, activation: 'GELU', dropProb: 0.5, nTimes: 128 })
  const x = randn([2, 4, 128])
  expect(back.forward(x).toArray()).toEqual(net.eval().forward(x).toArray())
})

test("the caller's options stand before the file's, and an unknown one is an error", async () => {
  const path = join(folder, 'override.safetensors')
  await models.eegnet(small).save(path)
  const back = await models.load<'eegnet'>(path, { config: { dropProb: 0.75 } })
  expect(back.config).toMatchObject({ ...small, dropProb: 0.75 })
  await expect(models.load(path, { config: { dropProp: 0.75 } })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    file: path,
    message: expect.stringMatching(/dropProp.*Did you mean dropProb/),
  })
})

test('a model that no registry knows is named with its file', async () => {
  const path = join(folder, 'unknown.safetensors')
  await writeCheckpoint(path, models.eegnet(small).stateDict(), { model: 'eegnett', config: {} })
  await expect(models.load(path)).rejects.toMatchObject({ code: 'UNKNOWN_NAME', file: path })
})

test('a plain state dict is loaded where the caller says what it is', async () => {
  const path = join(folder, 'plain.safetensors')
  await writeSafetensors(path, models.lstmEeg({ nChans: 4, hiddenSize: 8 }).stateDict())
  const back = await models.load(path, { model: 'lstm_eeg', config: { nChans: 4, hiddenSize: 8 } })
  expect(back.config).toMatchObject({ nChans: 4, hiddenSize: 8 })
  await expect(models.load(path, { model: 'eegnet' })).rejects.toMatchObject({
    code: 'CHECKPOINT_MISMATCH',
    file: path,
  })
})

test.each(['state.pt', 'state-legacy.pt', 'training.pth'])('the state dict in %s is found', async (name) => {
  const checkpoint = openCheckpoint(fixture(name))
  expect(checkpoint.format).toBe(name.includes('legacy') ? 'torch-legacy' : 'torch')
  expect(checkpoint.tensors.names.length).toBeGreaterThan(0)
  const loaded = await checkpoint.tensors.loadAll()
  for (const [key, stored] of checkpoint.tensors.tensors) {
    expect([key, ...loaded.get(key)!.shape]).toEqual([key, ...stored.shape])
  }
})

test('inspecting says which registered model fits, and what is missing or extra', async () => {
  const path = join(folder, 'inspected.safetensors')
  const net = models.eegnet(small)
  await net.save(path)
  expect(inspectCheckpoint(openCheckpoint(path)).fits[0]).toMatchObject({ model: 'eegnet', exact: true })
  expect(formatCheckpoint(inspectCheckpoint(openCheckpoint(path)))).toMatch(/fits eegnet: every name and shape$/)
  const { 'conv_temporal.weight': _, ...rest } = net.stateDict()
  await writeSafetensors(path, { ...rest, surplus: randn([2]) })
  const [fit] = inspectCheckpoint(openCheckpoint(path)).fits
  expect(fit).toMatchObject({ model: 'eegnet', missing: ['conv_temporal.weight'], extra: ['surplus'], exact: false })
})

test.each([
  ['nothing', '', 'FILE_TRUNCATED'],
  ['text', 'this is not a checkpoint at all', 'FILE_INVALID'],
  ['half of a zip', 'PK\u0003\u0004 and no more', 'FILE_INVALID|FILE_TRUNCATED'],
])('a file of %s is refused with one error that names it', (name, content, code) => {
  const path = join(folder, `${name}.bin`)
  writeFileSync(path, content)
  const error = errorOf(() => openCheckpoint(path))
  expect(error.code).toMatch(new RegExp(`^(${code})$`))
  expect(error.message).toContain(path)
})

test('a missing file and an empty folder are named', () => {
  expect(errorOf(() => openCheckpoint(join(folder, 'no.pt'))).code).toBe('FILE_NOT_FOUND')
  expect(errorOf(() => openCheckpoint(mkdtempSync(join(folder, 'empty-')))).message).toMatch(/holds no weights/)
})

test('saving and loading leaves no tensor behind', async () => {
  const path = join(folder, 'leak.safetensors')
  const net = models.eegnet(small)
  const { memory } = await import('eegtorch')
  const before = memory().tensors
  for (let i = 0; i < 3; i++) {
    await net.save(path)
    ;(await models.load(path)).dispose()
  }
  // Collected tensors of earlier tests may lower the count meanwhile; nothing may raise it.
  expect(scope(() => memory().tensors)).toBeLessThanOrEqual(before)
})
