import { z } from 'zod'
import { rowOf, type SignalBlock } from '../block.ts'
import { subsetOf } from '../cut-windows.ts'
import { defineStep } from '../step.ts'

export const rejectPeakToPeak = defineStep({
  what: 'Leaves out windows in which a channel spans more than a limit, in the unit of the signal (volts).',
  schema: z.strictObject({ limit: z.number().positive() }),
  short: z.number().transform((limit) => ({ limit })),
  windows: (windows, { limit }) => {
    const indices = [...windows.origins.keys()]
    const kept = indices.filter((item) => largestSpan(windows.block, item) <= limit)
    return { ...subsetOf(windows, kept), skipped: windows.skipped + indices.length - kept.length }
  },
})

/** Largest peak-to-peak distance among the channels of a window. */
function largestSpan(block: SignalBlock, item: number): number {
  let largest = 0
  for (let channel = 0; channel < block.channels.length; channel++) {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (const value of rowOf(block, item, channel)) {
      if (value < low) low = value
      if (value > high) high = value
    }
    largest = Math.max(largest, high - low)
  }
  return largest
}
