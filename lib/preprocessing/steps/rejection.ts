import { z } from 'zod'
import { asyncSignal } from '../../signal/index.ts'
import { rowOf, type SignalBlock } from '../block.ts'
import { tensorOf } from '../on-tensor.ts'
import { defineStep } from '../step.ts'
import { type CutWindows, fromEegWindows, subsetOf } from '../step-windows.ts'

const limits = z.union([z.number().positive(), z.literal('learned')])

export const rejectPeakToPeak = defineStep({
  what:
    'Leaves out windows in which a channel spans more than a limit, in the unit of the signal (volts); `learned` finds it in the training windows, as ' +
    "autoreject's global threshold is found.",
  schema: z.strictObject({ limit: limits, folds: z.number().int().min(2).default(5) }),
  short: limits.transform((limit) => ({ limit })),
  windows: (windows, { limit }) => keepQuiet(windows, limit as number),
  learn: {
    when: ({ limit }) => limit === 'learned',
    fit: async (training, { folds }) => {
      // One bad sample would make every mean of the search not a number.
      const x = tensorOf(keepQuiet(fromEegWindows(training), Number.MAX_VALUE).block)
      const limit = await asyncSignal.peakToPeakThreshold(x, { folds })
      x.dispose()
      return { limit }
    },
    apply: (windows, _, { limit }) => keepQuiet(windows, limit as number),
  },
})

function keepQuiet(windows: CutWindows, limit: number): CutWindows {
  const indices = [...windows.origins.keys()]
  const kept = indices.filter((item) => largestSpan(windows.block, item) <= limit)
  return { ...subsetOf(windows, kept), skipped: windows.skipped + indices.length - kept.length }
}

/** Largest peak-to-peak distance among the channels of a window; infinite where a sample is no finite number. */
function largestSpan(block: SignalBlock, item: number): number {
  let largest = 0
  for (let channel = 0; channel < block.channels.length; channel++) {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (const value of rowOf(block, item, channel)) {
      // NaN would compare as neither lower nor higher.
      if (!Number.isFinite(value)) return Number.POSITIVE_INFINITY
      if (value < low) low = value
      if (value > high) high = value
    }
    largest = Math.max(largest, high - low)
  }
  return largest
}
