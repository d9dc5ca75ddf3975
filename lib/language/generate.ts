import type { z } from 'zod'
import { cancellable } from '../cancellable.ts'
import { defined } from '../defined.ts'
import { snakeCase } from '../names.ts'
import { translateOptionError } from '../ops/option-errors.ts'
import { readOptions } from '../read-options.ts'
import type { Tensor } from '../tensor.ts'
import { generateSchema, type PrefixPlace } from './decoding.ts'
import type { LlamaModel } from './load-llama.ts'
import { nativeLanguage } from './native-language.ts'

/** How a text is continued. */
export interface GenerateOptions extends z.input<typeof generateSchema> {
  /** Stops between two tokens: `CANCELLED`. */
  signal?: AbortSignal | undefined
}

/** What comes before the new tokens: words, embeddings of something else, or both. */
export interface Beginning {
  /** (texts, words), int64, -1 where a row is padded on its left. */
  words?: Tensor | undefined
  /** (texts, tokens, width), right before the words of its row, or behind them. */
  prefix?: Tensor | undefined
  place?: PrefixPlace | undefined
  /** (texts, tokens of both), int64, 0 where a row is padded on its left; default: as the words are. */
  mask?: Tensor | undefined
}

/** As C++ calls them (DecodeOptions), by our names. */
const NATIVE_NAMES = new Map([...Object.keys(generateSchema.shape), 'padToken'].map((name) => [name, snakeCase(name)]))

/**
 * Continues texts on the compute thread, one token of each text at a time; a text that has ended goes on with `padToken`. Greedy tokens and, for
 * the same seed, drawn ones are those of transformers.
 *
 * @throws EegTorchError `SHAPE_MISMATCH`, `INVALID_OPTION`, also for a text that leaves no room in the model's context; `DIVERGED` where the logits
 *   are no numbers; `CANCELLED`
 */
export async function* decode(
  model: LlamaModel,
  beginning: Beginning,
  { signal, padToken, ...options }: GenerateOptions & { padToken: number },
): AsyncGenerator<number[], void> {
  const told = Object.entries(defined({ ...readOptions(generateSchema, options), padToken }))
  const given = Object.fromEntries(told.map(([name, value]) => [NATIVE_NAMES.get(name)!, value]))
  const decoder = await cancellable(signal, (token) => begin(model, beginning, given, token))
  try {
    for (let finished = false; !finished; ) {
      const next = await cancellable(signal, (token) => nativeLanguage.decoderNext(decoder, token))
      finished = next.finished
      yield next.tokens
    }
  } finally {
    nativeLanguage.removeObject(decoder)
  }
}

async function begin(
  model: LlamaModel,
  { words, prefix, place, mask }: Beginning,
  options: Record<string, unknown>,
  cancellation: number | undefined,
): Promise<number> {
  const idOf = (tensor: Tensor | undefined) => tensor?.id ?? null
  const behind = place === 'after-prompt'
  try {
    return await nativeLanguage.makeDecoder(
      model.id,
      idOf(words),
      idOf(prefix),
      behind,
      idOf(mask),
      options,
      cancellation,
    )
  } catch (error) {
    throw translateOptionError(error, [...NATIVE_NAMES.values(), 'input_ids'])
  }
}
