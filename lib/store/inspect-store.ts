import type { EegWindows } from '../datasets/windows.ts'
import { parseYaml } from '../files/yaml.ts'
import { openStore } from './open-store.ts'
import { isPickledLmdb, openPickledLmdb } from './pickled-lmdb.ts'

/** What there is to know about a store of windows at a glance. */
export interface StoreSummary {
  readonly format: 'store of windows' | 'LMDB of pickled records'
  readonly simulated: boolean
  readonly windows: number
  readonly classes: readonly { readonly name: string; readonly count: number }[]
  readonly recordings: number
  /** Those that are known. */
  readonly subjects: readonly string[]
  readonly channels: readonly string[]
  /** Hertz. */
  readonly samplingRate: number
  /** Seconds of a window. */
  readonly duration: number
  /** Trials that gave no window. */
  readonly skipped: number
  /** How samples are kept, where the store has one way for all. */
  readonly sampleType?: string
  /** What was done to the recordings: the hash, and names of the steps where the store says them. */
  readonly pipeline?: { readonly hash: string; readonly steps: readonly string[] }
  /** Names of splits that came with the windows. */
  readonly splits: readonly string[]
}

/**
 * Summarises a store: ours without reading samples, one of pickled records by reading each once.
 *
 * @throws EegTorchError as `openStore` and `openPickledLmdb`
 */
export function inspectStore(path: string): StoreSummary {
  if (isPickledLmdb(path)) {
    const { windows, split } = openPickledLmdb(path)
    return { format: 'LMDB of pickled records', ...summaryOf(windows), splits: split === undefined ? [] : [split.name] }
  }
  const { windows, header } = openStore(path)
  const { pipeline, sampleType, splits = [] } = header
  return {
    format: 'store of windows',
    ...summaryOf(windows),
    sampleType,
    ...(pipeline.hash !== '' && { pipeline: { hash: pipeline.hash, steps: stepNames(pipeline.text, path) } }),
    splits: splits.map(({ name }) => name),
  }
}

function summaryOf(windows: EegWindows) {
  const { simulated, length, classNames, recordings, channelNames, samplingRate, duration, skipped } = windows
  const counts = windows.countClasses()
  return {
    ...{ simulated, windows: length, samplingRate, duration, skipped },
    classes: classNames.map((name, i) => ({ name, count: counts[i]! })),
    recordings: recordings.length,
    subjects: [...new Set(recordings.flatMap(({ subject }) => subject ?? []))],
    channels: [...channelNames],
  }
}

/** Names of the steps of a pipeline that was written out in full. */
function stepNames(text: string, path: string): string[] {
  const { steps } = (parseYaml(text, 'pipeline', path) ?? {}) as { steps?: readonly object[] }
  return steps?.flatMap((step) => Object.keys(step)) ?? []
}

/** The summary in four lines for a terminal. */
export function formatStore(summary: StoreSummary): string {
  const { windows, classes, recordings, subjects, channels, skipped, sampleType, pipeline, splits } = summary
  const counts = classes.map(({ name, count }) => `${name} ${count}`).join(' · ')
  const people =
    subjects.length === 0 ? 'subjects unknown' : `${subjects.length} subject${subjects.length > 1 ? 's' : ''}`
  const shown = channels.slice(0, 12).join(', ') + (channels.length > 12 ? ` and ${channels.length - 12} more` : '')
  const kept = sampleType === undefined ? '' : `, ${sampleType}`
  const left = skipped === 0 ? '' : `; ${skipped} trials gave no window`
  const named = pipeline?.steps.join(', ')
  const given = splits.length === 0 ? '' : `; splits ${splits.join(', ')}`
  return [
    `${summary.simulated ? 'SIMULATED: ' : ''}${windows} windows of ${recordings} recordings (${people}), ${summary.format}${kept}`,
    `${channels.length} channels (${shown}), ${summary.samplingRate} Hz, ${summary.duration.toFixed(3)} s each`,
    `classes: ${counts}${left}${given}`,
    pipeline === undefined
      ? 'pipeline unknown'
      : `pipeline ${[pipeline.hash.slice(0, 8), named].filter(Boolean).join(': ')}`,
  ].join('\n')
}
