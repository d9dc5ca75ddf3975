import { join } from 'node:path'
import { z } from 'zod'
import { defined } from '../../defined.ts'
import { EegTorchError } from '../../errors.ts'
import { JsonLinesLog, readJsonLines } from '../../training/log/json-lines.ts'
import { type GenerationRecord, SENTENCES_FILE } from './generation-record.ts'

const line = z.object({
  /** What tells the trial from all others. */
  trial: z.string(),
  /** Of the draws; absent where the likeliest words were taken. */
  seed: z.int().nonnegative().optional(),
  sentence: z.string(),
  /** The word of the sentence that told the class. */
  keyword: z.string().optional(),
})

/** One line of `sentences.jsonl`. */
export type SentenceRecord = z.infer<typeof line>

/** Sentences that were read from EEG, in the folder of their pictures: none is read twice, whether its picture was drawn or not. */
export class SentenceLog implements Disposable {
  readonly #log: JsonLinesLog
  readonly #sentences = new Map<string, string>()

  /**
   * Opens `sentences.jsonl` of a folder that nobody else writes to.
   *
   * @param seed of the draws; absent where the likeliest words are taken
   * @param pictures those that are there tell sentences too
   * @throws EegTorchError `FILE_INVALID`, `FILE_WRITE_FAILED`
   */
  constructor(folder: string, seed: number | undefined, pictures: readonly GenerationRecord[]) {
    const path = join(folder, SENTENCES_FILE)
    for (const { trial, sentence, seed: drawn } of pictures)
      if (sentence !== undefined && (seed === undefined || seed === drawn)) this.#sentences.set(trial, sentence)
    this.#log = new JsonLinesLog(path)
    for (const [i, record] of readJsonLines(path).entries()) {
      const parsed = line.safeParse(record)
      if (!parsed.success) throw new EegTorchError('FILE_INVALID', `line ${i + 1} is no sentence`, { file: path })
      if (parsed.data.seed === seed) this.#sentences.set(parsed.data.trial, parsed.data.sentence)
    }
  }

  get(trial: string): string | undefined {
    return this.#sentences.get(trial)
  }

  /** @throws EegTorchError `FILE_WRITE_FAILED` */
  add({ trial, sentence, ...more }: SentenceRecord): void {
    this.#log.append({ trial, sentence, ...defined(more) })
    this.#sentences.set(trial, sentence)
  }

  [Symbol.dispose](): void {
    this.#log.close()
  }
}
