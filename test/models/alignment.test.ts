import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cat, fitModels, manualSeed, models, ones, openCheckpoint, randn, type Tensor, tensor, zeros } from 'eegtorch'
import { errorOf } from '../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-alignment-'))
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(() => manualSeed(0))

const apart = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item() as number

describe('outputs that depend on options', () => {
  test('multi_scale_conditioning gives two vectors for each scale', () => {
    using net = models.multiScaleConditioning({ latentDim: 5, semanticDim: 4, nScales: 2, baseDim: 3 })
    expect(net.outputs).toEqual(['eeg0', 'semantic0', 'eeg1', 'semantic1', 'context'])
    const [latent, semantic] = [randn([2, 5]), randn([2, 4])]
    const { context, eeg1, semantic0, eeg2 } = net.run({ latent, semantic, hasSemantic: ones([2], { dtype: 'int64' }) })
    expect([context.shape, eeg1!.shape, semantic0!.shape, eeg2]).toEqual([[2, 1, 9], [2, 6], [2, 3], undefined])
    expect(apart(context.squeeze(1), cat([latent, semantic], 1))).toBe(0)
  })

  test('eeg_conformer gives features in place of logits, and names them so', () => {
    const options = { nChans: 3, nTimes: 160, nFiltersTime: 4, numHeads: 2, numLayers: 1 }
    using classifier = models.eegConformer(options)
    using encoder = models.eegConformer({ ...options, returnFeatures: true })
    expect([classifier.outputs, encoder.outputs]).toEqual([['logits'], ['features']])
    expect(encoder.run({ eeg: randn([2, 3, 160]) }).features!.shape).toEqual([2, 5, 4])
    expect(Object.keys(encoder.stateDict())).toEqual(Object.keys(classifier.stateDict()))
  })

  test('the list of models marks them', () => {
    const outputs = new Map(models.list().map((model) => [model.name, model.outputs]))
    expect(outputs.get('eeg_conformer')).toEqual(['logits?', 'features?'])
    expect(outputs.get('multi_scale_conditioning')).toEqual(['eeg*', 'semantic*', 'context'])
  })
})

test('a learned vector stands where there is no semantic one', () => {
  using net = models.multiScaleConditioning({ latentDim: 2, semanticDim: 3, nScales: 1 })
  net.parameters().null_semantic!.detach().fill_(7)
  const semantic = ones([2, 3]).mul(Number.NaN)
  const inputs = { latent: zeros([2, 2]), semantic, hasSemantic: tensor([true, false]) }
  const { context } = net.run(inputs)
  expect(context.toArray()).toEqual([[[0, 0, Number.NaN, Number.NaN, Number.NaN]], [[0, 0, 7, 7, 7]]])
  const flags = { ...inputs, hasSemantic: ones([2]) }
  expect(errorOf(() => net.run(flags))).toMatchObject({ code: 'DTYPE_MISMATCH', expected: 'int64 or bool' })
  expect(errorOf(() => net.run({ ...inputs, hasSemantic: tensor([true]) }))).toMatchObject({ code: 'SHAPE_MISMATCH' })
  expect(errorOf(() => models.multiScaleConditioning({ nScales: 40 }))).toMatchObject({ option: 'nScales' })
})

test('eeg_token_reducer takes the mean of each region, and nothing from another', () => {
  using net = models.eegTokenReducer({ brainRegions: [4, 0, 4], nPatches: 2, dim: 3 })
  const features = randn([1, 3, 2, 3])
  const tokens = net.forward(features)
  expect(apart(tokens.slice(1, 0, 2), features.select(1, 1))).toBe(0)
  expect(apart(tokens.slice(1, 2, 4), features.select(1, 0).add(features.select(1, 2)).div(2))).toBeLessThan(1e-6)
  features.select(1, 1).fill_(Number.NaN)
  expect(net.forward(features).slice(1, 2, 4).isfinite().all().item()).toBe(true)
  expect(Object.keys(net.stateDict())).toEqual([])
  expect(errorOf(() => models.eegTokenReducer({ brainRegions: [] }))).toMatchObject({ option: 'brainRegions' })
})

test('no checkpoint is said to fit a model without weights', async () => {
  const path = join(folder, 'lstm.safetensors')
  using net = models.lstmEeg({ nChans: 3, nTimes: 20, hiddenSize: 4 })
  await net.save(path)
  const fits = fitModels(openCheckpoint(path))
  expect(fits[0]).toMatchObject({ model: 'lstm_eeg', exact: true })
  expect(fits.map(({ model }) => model)).not.toContain('eeg_token_reducer')
})

describe('qformer', () => {
  const options = {
    hiddenSize: 12,
    numAttentionHeads: 3,
    numHiddenLayers: 2,
    intermediateSize: 16,
    encoderHiddenSize: 5,
  }
  const inputs = () => ({
    queryEmbeds: randn([2, 4, 12]),
    encoderHiddenStates: randn([2, 6, 5]),
    encoderAttentionMask: tensor([
      [1, 1, 1, 1, 1, 1],
      [1, 1, 1, 0, 0, 0],
    ]).to({ dtype: 'int64' }),
  })

  test('tokens that are masked change nothing, their neighbours do', () => {
    using net = models.qformer(options).eval()
    const given = inputs()
    const before = net.run(given).lastHiddenState
    given.encoderHiddenStates.select(0, 1).slice(0, 3, 6).fill_(100)
    expect(apart(before, net.run(given).lastHiddenState)).toBe(0)
    given.encoderHiddenStates.select(0, 1).select(0, 0).fill_(100)
    const after = net.run(given)
    expect(apart(before.select(0, 1), after.lastHiddenState.select(0, 1))).toBeGreaterThan(0.01)
    expect(apart(after.poolerOutput, after.lastHiddenState.select(1, 0))).toBe(0)
  })

  test('a window without any token stays finite, with dropout and without', () => {
    using net = models.qformer({ ...options, attentionProbsDropoutProb: 0.4 })
    const given = { ...inputs(), encoderAttentionMask: zeros([2, 6], { dtype: 'bool' }) }
    for (const training of [true, false]) {
      const { lastHiddenState } = net.train(training).run(given)
      lastHiddenState.square().sum().backward()
      expect(lastHiddenState.isfinite().all().item()).toBe(true)
      for (const { grad } of Object.values(net.parameters())) expect(grad!.isfinite().all().item()).toBe(true)
    }
  })

  test("the text branch's tensors are there when asked for, and only then", () => {
    using plain = models.qformer(options)
    using text = models.qformer({ ...options, useQformerTextInput: true })
    const extra = Object.keys(text.stateDict()).filter((name) => !Object.hasOwn(plain.stateDict(), name))
    expect(extra.filter((name) => name.startsWith('encoder.layer.1.'))).toEqual([
      'encoder.layer.1.intermediate.dense.weight',
      'encoder.layer.1.intermediate.dense.bias',
      'encoder.layer.1.output.dense.weight',
      'encoder.layer.1.output.dense.bias',
      'encoder.layer.1.output.LayerNorm.weight',
      'encoder.layer.1.output.LayerNorm.bias',
    ])
  })

  test('heads that do not divide the width are refused', () => {
    expect(errorOf(() => models.qformer({ ...options, numAttentionHeads: 5 }))).toMatchObject({
      code: 'INVALID_OPTION',
      option: 'numAttentionHeads',
    })
  })
})
