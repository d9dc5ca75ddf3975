import { asyncOps, manualSeed, memory, models, noGrad, ones, randn, type Tensor, tensor, zeros } from 'eegtorch'
import { native } from '../../lib/native.ts'

const small = { nChans: 4, nTimes: 160, nOutputs: 3 }

test('models are made by name, with defaults from C++', () => {
  using net = models.eegnet(small)
  expect(net.name).toBe('eegnet')
  expect(net.config).toMatchObject({ nChans: 4, F1: 8, F2: null, finalConvLength: 'auto', poolMode: 'mean' })
  expect(net.referenceConfig).toMatchObject({ n_chans: 4, final_conv_length: 'auto' })
  expect(net.forward(zeros([2, 4, 160])).shape).toEqual([2, 3])
  expect(models.eegnet.modelName).toBe('eegnet')
})

test("the reference's spelling of options makes the same model", () => {
  using ours = models.create('lstm_eeg', { nChans: 3, hiddenSize: 8 })
  using theirs = models.create('lstm_eeg', { n_chans: 3, hidden_size: 8 })
  expect(theirs.config).toEqual(ours.config)
  expect(() => models.create('lstm_eeg', { nChans: 3, n_chans: 3 })).toThrow(/nChans is given twice/)
})

test('an undefined option keeps its default', () => {
  using net = models.eegnet({ ...small, dropProb: undefined })
  expect(net.config.dropProb).toBe(0.25)
})

test('list describes every model and option', () => {
  const listed = models.list()
  expect(listed.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['eegnet', 'conv_net', 'lstm_eeg', 'aae_encoder', 'aae_decoder', 'aae_discriminator']),
  )
  for (const { options, citation, inputs, outputs } of listed) {
    expect(citation).not.toBe('')
    expect(inputs.length * outputs.length).toBeGreaterThan(0)
    for (const option of options) expect(option.doc).not.toBe('')
  }
})

test("state dicts have the reference's names and order, over the model's own memory", () => {
  using net = models.eegnet(small)
  const state = net.stateDict()
  expect(Object.keys(state).slice(0, 7)).toEqual([
    'conv_temporal.weight',
    'bnorm_temporal.weight',
    'bnorm_temporal.bias',
    'bnorm_temporal.running_mean',
    'bnorm_temporal.running_var',
    'bnorm_temporal.num_batches_tracked',
    'conv_spatial.parametrizations.weight.original',
  ])
  state['bnorm_temporal.bias']!.fill_(7)
  expect(net.parameters()['bnorm_temporal.bias']!.mean().item()).toBe(7)
  expect(state['bnorm_temporal.bias']!.requiresGrad).toBe(false)
})

test('a state dict moves weights from one model to another', () => {
  const input = randn([2, 4, 160])
  using a = models.eegnet(small).eval()
  using b = models.eegnet(small).eval()
  expect(distance(a.forward(input), b.forward(input))).toBeGreaterThan(0)
  b.loadStateDict(a.stateDict())
  expect(distance(a.forward(input), b.forward(input))).toBe(0)
})

test('names of older braindecode releases load', () => {
  using net = models.eegnet(small)
  const state = net.stateDict()
  const older = Object.fromEntries(
    Object.entries(state).map(([name, value]) => [
      name.replace('final_layer.', '').replace('conv_spatial.parametrizations.weight.original', 'conv_spatial.weight'),
      value,
    ]),
  )
  using other = models.eegnet(small)
  other.loadStateDict(older)
  expect(
    distance(other.stateDict()['final_layer.conv_classifier.weight']!, state['final_layer.conv_classifier.weight']!),
  ).toBe(0)
})

test('the mode decides on dropout and running statistics', () => {
  using net = models.eegnet({ ...small, dropProb: 0.5 })
  const input = randn([4, 4, 160])
  expect(net.training).toBe(true)
  expect(distance(net.forward(input), net.forward(input))).toBeGreaterThan(0)
  expect(net.buffers()['bnorm_1.num_batches_tracked']!.item()).toBe(2)
  net.eval()
  expect(distance(net.forward(input), net.forward(input))).toBe(0)
  expect(net.buffers()['bnorm_1.num_batches_tracked']!.item()).toBe(2)
})

test('a call that waits on the compute thread keeps the mode it was made in', async () => {
  using net = models.eegnet(small)
  const waiting = net.forwardAsync(randn([4, 4, 160]))
  net.eval()
  await waiting
  expect(net.buffers()['bnorm_1.num_batches_tracked']!.item()).toBe(1)
})

test('synchronous and asynchronous forward agree, and gradients reach the parameters', async () => {
  using net = models.convNet({ nChans: 3, nTimes: 200, nFilters: [4, 6], kernelLength: 9 }).eval()
  const input = randn([2, 3, 200])
  const here = net.forward(input)
  const there = await net.forwardAsync(input)
  expect(distance(here, there)).toBeLessThan(1e-5)
  there.sum().backward()
  const weight = net.parameters()['temporal_conv.weight']!
  expect(weight.grad!.abs().sum().item()).toBeGreaterThan(0)
  net.zeroGrad()
  expect(weight.grad).toBeNull()
  expect(noGrad(() => net.forward(input).requiresGrad)).toBe(false)
})

test('outputs come by name', async () => {
  using net = models.aaeDiscriminator({ latentDim: 5, hiddenDims: [4] })
  const { logit, probability } = net.run({ latent: ones([2, 5]) })
  expect(distance(logit.sigmoid(), probability)).toBe(0)
  const later = await net.runAsync({ latent: ones([2, 5]) })
  expect(distance(later.logit, logit)).toBeLessThan(1e-6)
})

test('to converts real numbers and leaves counters', () => {
  using net = models.eegnet(small).to({ dtype: 'float64' })
  const state = net.stateDict()
  expect(state['conv_temporal.weight']!.dtype).toBe('float64')
  expect(state['bnorm_1.num_batches_tracked']!.dtype).toBe('int64')
  expect(net.forward(zeros([1, 4, 160], { dtype: 'float64' })).dtype).toBe('float64')
})

test("the same seed gives PyTorch 2.11's initial weights", () => {
  manualSeed(3)
  using net = models.eegnet({ nChans: 3, nTimes: 64, dropProb: 0 })
  const state = net.stateDict()
  // torch.manual_seed(3); m = braindecode.models.EEGNet(3, 4, 64, drop_prob=0).state_dict(); m[NAME].flatten()[:3].tolist()
  const expected = {
    'conv_temporal.weight': [-0.12393412, -0.0986076593, -0.0535393804],
    'conv_spatial.parametrizations.weight.original': [-0.0932045653, 0.0847108439, 0.0562402196],
    'conv_separable_point.weight': [-0.0133635402, 0.0642232895, 0.00417044759],
    'final_layer.conv_classifier.weight': [-0.0880090892, 0.0716707334, 0.140990809],
  }
  for (const [name, values] of Object.entries(expected)) {
    const got = state[name]!.flatten().slice(0, 0, values.length)
    expect(distance(got, tensor(values))).toBeLessThan(1e-7)
  }
})

test('disposing frees the model and leaves tensors taken from it usable', () => {
  const before = memory().tensors
  const net = models.lstmEeg({ nChans: 2, hiddenSize: 4 })
  const weight = net.parameters()['fc.weight']!
  net.dispose()
  net.dispose()
  expect(net.disposed).toBe(true)
  expect(weight.shape).toEqual([4, 4])
  expect(() => net.forward(zeros([1, 2, 128]))).toThrow(expect.objectContaining({ code: 'USED_AFTER_DISPOSE' }))
  expect(memory().tensors).toBeGreaterThanOrEqual(before)
})

test('V8 hears of the memory that a model takes, of its conversion and of its end', () => {
  const external = () => native.counters().external
  const start = external()
  const net = models.lstmEeg({ nChans: 4, hiddenSize: 1000, nLayers: 1 })
  const bytes = 4 * 4 * 1000 * (1000 + 4)
  expect(Math.abs(external() - start - bytes)).toBeLessThan(3e6)
  net.to({ dtype: 'float64' })
  expect(Math.abs(external() - start - 2 * bytes)).toBeLessThan(3e6)
  net.dispose()
  expect(Math.abs(external() - start)).toBeLessThan(3e6)
})

test('work that waits is cancelled by a signal, and the model goes on', async () => {
  using net = models.eegnet(small).eval()
  const input = randn([8, 4, 160])
  const large = randn([1500, 1500])
  const before = asyncOps.aten.matmul(large, large) // keeps the compute thread busy meanwhile
  const controller = new AbortController()
  const second = net.forwardAsync(input, { signal: controller.signal })
  const third = net.runAsync({ eeg: input }, { signal: controller.signal })
  controller.abort()
  await expect(second).rejects.toMatchObject({ code: 'CANCELLED' })
  await expect(third).rejects.toMatchObject({ code: 'CANCELLED' })
  expect((await before).shape).toEqual([1500, 1500])
  await expect(net.forwardAsync(input, { signal: controller.signal })).rejects.toMatchObject({ code: 'CANCELLED' })
  expect((await net.forwardAsync(input, { signal: new AbortController().signal })).shape).toEqual([8, 3])
})

function distance(a: Tensor, b: Tensor): number {
  return a.sub(b).abs().max().item() as number
}
