import { noGrad } from '../autograd.ts'
import { cat } from '../creation.ts'
import type { EegEncoder } from '../encoders/eeg-encoder.ts'
import { EegTorchError } from '../errors.ts'
import type { Model } from '../models/model.ts'
import type { Tensor } from '../tensor.ts'
import type { PrefixPlace } from './decoding.ts'
import { type FoundKeyword, findKeyword } from './keywords.ts'
import type { GeneratedText, GenerateTextOptions, LanguageModel } from './language-model.ts'
import type { TextVocabulary } from './vocabularies.ts'

/** The parts that make text of EEG. An {@link EegToText} owns them. */
export interface EegToTextParts {
  /** Its weights do not change. Absent where its tokens come in. */
  encoder?: EegEncoder | undefined
  projection: Model<'eeg_projection'>
  language: LanguageModel
  vocabulary: TextVocabulary
  /** `before-prompt`, the default, is the design document's prefix; the published code's files were trained with `after-prompt`. */
  place?: PrefixPlace | undefined
}

/** What a trial's EEG was read as. */
export interface EegText extends GeneratedText {
  /** Absent where no keyword of the vocabulary stands in the text. */
  found: FoundKeyword | undefined
}

/** The conversation up to where the model answers, by the tokenizer's chat template. */
export function promptOf({ tokenizer }: LanguageModel, { system, question }: TextVocabulary): number[] {
  const messages = [
    { role: 'system', content: system },
    { role: 'user', content: question },
  ]
  return tokenizer.encode(tokenizer.chat(messages), { specialTokens: false })
}

/** What reads tokens of EEG as text. */
export type TokenReader = Pick<EegToTextParts, 'projection' | 'language' | 'vocabulary' | 'place'>

/**
 * Reads what the encoder gave of trials, all in one batch, with networks that stay the caller's.
 *
 * @param tokens (trials, tokens, width)
 * @param prompt as {@link promptOf} gives it
 * @throws EegTorchError `SHAPE_MISMATCH`, `DIVERGED`, `CANCELLED`, and as `generate`
 */
export async function readTokens(
  { projection, language, vocabulary, place = 'before-prompt' }: TokenReader,
  prompt: readonly number[],
  tokens: Tensor,
  options: GenerateTextOptions = {},
): Promise<EegText[]> {
  using prefix = await noGrad(() => projection.eval().forwardAsync(tokens))
  const ids = Array.from({ length: prefix.shape[0]! }, () => prompt)
  const texts = await language.generate({ prefix, ids, place }, options)
  return texts.map((text) => ({ ...text, found: findKeyword(text.text, vocabulary) }))
}

/** @throws EegTorchError `SHAPE_MISMATCH` for a projection that does not give the language model's embeddings */
export function requireProjectionFits({ projection, language }: TokenReader): void {
  if (projection.config.outDim === language.width) return
  throw new EegTorchError('SHAPE_MISMATCH', 'the projection does not fit the language model', {
    expected: `outDim ${language.width}, the width of its embeddings`,
    received: String(projection.config.outDim),
  })
}

/** EEG to text: a frozen encoder, a projection into the language model's embeddings, and its answer. */
export class EegToText implements Disposable {
  readonly parts: Readonly<EegToTextParts>
  readonly #prompt: readonly number[]

  /** @throws EegTorchError `SHAPE_MISMATCH` for a projection that does not fit; the parts then stay the caller's */
  constructor(parts: EegToTextParts) {
    requireProjectionFits(parts)
    this.parts = parts
    this.#prompt = promptOf(parts.language, parts.vocabulary)
  }

  /**
   * Reads trials, all in one batch.
   *
   * @param eeg (trials, channels, patches, samples of a patch), or (trials, channels, samples)
   * @throws EegTorchError `INVALID_OPTION` without an encoder, `SHAPE_MISMATCH`, `DIVERGED`, `CANCELLED`, and as `generate`
   */
  async read(eeg: Tensor, options: GenerateTextOptions = {}): Promise<EegText[]> {
    const { encoder } = this.parts
    if (encoder === undefined)
      throw new EegTorchError('INVALID_OPTION', 'there is no encoder', { option: 'encoder', expected: 'EegEncoder' })
    using tokens = await encoder.readAll(eeg, { signal: options.signal })
    return await this.readTokens(tokens, options)
  }

  /** {@link EegToText.read} of what the encoder gave: (trials, tokens, width). */
  readTokens(tokens: Tensor, options: GenerateTextOptions = {}): Promise<EegText[]> {
    return readTokens(this.parts, this.#prompt, tokens, options)
  }

  /** Frees all networks. */
  dispose(): void {
    const { encoder, projection, language } = this.parts
    for (const part of [encoder, projection, language]) part?.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** Embeddings of the prompt before those of the EEG: (trials, tokens, width), likewise longer. */
export function behindPrompt(language: LanguageModel, prompt: readonly number[], projected: Tensor): Tensor {
  const words = language.embedIds(prompt).expand([projected.shape[0]!, -1, -1])
  return cat([words, projected.to(words.dtype)], 1)
}
