import { noGrad } from '../autograd.ts'
import { openCheckpoint } from '../checkpoints/checkpoint.ts'
import { cat, fromTypedArray, zeros } from '../creation.ts'
import { type Montage, montageOf } from '../datasets/montages.ts'
import { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { scope } from '../memory.ts'
import type { AsyncOptions, Model, ModelPlacement } from '../models/model.ts'
import { models } from '../models/models.ts'
import { type Placement, placementOf } from '../models/placement.ts'
import type { Tensor } from '../tensor.ts'

/** What the encoder's file does not say. */
export interface EegEncoderOptions extends ModelPlacement {
  /** Names of the recorded channels, for CSBrain's regions of the brain; default: the encoder's own options. */
  channels?: readonly string[] | undefined
  /** Regions of these channels; default: those that a file of eegtorch says, else by the names of the electrodes. */
  montage?: Montage | undefined
  /** Patches of a window; default: the encoder's own. */
  patches?: number | undefined
}

/** How to read many trials. */
export interface ReadAllOptions extends AsyncOptions {
  /** Where the windows lie, for errors. */
  file?: string | undefined
  onProgress?: ((done: number, total: number) => void) | undefined
}

/** Trials that pass the encoder at once. */
const READ_TOGETHER = 16

/** CSBrain, and means over regions of the brain: from a trial to the tokens that all pipelines of the document eeg2image begin with. */
export class EegEncoder implements Disposable {
  readonly encoder: Model<'csbrain'>
  /** Made to fit the encoder. */
  readonly reducer: Model<'eeg_token_reducer'>
  readonly #place: Placement

  /** It owns the encoder. */
  constructor(encoder: Model<'csbrain'>) {
    const { brainRegions, sortedIndices, nPatches, outDim } = encoder.config
    const sorted = sortedIndices?.map((i) => brainRegions[i]!) ?? [...brainRegions].sort((a, b) => a - b)
    this.encoder = encoder.eval()
    this.reducer = models.eegTokenReducer({ brainRegions: sorted, nPatches, dim: outDim })
    this.#place = placementOf(encoder)
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

  /**
   * Reads trials 16 at a time, so that what is between the layers stays small.
   *
   * @param trials as of {@link EegEncoder.read}, or windows
   * @returns (trials, tokens, width), where the encoder is and in its type
   * @throws EegTorchError `SHAPE_MISMATCH`, `CANCELLED`
   */
  async readAll(trials: Tensor | EegWindows, { signal, file, onProgress }: ReadAllOptions = {}): Promise<Tensor> {
    const total = trials instanceof EegWindows ? trials.length : (trials.shape[0] ?? 0)
    this.requireFit(sizesOf(trials), file)
    const parts: Tensor[] = []
    try {
      for (let from = 0; from < total; from += READ_TOGETHER) {
        const count = Math.min(READ_TOGETHER, total - from)
        using rows = rowsOf(trials, from, count)
        parts.push(await this.read(rows, { signal }))
        onProgress?.(from + count, total)
      }
      return noGrad(() => cat(parts, 0))
    } finally {
      for (const part of parts) part.dispose()
    }
  }

  /** @throws EegTorchError `SHAPE_MISMATCH` for trials of other channels or samples, or none */
  requireFit({ shape, length }: Pick<Tensor, 'shape' | 'length'>, file?: string): void {
    const { inDim, nPatches, brainRegions } = this.encoder.config
    const [count = 0, channels = 0] = shape
    if (count > 0 && channels === brainRegions.length && length === count * channels * nPatches * inDim) return
    throw new EegTorchError('SHAPE_MISMATCH', 'these trials do not fit the encoder', {
      expected: `(trials, ${brainRegions.length} channels, ${nPatches} patches, ${inDim} samples)`,
      received: `(${shape.join(', ')})`,
      ...(file !== undefined && { file }),
    })
  }

  dispose(): void {
    for (const net of [this.encoder, this.reducer]) net.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

function sizesOf(trials: Tensor | EegWindows): Pick<Tensor, 'shape' | 'length'> {
  if (!(trials instanceof EegWindows)) return trials
  const shape = [trials.length, trials.nChannels, trials.nSamples]
  return { shape, length: shape.reduce((product, size) => product * size, 1) }
}

function rowsOf(trials: Tensor | EegWindows, from: number, count: number): Tensor {
  if (!(trials instanceof EegWindows)) return noGrad(() => trials.narrow(0, from, count))
  const { data, shape } = trials.batch(Array.from({ length: count }, (_, i) => from + i))
  return fromTypedArray(data, { shape })
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
