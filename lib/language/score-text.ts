import type { Tensor } from '../tensor.ts'
import { presets } from '../training/presets.ts'
import { SENTENCE_TOKENS } from './decoding.ts'
import { promptOf, readTokens, requireProjectionFits, type TokenReader } from './eeg-to-text.ts'
import { type KeywordAccuracy, keywordAccuracy } from './keywords.ts'

/** Trials with what they are labelled: the EEG as the token reducer gave it. */
export interface LabelledTokens {
  /** (trials, tokens, width) */
  tokens: Tensor
  /** Indices in the vocabulary's labels. */
  labels: readonly number[]
}

/**
 * Reads trials greedily, in batches, and compares the keywords with the labels. The networks stay the caller's.
 *
 * @throws EegTorchError `SHAPE_MISMATCH` where projection and language model do not fit each other; `CANCELLED`
 */
export async function scoreText(
  reader: TokenReader,
  { tokens, labels }: LabelledTokens,
  {
    maxNewTokens = SENTENCE_TOKENS,
    batchSize = presets.eeg2image_text_bcic.options.batchSize,
    signal,
  }: { maxNewTokens?: number; batchSize?: number; signal?: AbortSignal | undefined } = {},
): Promise<KeywordAccuracy> {
  requireProjectionFits(reader)
  const prompt = promptOf(reader.language, reader.vocabulary)
  const found: (number | undefined)[] = []
  for (let first = 0; first < labels.length; first += batchSize) {
    using batch = tokens.narrow(0, first, Math.min(batchSize, labels.length - first))
    const texts = await readTokens(reader, prompt, batch, { maxNewTokens, signal })
    found.push(...texts.map((text) => text.found?.label))
  }
  return keywordAccuracy(found, labels)
}
