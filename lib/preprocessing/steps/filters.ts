import { z } from 'zod'
import { butterworth, type FilterSection } from '../../signal/butterworth.ts'
import { asyncSignal, signal } from '../../signal/index.ts'
import { FirStream, SosStream } from '../../signal/streams.ts'
import type { Tensor } from '../../tensor.ts'
import { onTensor, streamStage } from '../on-tensor.ts'
import { defineStep } from '../step.ts'

const corner = z.number().positive().nullable()
const band = z.tuple([corner, corner])
const phase = z.enum(['zero', 'forward']).default('zero')
const LOOKS_AHEAD = "phase 'zero' looks ahead; phase 'forward' is causal"

interface FilterOptions {
  band: [number | null, number | null]
  manner: 'scipy' | 'mne-iir' | 'mne-fir'
  order: number
  phase: 'zero' | 'forward'
  stop: boolean
}

const sectionsOf = ({ band: [low, high], order, stop }: FilterOptions, rate: number): FilterSection[] =>
  butterworth(order, low ?? undefined, high ?? undefined, rate, stop)

const tapsOf = ({ band: [low, high], stop }: FilterOptions, rate: number): Float64Array =>
  stop ? signal.mneCreateFilter(rate, high, low) : signal.mneCreateFilter(rate, low, high)

/** A causal filter is the same in SciPy and MNE-Python. */
function runFilter(x: Tensor, options: FilterOptions, rate: number): Promise<Tensor> {
  const { manner, order, phase: direction } = options
  if (manner === 'mne-fir') {
    const taps = tapsOf(options, rate)
    return direction === 'zero' ? asyncSignal.firZeroPhase(x, taps) : asyncSignal.firCausal(x, taps)
  }
  const sections = sectionsOf(options, rate)
  if (direction === 'forward') return asyncSignal.sosfilt(x, sections)
  if (manner === 'scipy') return asyncSignal.sosfiltfilt(x, sections)
  const [low, high] = options.stop ? options.band.toReversed() : options.band
  return asyncSignal.mneFilterData(x, rate, low!, high!, { method: 'iir', order })
}

export const filter = defineStep({
  what:
    'Band-pass, high-pass or low-pass; `stop` takes the band away. `scipy` is a Butterworth filter in second-order sections (sosfiltfilt, ' +
    'sosfilt), `mne-iir` the same with the padding of MNE-Python, `mne-fir` what `mne.filter.filter_data` does. `forward` is causal.',
  schema: z.strictObject({
    band,
    manner: z.enum(['scipy', 'mne-iir', 'mne-fir']).default('scipy'),
    order: z.number().int().min(1).max(20).default(4),
    phase,
    stop: z.boolean().default(false),
  }),
  short: band.transform((value) => ({ band: value })),
  block: (block, options) => onTensor(block, (x) => runFilter(x, options, block.samplingRate)),
  stream: (layout, options) => {
    if (options.phase === 'zero') return LOOKS_AHEAD
    if (options.manner === 'mne-fir') return streamStage(layout, new FirStream(tapsOf(options, layout.samplingRate)))
    return streamStage(layout, new SosStream(sectionsOf(options, layout.samplingRate)))
  },
})

const frequencies = z.array(z.number().positive()).min(1)

const notches = (options: { frequencies: number[]; quality: number }, rate: number): FilterSection[] =>
  options.frequencies.flatMap((hertz) => signal.iirnotch(hertz, options.quality, rate))

export const notch = defineStep({
  what:
    'Takes single frequencies away: `scipy` by iirnotch one after the other, both ways (filtfilt) or forward, `mne` as ' +
    '`mne.filter.notch_filter` does, without delay.',
  schema: z
    .strictObject({
      frequencies,
      manner: z.enum(['scipy', 'mne']).default('scipy'),
      quality: z.number().positive().default(30),
      phase,
    })
    .refine(
      ({ manner, phase: direction }) => manner === 'scipy' || direction === 'zero',
      "'mne' has phase 'zero' alone",
    ),
  short: z.union([frequencies, z.number().positive()]).transform((value) => ({ frequencies: [value].flat() })),
  block: (block, options) =>
    onTensor(block, (x) => {
      const { samplingRate } = block
      if (options.manner === 'mne') return asyncSignal.mneNotchFilter(x, samplingRate, options.frequencies)
      const sections = notches(options, samplingRate)
      return options.phase === 'zero' ? asyncSignal.sosfiltfilt(x, sections) : asyncSignal.sosfilt(x, sections)
    }),
  stream: (layout, options) => {
    if (options.phase === 'zero') return LOOKS_AHEAD
    return streamStage(layout, new SosStream(notches(options, layout.samplingRate)))
  },
})

const LOWPASS = { manner: 'scipy', stop: false } as const

export const envelope = defineStep({
  what:
    'How strong a signal is at each moment: the magnitude of the analytic signal (Hilbert transform); with `lowpass`, in hertz, the rectified ' +
    'signal through a Butterworth low-pass.',
  schema: z.strictObject({
    lowpass: z.number().positive().optional(),
    order: z.number().int().min(1).max(20).default(4),
    phase,
  }),
  short: z
    .number()
    .positive()
    .transform((lowpass) => ({ lowpass })),
  block: (block, { lowpass, ...rest }) =>
    onTensor(block, async (x) => {
      if (lowpass === undefined) return asyncSignal.envelope(x)
      x.abs_()
      return runFilter(x, { ...LOWPASS, ...rest, band: [null, lowpass] }, block.samplingRate)
    }),
  stream: (layout, { lowpass, ...rest }) => {
    if (lowpass === undefined) return 'the Hilbert transform needs the whole signal; an envelope with lowpass is causal'
    if (rest.phase === 'zero') return LOOKS_AHEAD
    const sections = sectionsOf({ ...LOWPASS, ...rest, band: [null, lowpass] }, layout.samplingRate)
    const stage = streamStage(layout, new SosStream(sections))
    return { ...stage, push: (chunk) => stage.push({ ...chunk, data: chunk.data.map(Math.abs) }) }
  },
})
