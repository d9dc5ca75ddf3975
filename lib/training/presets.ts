import { EegTorchError } from '../errors.ts'

/** Hyper-parameters that a design document states. */
export interface Preset {
  /** The document, by its name in `docs/training.md`. */
  readonly document: string
  /** What they train or sample. */
  readonly what: string
  /** As `eegtorch train` and its YAML files take them; absent where another loop trains. */
  readonly train?: Readonly<Record<string, unknown>>
  /** For the loop in question, phase by phase. */
  readonly loop?: Readonly<Record<string, unknown>>
}

const ADAM_MILLI = { optimizer: 'adam', lr: 1e-3 } as const
const TEXT = {
  // `accumulate` cuts a batch: 8 micro-batches of 4 examples.
  batchSize: 32,
  accumulate: 8,
  optimizer: 'adamw',
  weightDecay: 0.01,
  schedule: 'cosine',
  autocast: 'float16',
  clipNorm: 1,
} as const

/**
 * Every table of hyper-parameters of the design documents, by name. What a document leaves open is left to the defaults.
 */
export const presets = {
  bcic_iv_2a_networks: {
    document: 'bcic_iv_2a_networks',
    what: 'ConvNet (table 1), the document’s best',
    train: {
      model: 'conv_net',
      modelOptions: { nFilters: [25, 50, 100, 200], kernelLength: 20, poolLength: 6, poolStride: 3, dropProb: 0.25 },
      folds: 5,
    },
  },
  bcic_iv_2a_networks_vae: {
    document: 'bcic_iv_2a_networks',
    what: 'VAE in front of the ConvNet (table 2)',
    train: { model: 'vae_conv_net', modelOptions: { hiddenDim: 2000, latentDim: 20 }, folds: 5 },
  },
  bcic_iv_2a_networks_rnn: {
    document: 'bcic_iv_2a_networks',
    what: 'convolution and recurrent layers (table 3), upsampled by 2',
    train: {
      model: 'cnn_rnn',
      modelOptions: {
        cell: 'lstm',
        convFilters: 40,
        convLength: 20,
        convStride: 4,
        poolLength: 4,
        hiddenSize: 64,
        nLayers: 3,
        bidirectional: true,
        fcFeatures: 64,
        dropProb: 0.5,
      },
      upsample: 2,
      folds: 5,
    },
  },
  cnn_aae_autoencoder: {
    document: 'cnn_aae',
    what: 'adversarial autoencoder: three optimisers alike',
    loop: { epochs: 100, optimizer: 'adam', lr: 1e-4, adversarialWeight: 0.1, latentDim: 128, imageSize: 64 },
  },
  cnn_aae_classifier: {
    document: 'cnn_aae',
    what: 'classifier of the latent vectors, with the encoder trained along',
    loop: { epochs: 50, optimizer: 'adam', lr: 1e-4, trainEncoder: true, dropProb: 0.5 },
  },
  eegnet_lstm_transformer_eegnet: {
    document: 'eegnet_lstm_transformer',
    what: 'EEGNet',
    train: { model: 'eegnet', modelOptions: { F1: 8, D: 2, kernelLength: 64, dropProb: 0.25 }, ...ADAM_MILLI },
  },
  eegnet_lstm_transformer_lstm: {
    document: 'eegnet_lstm_transformer',
    what: 'LSTM',
    train: { model: 'lstm_eeg', modelOptions: { hiddenSize: 128, nLayers: 2, dropProb: 0.3 }, ...ADAM_MILLI },
  },
  eegnet_lstm_transformer_transformer: {
    document: 'eegnet_lstm_transformer',
    what: 'Transformer',
    train: { model: 'transformer_eeg', modelOptions: { dModel: 256, nHeads: 8, nLayers: 4 }, ...ADAM_MILLI },
  },
  eeg2image_text_bcic: {
    document: 'eeg2image',
    what: 'EEG to text on BCIC IV 2a: warm-up, then jointly with LoRA',
    loop: { ...TEXT, warmUp: { epochs: 5, lr: 5e-4 }, joint: { epochs: 15, lr: 2e-4 }, lora: { rank: 8, alpha: 16 } },
  },
  eeg2image_text_vi: {
    document: 'eeg2image',
    what: 'EEG to text on Visual Imagery: warm-up, then jointly with LoRA',
    loop: { ...TEXT, warmUp: { epochs: 3, lr: 5e-4 }, joint: { epochs: 7, lr: 2e-4 }, lora: { rank: 8, alpha: 16 } },
  },
  eeg2image_mapper: {
    document: 'eeg2image',
    what: 'EEG to CLIP tokens: warm-up without the squared error, then with it',
    loop: {
      batchSize: 16,
      optimizer: 'adamw',
      weightDecay: 0.01,
      temperature: 0.5,
      mapper: { nTokens: 20, dModel: 512, nHeads: 8, nLayers: 4, feedforwardDim: 1024, nQueries: 77, clipDim: 768 },
      weights: { classification: 5, contrastive: 2, cosine: 1, mse: 0.1 },
      warmUp: { epochs: 5, lr: 5e-4, weights: { mse: 0 } },
      joint: { epochs: 15, lr: 1e-4 },
    },
  },
  eeg2image_amused: {
    document: 'eeg2image',
    what: 'pictures by aMUSEd-512',
    loop: { steps: 12, guidance: 10, imageSize: 512 },
  },
  eeg2image_stable_diffusion: {
    document: 'eeg2image',
    what: 'pictures by Stable Diffusion 1.5',
    loop: { steps: 25, guidance: 7.5, imageSize: 512 },
  },
  sgdm: {
    document: 'sgdm',
    what: 'diffusion guided by EEG and semantics, training and sampling',
    loop: {
      optimizer: 'adamw',
      lr: 1e-4,
      clipNorm: 1,
      trainTimesteps: 1000,
      latentScale: 0.18215,
      steps: 50,
      guidance: 7.5,
      band: [1, 50],
      icaComponents: 15,
      icaSeed: 42,
      window: [0, 0.5],
      imageSize: 256,
      // the document's CLIP, ViT-B/32
      semanticDim: 512,
      latentDim: 512,
      encoder: {
        ...{ nChans: 64, nTimes: 512, convFilters: [128, 256], convLengths: [7, 5], pooledLength: 128 },
        ...{ nHeads: 8, hiddenDim: 1024, dropProb: 0.3 },
      },
      unet: { blockOutChannels: [320, 640, 1280, 1280], layersPerBlock: 2, inChannels: 4, nScales: 3, baseDim: 128 },
    },
  },
} as const satisfies Record<string, Preset>

/** The name of a preset. */
export type PresetName = keyof typeof presets

/**
 * The options of `eegtorch train` that a preset stands for.
 *
 * @throws EegTorchError `UNKNOWN_NAME`; `INVALID_OPTION` for a preset of another loop
 */
export function trainPreset(name: string): Readonly<Record<string, unknown>> {
  const preset: Preset | undefined = Object.hasOwn(presets, name) ? presets[name as PresetName] : undefined
  if (preset?.train !== undefined) return preset.train
  const usable = Object.entries<Preset>(presets).filter(([, { train }]) => train !== undefined)
  throw new EegTorchError(
    preset === undefined ? 'UNKNOWN_NAME' : 'INVALID_OPTION',
    preset === undefined ? `no preset is called ${name}` : `the preset ${name} is not for eegtorch train`,
    { option: 'preset', expected: `one of ${usable.map(([known]) => known).join(', ')}`, received: name },
  )
}
