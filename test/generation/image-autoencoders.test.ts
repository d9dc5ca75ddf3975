import { models, randn, type Tensor, zeros } from 'eegtorch'
import { errorOf } from '../thrown.ts'

// Agreement with diffusers is in test/verify/oracle.test.ts.

const SMALL = {
  blockOutChannels: [4, 8],
  downBlockTypes: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
  upBlockTypes: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
  normNumGroups: 2,
  latentChannels: 3,
} as const

const apart = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item() as number

test('an autoencoder encodes and decodes apart as it does in one run', async () => {
  using vae = models.create('autoencoder_kl', SMALL).eval()
  const [image, noise, latents] = [randn([2, 3, 8, 6]), randn([2, 3, 4, 3]), randn([2, 3, 4, 3])] as const
  const all = vae.run({ image, noise, latents })
  const [mean, logvar, encoded] = vae.call('encode', image, noise)
  const [decoded] = await vae.callAsync('decode', [latents])
  expect([mean, logvar, encoded, decoded].map((part) => part!.shape)).toEqual([
    [2, 3, 4, 3],
    [2, 3, 4, 3],
    [2, 3, 4, 3],
    [2, 3, 8, 6],
  ])
  expect(apart(mean!, all.mean) + apart(logvar!, all.logvar) + apart(encoded!, all.encoded)).toBeLessThan(1e-5)
  expect(apart(decoded!, all.decoded)).toBeLessThan(1e-5)
})

test('codes that are decoded are those that an image was encoded to', () => {
  using vq = models.create('vq_model', { ...SMALL, numVqEmbeddings: 7, vqEmbedDim: 2 }).eval()
  const image = randn([1, 3, 8, 8])
  const [latents, indices] = vq.call('encode', image)
  expect([latents!.shape, indices!.shape, indices!.dtype]).toEqual([[1, 2, 4, 4], [1, 4, 4], 'int64'])
  const rounded = vq.run({ image, codes: indices! })
  expect(apart(vq.call('decode', indices!)[0]!, rounded.decoded)).toBeLessThan(1e-5)
})

test('published names of attention are read', () => {
  using vae = models.create('autoencoder_kl', SMALL)
  using other = models.create('autoencoder_kl', SMALL)
  const older = Object.fromEntries(
    Object.entries(vae.stateDict()).map(([name, value]) => [
      name
        .replace('.to_q.', '.query.')
        .replace('.to_k.', '.key.')
        .replace('.to_v.', '.value.')
        .replace('.to_out.0.', '.proj_attn.'),
      value,
    ]),
  )
  expect(Object.keys(older).filter((name) => name.includes('proj_attn'))).toHaveLength(4)
  other.loadStateDict(older)
  const latents = randn([1, 3, 2, 2])
  expect(apart(vae.call('decode', latents)[0]!, other.call('decode', latents)[0]!)).toBe(0)
})

test('what an autoencoder cannot take is refused by name', () => {
  using vae = models.create('autoencoder_kl', SMALL)
  using vq = models.create('vq_model', { ...SMALL, numVqEmbeddings: 4 })
  const said = (make: () => unknown) => {
    const { code, message } = errorOf(make)
    return `${code} ${message}`
  }
  expect(said(() => vae.call('draw', zeros([1])))).toMatch(/^UNKNOWN_NAME .*draw.*encode, decode/)
  expect(said(() => vae.call('decode'))).toMatch(/^INVALID_OPTION .*decode.*1.*0/)
  expect(said(() => vae.call('decode', zeros([1, 4, 2, 2])))).toMatch(/^SHAPE_MISMATCH .*3 channels of the latents/)
  expect(said(() => vae.call('encode', zeros([1, 3, 1, 8]), zeros([1, 3, 1, 4])))).toMatch(/at least 2/)
  expect(said(() => vae.call('encode', zeros([1, 3, 8, 8]), zeros([1, 3, 4, 5])))).toMatch(/4 rows, 4 columns/)
  expect(said(() => vq.call('decode', zeros([1, 2, 2], { dtype: 'int64' }).add(4)))).toMatch(
    /^INVALID_OPTION .*from 0 to 3.*4/,
  )
  expect(said(() => models.create('autoencoder_kl', { ...SMALL, normNumGroups: 3 }))).toMatch(/normNumGroups/)
  expect(said(() => models.create('vq_model', { ...SMALL, upBlockTypes: [] }))).toMatch(/upBlockTypes.*as many as/)
  using classifier = models.create('eegnet')
  expect(said(() => classifier.call('decode', zeros([1])))).toMatch(/^UNKNOWN_NAME .*eegnet has no methods/)
})

test("aMUSEd's transformer refuses sizes that it cannot halve", () => {
  const options = { hiddenSize: 8, blockOutChannels: 8, inChannels: 4, numHiddenLayers: 1, numResBlocks: 1 }
  const text = { encoderHiddenSize: 4, condEmbedDim: 4, microCondEncodeDim: 2, microCondEmbedDim: 10 }
  const more = { blockNumHeads: 2, numAttentionHeads: 2, intermediateSize: 8, codebookSize: 5, vocabSize: 6 }
  using net = models.create('uvit2d', { ...options, ...text, ...more, downsample: true, upsample: true }).eval()
  const run = (rows: number) =>
    net.run({
      inputIds: zeros([1, rows, 4], { dtype: 'int64' }),
      encoderHiddenStates: zeros([1, 3, 4]),
      pooledTextEmb: zeros([1, 4]),
      microConds: zeros([1, 5]),
    })
  expect(run(2).logits.shape).toEqual([1, 5, 2, 4])
  expect(errorOf(() => run(3)).message).toMatch(/even numbers of rows/)
})
