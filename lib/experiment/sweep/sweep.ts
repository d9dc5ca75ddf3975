import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { scoreWarnings } from '../../datasets/registry.ts'
import type { EegWindows } from '../../datasets/windows.ts'
import { defined } from '../../defined.ts'
import { EegTorchError } from '../../errors.ts'
import { compareModels } from '../../evaluation/compare-models.ts'
import type { Split } from '../../evaluation/split.ts'
import { TestLedger } from '../../evaluation/test-ledger.ts'
import { writeFileAtomically } from '../../files/atomic.ts'
import { makeFolder } from '../../files/make-folder.ts'
import type { Baseline } from '../../report/run-report.ts'
import type { SweepReport, SweepRow } from '../../report/sweep-report.ts'
import { makeModel } from '../make-model.ts'
import { describeSplits, type FoldFindings, makeSplits, proveSplits, withFindings } from '../make-splits.ts'
import { leftOutOf } from '../prepare-fold.ts'
import { runChecks } from '../run-checks.ts'
import { versionsInUse } from '../versions.ts'
import { listJobs, type SweepJob } from './sweep-jobs.ts'
import {
  decoderOf,
  isNetwork,
  kindOf,
  requireNames,
  requireSamePreparation,
  type SweepModel,
  type SweepSharedOptions,
} from './sweep-models.ts'
import { readOutcomes, runJob, type SweepOutcome } from './sweep-outcomes.ts'

/** What all rows of a sweep share. */
export interface SweepOptions extends SweepSharedOptions {
  /** Where the outcomes lie, one file for each training. */
  folder: string
  /** For the table: heading, how the windows were made in words, every option as given, the command. */
  report?: {
    title?: string | undefined
    preparation?: string
    configuration?: Record<string, unknown>
    command?: string
  }
}

/** How to go through the trainings of a sweep. */
export interface SweepRunOptions {
  /** Stops after the present step of the present training, which is lost. */
  signal?: AbortSignal
  onDone?: (job: SweepJob, done: number, total: number) => void
}

/**
 * Many models on the same splits: rows x folds x seeds. Each training that is over is a file of its own, named after all that shaped it, options,
 * samples, split and seed; so a sweep that was stopped, or gets more models, seeds or windows, finds what is there and nothing that is stale.
 *
 * {@link Sweep.run} trains in this process. Others can share the work: whoever makes the same sweep can {@link Sweep.runJob} any of its jobs.
 */
export class Sweep {
  readonly models: readonly SweepModel[]
  readonly windows: EegWindows
  readonly splits: readonly Split[]
  readonly #options: SweepOptions
  #jobs: readonly SweepJob[] | undefined

  /**
   * Makes the splits.
   *
   * @throws EegTorchError `INVALID_OPTION` for no rows, equal names, other preprocessing than the first row's, or no clear way to split; `SPLIT_LEAKS`
   */
  constructor(models: readonly SweepModel[], windows: EegWindows, options: SweepOptions) {
    requireNames(models)
    requireSamePreparation(models)
    this.models = models
    this.windows = windows
    this.splits = makeSplits(windows, options)
    this.#options = options
  }

  /**
   * Every training, row by row, whether it is over or not.
   *
   * @throws EegTorchError `INVALID_OPTION` for options that hold a function, without `configuration`
   */
  get jobs(): readonly SweepJob[] {
    this.#jobs ??= listJobs(this.models, this.windows, this.splits, this.#options.folder)
    return this.#jobs
  }

  /** Trainings without an outcome. */
  get missing(): SweepJob[] {
    return this.jobs.filter(({ file }) => !existsSync(file))
  }

  /**
   * Makes each network once: a name or option that is wrong is found before hours of training.
   *
   * @throws EegTorchError as the network does
   */
  checkNetworks(): void {
    for (const { model, options } of this.models.filter(isNetwork)) {
      makeModel(model, this.windows, options.model).dispose()
    }
  }

  /** For people: row, split and seed. */
  nameOf({ entry, fold, seed }: SweepJob): string {
    return `${this.models[entry]!.name}, ${this.splits[fold]!.name}, seed ${seed}`
  }

  /**
   * Does every training that is missing, one after the other.
   *
   * @throws EegTorchError `CANCELLED`, and as {@link crossValidate}; what was finished stays
   */
  async run({ signal, onDone }: SweepRunOptions = {}): Promise<void> {
    this.checkNetworks()
    const { jobs, missing } = this
    for (const [i, job] of missing.entries()) {
      if (signal?.aborted) throw new EegTorchError('CANCELLED', 'the sweep was stopped', { cause: signal.reason })
      await this.runJob(job, signal)
      onDone?.(job, jobs.length - missing.length + i + 1, jobs.length)
    }
  }

  /** Does one training and writes its outcome. @throws EegTorchError as {@link crossValidate} */
  async runJob(job: SweepJob, signal?: AbortSignal): Promise<void> {
    const { stimuliApart } = this.#options
    const given = defined({ signal, stimuliApart })
    const outcome = await runJob(this.models[job.entry]!, this.windows, this.splits[job.fold]!, job, given)
    await makeFolder(dirname(job.file))
    await writeFileAtomically(job.file, JSON.stringify(outcome))
  }

  /**
   * The table of what is finished; models are compared by those rows whose trainings are all over, and checks run when all rows are.
   *
   * @throws EegTorchError `FILE_INVALID` for a file that is no outcome
   */
  async report(): Promise<SweepReport> {
    const { windows, models } = this
    const read = await this.#readRows()
    const { ledger, findings, kept } = this.#findingsOf(read)
    const finished = read.filter(({ row }) => row.done === row.total).map(({ answers }) => answers)
    const decoders = models.map(decoderOf).filter((decoder) => decoder !== undefined)
    const isOver = finished.length === models.length
    const run = { windows, splits: kept, decoders, baselines: finished, ledger }
    const checks = isOver ? await runChecks(run, this.#options) : {}
    const proof = withFindings(proveSplits(windows, this.splits, this.#options), findings)
    const threads = new Set(read.flatMap(({ outcomes }) => outcomes.map((outcome) => outcome.threads)))
    const { title, preparation, configuration = {}, command } = this.#options.report ?? {}
    return {
      title: title ?? windows.classNames.join(' against '),
      simulated: windows.simulated,
      warnings: scoreWarnings(windows),
      createdAt: new Date().toISOString(),
      protocol: describeSplits(this.splits, this.#options, preparation),
      classes: [...windows.classNames],
      entries: read.map(({ row }) => row),
      split: { ...proof, openings: ledger.openings },
      comparison: compareModels(finished, { classes: windows.classNames.length }),
      ...checks,
      configuration,
      versions: versionsInUse(),
      hardware: { CPU: cpus()[0]?.model ?? 'unknown', threads: `${[...threads].join(' or ')} for each training` },
      ...defined({ command }),
    }
  }

  async #readRows(): Promise<ReadRow[]> {
    const rows: ReadRow[] = []
    for (const [entry, model] of this.models.entries()) {
      const { name } = model
      const wanted = this.jobs.filter((job) => job.entry === entry)
      const outcomes = await readOutcomes(wanted)
      const { parameters } = outcomes[0] ?? {}
      const seconds = outcomes.reduce((sum, outcome) => sum + outcome.seconds, 0) / outcomes.length
      const row = {
        ...{ name, model: kindOf(model) },
        ...{ done: outcomes.length, total: wanted.length },
        ...(outcomes.length > 0 && { seconds }),
        ...defined({ parameters }),
      }
      rows.push({ row, outcomes, answers: { name, predictions: outcomes.flatMap(({ predictions }) => predictions) } })
    }
    return rows
  }

  /** What the outcomes tell of the folds: openings of the test parts, what was fitted, and the windows that were left in. */
  #findingsOf(rows: readonly ReadRow[]) {
    const ledger = new TestLedger()
    const findings: FoldFindings[] = this.splits.map(() => ({}))
    const kept = [...this.splits]
    for (const outcome of rows.flatMap(({ outcomes }) => outcomes)) {
      const { fold, fitted } = outcome
      ledger.note({ fold, by: outcome.name, seed: outcome.seed })
      if (fitted !== undefined && fitted.length > 0) findings[fold]!.fitted = fitted
      if (outcome.kept === undefined) continue
      findings[fold]!.leftOut = leftOutOf(this.splits[fold]!, outcome.kept)
      kept[fold] = outcome.kept
    }
    return { ledger, findings, kept }
  }
}

/** A row with what is finished of it. */
interface ReadRow {
  row: SweepRow
  outcomes: (SweepOutcome & { fold: number })[]
  answers: Baseline
}
