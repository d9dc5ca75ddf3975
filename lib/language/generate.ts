import { cancellable } from '../cancellable.ts'
import { EegTorchError } from '../errors.ts'
import { translatingErrors } from '../ops/option-errors.ts'
import { camelCase } from '../ops/overload.ts'
import type { Tensor } from '../tensor.ts'
import type { LlamaModel } from './load-llama.ts'
import { nativeLanguage } from './native-language.ts'

/** How a text is continued. */
export interface GenerateOptions {
  /** Tokens at most; default 64, and never more than the model's context has room for behind the text. */
  maxNewTokens?: number
  /** Draw tokens; default false: each is the likeliest. */
  sample?: boolean
  /** What logits are divided by before drawing; default 1. */
  temperature?: number
  /** Draw among so many likeliest tokens; default 0: all. */
  topK?: number
  /** Draw among the likeliest tokens that have this probability together; default 1: all. */
  topP?: number
  /** What positive logits of tokens that the text has are divided by, negative ones multiplied; default 1. */
  repetitionPenalty?: number
  /** Tokens after which a text ends; default: the model's. */
  stopTokens?: readonly number[]
  /** Of the draws; default 0. */
  seed?: number
  /** Stops between two tokens: `CANCELLED`. */
  signal?: AbortSignal | undefined
}

/** What comes before the new tokens. */
export interface Beginning {
  /** (texts, tokens, width) */
  embeds: Tensor
  /** (texts, tokens), int64, 0 where a text is padded on its left; absent where none is. */
  mask?: Tensor | undefined
  /** (texts, words), int64: tokens among it that the repetition penalty knows, -1 for none. */
  prompt?: Tensor | undefined
}

/** As C++ calls them (DecodeOptions). */
const NATIVE_OPTIONS = [
  'max_new_tokens',
  'sample',
  'temperature',
  'top_k',
  'top_p',
  'repetition_penalty',
  'stop_tokens',
  'pad_token',
  'seed',
]

const DEFAULT_TOKENS = 64

/** Tokens that a context has room for behind a text, which would else end in the middle of one. */
function roomBehind(tokens: number, context: number): number {
  if (tokens < context) return context - tokens
  throw new EegTorchError(
    'INVALID_OPTION',
    'the text leaves no room for new tokens in the context of the language model',
    {
      option: 'prompts',
      expected: `${context - 1} tokens at most, a prefix included`,
      received: `${tokens}`,
    },
  )
}

/**
 * Continues texts on the compute thread, one token of each text at a time; a text that has ended goes on with `padToken`. Greedy tokens and, for
 * the same seed, drawn ones are those of transformers.
 *
 * @throws EegTorchError `SHAPE_MISMATCH`, `INVALID_OPTION`; `DIVERGED` where the logits are no numbers; `CANCELLED`
 */
export async function* decode(
  model: LlamaModel,
  { embeds, mask, prompt }: Beginning,
  { signal, seed, ...options }: GenerateOptions & { padToken: number },
): AsyncGenerator<number[], void> {
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0)) {
    throw new EegTorchError('INVALID_OPTION', 'the seed is out of range', {
      option: 'seed',
      expected: 'a whole number, 0 or more',
      received: String(seed),
    })
  }
  const room = roomBehind(embeds.shape[1]!, model.config.maxPositionEmbeddings)
  const { maxNewTokens = DEFAULT_TOKENS } = options
  const ours: Record<string, unknown> = { ...options, seed, maxNewTokens: Math.min(maxNewTokens, room) }
  const given = Object.fromEntries(
    NATIVE_OPTIONS.map((name) => [name, ours[camelCase(name)]]).filter(([, value]) => value !== undefined),
  )
  const decoder = translatingErrors(
    () => NATIVE_OPTIONS,
    () => nativeLanguage.makeDecoder(model.id, embeds.id, mask?.id ?? null, prompt?.id ?? null, given),
  )
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
