import { existsSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { defined } from '../../defined.ts'
import { EegTorchError } from '../../errors.ts'
import { writeFileAtomically } from '../../files/atomic.ts'
import type { Lock } from '../../files/lock.ts'
import { type LockedFolder, openKeptFolder } from '../../files/locked-folder.ts'
import { requireSeed } from '../../random.ts'
import { JsonLinesLog } from '../../training/log/json-lines.ts'
import { drawComparison, drawGrid, type Tile } from './compose.ts'
import {
  comparisonName,
  GENERATIONS_FILE,
  type GenerationRecord,
  pictureName,
  readGenerations,
  SENTENCES_FILE,
  workKey,
} from './generation-record.ts'
import { encodePng, type Picture, readPicture } from './picture.ts'

/** A picture that was made from a trial. */
export interface GeneratedPicture {
  /** What tells the trial from all others: subject, session, run and number. */
  trial: string
  /** Class of what was seen; absent where nobody knows. */
  true?: string | undefined
  /** Class that was read from the EEG. */
  predicted: string
  /** What the diffusion model was told in words; null where it saw embeddings of the EEG alone. */
  prompt: string | null
  /** Whether the networks learned from this trial; absent where nobody knows. */
  trained?: boolean | undefined
  /** What a language model said of the EEG. */
  sentence?: string | undefined
  /** The word of the sentence that told the class. */
  keyword?: string | undefined
  /** How the picture was made: `eeg-tokens`, `label-prompt`, `keyword-prompt`. It stands in every output. */
  mode: string
  seed: number
  picture: Picture
  /** The file that was seen; a comparison is then drawn. */
  stimulus?: string | undefined
  /** The picture whose structure a ControlNet was told. */
  structure?: string | undefined
  scores?: Readonly<Record<string, number>> | undefined
}

/** How a folder of pictures is opened. */
export interface GenerationFolderOptions {
  /** What decides how pictures look: checkpoint, steps, guidance. A folder with other settings is refused. */
  settings?: Readonly<Record<string, unknown>>
  /**
   * Checkpoints and other files or folders that decide it too, by the names of their settings. A folder is refused where their content is another: their
   * sizes, and all bytes or, of files over 4 MiB, 64 blocks of them.
   */
  contents?: Readonly<Record<string, string | undefined>>
  /** Names of settings that decide pictures alone: a folder that has sentences, and no picture yet, takes others. */
  drawing?: readonly string[]
}

const PLACE: LockedFolder = { lockFile: 'generations.lock', doing: 'writes pictures to', option: 'out' }
const GRID_FILE = 'summary_grid.png'
const PREVIEW_FILE = 'preview.png'
/** A grid of more pictures would be too large to look at. */
const MOST_IN_GRID = 400
/** Width of a picture in the grid, in pixels. */
const TILE = 256

/**
 * A folder of generated pictures that can be stopped and gone on with: each picture is written whole before its line in `generations.jsonl`, so
 * what has a line is there, and is never made again. A full disk costs the picture that was being written, no other.
 */
export class GenerationFolder {
  readonly folder: string
  readonly #log: JsonLinesLog
  readonly #lock: Lock
  readonly #records: Map<string, GenerationRecord>
  /** Work whose files are gone. */
  readonly #lost: Set<string>
  #next: number

  private constructor(folder: string, log: JsonLinesLog, lock: Lock, records: readonly GenerationRecord[]) {
    this.folder = folder
    this.#log = log
    this.#lock = lock
    this.#records = new Map(records.map((record) => [workKey(record), record]))
    this.#lost = new Set(records.filter((record) => !isThere(folder, record)).map(workKey))
    this.#next = 1 + records.reduce((most, { number }) => Math.max(most, number), 0)
  }

  /**
   * Opens a folder, new or with pictures in it. A picture whose file is gone counts as not made.
   *
   * @throws EegTorchError `INVALID_OPTION` where its pictures were made with other settings or another process writes to it; `FILE_INVALID`
   *   for a log that is none; `FILE_WRITE_FAILED`
   */
  static async open(
    folder: string,
    { settings = {}, contents, drawing = [] }: GenerationFolderOptions = {},
  ): Promise<GenerationFolder> {
    const path = join(folder, GENERATIONS_FILE)
    let records: readonly GenerationRecord[] = []
    const lock = await openKeptFolder(folder, PLACE, async () => {
      if (existsSync(path)) records = readGenerations(path)
      const kept =
        records.length > 0 ? { what: 'pictures that were made' } : { what: 'sentences that were read', free: drawing }
      return {
        isUntouched: records.length === 0 && !holdsSentences(folder),
        kept: { settings, contents, ...kept },
      }
    })
    return new GenerationFolder(folder, new JsonLinesLog(path), lock, records)
  }

  /** What is there, in the order of the numbers. */
  get records(): readonly GenerationRecord[] {
    const there = [...this.#records].filter(([key]) => !this.#lost.has(key)).map(([, record]) => record)
    return there.sort((a, b) => a.number - b.number)
  }

  /** Whether this trial has its picture of this seed already. */
  has(work: { trial: string; seed: number }): boolean {
    const key = workKey(work)
    return this.#records.has(key) && !this.#lost.has(key)
  }

  /**
   * Writes a picture, its comparison where there is a stimulus, and its line. Calls must wait for each other.
   *
   * @throws EegTorchError `INVALID_OPTION` for work that is done, `FILE_WRITE_FAILED` for a full disk; what was there stays
   */
  async add({
    picture,
    stimulus,
    structure,
    true: truth,
    scores,
    trained,
    sentence,
    keyword,
    ...said
  }: GeneratedPicture): Promise<GenerationRecord> {
    requireSeed(said.seed)
    if (this.has(said)) throw done(said)
    const number = this.#records.get(workKey(said))?.number ?? this.#next
    const names = { number, true: truth, predicted: said.predicted }
    const file = pictureName(names)
    const comparison = stimulus === undefined ? undefined : comparisonName(names)
    const seen = stimulus === undefined ? undefined : await readPicture(stimulus)
    await writeFileAtomically(join(this.folder, file), await encodePng(picture))
    if (seen !== undefined) {
      const drawn = await drawComparison(seen, picture, { truth, predicted: said.predicted })
      await writeFileAtomically(join(this.folder, comparison!), drawn)
    }
    const { width, height } = picture
    const createdAt = new Date().toISOString()
    const record: GenerationRecord = {
      ...{ number, ...said, file, width, height, createdAt },
      ...defined({ true: truth, trained, sentence, keyword, comparison, stimulus, structure, scores }),
    }
    this.#log.append(record)
    this.#log.flush()
    this.#records.set(workKey(record), record)
    this.#lost.delete(workKey(record))
    this.#next = Math.max(this.#next, number + 1)
    return record
  }

  /** Shows how the pictures stand that are being made, in `preview.png`; without one the file goes. */
  async writePreview(preview?: Picture): Promise<void> {
    const path = join(this.folder, PREVIEW_FILE)
    if (preview === undefined) await rm(path, { force: true })
    else await writeFileAtomically(path, await encodePng(preview))
  }

  /**
   * Draws `summary_grid.png` of the first 400 pictures, in four columns.
   *
   * @returns its path, or undefined where there is no picture
   * @throws EegTorchError `FILE_WRITE_FAILED`; an older grid then stays
   */
  async writeGrid(): Promise<string | undefined> {
    const shown = this.records.slice(0, MOST_IN_GRID)
    if (shown.length === 0) return undefined
    const [{ width, height }] = shown as [GenerationRecord]
    const size = { width: TILE, height: Math.max(1, Math.round((TILE * height) / width)) }
    const tiles: Tile[] = []
    for (const { file, true: truth, predicted } of shown) {
      tiles.push({ picture: await readPicture(join(this.folder, file), size), truth, predicted })
    }
    const path = join(this.folder, GRID_FILE)
    await writeFileAtomically(path, await drawGrid(tiles))
    return path
  }

  /** Lets another process write to the folder. */
  async close(): Promise<void> {
    this.#log.close()
    await this.#lock.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function holdsSentences(folder: string): boolean {
  const path = join(folder, SENTENCES_FILE)
  return existsSync(path) && statSync(path).size > 0
}

function isThere(folder: string, { file, comparison }: GenerationRecord): boolean {
  return existsSync(join(folder, file)) && (comparison === undefined || existsSync(join(folder, comparison)))
}

function done({ trial, seed }: { trial: string; seed: number }): EegTorchError {
  return new EegTorchError('INVALID_OPTION', `trial ${trial} has its picture of seed ${seed} already`, {
    option: 'trial',
    expected: 'work that has() does not know',
    received: trial,
  })
}
