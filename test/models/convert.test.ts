import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  convertCheckpoint,
  loadFitting,
  models,
  openCheckpoint,
  randn,
  type Tensor,
  tensor,
  writeSafetensors,
  writeTorch,
} from 'eegtorch'
import { fixture } from '../checkpoints/fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-convert-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0
const fresh = (ending = '') => join(folder, `target-${count++}${ending}`)
const reference = (name: string) => fixture(`reference/${name}`)

async function bytesOf(path: string): Promise<Record<string, string>> {
  const all = await openCheckpoint(path).tensors.loadAll()
  const entries = [...all].map(([name, t]: [string, Tensor]) => [
    name,
    `${t.dtype} [${t.shape}] ${Buffer.from((t.toTypedArray() as Uint8Array).buffer).toString('base64')}`,
  ])
  return Object.fromEntries(entries)
}

const small = { nChans: 4, nOutputs: 2, nTimes: 128 }

test.each(['eegnet', 'eegnet-constrained', 'deep4net', 'shallow_fbcsp_net', 'eeg_conformer', 'atcnet'])(
  "braindecode's %s goes through every layout and comes back the same",
  async (name) => {
    const original = await bytesOf(reference(name))
    let path = reference(name)
    for (const [layout, ending] of [
      ['eegtorch', '.safetensors'],
      ['braindecode', ''],
    ] as const) {
      const target = fresh(ending)
      expect(await convertCheckpoint(path, target)).toMatchObject({ layout, renamed: 0, model: name.split('-')[0] })
      expect(await bytesOf(target)).toEqual(original)
      path = target
    }
    const config = (file: string) => JSON.parse(readFileSync(join(file, 'config.json'), 'utf8'))
    const [before, after] = [config(reference(name)), config(path)]
    for (const key of Object.keys(before)) {
      // what was left to the network to work out is written out
      if (before[key] !== null && key !== 'input_window_seconds') expect([key, after[key]]).toEqual([key, before[key]])
      expect(Object.keys(after)).toContain(key)
    }
    await convertCheckpoint(path, `${path}.pth`)
    expect(await bytesOf(`${path}.pth`)).toEqual(original)
  },
)

test('older names and wrappers come out as names of today', async () => {
  const config = { n_times: 450 }
  const target = fresh('.safetensors')
  expect(await convertCheckpoint(reference('deep4net-old.pth'), target, { config })).toMatchObject({ renamed: 5 })
  const today = await bytesOf(reference('deep4net'))
  const { 'bnorm.num_batches_tracked': _, ...weights } = await bytesOf(target)
  expect(Object.keys(weights).sort()).toEqual(
    Object.keys(today)
      .filter((n) => n !== 'bnorm.num_batches_tracked')
      .sort(),
  )
  expect(weights['conv_time_spat.conv_time.weight']).toBe(today['conv_time_spat.conv_time.weight'])
  expect(openCheckpoint(target).metadata).toMatchObject({
    model: 'deep4net',
    config: { n_times: 450 },
    saved: { epoch: 3 },
  })
})

test.each([
  ['mapper_epoch17.pth', 'mapper', 17],
  ['projection_epoch6.pth', 'projection', 6],
])("eeg2image's %s is written as its trainer does", async (name, key, epoch) => {
  const [ours, theirs] = [fresh('.safetensors'), fresh('.pth')]
  await convertCheckpoint(reference(name), ours)
  await convertCheckpoint(ours, theirs, { to: 'eeg2image' })
  expect(await bytesOf(theirs)).toEqual(await bytesOf(reference(name)))
  expect(openCheckpoint(theirs)).toMatchObject({ keys: [key], metadata: { saved: { epoch, val_acc: 0.1075 } } })
})

test('a state dict of an unknown network is copied as it is, half precision and names', async () => {
  const [source, target] = [fresh('.safetensors'), fresh('.safetensors')]
  await writeSafetensors(source, { 'blocks.0.gamma_1': tensor([1, 2]).to('float16'), 'blocks.0.weight': tensor([[3]]) })
  const written = await convertCheckpoint(source, target, { to: 'safetensors' })
  expect(written).toMatchObject({ model: undefined, renamed: 0 })
  expect(await bytesOf(target)).toEqual(await bytesOf(source))
  const config = { n_outputs: 2, n_chans: 3, nhead: 2 }
  const elsewhere = fresh()
  await convertCheckpoint(target, elsewhere, { config })
  expect(JSON.parse(readFileSync(join(elsewhere, 'config.json'), 'utf8'))).toEqual(config)
})

test('what is missing, extra or of another shape is named, and nothing is written', async () => {
  const source = fresh('.safetensors')
  const { 'conv_temporal.weight': _, 'bnorm_1.bias': bias, ...rest } = models.eegnet(small).stateDict()
  await writeSafetensors(source, { ...rest, 'bnorm_1.bias': tensor([1, 2]), surplus: bias! })
  const target = fresh('.pth')
  await expect(convertCheckpoint(source, target, { model: 'eegnet', config: small })).rejects.toMatchObject({
    code: 'CHECKPOINT_MISMATCH',
    file: source,
    message: expect.stringMatching(
      /do not fit eegnet: missing conv_temporal\.weight; extra surplus; other shape bnorm_1\.bias: \[2\] instead of \[16\]/,
    ),
  })
  await expect(convertCheckpoint(source, fresh())).rejects.toMatchObject({
    code: 'CHECKPOINT_MISMATCH',
    message: expect.stringMatching(/closest to eegnet \(missing conv_temporal\.weight; extra surplus/),
  })
  expect(existsSync(target)).toBe(false)
})

test.each([
  ['a file', (path: string) => writeFileSync(path, 'precious')],
  ['a folder', (path: string) => mkdirSync(path)],
])('%s that is there already is not overwritten', async (_what, make) => {
  const target = fresh('.pth')
  make(target)
  await expect(convertCheckpoint(reference('eegnet'), target)).rejects.toMatchObject({
    code: 'FILE_WRITE_FAILED',
    message: expect.stringMatching(/something of this name already/),
  })
})

test('a folder that cannot be written names the target, and leaves nothing', async () => {
  const target = join(folder, 'no', 'such', 'folder', 'x')
  for (const to of ['braindecode', 'torch', 'eegtorch'] as const) {
    const error = await convertCheckpoint(reference('eegnet'), target, { to }).catch((e) => e)
    expect([error.code, error.file]).toEqual(['FILE_WRITE_FAILED', target])
  }
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

test.each([
  ['net.h5', undefined, /does not tell which layout/],
  ['net.pth', 'onnx', /no layout onnx/],
])('the layout of %s must be known', async (name, to, message) => {
  const target = join(folder, name)
  await expect(convertCheckpoint(reference('eegnet'), target, { to: to as never })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(message),
  })
})

test('a network that a layout has no place for is refused', async () => {
  const source = fresh('.safetensors')
  await models.eegClipMapper({ dModel: 16, feedforwardDim: 32, clipDim: 8, nQueries: 3, nLayers: 1 }).save(source)
  await expect(convertCheckpoint(source, fresh(), { to: 'braindecode' })).rejects.toThrow(/braindecode has no network/)
  await expect(convertCheckpoint(source, fresh('.pth'), { to: 'eeg2image' })).rejects.toThrow(/classifier_input prompt/)
  await expect(convertCheckpoint(reference('eegnet'), fresh('.pth'), { to: 'eeg2image' })).rejects.toThrow(/saves no/)
})

test('one of several state dicts is asked for by its key', async () => {
  const source = fresh('.pth')
  const [a, b] = [models.eegnet(small), models.eegnet(small)]
  const state = (net: typeof a) => new Map(Object.entries(net.stateDict()))
  await writeTorch(source, { student: state(a), teacher: state(b), step: 9, rng: tensor([1, 2, 3]) })
  await expect(convertCheckpoint(source, fresh('.safetensors'))).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(/several state dicts: expected the key of one: "student", "teacher"/),
  })
  using teacher = await models.load(source, { key: 'teacher', config: small })
  const x = randn([1, 4, 128])
  expect(teacher.forward(x).toArray()).toEqual(b.eval().forward(x).toArray())
  await expect(models.load(source, { key: 'ema', config: small })).rejects.toMatchObject({ code: 'UNKNOWN_NAME' })
})

test('a pretrained encoder is put into its classifier, whose head stays', async () => {
  const shape = { inDim: 25, outDim: 25, dModel: 25, dimFeedforward: 30, nhead: 5, nLayer: 2, nPatches: 4 }
  using net = models.csbrainClassifier({ ...shape, brainRegions: [0, 1, 1] })
  const head = net.stateDict()['feed_forward.6.weight']!.toArray()
  const { loaded, left, unused } = await loadFitting(net, reference('CSBrain.pth'))
  expect([loaded.length, left.length, unused]).toEqual([
    Object.keys(net.stateDict()).length - 6,
    6,
    ['proj_out.0.weight', 'proj_out.0.bias'],
  ])
  expect(left.every((name) => name.startsWith('feed_forward.'))).toBe(true)
  const stored = await openCheckpoint(reference('CSBrain.pth')).tensors.load('encoder.layers.1.norm2.weight')
  expect(net.stateDict()['backbone.encoder.layers.1.norm2.weight']!.toArray()).toEqual(stored.toArray())
  expect(net.stateDict()['feed_forward.6.weight']!.toArray()).toEqual(head)
  await expect(loadFitting(models.lstmEeg({ nChans: 3 }), reference('CSBrain.pth'))).rejects.toMatchObject({
    code: 'CHECKPOINT_MISMATCH',
  })
})
