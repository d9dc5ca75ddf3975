import { Standardiser } from '../datasets/standardise.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { Split } from '../evaluation/split.ts'
import type { StoredPipeline } from '../preprocessing/fitted-pipeline.ts'
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
    const finished = await fitted.finish(windows)
    return { windows: finished, split: relocate(split, windows, finished), told: { pipeline: fitted.toJSON() } }
  }
  if (standardise === false) return { windows, split, told: {} }
  const standardiser = Standardiser.fit(windows, split.train)
  return { windows: standardiser.apply(windows), split, told: { standardise: standardiser.toJSON() } }
}

/** The same windows by their new positions; those that are no longer there are left out. */
function relocate(split: Split, before: EegWindows, after: EegWindows): Split {
  if (before.length === after.length) return split
  const nameOf = ({ recording, start }: EegWindows['origins'][number]) => `${recording} ${start}`
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
