/** Stable Diffusion 1.5: what differs from diffusers' defaults. Latents of 32 x 32 are pictures of 256 x 256. */
const stableDiffusion = { crossAttentionDim: 768 }
const latent = { sample: [4, 32, 32], timestep: [] }
const prompt = { encoder_hidden_states: [77, 768] }
/** The autoencoder of Stable Diffusion. */
const stableDiffusionVae = {
  blockOutChannels: [128, 256, 512, 512],
  downBlockTypes: Array(4).fill('DownEncoderBlock2D'),
  upBlockTypes: Array(4).fill('UpDecoderBlock2D'),
  layersPerBlock: 2,
}
/** The levels of aMUSEd's tokens, a sixteenth of the picture's sides. */
const tokenLevels = {
  ...{ blockOutChannels: [128, 256, 256, 512, 768], layersPerBlock: 2, latentChannels: 64, numVqEmbeddings: 8192 },
  ...{ downBlockTypes: Array(5).fill('DownEncoderBlock2D'), upBlockTypes: Array(5).fill('UpDecoderBlock2D') },
  ...{ midBlockAddAttention: false, lookupFromCodebook: true, sampleSize: [64, 64] },
}
/** A UNet of 102 million parameters. */
const smallUNet = { blockOutChannels: [128, 256, 384, 448] }

/** TinyLlama reads 128 tokens, then appends one after the other. */
const texts = { program: 'language', layers: 22, batch: 1, large: true }
const textActions = {
  'prefill of 128 tokens': { action: 'prefill' },
  'one new token': { action: 'decode', count: 4 },
}

/** EEG of the BCI Competition IV 2a: 22 electrodes, 4 s at 250 Hz. */
const trial = { eeg: [22, 1000] }

/**
 * What is measured, by case. A case is one network, or several in a row, at the reference's default sizes unless `options` say
 * otherwise (the reference's are made from them). `inputs` are shapes without the batch, standard normal; `integers` names those that
 * are zeros of int64. The loss compares the first output with class numbers or, by squares, with noise; null: nothing to train.
 * optimizer: adam or adamw, of which tuned PyTorch takes the fused one. onlyTraining: no inference. method: the part of the network that is run, all of it where there is none. large: slow, so that PyTorch runs as it comes, and once;
 * tuned: in spite of that tuned as well, with images' channels innermost and, compiled, weights in oneDNN's order.
 * program: what prepares the case (worker.mjs). actions: what is asked of it, where that is not inference and training. beside: how a second
 * PyTorch differs.
 */
export const cases = {
  eegnet: network('eegnet', trial),
  shallow_fbcsp_net: network('shallow_fbcsp_net', trial),
  deep4net: network('deep4net', trial),
  conv_net: network('conv_net', trial),
  resnet1d: network('resnet1d', trial),
  latent_cnn_classifier: network('latent_cnn_classifier', { latent: [144] }),
  lstm_eeg: network('lstm_eeg', { eeg: [64, 128] }),
  lstm_eeg_250: network('lstm_eeg', { eeg: [22, 250] }, { options: { nChans: 22, nTimes: 250 } }),
  cnn_rnn: network('cnn_rnn', trial),
  cnn_rnn_gru: network('cnn_rnn', trial, { options: { cell: 'gru' } }),
  cnn_rnn_rnn: network('cnn_rnn', trial, { options: { cell: 'rnn' } }),
  atcnet: network('atcnet', trial, { batch: 16 }),
  eeg_conformer: network('eeg_conformer', trial, { batch: 16 }),
  transformer_eeg: network('transformer_eeg', { eeg: [64, 250] }, { batch: 16, options: { nTimes: 250 } }),
  csbrain: network('csbrain', { eeg: [22, 4, 200], mask: [22, 4] }, { batch: 16, integers: ['mask'], loss: 'mse' }),
  csbrain_classifier: network('csbrain_classifier', { eeg: [22, 4, 200] }, { batch: 16 }),
  cbramod: network('cbramod', { eeg: [22, 4, 200], mask: [22, 4] }, { batch: 16, integers: ['mask'], loss: 'mse' }),
  cbramod_classifier: network('cbramod_classifier', { eeg: [22, 800] }, { batch: 16 }),
  eeg_token_reducer: network('eeg_token_reducer', { features: [22, 4, 200] }, { loss: null }),
  eeg_projection: network('eeg_projection', { tokens: [12, 200] }, { loss: 'mse' }),
  eeg_clip_mapper: network('eeg_clip_mapper', { tokens: [20, 200] }, { batch: 16, loss: 'mse' }),
  aae: { ...network('aae_encoder', { image: [1, 64, 64] }, { loss: 'mse' }), networks: ['aae_encoder', 'aae_decoder'] },
  aae_discriminator: network('aae_discriminator', { latent: [144] }, { loss: 'mse' }),
  vae: network('vae', { ...trial, noise: [20] }, { loss: 'mse' }),
  vae_conv_net: network('vae_conv_net', { ...trial, noise: [20] }),
  vae_cnn_rnn: network('vae_cnn_rnn', { ...trial, noise: [20] }),
  vae_resnet1d: network('vae_resnet1d', { ...trial, noise: [20] }),
  vae_deep4net: network('vae_deep4net', { ...trial, noise: [20] }),
  sgdm_eeg_encoder: network('sgdm_eeg_encoder', { eeg: [64, 512] }, { batch: 16, loss: 'mse' }),
  multi_scale_conditioning: network(
    'multi_scale_conditioning',
    { latent: [512], semantic: [512], has_semantic: [] },
    { integers: ['has_semantic'], loss: 'mse' },
  ),
  qformer: network(
    'qformer',
    { query_embeds: [32, 768], encoder_hidden_states: [22, 1408], encoder_attention_mask: [22] },
    { batch: 16, integers: ['encoder_attention_mask'], loss: 'mse' },
  ),
  // One step of a picture of 256 x 256, alone and with its unconditional twin.
  unet2d_condition: network(
    'unet2d_condition',
    { ...latent, ...prompt },
    { batch: 2, integers: ['timestep'], options: stableDiffusion, loss: null, large: true, tuned: true },
  ),
  // Pictures of 256 x 256 and of 512 x 512 from their latents.
  vae_decode_256: decoder({ latents: [4, 32, 32] }, 2),
  vae_decode_512: decoder({ latents: [4, 64, 64] }, 1),
  unet_100m: network(
    'unet2d_condition',
    { ...latent, ...prompt },
    {
      ...{ batch: 4, integers: ['timestep'], options: { ...stableDiffusion, ...smallUNet } },
      ...{ loss: 'mse', optimizer: 'adamw', large: true, onlyTraining: true },
    },
  ),
  controlnet: network(
    'controlnet',
    { ...latent, ...prompt, controlnet_cond: [3, 256, 256] },
    { batch: 2, integers: ['timestep'], options: stableDiffusion, loss: null, large: true },
  ),
  sgdm_unet: network(
    'sgdm_unet',
    { ...latent, latent: [512], semantic: [512], has_semantic: [] },
    { batch: 4, integers: ['timestep', 'has_semantic'], options: { ...smallUNet, nScales: 2 }, loss: 'mse' },
  ),
  clip_text: network('clip_text', { input_ids: [77] }, { batch: 16, integers: ['input_ids'], loss: null }),
  clip_text_with_projection: network(
    'clip_text_with_projection',
    { input_ids: [77] },
    { batch: 16, integers: ['input_ids'], loss: null },
  ),
  clip_vision: network('clip_vision', { pixel_values: [3, 224, 224] }, { batch: 4, loss: null }),
  // Both ways through the tokens of a picture of 64 x 64.
  vq_model: network(
    'vq_model',
    { image: [3, 64, 64], codes: [4, 4] },
    { batch: 4, integers: ['codes'], options: tokenLevels, loss: null },
  ),
  uvit2d: network(
    'uvit2d',
    { input_ids: [16, 16], encoder_hidden_states: [77, 768], pooled_text_emb: [768], micro_conds: [5] },
    { batch: 2, integers: ['input_ids'], options: { numHiddenLayers: 4, sampleSize: 16 }, loss: null },
  ),
  alexnet: network('alexnet', { image: [3, 224, 224] }, { batch: 16, loss: null }),
  inception_v3: network('inception_v3', { image: [3, 299, 299] }, { batch: 4, loss: null }),
  lpips_alex: network('lpips_alex', { image0: [3, 64, 64], image1: [3, 64, 64] }, { batch: 16, loss: null }),
  llama: { ...texts, networks: ['llama'], weights: 'dense', actions: textActions },
  // Beside bitsandbytes, and beside the reference with its weights as they are.
  llama_nf4: { ...texts, networks: ['llama'], weights: 'nf4', actions: textActions, beside: { weights: 'dense' } },
  // Sentences of 24 words behind 20 tokens of EEG, four layers of the 22.
  llama_lora_4_of_22_layers: {
    ...{ program: 'adapter', networks: ['llama_lora'], layers: 4, batch: 4, prefix: 20, words: 24, large: true },
    actions: { 'training step, batch 4': { action: 'training' } },
  },
  // The matrix is quantised in each run, as when weights are loaded into four bits.
  nf4: network(
    'nf4_linear',
    { x: [2048] },
    { references: ['nf4'], batch: 128, options: { inFeatures: 2048, outFeatures: 5632 }, loss: null, large: true },
  ),
}

function network(
  name,
  inputs,
  { options = {}, batch = 64, integers = [], loss = 'cross_entropy', optimizer = 'adam', ...rest } = {},
) {
  return {
    program: 'network',
    networks: [name],
    options,
    inputs,
    batch,
    integers,
    loss,
    optimizer,
    method: null,
    ...rest,
  }
}

function decoder(inputs, batch) {
  const settings = { batch, options: stableDiffusionVae, loss: null, large: true }
  return { ...network('autoencoder_kl', inputs, settings), method: 'decode' }
}
