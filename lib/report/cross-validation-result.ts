import { readFile } from 'node:fs/promises'
import { EegTorchError } from '../errors.ts'
import { type AccuracySummary, type EvaluationSummary, summarisePredictions } from '../evaluation/summary.ts'
import { formatAccuracy, formatFigures } from '../evaluation/text.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import type { EpochFigures, LearningCurve } from '../training/learning-curve.ts'
import { checkLines, proofLines } from './check-lines.ts'
import { renderReport, summaryOptions } from './html.ts'
import type { RunReport } from './run-report.ts'

const FORMAT = 'eegtorch-results'
const FORMAT_VERSION = 1

/** What cross-validation returns: the run with its scores, ready to print, to save and to look at. */
export class CrossValidationResult {
  /** Everything that was recorded of the run. */
  readonly run: RunReport
  /** All scores: pooled, by subject, by fold and by seed. */
  readonly summary: EvaluationSummary
  /** Scores of the classical decoders on the same folds. */
  readonly baselines: readonly { name: string; summary: EvaluationSummary }[]

  /** @throws EegTorchError `INVALID_OPTION` for a run without predictions */
  constructor(run: RunReport) {
    this.run = run
    this.summary = summarisePredictions(run.predictions, summaryOptions(run))
    this.baselines = run.baselines.map(({ name, predictions }) => ({
      name,
      summary: summarisePredictions(predictions, summaryOptions(run)),
    }))
  }

  /** Accuracy with its exact interval, chance level, p-value and number of trials. */
  get accuracy(): AccuracySummary {
    return this.summary.accuracy
  }

  /** The lines that a command prints at the end. */
  lines(): string[] {
    return [
      ...(this.run.simulated ? ['SIMULATED DATA: these scores say nothing about real EEG'] : []),
      formatAccuracy(this.accuracy),
      formatFigures(this.summary),
      ...(this.run.warnings ?? []).map((warning) => `note: ${warning}`),
      ...this.baselines.map(({ name, summary }) => `${name} on the same folds: ${summary.accuracy.mean.toFixed(3)}`),
      ...checkLines(this.run),
      ...proofLines(this.run.split),
    ]
  }

  /** The score lines as one text. */
  toString(): string {
    return this.lines().join('\n')
  }

  /** What `results.json` holds: the run, and its scores for readers that do not wish to compute them. */
  toJSON(): Record<string, unknown> {
    return { format: FORMAT, version: FORMAT_VERSION, accuracy: this.accuracy, ...this.run, summary: this.summary }
  }

  /**
   * Writes `results.json`; a reader sees the old file or the whole new one.
   *
   * @throws EegTorchError `FILE_WRITE_FAILED`
   */
  async save(path: string): Promise<void> {
    await writeFileAtomically(path, `${JSON.stringify(this, undefined, 1)}\n`)
  }

  /**
   * Writes the run as one HTML page that stands alone.
   *
   * @throws EegTorchError `FILE_WRITE_FAILED`
   */
  async report(path: string): Promise<void> {
    await writeFileAtomically(path, renderReport(this.run, this.summary))
  }

  /**
   * Reads what {@link save} wrote. Scores are computed again from the predictions.
   *
   * @throws EegTorchError `FILE_NOT_FOUND`, or `FILE_INVALID` for anything that is no such file
   */
  static async load(path: string): Promise<CrossValidationResult> {
    const content = await read(path)
    const invalid = (received: string, cause?: unknown) =>
      new EegTorchError('FILE_INVALID', 'holds no results', {
        expected: `a JSON file of format ${FORMAT}, version ${FORMAT_VERSION}`,
        received,
        file: path,
        cause,
      })
    let value: Partial<RunReport> & { format?: unknown; version?: unknown; summary?: unknown; accuracy?: unknown }
    try {
      value = JSON.parse(content)
    } catch (cause) {
      throw invalid('text that is not JSON', cause)
    }
    const { format, version, summary: _, accuracy: __, ...run } = value ?? {}
    if (format !== FORMAT || version !== FORMAT_VERSION) throw invalid(`format ${format}, version ${version}`)
    const missing = REQUIRED.find((key) => run[key] === undefined)
    if (missing !== undefined) throw invalid(`one without ${missing}`)
    return new CrossValidationResult({ ...(run as RunReport), curves: run.curves!.map(restoreNonFinite) })
  }
}

/** JSON writes a loss that is not finite as null. */
function restoreNonFinite(curve: LearningCurve): LearningCurve {
  const restore = (epoch: EpochFigures) =>
    Object.fromEntries(
      Object.entries(epoch).map(([key, value]) => [key, value ?? Number.NaN]),
    ) as unknown as EpochFigures
  return { ...curve, epochs: curve.epochs.map(restore) }
}

const REQUIRED: readonly (keyof RunReport)[] = [
  'title',
  'simulated',
  'createdAt',
  'model',
  'protocol',
  'classes',
  'predictions',
  'curves',
  'split',
  'baselines',
  'configuration',
  'versions',
  'hardware',
]

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'FILE_NOT_FOUND' : 'FILE_INVALID'
    throw new EegTorchError(code, `cannot be read (${(cause as Error).message})`, { file: path, cause })
  }
}
