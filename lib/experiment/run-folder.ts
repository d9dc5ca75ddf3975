import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { checkDescription } from '../checkpoints/json-file.ts'
import type { TestOpening } from '../evaluation/test-ledger.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { makeFolder } from '../files/make-folder.ts'
import { type CheckpointCadence, readSavedState, TrainingCheckpoints } from '../training/checkpoints.ts'
import type { TrainingStore } from '../training/fit.ts'
import type { EpochFigures } from '../training/learning-curve.ts'
import { JsonLinesLog, readJsonLines } from '../training/log/json-lines.ts'
import { TensorBoardWriter } from '../training/log/tensorboard.ts'
import type { CrossValidationStore, TrainingOutcome, TrainingPlace } from './cross-validate-options.ts'
import { openingSchema, outcomeSchema, parseOutcome } from './outcome-file.ts'

const OPENINGS_FILE = 'openings.jsonl'

/** What a run folder needs to know. */
export interface RunFolderOptions extends CheckpointCadence {
  onWarning?: (sentence: string) => void
}

/**
 * The folder of one run: `log.jsonl`, `tensorboard/`, `checkpoints/fold-1-seed-0/{best,last}.safetensors` and, for each training that is over,
 * `outcomes/fold-1-seed-0.json`. Opening it again goes on where the run was: trainings that are over are read back, the one under way continues
 * from its state file, and the log loses what was written of it after that state was saved, so that no line is lost or written twice.
 */
export class RunFolder implements CrossValidationStore {
  readonly path: string
  readonly #options: RunFolderOptions
  #log: JsonLinesLog | undefined
  #openings: JsonLinesLog | undefined
  #records = 0
  #board: { place: string; writer: TensorBoardWriter } | undefined

  constructor(path: string, options: RunFolderOptions = {}) {
    this.path = path
    this.#options = options
  }

  /** @throws EegTorchError `FILE_WRITE_FAILED` */
  static async create(path: string, options: RunFolderOptions = {}): Promise<RunFolder> {
    for (const part of ['outcomes', 'checkpoints']) await makeFolder(join(path, part))
    return new RunFolder(path, options)
  }

  async readOutcome(place: TrainingPlace): Promise<TrainingOutcome | undefined> {
    const path = this.outcomeFile(place)
    if (!existsSync(path)) {
      this.#openLog()
      return undefined
    }
    return parseOutcome(outcomeSchema, await readFile(path, 'utf8'), path) as TrainingOutcome
  }

  async writeOutcome(place: TrainingPlace, outcome: TrainingOutcome): Promise<void> {
    const right = outcome.predictions.filter(({ truth, predicted }) => truth === predicted).length
    const n = outcome.predictions.length
    this.#append({ event: 'test', ...tell(place), accuracy: right / n, windows: n })
    await writeFileAtomically(this.outcomeFile(place), JSON.stringify(outcome))
    await new TrainingCheckpoints(this.#checkpointFolder(place)).forget()
  }

  /** Looks at test parts that this run, or an earlier process of it, has recorded. @throws EegTorchError `FILE_INVALID` naming the line */
  readOpenings(): TestOpening[] {
    const path = join(this.path, OPENINGS_FILE)
    if (!existsSync(path)) return []
    return readJsonLines(path).map(
      (line, i) => checkDescription(openingSchema, line, `line ${i + 1}`, path) as TestOpening,
    )
  }

  recordOpening(opening: TestOpening): void {
    this.#openings ??= new JsonLinesLog(join(this.path, OPENINGS_FILE))
    this.#openings.append({ ...opening })
  }

  trainingStore(place: TrainingPlace, description: Record<string, unknown>): TrainingStore {
    return new TrainingCheckpoints(this.#checkpointFolder(place), {
      ...this.#options,
      description,
      logRecords: () => this.#records,
    })
  }

  /** Logs the end of an epoch. */
  logEpoch(place: TrainingPlace, figures: EpochFigures): void {
    this.#append({ event: 'epoch', ...tell(place), ...figures })
    const { epoch, ...scalars } = figures
    this.#boardOf(place, epoch).scalars(tagged(scalars), epoch)
  }

  close(): void {
    this.#openings?.close()
    this.#openings = undefined
    this.#log?.close()
    this.#board?.writer.close()
    this.#log = undefined
    this.#board = undefined
  }

  /** Opens the log for the first training that is not over, without what was logged of such trainings after their state was saved. */
  #openLog(): void {
    if (this.#log !== undefined) return
    const saved = new Map<string, number>()
    let index = 0
    this.#records = 0
    const keep = ({ fold, seed, training }: Record<string, unknown>) => {
      const place = { fold: Number(fold) - 1, seed: Number(seed), index: Number(training) }
      const name = nameOf(place)
      if (!saved.has(name)) saved.set(name, this.#savedRecords(place))
      const kept = index++ < saved.get(name)!
      if (kept) this.#records++
      return kept
    }
    this.#log = new JsonLinesLog(join(this.path, 'log.jsonl'), { keep })
  }

  /** How many records the log had when the state of a training was saved: all, where it is over. */
  #savedRecords(place: TrainingPlace): number {
    if (existsSync(this.outcomeFile(place))) return Number.POSITIVE_INFINITY
    return readSavedState(this.#checkpointFolder(place))?.logRecords ?? 0
  }

  #append(record: Record<string, unknown>): void {
    this.#log?.append(record)
    this.#records++
  }

  #boardOf(place: TrainingPlace, epoch: number): TensorBoardWriter {
    const name = nameOf(place)
    if (this.#board?.place !== name) {
      this.#board?.writer.close()
      const folder = join(this.path, 'tensorboard', name)
      // What an earlier process wrote from this epoch on is hidden.
      const resumeAt = existsSync(folder) ? { resumeAt: epoch } : {}
      this.#board = { place: name, writer: new TensorBoardWriter(folder, resumeAt) }
    }
    return this.#board.writer
  }

  outcomeFile(place: TrainingPlace): string {
    return join(this.path, 'outcomes', `${nameOf(place)}.json`)
  }

  #checkpointFolder(place: TrainingPlace): string {
    return join(this.path, 'checkpoints', nameOf(place))
  }
}

/** The run that a weights file belongs to, and which training of it; undefined for a file that lies in no run's folder. */
export function runOfWeights(file: string): { path: string; fold: number; seed: number } | undefined {
  const training = dirname(resolve(file))
  const [, fold, seed] = /^fold-(\d+)-seed-(\d+)$/.exec(basename(training)) ?? []
  const path = dirname(dirname(training))
  if (seed === undefined || !existsSync(join(path, OPENINGS_FILE))) return undefined
  return { path, fold: Number(fold) - 1, seed: Number(seed) }
}

function nameOf({ fold, seed }: TrainingPlace): string {
  return `fold-${fold + 1}-seed-${seed}`
}

function tell({ fold, seed, index }: TrainingPlace): Record<string, number> {
  return { training: index, fold: fold + 1, seed }
}

function tagged(figures: Omit<EpochFigures, 'epoch'>): Record<string, number> {
  const tags: Record<string, string> = {
    trainLoss: 'loss/train',
    trainAccuracy: 'accuracy/train',
    validationLoss: 'loss/validation',
    validationAccuracy: 'accuracy/validation',
  }
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [tags[name] ?? name, value as number]))
}
