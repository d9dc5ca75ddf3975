import { noGrad } from '../../autograd.ts'
import { cat, fromTypedArray } from '../../creation.ts'
import { EegEncoder, type EegEncoderOptions, wideType } from '../../encoders/eeg-encoder.ts'
import { EegTorchError } from '../../errors.ts'
import { Arena, scope } from '../../memory.ts'
import type { AsyncOptions, Model } from '../../models/model.ts'
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

const BATCH = 16

/**
 * From EEG to 77 tokens in the place of a text (design document eeg2image, third pipeline): CSBrain, means over regions of the brain, and
 * `eeg_clip_mapper`.
 */
export class EegPrompter implements Disposable {
  readonly mapper: Model<'eeg_clip_mapper'>
  readonly #eeg: EegEncoder

  /**
   * It owns the networks. The reducer is made to fit the encoder.
   *
   * @throws EegTorchError `CHECKPOINT_MISMATCH` for networks that do not fit each other
   */
  constructor(encoder: Model<'csbrain'> | EegEncoder, mapper: Model<'eeg_clip_mapper'>) {
    this.#eeg = encoder instanceof EegEncoder ? encoder : new EegEncoder(encoder)
    this.mapper = mapper.eval()
    const { tokens } = this.#eeg
    const { outDim } = this.encoder.config
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
  static async load(files: { encoder: string; mapper: string }, options: EegEncoderOptions = {}): Promise<EegPrompter> {
    const { device, dtype } = options
    const placement = { ...(device && { device }), dtype: wideType(dtype) }
    const encoder = await EegEncoder.load(files.encoder, options)
    try {
      return new EegPrompter(encoder, await models.load(files.mapper, { model: 'eeg_clip_mapper', ...placement }))
    } catch (error) {
      encoder.dispose()
      throw error
    }
  }

  get encoder(): Model<'csbrain'> {
    return this.#eeg.encoder
  }

  get reducer(): Model<'eeg_token_reducer'> {
    return this.#eeg.reducer
  }

  /**
   * Reads trials, some at a time, on the compute thread.
   *
   * @param trials (trials, channels, patches, samples of a patch), or (trials, channels, samples)
   * @throws EegTorchError `SHAPE_MISMATCH`, `CANCELLED`
   */
  async read(trials: Tensor, { signal }: AsyncOptions = {}): Promise<EegPrompts> {
    this.#eeg.requireFit(trials)
    return inBatches(this.mapper, trials, (rows) => this.#eeg.read(rows, { signal }), signal)
  }

  /** Frees all three networks. */
  dispose(): void {
    for (const net of [this.#eeg, this.mapper]) net.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/**
 * What a mapper makes of tokens, some trials at a time, on the compute thread.
 *
 * @param mapper it is put into evaluation mode
 * @param tokens (trials, tokens, width)
 */
export function promptsOfTokens(
  mapper: Model<'eeg_clip_mapper'>,
  tokens: Tensor,
  { signal }: AsyncOptions = {},
): Promise<EegPrompts> {
  return inBatches(mapper.eval(), tokens, async (rows) => noGrad(() => rows.clone()), signal)
}

/** What was read from some of the trials. */
export function promptsOfRows(
  { embeddings, promptEmbeds, classLogits, labels }: EegPrompts,
  places: readonly number[],
): EegPrompts {
  using index = fromTypedArray(BigInt64Array.from(places, (place) => BigInt(place)))
  const rows = (tensor: Tensor) => noGrad(() => tensor.index_select(0, index))
  return {
    embeddings: rows(embeddings),
    promptEmbeds: rows(promptEmbeds),
    classLogits: rows(classLogits),
    labels: places.map((place) => labels[place]!),
  }
}

/** What is to be freed of what was read. */
export function tensorsOfPrompts({ embeddings, promptEmbeds, classLogits }: EegPrompts): Tensor[] {
  return [embeddings, promptEmbeds, classLogits]
}

/** @param tokensOf gives the tokens of some rows of the input */
async function inBatches(
  mapper: Model<'eeg_clip_mapper'>,
  input: Tensor,
  tokensOf: (rows: Tensor) => Promise<Tensor>,
  signal: AbortSignal | undefined,
): Promise<EegPrompts> {
  const count = input.shape[0]!
  using held = new Arena()
  const parts: [Tensor, Tensor, Tensor][] = []
  for (let from = 0; from < count; from += BATCH) {
    using rows = noGrad(() => input.narrow(0, from, Math.min(BATCH, count - from)))
    using tokens = await tokensOf(rows)
    const said = await noGrad(() => mapper.runAsync({ tokens }, { signal }))
    const given = [said.encoderHiddenStates, said.promptEmbeds, said.classLogits]
    const onCpu = (tensor: Tensor) => noGrad(() => scope(() => tensor.to('cpu').to('float32')))
    parts.push(held.own(given.map(onCpu)) as [Tensor, Tensor, Tensor])
    for (const tensor of given) tensor.dispose()
  }
  const column = (i: 0 | 1 | 2) => cat(parts.map((part) => part[i]))
  const [embeddings, promptEmbeds, classLogits] = noGrad(() => [column(0), column(1), column(2)] as const)
  using best = noGrad(() => classLogits.argmax(1))
  const labels = Array.from(best.toTypedArray() as BigInt64Array, Number)
  return { embeddings, promptEmbeds, classLogits, labels }
}
