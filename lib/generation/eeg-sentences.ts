import { noGrad } from '../autograd.ts'
import { EegEncoder, type EegEncoderOptions } from '../encoders/eeg-encoder.ts'
import { EegTorchError } from '../errors.ts'
import { type DecodingOptions, decodingOf, type PrefixPlace, SENTENCE_TOKENS } from '../language/decoding.ts'
import { type EegText, EegToText } from '../language/eeg-to-text.ts'
import { type GenerateTextOptions, LanguageModel } from '../language/language-model.ts'
import type { TextVocabulary } from '../language/vocabularies.ts'
import { releaseMemory, scope } from '../memory.ts'
import type { Model } from '../models/model.ts'
import { models } from '../models/models.ts'
import { Random } from '../random.ts'
import type { Tensor } from '../tensor.ts'
import { pictureNumbers } from './options.ts'

/** Where the networks lie that read sentences. */
export interface SentenceFiles {
  /** CSBrain, in any of its layouts. */
  encoder: string
  /** `eeg_projection`, such as `projection_epoch6.pth`. */
  projection: string
  /** A folder of Llama in transformers' layout. */
  language: string
  /** A folder of a LoRA adapter in peft's layout, such as `lora_epoch6`. */
  adapter?: string | undefined
}

/** How to read sentences. */
export interface ReadSentencesOptions extends EegEncoderOptions, DecodingOptions, Pick<GenerateTextOptions, 'signal'> {
  vocabulary: TextVocabulary
  /** Where the EEG stands; default `before-prompt`. */
  place?: PrefixPlace | undefined
  /** Hold the language model in four bits. */
  quantize?: 'nf4' | undefined
  /** Trials at a time; default 8. A sampled sentence is read alone, so that it does not depend on its batch. */
  batch?: number
  /** Together with a trial's number it decides what is sampled; default 0. */
  seed?: number
  /** Numbers of the trials; default 0, 1, …. */
  numbers?: readonly number[] | undefined
  onProgress?: ((progress: SentenceProgress) => void) | undefined
}

/** How far a reading is. */
export interface SentenceProgress {
  stage: 'encode' | 'load' | 'read'
  done: number
  total: number
}

/**
 * Reads EEG as sentences with one network in memory at a time (design document eeg2image, first and second pipeline): CSBrain encodes all trials and is
 * freed before the language model comes, which is freed at the end, or when the loop is left.
 *
 * @param trials (trials, channels, patches, samples of a patch), or (trials, channels, samples)
 * @returns the sentences of one batch after the other, in the order of the trials
 * @throws EegTorchError `SHAPE_MISMATCH`, `CHECKPOINT_MISMATCH`, `DIVERGED`, `CANCELLED`, and as `models.load` and {@link LanguageModel.load}
 */
export async function* readSentences(
  files: SentenceFiles,
  trials: Tensor,
  options: ReadSentencesOptions,
): AsyncGenerator<EegText[], void> {
  const numbers = pictureNumbers(trials.shape[0] ?? 0, options.numbers)
  try {
    using tokens = await encodeTrials(files.encoder, trials, options)
    releaseMemory()
    yield* readTokens(files, tokens, numbers, options)
  } finally {
    releaseMemory()
  }
}

/** (trials, tokens, width) on the CPU, float32; the encoder is freed. */
async function encodeTrials(file: string, trials: Tensor, options: ReadSentencesOptions): Promise<Tensor> {
  const { signal, onProgress } = options
  using encoder = await EegEncoder.load(file, options)
  using tokens = await encoder.readAll(trials, {
    signal,
    onProgress: (done, total) => onProgress?.({ stage: 'encode', done, total }),
  })
  return noGrad(() => scope(() => tokens.to('cpu').to('float32')))
}

async function* readTokens(
  files: SentenceFiles,
  tokens: Tensor,
  numbers: readonly number[],
  { vocabulary, place, seed = 0, batch = 8, signal, onProgress, ...options }: ReadSentencesOptions,
): AsyncGenerator<EegText[], void> {
  using reader = await openReader(files, tokens, { ...options, vocabulary, place, signal, onProgress })
  const total = numbers.length
  const step = options.sample ? 1 : batch
  for (let from = 0; from < total; from += step) {
    if (signal?.aborted) throw new EegTorchError('CANCELLED', 'the reading was stopped', { cause: signal.reason })
    const count = Math.min(step, total - from)
    using rows = noGrad(() => scope(() => tokens.narrow(0, from, count).to(reader.parts.language.device)))
    const drawn = options.sample && { seed: new Random(seed, numbers[from]!).uint32() }
    const decoding = { maxNewTokens: SENTENCE_TOKENS, ...decodingOf(options), ...drawn }
    yield await reader.readTokens(rows, { ...decoding, signal })
    onProgress?.({ stage: 'read', done: from + count, total })
  }
}

/** What was loaded before an error is freed. */
async function openReader(
  files: SentenceFiles,
  tokens: Tensor,
  { vocabulary, place, ...options }: ReadSentencesOptions,
): Promise<EegToText> {
  const loaded: Disposable[] = []
  try {
    const language = await loadLanguage(files, options)
    loaded.push(language)
    const projection = await loadProjection(files.projection, tokens, options)
    loaded.push(projection)
    return new EegToText({ projection, language, vocabulary, place })
  } catch (error) {
    for (const part of loaded) part[Symbol.dispose]()
    throw error
  }
}

function loadLanguage(
  { language, adapter }: SentenceFiles,
  {
    device,
    dtype,
    quantize,
    signal,
    onProgress,
  }: Pick<ReadSentencesOptions, 'device' | 'dtype' | 'quantize' | 'signal' | 'onProgress'>,
): Promise<LanguageModel> {
  return LanguageModel.load(language, {
    ...{ adapter, quantize, signal, onProgress: (told) => onProgress?.({ stage: 'load', ...told }) },
    ...(device && { device }),
    ...(dtype && { dtype }),
  })
}

/** @throws EegTorchError `CHECKPOINT_MISMATCH` for a projection of other tokens */
async function loadProjection(
  file: string,
  tokens: Tensor,
  { device }: Pick<ReadSentencesOptions, 'device'>,
): Promise<Model<'eeg_projection'>> {
  const projection = await models.load(file, { model: 'eeg_projection', ...(device && { device }) })
  const width = tokens.shape[2]!
  if (projection.config.inDim === width) return projection
  projection.dispose()
  throw new EegTorchError('CHECKPOINT_MISMATCH', 'the projection does not fit the encoder', {
    file,
    expected: `tokens of ${width}`,
    received: String(projection.config.inDim),
  })
}
