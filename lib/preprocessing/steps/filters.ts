import { z } from 'zod'
import { butterworth } from '../../signal/butterworth.ts'
import { filterBothWays, filterInPlace } from '../../signal/sos-filter.ts'
import { changeRows, rowsOf } from '../block.ts'
import { defineStep } from '../step.ts'

const corner = z.number().positive().nullable()
const band = z.tuple([corner, corner])

type FilterOptions = { band: [number | null, number | null]; order: number; phase: 'zero' | 'forward' }

const design = ({ band: [low, high], order }: FilterOptions, rate: number) =>
  butterworth(order, low ?? undefined, high ?? undefined, rate)

export const filter = defineStep({
  what: 'Butterworth filter in second-order sections: both ways without delay (SciPy’s sosfiltfilt), or forward (sosfilt), which is causal.',
  schema: z.strictObject({
    band,
    order: z.number().int().min(1).max(20).default(4),
    phase: z.enum(['zero', 'forward']).default('zero'),
  }),
  short: band.transform((value) => ({ band: value })),
  block: (block, options) => {
    const sections = design(options, block.samplingRate)
    if (options.phase === 'zero') return changeRows(block, (row) => row.set(filterBothWays(sections, row)))
    return changeRows(block, (row) => filterInPlace(sections, row, new Float64Array(2 * sections.length)))
  },
  stream: (layout, options) => {
    if (options.phase === 'zero') return "a filter of phase 'zero' looks ahead; phase 'forward' is causal"
    const sections = design(options, layout.samplingRate)
    const states = layout.channels.map(() => new Float64Array(2 * sections.length))
    return {
      ...layout,
      push: (chunk) => {
        for (const { row, channel } of rowsOf(chunk)) filterInPlace(sections, row, states[channel]!)
        return chunk
      },
    }
  },
})
