import { Standardiser } from '../datasets/standardise.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { Split } from '../evaluation/split.ts'
import type { FittedPipeline, StoredPipeline } from '../preprocessing/fitted-pipeline.ts'
import type { Pipeline } from '../preprocessing/pipeline.ts'

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
  /** For the checkpoint. */
  told: { standardise?: ReturnType<Standardiser['toJSON']>; pipeline?: StoredPipeline }
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
    if (pipeline.looksAcrossWindows) return { ...(await finishApart(windows, split, fitted)), told }
    const finished = await fitted.finish(windows)
    return { windows: finished, split: relocate(split, windows, finished), told }
  }
  if (standardise === false) return { windows, split, told: {} }
  const standardiser = Standardiser.fit(windows, split.train)
  return { windows: standardiser.apply(windows), split, told: { standardise: standardiser.toJSON() } }
}

/** Finishes each part of a split by itself, so that nothing of a test window shapes one that is trained on, nor the other way round. */
async function finishApart(
  windows: EegWindows,
  split: Split,
  fitted: FittedPipeline,
): Promise<Pick<PreparedFold, 'windows' | 'split'>> {
  const { train, validation, test } = split
  const parts: EegWindows[] = []
  const places: number[][] = []
  let count = 0
  for (const indices of [train, test, ...(validation ? [validation] : [])]) {
    const part = await fitted.finish(windows.subset(indices))
    places.push(Array.from({ length: part.length }, (_, i) => count + i))
    count += part.length
    parts.push(part)
  }
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0))
  let at = 0
  for (const part of parts) {
    data.set(part.data, at)
    at += part.data.length
  }
  const [trained, tested, validated] = places as [number[], number[], number[]?]
  return {
    windows: parts[0]!.with({ data, origins: parts.flatMap(({ origins }) => origins) }),
    split: { ...split, train: trained, test: tested, ...(validated && { validation: validated }) },
  }
}

/** The same windows by their new positions; those that are no longer there are left out. */
function relocate(split: Split, before: EegWindows, after: EegWindows): Split {
  if (before.length === after.length) return split
  const nameOf = ({ recording, trial, start }: EegWindows['origins'][number]) => `${recording} ${trial} ${start}`
  const places = new Map(after.origins.map((origin, index) => [nameOf(origin), index]))
  const find = (indices: readonly number[]) =>
    indices.flatMap((index) => {
      const place = places.get(nameOf(before.origins[index]!))
      return place === undefined ? [] : [place]
    })
  const { validation } = split
  return {
    ...split,
    train: find(split.train),
    test: find(split.test),
    ...(validation && { validation: find(validation) }),
  }
}

function refuseBoth(): EegTorchError {
  const expected = 'a step zscore in the pipeline'
  return new EegTorchError('INVALID_OPTION', 'a pipeline says itself how windows are scaled', {
    option: 'standardise',
    expected,
    received: 'standardise beside a pipeline',
  })
}
