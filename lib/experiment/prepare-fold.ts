import { concatenateWindows } from '../datasets/concatenate.ts'
import { Standardiser } from '../datasets/standardise.ts'
import type { EegWindows, WindowOrigin } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { PartCounts } from '../evaluation/leaks.ts'
import type { Split } from '../evaluation/split.ts'
import type { FittedPipeline, StoredPipeline } from '../preprocessing/fitted-pipeline.ts'
import type { Pipeline } from '../preprocessing/pipeline.ts'
import { requireFinite } from './finite-windows.ts'

/** How windows become what a network is given, learned anew in each fold. */
export interface FoldScaling {
  /** Z-scores per channel, fitted on the training part of each fold. Default true, but with a pipeline it is the pipeline's business. */
  standardise?: boolean
  /** The pipeline that made the windows (its `prepared` part): steps that learn are fitted on the training part of each fold. */
  pipeline?: Pipeline
}

/** Windows as the networks of a fold see them. */
export interface PreparedFold {
  windows: EegWindows
  /** The split, without windows that the pipeline has rejected. */
  split: Split
  /** The windows before that. */
  given: EegWindows
  /** The split by their numbers among {@link given}: what else is scored on this fold is scored on these. */
  kept: Split
  /** For the checkpoint. */
  told: { standardise?: ReturnType<Standardiser['toJSON']>; pipeline?: StoredPipeline }
}

/** How many windows of each part a pipeline has left out; undefined where it left none out. */
export function leftOutOf(split: Split, kept: Split): PartCounts | undefined {
  const missing = (part: 'train' | 'validation' | 'test') => (split[part]?.length ?? 0) - (kept[part]?.length ?? 0)
  const counts = { train: missing('train'), validation: missing('validation'), test: missing('test') }
  return Object.values(counts).some((count) => count > 0) ? counts : undefined
}

/**
 * Learns from the training part of a split and applies it to all windows.
 *
 * @throws EegTorchError `INVALID_OPTION` for standardise beside a pipeline, or windows of another pipeline
 */
export async function prepareFold(
  windows: EegWindows,
  split: Split,
  { standardise, pipeline }: FoldScaling,
): Promise<PreparedFold> {
  if (pipeline !== undefined) {
    if (standardise !== undefined) throw refuseBoth()
    const fitted = await pipeline.fit(windows, split.train)
    const told = { pipeline: fitted.toJSON() }
    if (pipeline.looksAcrossWindows) return { ...(await finishApart(windows, split, fitted)), given: windows, told }
    const finished = await fitted.finish(windows)
    return { windows: finished, given: windows, ...relocate(split, windows, finished), told }
  }
  if (standardise === false) return { windows, split, given: windows, kept: split, told: {} }
  const standardiser = await Standardiser.fitAsync(windows, split.train)
  const told = { standardise: standardiser.toJSON() }
  return { windows: standardiser.apply(windows), split, given: windows, kept: split, told }
}

/**
 * Refuses a fold before its training, of which what is no number would make the answers, or the weights, none. Of windows in a store only those that are
 * tested are read for it: what else is no number ends the training in its first epoch.
 *
 * @throws EegTorchError `FILE_INVALID` naming the trial
 */
export async function requireFiniteFold({ windows, split }: Pick<PreparedFold, 'windows' | 'split'>): Promise<void> {
  await requireFinite(windows, { indices: windows.source === undefined ? partsOf(split).flat() : split.test })
}

/** Finishes each part of a split by itself, so that nothing of a test window shapes one that is trained on, nor the other way round. */
async function finishApart(
  windows: EegWindows,
  split: Split,
  fitted: FittedPipeline,
): Promise<Pick<PreparedFold, 'windows' | 'split' | 'kept'>> {
  const parts: EegWindows[] = []
  const given = partsOf(split)
  for (const indices of given) parts.push(await fitted.finish(windows.subset(indices)))
  const starts = parts.map((_, i) => parts.slice(0, i).reduce((sum, { length }) => sum + length, 0))
  const skipped = parts.reduce((sum, part) => sum + part.skipped - windows.skipped, windows.skipped)
  return {
    windows: concatenateWindows(parts, { skipped }),
    split: withParts(
      split,
      parts.map((part, i) => [...part.labels.keys()].map((index) => starts[i]! + index)),
    ),
    kept: withParts(
      split,
      parts.map((part, i) => {
        const left = new Set(part.origins.map(nameOf))
        return given[i]!.filter((index) => left.has(nameOf(windows.origins[index]!)))
      }),
    ),
  }
}

/** The same windows by their new positions, and those that are still there by their old ones. */
function relocate(split: Split, before: EegWindows, after: EegWindows): Pick<PreparedFold, 'split' | 'kept'> {
  if (before.length === after.length) return { split, kept: split }
  const places = new Map(after.origins.map((origin, index) => [nameOf(origin), index]))
  const indexAfter = (index: number) => places.get(nameOf(before.origins[index]!))
  const kept = partsOf(split).map((indices) => indices.filter((index) => indexAfter(index) !== undefined))
  return {
    split: withParts(
      split,
      kept.map((indices) => indices.map((index) => indexAfter(index)!)),
    ),
    kept: withParts(split, kept),
  }
}

const nameOf = ({ recording, trial, start }: WindowOrigin) => `${recording} ${trial} ${start}`

const partsOf = ({ train, test, validation }: Split): (readonly number[])[] => [
  train,
  test,
  ...(validation ? [validation] : []),
]

/** A split with other windows, in the order of {@link partsOf}. */
function withParts(split: Split, [train, test, validation]: readonly (readonly number[])[]): Split {
  return { ...split, train: [...train!], test: [...test!], ...(validation && { validation: [...validation] }) }
}

function refuseBoth(): EegTorchError {
  const expected = 'a step zscore in the pipeline'
  return new EegTorchError('INVALID_OPTION', 'a pipeline says itself how windows are scaled', {
    option: 'standardise',
    expected,
    received: 'standardise beside a pipeline',
  })
}
