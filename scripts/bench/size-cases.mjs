// The published sizes of what the pipelines of pictures hold, and one step of each as a pipeline takes it.

const SD_DOWN = ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D']
const SD_UP = ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D']
const SD_UNET = {
  downBlockTypes: SD_DOWN,
  upBlockTypes: SD_UP,
  blockOutChannels: [320, 640, 1280, 1280],
  sampleSize: 64,
}
const OPEN_CLIP = {
  hiddenSize: 1024,
  numHiddenLayers: 23,
  numAttentionHeads: 16,
  intermediateSize: 4096,
  hiddenAct: 'gelu',
}
const coder = (count) => ({
  downBlockTypes: new Array(count).fill('DownEncoderBlock2D'),
  upBlockTypes: new Array(count).fill('UpDecoderBlock2D'),
  layersPerBlock: 2,
})
const LORA = { r: 8, lora_alpha: 16, target_modules: ['q_proj', 'v_proj'] }

/**
 * `stage`: what is in memory together. `inputs` makes what the network sees, from the library; `method` is a part of the network that is run in place of all of it.
 * Guidance makes two of every picture. `wide` networks compute in float32 whatever the pipeline computes in.
 */
export const cases = {
  csbrain: {
    ...{ stage: 'encoder', network: 'csbrain', what: '16 trials of 32 channels', wide: true },
    options: ({ montages }) => montages.visualImagery.csbrain(),
    inputs: ({ randn, zeros }) => [randn([16, 32, 4, 200]), zeros([16, 32, 4], { dtype: 'int64' })],
  },
  mapper: {
    ...{ stage: 'encoder', network: 'eeg_clip_mapper', what: '16 trials to 77 tokens', wide: true },
    options: () => ({}),
    inputs: ({ randn }) => [randn([16, 20, 200])],
  },
  projection: {
    ...{ stage: 'language', network: 'eeg_projection', what: 'tokens of 8 trials', wide: true },
    options: () => ({ inDim: 200, outDim: 2048, nTokens: 20 }),
    inputs: ({ randn }) => [randn([8, 20, 200])],
  },
  tinyllama: {
    ...{ stage: 'language', network: 'llama_lora', what: 'TinyLlama, NF4 and LoRA: 90 tokens, 24 new' },
    options: () => ({ weights: 'nf4', double_quant: true, ...LORA }),
    inputs: ({ randn }) => [randn([1, 90, 2048]).mul(0.02)],
  },
  'sd15-text': {
    ...{ stage: 'sd15', network: 'clip_text', what: 'two texts' },
    options: () => ({}),
    inputs: ({ randint }) => [randint(0, 49408, [2, 77])],
  },
  'sd15-unet': {
    ...{ stage: 'sd15', network: 'unet2d_condition', what: 'one step at 512 x 512, guided' },
    options: () => ({ ...SD_UNET, crossAttentionDim: 768, attentionHeadDim: 8 }),
    inputs: ({ randn, full }) => [randn([2, 4, 64, 64]), full([], 500, { dtype: 'int64' }), randn([2, 77, 768])],
  },
  'sd-vae': {
    ...{ stage: 'sd15 sd21', network: 'autoencoder_kl', what: 'decode 512 x 512', method: 'decode' },
    options: () => ({ ...coder(4), blockOutChannels: [128, 256, 512, 512], sampleSize: 512 }),
    inputs: ({ randn }) => [randn([1, 4, 64, 64])],
  },
  'sd21-text': {
    ...{ stage: 'sd21', network: 'clip_text', what: 'two texts' },
    options: () => OPEN_CLIP,
    inputs: ({ randint }) => [randint(0, 49408, [2, 77])],
  },
  'sd21-unet': {
    ...{ stage: 'sd21', network: 'unet2d_condition', what: 'one step at 512 x 512, guided' },
    options: () => ({
      ...{ ...SD_UNET, crossAttentionDim: 1024, attentionHeadDim: [5, 10, 20, 20] },
      ...{ useLinearProjection: true, upcastAttention: true },
    }),
    inputs: ({ randn, full }) => [randn([2, 4, 64, 64]), full([], 500, { dtype: 'int64' }), randn([2, 77, 1024])],
  },
  'amused-text': {
    ...{ stage: 'amused', network: 'clip_text_with_projection', what: 'two texts' },
    options: () => ({ projectionDim: 768 }),
    inputs: ({ randint }) => [randint(0, 49408, [2, 77])],
  },
  'amused-transformer': {
    ...{ stage: 'amused', network: 'uvit2d', what: 'one step at 512 x 512, guided' },
    options: () => ({ downsample: true, upsample: true }),
    inputs: ({ randn, randint }) => ({
      inputIds: randint(0, 8192, [2, 32, 32]),
      encoderHiddenStates: randn([2, 77, 768]),
      microConds: randn([2, 5]),
      pooledTextEmb: randn([2, 768]),
    }),
  },
  'amused-codes': {
    ...{ stage: 'amused', network: 'vq_model', what: 'decode 512 x 512', method: 'decode', wide: true },
    options: () => ({
      ...{ ...coder(5), blockOutChannels: [128, 256, 256, 512, 768], latentChannels: 64 },
      ...{ numVqEmbeddings: 8192, midBlockAddAttention: false, sampleSize: 32 },
    }),
    inputs: ({ randint }) => [randint(0, 8192, [1, 32, 32])],
  },
}
