import { noGrad } from '../autograd.ts'
import { openCheckpoint } from '../checkpoints/checkpoint.ts'
import { zeros } from '../creation.ts'
import { type Montage, montageOf } from '../datasets/montages.ts'
import { EegTorchError } from '../errors.ts'
import { scope } from '../memory.ts'
import type { AsyncOptions, Model, ModelPlacement } from '../models/model.ts'
import { models } from '../models/models.ts'
import type { Tensor } from '../tensor.ts'
import { type Place, placeOf } from './place.ts'

/** What the encoder's file does not say. */
export interface EegEncoderOptions extends ModelPlacement {
  /** Names of the recorded channels, for CSBrain's regions of the brain; default: the encoder's own options. */
  channels?: readonly string[] | undefined
  /** Regions of these channels; default: those that a file of eegtorch says, else by the names of the electrodes. */
  montage?: Montage | undefined
  /** Patches of a window; default: the encoder's own. */
  patches?: number | undefined
}

/** CSBrain, and means over regions of the brain: from a trial to the tokens that all pipelines of the document eeg2image begin with. */
export class EegEncoder implements Disposable {
  readonly encoder: Model<'csbrain'>
  /** Made to fit the encoder. */
  readonly reducer: Model<'eeg_token_reducer'>
  readonly #place: Place

  /** It owns the encoder. */
  constructor(encoder: Model<'csbrain'>) {
    const { brainRegions, sortedIndices, nPatches, outDim } = encoder.config
    const sorted = sortedIndices?.map((i) => brainRegions[i]!) ?? [...brainRegions].sort((a, b) => a - b)
    this.encoder = encoder.eval()
    this.reducer = models.eegTokenReducer({ brainRegions: sorted, nPatches, dim: outDim })
    this.#place = placeOf(encoder)
  }

  /**
   * Reads the file of the encoder, in any of its layouts. It is small, and its spectra have no half precision: of types below float32 it takes none.
   *
   * @throws EegTorchError `FILE_NOT_FOUND`, `CHECKPOINT_MISMATCH`, `INVALID_OPTION` for channels without a place on the head
   */
  static async load(file: string, { patches, ...options }: EegEncoderOptions = {}): Promise<EegEncoder> {
    const { device, dtype } = options
    const config = { ...regionsOf(file, options), ...(patches && { nPatches: patches }) }
    const placement = { ...(device && { device }), dtype: wideType(dtype) }
    return new EegEncoder(await models.load(file, { model: 'csbrain', config, ...placement }))
  }

  /** Tokens of a trial. */
  get tokens(): number {
    const { brainRegions, nPatches } = this.encoder.config
    return new Set(brainRegions).size * nPatches
  }

  /**
   * Reads trials, all at once, on the compute thread.
   *
   * @param trials (trials, channels, patches, samples of a patch), or (trials, channels, samples)
   * @returns (trials, tokens, width), where the encoder is and in its type
   * @throws EegTorchError `SHAPE_MISMATCH`, `CANCELLED`
   */
  async read(trials: Tensor, { signal }: AsyncOptions = {}): Promise<Tensor> {
    this.requireFit(trials)
    const { inDim, nPatches, brainRegions } = this.encoder.config
    const shape = [trials.shape[0]!, brainRegions.length, nPatches]
    const { device, dtype } = this.#place
    const eeg = noGrad(() =>
      scope(() =>
        trials
          .to(device)
          .to(dtype)
          .reshape([...shape, inDim]),
      ),
    )
    const mask = zeros(shape, { dtype: 'int64', device })
    try {
      const { features, reconstruction } = await noGrad(() => this.encoder.runAsync({ eeg, mask }, { signal }))
      reconstruction.dispose()
      const tokens = await noGrad(() => this.reducer.forwardAsync(features))
      features.dispose()
      return tokens
    } finally {
      for (const each of [eeg, mask]) each.dispose()
    }
  }

  /** @throws EegTorchError `SHAPE_MISMATCH` for trials of other channels or samples, or none */
  requireFit({ shape, length }: Pick<Tensor, 'shape' | 'length'>): void {
    const { inDim, nPatches, brainRegions } = this.encoder.config
    const [count = 0, channels = 0] = shape
    if (count > 0 && channels === brainRegions.length && length === count * channels * nPatches * inDim) return
    throw new EegTorchError('SHAPE_MISMATCH', 'these trials do not fit the encoder', {
      expected: `(trials, ${brainRegions.length} channels, ${nPatches} patches, ${inDim} samples)`,
      received: `(${shape.join(', ')})`,
    })
  }

  dispose(): void {
    for (const net of [this.encoder, this.reducer]) net.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** The type in which networks on EEG compute where a pipeline computes in this one. */
export function wideType(dtype: ModelPlacement['dtype']): 'float32' | 'float64' {
  return dtype === 'float64' ? dtype : 'float32'
}

/** What a person said of the regions comes before what the file says, and this before the names of electrodes. */
function regionsOf(file: string, { channels, montage }: EegEncoderOptions) {
  if (montage !== undefined) return montage.csbrain()
  if (channels === undefined) return {}
  const told = (openCheckpoint(file).metadata.config ?? {}) as Readonly<Record<string, unknown>>
  const own = told.brain_regions
  return Array.isArray(own) && own.length === channels.length ? {} : montageOf(channels).csbrain()
}
