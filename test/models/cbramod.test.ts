import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  inspectCheckpoint,
  loadFitting,
  manualSeed,
  models,
  openCheckpoint,
  randn,
  type Tensor,
  writeSafetensors,
} from 'eegtorch'

const home = mkdtempSync(join(tmpdir(), 'eegtorch-cbramod-'))
let count = 0
const fresh = (ending = '') => join(home, `${count++}${ending}`)
afterAll(() => rmSync(home, { recursive: true }))

const small = { inDim: 50, dModel: 50, outDim: 50, nhead: 10, dimFeedforward: 30, nLayer: 2 }
const apart = (a: Tensor, b: Tensor) => Number(a.sub(b).abs().max().item())

test('a classifier takes a pretrained encoder, whose projection it has no place for', async () => {
  manualSeed(1)
  const [file, options] = [fresh('.safetensors'), { ...small, nChans: 3, nTimes: 100, nOutputs: 2 }]
  using encoder = models.cbramod(small).eval()
  using net = models.cbramodClassifier({ ...options, classifier: 'avgpooling_patch_reps' }).eval()
  await writeSafetensors(file, encoder.stateDict())
  const { loaded, left, unused } = await loadFitting(net, file)
  expect([loaded.length, left, unused.sort()]).toEqual([
    Object.keys(encoder.stateDict()).length - 2,
    ['classifier.3.weight', 'classifier.3.bias'],
    ['proj_out.0.bias', 'proj_out.0.weight'],
  ])
  const eeg = randn([2, 3, 100])
  const { features } = encoder.run({ eeg: eeg.reshape([2, 3, 2, 50]), mask: randn([2, 3, 2]).gt(9).to('int64') })
  const { 'classifier.3.weight': weight, 'classifier.3.bias': bias } = net.stateDict()
  expect(apart(net.forward(eeg), features.mean([1, 2]).matmul(weight!.t()).add(bias!))).toBeLessThan(1e-5)
})

test("braindecode's CBraMod with its classifier is recognised by names, shapes and config.json", async () => {
  manualSeed(2)
  const options = { ...small, outDim: 7, nChans: 2, nTimes: 150, nOutputs: 3 }
  using net = models.cbramodClassifier({ ...options, classifier: 'all_patch_reps_onelayer', projection: true }).eval()
  const rename = (name: string) => name.replace('backbone.', '').replace('classifier.', 'final_layer.')
  const folder = fresh()
  mkdirSync(folder)
  const state = Object.entries(net.stateDict()).map(([name, tensor]) => [rename(name), tensor] as const)
  await writeSafetensors(join(folder, 'model.safetensors'), new Map(state))
  const config = { n_chans: 2, n_times: 150, n_outputs: 3, nhead: 10, patch_size: 50, emb_dim: 7, drop_prob: 0.1 }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  using loaded = await models.load(folder)
  const eeg = randn([2, 2, 150])
  expect(loaded.name).toBe('cbramod_classifier')
  expect(apart(loaded.forward(eeg) as Tensor, net.forward(eeg))).toBe(0)
})

test.each([
  ['all_patch_reps', {}],
  ['all_patch_reps_twolayer', { n_chans: 3, n_times: 100 }],
  ['avgpooling_patch_reps', { n_chans: 3, n_times: 100 }],
] as const)('inspect tells a fine-tuned network with the classifier %s', async (classifier, told) => {
  const file = fresh('.safetensors')
  using net = models.cbramodClassifier({ ...small, nChans: 3, nTimes: 100, nOutputs: 5, classifier })
  await writeSafetensors(file, net.stateDict())
  const [best] = inspectCheckpoint(openCheckpoint(file), { nhead: 10, ...told }).fits
  expect([best?.model, best?.exact]).toEqual(['cbramod_classifier', true])
})

test('inspect names the encoder at its published size', async () => {
  const file = fresh('.safetensors')
  using net = models.cbramod()
  await writeSafetensors(file, net.stateDict())
  const { tensors, elements, fits } = inspectCheckpoint(openCheckpoint(file))
  expect([tensors.length, elements, fits[0]?.model, fits[0]?.exact]).toEqual([211, 4924000, 'cbramod', true])
})

test('sizes that do not go together are refused by name', () => {
  expect(() => models.cbramod({ ...small, nhead: 5 })).toThrow(/nhead.*even/)
  expect(() => models.cbramod({ ...small, inDim: 25 })).toThrow(/in_dim|inDim/)
  expect(() => models.cbramodClassifier({ ...small, nTimes: 120 })).toThrow(/nTimes.*multiple of inDim, 50/)
  using net = models.cbramod(small)
  expect(() => net.run({ eeg: randn([1, 2, 3, 50]), mask: randn([1, 2, 2]).to('int64') })).toThrow(
    /2 channels, 3 patches/,
  )
})
