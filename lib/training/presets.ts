import { EegTorchError } from '../errors.ts'

/** Commands that take a preset as `--preset NAME`, and functions that have its numbers for defaults. */
export type PresetTaker =
  | 'train'
  | 'denoise'
  | 'fitLatentClassifier'
  | 'finetune-text'
  | 'finetune-image'
  | 'train-diffusion'
  | 'generate'

/** Hyper-parameters that a design document states. */
export interface Preset {
  /** The document, by its name in `docs/training.md`. */
  readonly document: string
  /** What they train or sample. */
  readonly what: string
  readonly taker: PresetTaker
  /** In the taker's words: the command's YAML files have the same. */
  readonly options: Readonly<Record<string, unknown>>
}

const ADAM_MILLI = { optimizer: 'adam', lr: 1e-3 } as const
const TEXT = {
  // `accumulate` cuts a batch: 8 micro-batches of 4 examples.
  ...{ batchSize: 32, accumulate: 8, weightDecay: 0.01, autocast: 'float16', clipNorm: 1 },
  ...{ warmupLr: 5e-4, lr: 2e-4, loraRank: 8, loraAlpha: 16 },
} as const

/**
 * Every table of hyper-parameters of the design documents, by name. What a document leaves open is left to the defaults, and what it states is the
 * default of the loops that were made for it, where that does not depend on the machine.
 */
export const presets = {
  bcic_iv_2a_networks: {
    document: 'bcic_iv_2a_networks',
    what: 'ConvNet (table 1), the document’s best',
    taker: 'train',
    options: {
      model: 'conv_net',
      modelOptions: { nFilters: [25, 50, 100, 200], kernelLength: 20, poolLength: 6, poolStride: 3, dropProb: 0.25 },
      folds: 5,
    },
  },
  bcic_iv_2a_networks_vae: {
    document: 'bcic_iv_2a_networks',
    what: 'VAE in front of the ConvNet (table 2)',
    taker: 'train',
    options: { model: 'vae_conv_net', modelOptions: { hiddenDim: 2000, latentDim: 20 }, folds: 5 },
  },
  bcic_iv_2a_networks_rnn: {
    document: 'bcic_iv_2a_networks',
    what: 'convolution and recurrent layers (table 3), upsampled by 2',
    taker: 'train',
    options: {
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
    what: 'adversarial autoencoder: three optimisers (Adam) alike',
    taker: 'denoise',
    options: { epochs: 100, lr: 1e-4, adversarialWeight: 0.1, latentDim: 128, imageSize: 64 },
  },
  cnn_aae_classifier: {
    document: 'cnn_aae',
    what: 'classifier of the latent vectors by Adam, with the encoder trained along',
    taker: 'fitLatentClassifier',
    options: { encoder: 'trained', epochs: 50, lr: 1e-4, classifierOptions: { dropProb: 0.5 } },
  },
  eegnet_lstm_transformer_eegnet: {
    document: 'eegnet_lstm_transformer',
    what: 'EEGNet',
    taker: 'train',
    options: { model: 'eegnet', modelOptions: { F1: 8, D: 2, kernelLength: 64, dropProb: 0.25 }, ...ADAM_MILLI },
  },
  eegnet_lstm_transformer_lstm: {
    document: 'eegnet_lstm_transformer',
    what: 'LSTM',
    taker: 'train',
    options: { model: 'lstm_eeg', modelOptions: { hiddenSize: 128, nLayers: 2, dropProb: 0.3 }, ...ADAM_MILLI },
  },
  eegnet_lstm_transformer_transformer: {
    document: 'eegnet_lstm_transformer',
    what: 'Transformer',
    taker: 'train',
    options: { model: 'transformer_eeg', modelOptions: { dModel: 256, nHeads: 8, nLayers: 4 }, ...ADAM_MILLI },
  },
  eeg2image_text_bcic: {
    document: 'eeg2image',
    what: 'EEG to text on BCIC IV 2a: the projection alone, then with LoRA; AdamW, along half a cosine',
    taker: 'finetune-text',
    options: { ...TEXT, vocabulary: 'motor-imagery', warmupEpochs: 5, epochs: 20 },
  },
  eeg2image_text_vi: {
    document: 'eeg2image',
    what: 'EEG to text on Visual Imagery: the projection alone, then with LoRA; AdamW, along half a cosine',
    taker: 'finetune-text',
    options: { ...TEXT, vocabulary: 'visual-imagery', warmupEpochs: 3, epochs: 10 },
  },
  eeg2image_mapper: {
    document: 'eeg2image',
    what: 'EEG to CLIP tokens by AdamW: warm-up without the squared error, then with it',
    taker: 'finetune-image',
    options: {
      mapperOptions: { dModel: 512, nHeads: 8, nLayers: 4, feedforwardDim: 1024 },
      ...{ batchSize: 16, weightDecay: 0.01, warmupEpochs: 5, warmupLr: 5e-4, epochs: 20, lr: 1e-4 },
      ...{ lambdaCls: 5, lambdaContrastive: 2, lambdaCos: 1, lambdaMse: 0.1, temperature: 0.5 },
    },
  },
  eeg2image_amused: {
    document: 'eeg2image',
    what: 'pictures by aMUSEd-512',
    taker: 'generate',
    options: { pipeline: 'amused', steps: 12, guidance: 10, height: 512, width: 512 },
  },
  eeg2image_stable_diffusion: {
    document: 'eeg2image',
    what: 'pictures by Stable Diffusion 1.5',
    taker: 'generate',
    options: { pipeline: 'image', steps: 25, guidance: 7.5, height: 512, width: 512 },
  },
  sgdm: {
    document: 'sgdm',
    what: 'diffusion guided by EEG and semantics (AdamW), with the autoencoder of Stable Diffusion',
    taker: 'train-diffusion',
    options: {
      ...{ lr: 1e-4, clipNorm: 1, timesteps: 1000, latentDim: 512, size: 256 },
      encoderOptions: {
        ...{ convFilters: [128, 256], convLengths: [7, 5], pooledLength: 128 },
        ...{ nHeads: 8, hiddenDim: 1024, dropProb: 0.3 },
      },
      unetOptions: {
        // Scales are as wide as blocks: the document's own width of the first, 128, is that of none.
        ...{ blockOutChannels: [320, 640, 1280, 1280], layersPerBlock: 2, nScales: 3 },
        // The kinds of blocks and their heads are those of diffusers, which the document leaves as they are.
        downBlockTypes: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
        upBlockTypes: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
        ...{ normNumGroups: 32, attentionHeadDim: 8 },
      },
    },
  },
  sgdm_pictures: {
    document: 'sgdm',
    what: 'pictures by sgdm',
    taker: 'generate',
    options: { pipeline: 'sgdm', steps: 50, guidance: 7.5 },
  },
} as const satisfies Record<string, Preset>

/** The name of a preset. */
export type PresetName = keyof typeof presets

/** Names of the presets that a command takes. */
export function presetNames(taker: PresetTaker): string[] {
  return Object.entries<Preset>(presets).flatMap(([name, preset]) => (preset.taker === taker ? [name] : []))
}

/**
 * The options that a preset stands for.
 *
 * @throws EegTorchError `UNKNOWN_NAME`; `INVALID_OPTION` for a preset of another taker
 */
export function presetOptions(name: unknown, taker: PresetTaker): Readonly<Record<string, unknown>> {
  const preset: Preset | undefined = Object.hasOwn(presets, String(name)) ? presets[name as PresetName] : undefined
  if (preset?.taker === taker) return preset.options
  throw new EegTorchError(
    preset === undefined ? 'UNKNOWN_NAME' : 'INVALID_OPTION',
    preset === undefined
      ? `no preset is called ${name}`
      : `the preset ${name} is for ${preset.taker}, not for ${taker}`,
    { option: 'preset', expected: `one of ${presetNames(taker).join(', ')}`, received: String(name) },
  )
}
