import type { EegWindows } from '../../datasets/windows.ts'
import { defined } from '../../defined.ts'
import { EegTorchError } from '../../errors.ts'
import { decodingOf } from '../../language/decoding.ts'
import { findKeyword, type KeywordAccuracy, keywordAccuracy } from '../../language/keywords.ts'
import { type TextVocabulary, textVocabularies } from '../../language/vocabularies.ts'
import { labelsOfClasses, vocabularyOfClasses } from '../../language/vocabulary-labels.ts'
import { Amused } from '../amused/amused.ts'
import { type ReadSentencesOptions, readSentences, type SentenceProgress } from '../eeg-sentences.ts'
import type { DrawnBatch, PictureSource, PictureWords, PictureWork } from '../generate-pictures.ts'
import type { GenerationFolder } from '../pictures/generation-folder.ts'
import { SentenceLog } from '../pictures/sentence-log.ts'
import { StableDiffusion } from '../stable-diffusion/stable-diffusion.ts'
import { channelsOf, tensorOf } from '../window-channels.ts'
import {
  diffusionOptions,
  drawOptions,
  loadOptions,
  modeOf,
  type PictureDrawing,
  requireDrawing,
  structureOptions,
  wantedPlacement,
} from './drawing.ts'

/** What there is to read, and where it goes. */
export interface SentenceWork {
  windows: EegWindows
  work: readonly PictureWork[]
  folder: GenerationFolder
  onProgress?: (progress: SentenceProgress) => void
}

/**
 * Pictures of sentences that are read from EEG (pipelines `text` and `amused`): first all sentences, then, with the language model freed, the pictures.
 * Sentences are kept in the folder of the pictures and read once.
 */
export class SentenceSource implements PictureSource {
  readonly vocabulary: TextVocabulary
  readonly #config: PictureDrawing
  readonly #given: SentenceWork
  /** Of each class of the windows. */
  readonly #labels: readonly number[]
  readonly #log: SentenceLog
  readonly #seed: number
  #painter: StableDiffusion | Amused | undefined

  /** @throws EegTorchError `INVALID_OPTION` for what the pipeline needs, or classes that no vocabulary knows */
  constructor(config: PictureDrawing, given: SentenceWork) {
    requireDrawing(config, 'text', 'amused')
    const { classNames } = given.windows
    const { vocabulary: name, sample, seed = 0 } = config
    this.vocabulary = name === undefined ? vocabularyOfClasses(classNames) : textVocabularies[name]!
    this.#labels = labelsOfClasses(classNames, this.vocabulary)
    this.#seed = seed
    this.#config = config
    this.#given = given
    this.#log = new SentenceLog(given.folder.folder, sample ? seed : undefined, given.folder.records)
  }

  /** Reads what was not read before. */
  async prepare(indices: readonly number[], signal?: AbortSignal): Promise<void> {
    const unread = indices.filter((i) => this.#log.get(this.#trial(i)) === undefined)
    if (unread.length > 0) await this.#read(unread, signal)
  }

  async draw(indices: readonly number[], numbers: readonly number[], signal?: AbortSignal): Promise<DrawnBatch> {
    this.#painter ??= await openPainter(this.#config)
    const words = indices.map((i) => this.#wordsOf(i))
    const given = structureOptions(this.#config, this.#given.work, indices)
    const options = { ...drawOptions(this.#config), ...given, numbers: [...numbers], truncate: true, signal }
    const prompts = words.map(({ prompt }) => prompt!)
    return { generation: this.#painter.generate(prompts, options), words }
  }

  /** How often the sentences that were read told the right class. */
  accuracy(): KeywordAccuracy {
    const read = [...this.#given.work.keys()].filter((i) => this.#log.get(this.#trial(i)) !== undefined)
    return keywordAccuracy(
      read.map((i) => findKeyword(this.#log.get(this.#trial(i))!, this.vocabulary)?.label),
      read.map((i) => this.#truth(i)),
    )
  }

  [Symbol.dispose](): void {
    this.#painter?.dispose()
    this.#log[Symbol.dispose]()
  }

  async #read(indices: readonly number[], signal: AbortSignal | undefined): Promise<void> {
    const { encoder, projection, language, adapter, sample } = this.#config
    const files = { encoder: encoder!, projection: projection!, language: language!, adapter }
    using trials = tensorOf(this.#given.windows, indices)
    let at = 0
    for await (const texts of readSentences(files, trials, this.#reading(indices, signal))) {
      for (const { text, found } of texts) {
        const trial = this.#trial(indices[at++]!)
        this.#log.add({
          trial,
          sentence: text,
          ...(sample && { seed: this.#seed }),
          ...(found && { keyword: found.keyword }),
        })
      }
    }
  }

  #reading(indices: readonly number[], signal: AbortSignal | undefined): ReadSentencesOptions {
    const { place, nf4, batch } = this.#config
    return {
      ...{ ...wantedPlacement(this.#config), ...channelsOf(this.#given.windows, this.#config) },
      ...{ vocabulary: this.vocabulary, signal, onProgress: this.#given.onProgress },
      ...defined({ place, batch, seed: this.#seed }),
      ...decodingOf(this.#config),
      ...(nf4 && { quantize: 'nf4' as const }),
      numbers: indices.map((i) => this.#given.work[i]!.number),
    }
  }

  /** Where no keyword stands in a sentence, the picture is of the sentence itself. */
  #wordsOf(index: number): PictureWords {
    const sentence = this.#log.get(this.#trial(index))!
    const found = findKeyword(sentence, this.vocabulary)
    if (found === undefined)
      return { predicted: 'unknown', prompt: sentence, mode: modeOf('sentence-prompt', this.#config), sentence }
    const { keyword, label, prompt } = found
    return {
      predicted: this.#className(label, index),
      prompt,
      mode: modeOf('keyword-prompt', this.#config),
      sentence,
      keyword,
    }
  }

  /** The windows' own name of a label, that of the trial's class first. */
  #className(label: number, index: number): string {
    const { classNames, labels } = this.#given.windows
    if (this.#truth(index) === label) return classNames[labels[index]!]!
    return classNames[this.#labels.indexOf(label)] ?? this.vocabulary.labels[label]!
  }

  #truth(index: number): number {
    return this.#labels[this.#given.windows.labels[index]!]!
  }

  #trial(index: number): string {
    return this.#given.work[index]!.trial
  }
}

async function openPainter(config: PictureDrawing): Promise<StableDiffusion | Amused> {
  const { pipeline, scheduler, tokenizer } = config
  const diffusion = config.diffusion!
  if (pipeline === 'text') return StableDiffusion.load(diffusion, diffusionOptions(config))
  if (scheduler === undefined && tokenizer === undefined) return Amused.load(diffusion, loadOptions(config))
  throw new EegTorchError('INVALID_OPTION', 'the pipeline amused has its own scheduler and tokenizer', {
    option: scheduler === undefined ? 'tokenizer' : 'scheduler',
  })
}
