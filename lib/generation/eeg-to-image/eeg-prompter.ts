import { noGrad } from '../../autograd.ts'
import { cat } from '../../creation.ts'
import { montageOf } from '../../datasets/montages.ts'
import { EegTorchError } from '../../errors.ts'
import type { AsyncOptions, Model, ModelPlacement } from '../../models/model.ts'
import { models } from '../../models/models.ts'
import type { Tensor } from '../../tensor.ts'

/** What is read from EEG in the place of a prompt. On the CPU, float32. */
export interface EegPrompts {
  /** Hidden states for the UNet (trials, 77, width). */
  embeddings: Tensor
  /** Their summary (trials, width). */
  promptEmbeds: Tensor
  /** Scores of the classes (trials, classes). */
  classLogits: Tensor
  /** The class with the highest score, of each trial. */
  labels: number[]
}

/** What the encoder's file does not say. */
export interface EegPrompterOptions extends ModelPlacement {
  /** Names of the recorded channels, for CSBrain's regions of the brain; default: the encoder's own options. */
  channels?: readonly string[] | undefined
  /** Patches of a window; default: the encoder's own. */
  patches?: number | undefined
}

const BATCH = 16

/**
 * From EEG to 77 tokens in the place of a text (design document eeg2image, third pipeline): CSBrain, means over regions of the brain, and
 * `eeg_clip_mapper`.
 */
export class EegPrompter implements Disposable {
  readonly encoder: Model<'csbrain'>
  readonly reducer: Model<'eeg_token_reducer'>
  readonly mapper: Model<'eeg_clip_mapper'>
  readonly #like: Tensor

  /**
   * It owns the networks. The reducer is made to fit the encoder.
   *
   * @throws EegTorchError `CHECKPOINT_MISMATCH` for networks that do not fit each other
   */
  constructor(encoder: Model<'csbrain'>, mapper: Model<'eeg_clip_mapper'>) {
    const { brainRegions, sortedIndices, nPatches, outDim } = encoder.config
    const sorted = (sortedIndices ?? []).map((i) => brainRegions[i]!)
    this.encoder = encoder.eval()
    this.mapper = mapper.eval()
    this.#like = Object.values(encoder.parameters())[0]!
    this.reducer = models.eegTokenReducer({
      brainRegions: sortedIndices === null ? [...brainRegions].sort((a, b) => a - b) : sorted,
      nPatches,
      dim: outDim,
    })
    const tokens = new Set(brainRegions).size * nPatches
    if (mapper.config.inDim === outDim && mapper.config.nTokens === tokens) return
    throw new EegTorchError('CHECKPOINT_MISMATCH', 'the mapper does not fit the encoder', {
      expected: `${tokens} tokens of ${outDim}`,
      received: `${mapper.config.nTokens} of ${mapper.config.inDim}`,
    })
  }

  /**
   * Reads the files of both networks, in any of their layouts.
   *
   * @throws EegTorchError `FILE_NOT_FOUND`, `CHECKPOINT_MISMATCH`, `INVALID_OPTION` for channels without a place on the head
   */
  static async load(
    files: { encoder: string; mapper: string },
    options: EegPrompterOptions = {},
  ): Promise<EegPrompter> {
    const { channels, patches, device, dtype } = options
    const placement = { ...(device && { device }), ...(dtype && { dtype }) }
    const config = { ...(channels && montageOf(channels).csbrain()), ...(patches && { nPatches: patches }) }
    const encoder = await models.load(files.encoder, { model: 'csbrain', config, ...placement })
    try {
      const mapper = await models.load(files.mapper, { model: 'eeg_clip_mapper', ...placement })
      return new EegPrompter(encoder as Model<'csbrain'>, mapper as Model<'eeg_clip_mapper'>)
    } catch (error) {
      encoder.dispose()
      throw error
    }
  }

  /**
   * Reads trials, some at a time, on the compute thread.
   *
   * @param trials (trials, channels, patches, samples of a patch), or (trials, channels, samples)
   * @throws EegTorchError `SHAPE_MISMATCH`, `CANCELLED`
   */
  async read(trials: Tensor, { signal }: AsyncOptions = {}): Promise<EegPrompts> {
    const { inDim, nPatches, brainRegions } = this.encoder.config
    const [count = 0, channels = 0] = trials.shape
    if (count === 0 || channels !== brainRegions.length || trials.length !== count * channels * nPatches * inDim) {
      throw new EegTorchError('SHAPE_MISMATCH', 'these trials do not fit the encoder', {
        expected: `(trials, ${brainRegions.length} channels, ${nPatches} patches, ${inDim} samples)`,
        received: `(${trials.shape.join(', ')})`,
      })
    }
    const parts: [Tensor, Tensor, Tensor][] = []
    for (let from = 0; from < count; from += BATCH) {
      const rows = noGrad(() => trials.narrow(0, from, Math.min(BATCH, count - from)))
      parts.push(await this.#readBatch(rows, signal))
      rows.dispose()
    }
    const [embeddings, promptEmbeds, classLogits] = [0, 1, 2].map((i) =>
      noGrad(() =>
        cat(
          parts.map((part) => part[i]!),
          0,
        ),
      ),
    )
    for (const tensor of parts.flat()) tensor.dispose()
    using best = noGrad(() => classLogits!.argmax(1))
    const labels = Array.from(best.toTypedArray() as BigInt64Array, Number)
    return { embeddings: embeddings!, promptEmbeds: promptEmbeds!, classLogits: classLogits!, labels }
  }

  async #readBatch(rows: Tensor, signal: AbortSignal | undefined): Promise<[Tensor, Tensor, Tensor]> {
    const { inDim, nPatches } = this.encoder.config
    const eeg = noGrad(() =>
      rows.to(this.#like.device).to(this.#like.dtype).reshape([rows.shape[0]!, -1, nPatches, inDim]),
    )
    const mask = noGrad(() => eeg.select(3, 0).mul(0).to('int64'))
    const { features, reconstruction } = await noGrad(() => this.encoder.runAsync({ eeg, mask }, { signal }))
    const tokens = await noGrad(() => this.reducer.forwardAsync(features))
    const said = await noGrad(() => this.mapper.runAsync({ tokens }, { signal }))
    const given = [said.encoderHiddenStates, said.promptEmbeds, said.classLogits]
    const kept = given.map((tensor) => noGrad(() => tensor.to('cpu').to('float32'))) as [Tensor, Tensor, Tensor]
    for (const tensor of [eeg, mask, features, reconstruction, tokens, ...given]) tensor.dispose()
    return kept
  }

  /** Frees all three networks. */
  dispose(): void {
    this.#like.dispose()
    for (const net of [this.encoder, this.reducer, this.mapper]) net.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
