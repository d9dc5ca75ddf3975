import { z } from 'zod'
import { defined } from '../defined.ts'

const positive = z.number().int().positive()

/** How a text is continued: the only place where these options are told, for programs, YAML files and command lines. C++ has the defaults (DecodeOptions). */
export const decodingSchema = z.object({
  /** Tokens at most; default 64, and never more than the model's context has room for behind the text. */
  maxNewTokens: positive.optional().describe('tokens of a text at most (default: 24 for a sentence about EEG)'),
  /** Draw tokens; default false: each is the likeliest. */
  sample: z.boolean().optional().describe('draw tokens (default: the likeliest)'),
  /** What logits are divided by before drawing; default 1. */
  temperature: z.number().positive().optional().describe('what logits are divided by before drawing (default: 1)'),
  /** Draw among so many likeliest tokens; default 0: all. */
  topK: z.number().int().min(0).optional().describe('draw among so many likeliest tokens (default: all)'),
  /** Draw among the likeliest tokens that have this probability together; default 1: all. */
  topP: z.number().positive().max(1).optional().describe('draw among tokens that are so likely together (default: 1)'),
  /** What positive logits of tokens that the text has are divided by, negative ones multiplied; default 1. */
  repetitionPenalty: z
    .number()
    .positive()
    .optional()
    .describe('what logits of tokens that the text has are divided by (default: 1)'),
})

/** {@link decodingSchema}, as people write it. */
export type DecodingOptions = z.input<typeof decodingSchema>

/** New tokens of a sentence about EEG at most, where nothing else is said. */
export const SENTENCE_TOKENS = 24

/** Those of some options that say how a text is continued. */
export function decodingOf(options: DecodingOptions): DecodingOptions {
  const names = Object.keys(decodingSchema.shape) as (keyof DecodingOptions)[]
  return defined(Object.fromEntries(names.map((name) => [name, options[name]])))
}

/** {@link decodingSchema}, and what a program alone tells. */
export const generateSchema = decodingSchema.extend({
  /** Tokens after which a text ends; default: the model's. */
  stopTokens: z.array(z.number().int().min(0)).readonly().optional(),
  /** Of the draws; default 0. */
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
})

/** Where a prefix, such as EEG, stands: right before the words, or behind them. */
export const PREFIX_PLACES = ['before-prompt', 'after-prompt'] as const
/** One of {@link PREFIX_PLACES}; default `before-prompt`. */
export type PrefixPlace = (typeof PREFIX_PLACES)[number]
