import { z } from 'zod'
import {
  orderClasses,
  originsOf,
  planWindows,
  readPlanned,
  skippedTrials,
  type WindowOptions,
  windowRecording,
} from '../../datasets/cut-windows.ts'
import { asyncSignal } from '../../signal/index.ts'
import { rowsOf, type SignalBlock } from '../block.ts'
import { onTensor } from '../on-tensor.ts'
import { defineStep } from '../step.ts'
import { names, types } from './channels.ts'

const seconds = z.number()
const range = z.tuple([seconds, seconds]).refine(([from, to]) => from < to, 'must go from less to more')

export const windows = defineStep({
  what:
    'Cuts windows around events; the mean of a baseline is subtracted. `zero`: where time counts from, in seconds after the event. ' +
    'Windows hold the EEG channels, or those of `types`, or those named in `channels`.',
  schema: z
    .strictObject({
      from: seconds,
      to: seconds,
      length: seconds.positive().optional(),
      step: seconds.positive().optional(),
      events: z.union([z.array(z.string()).min(1), z.record(z.string(), z.string())]).optional(),
      task: z.string().optional(),
      baseline: range.optional(),
      channels: names.optional(),
      types: types.optional(),
      zero: seconds.default(0).describe('seconds after the event at which the others begin to count'),
    })
    .refine(({ from, to }) => from < to, 'from must be less than to')
    .refine(({ events, task }) => events === undefined || task === undefined, 'give either task or events, not both')
    .refine(
      ({ channels, types: kinds }) => channels === undefined || kinds === undefined,
      'give either channels or types',
    )
    .refine(
      ({ baseline: b, from, to, length }) => b === undefined || (length === undefined && b[0] >= from && b[1] <= to),
      'a baseline lies within from..to, and goes with one window per trial',
    ),
  short: range.transform(([from, to]) => ({ from, to })),
  cut: async (recording, { events, task, baseline, zero, from, to, ...rest }, trials) => {
    const grid = { ...rest, from: from + zero, to: to + zero }
    const given = trials.events === undefined && trials.task === undefined ? { events, task } : trials
    const options = Object.fromEntries(Object.entries({ ...grid, ...given }).filter(([, value]) => value !== undefined))
    const wanted = options as unknown as WindowOptions
    const {
      grid: { nSamples: samples, step },
      channelNames,
      plans,
    } = planWindows([recording], wanted)
    const plan = plans[0]!
    const classNames = orderClasses(plan, wanted)
    const origins = originsOf(recording, 0, plan, classNames)
    const channels = channelNames.map((name) => recording.channels[recording.channelIndex(name)]!)
    const data = new Float64Array(origins.length * channels.length * samples)
    await readPlanned(recording, channelNames, samples, plan, data)
    const block = { data, items: origins.length, samples, channels, samplingRate: recording.samplingRate }
    const { simulated } = recording
    const skipped = skippedTrials(plan)
    return {
      block: baseline === undefined ? block : subtractBaseline(block, from, baseline),
      ...{ origins, classNames, trials: plan, step, skipped, simulated },
      ...{ recordings: [windowRecording(recording)], fitted: [] },
    }
  },
})

export const upsample = defineStep({
  what: 'Puts samples between the samples: a sinc under a Kaiser window, ends continued along a line.',
  schema: z.strictObject({ factor: z.number().int().min(1).max(16) }),
  short: z.number().transform((factor) => ({ factor })),
  block: async (block, { factor }) => ({
    ...(await onTensor(block, (x) => asyncSignal.resamplePoly(x, factor, 1, { pad: 'line' }))),
    samplingRate: block.samplingRate * factor,
    channels: block.channels.map((channel) => ({ ...channel, samplingRate: block.samplingRate * factor })),
  }),
})

/** As MNE does: both ends of the baseline count. */
function subtractBaseline(block: SignalBlock, from: number, [start, stop]: readonly [number, number]): SignalBlock {
  const first = Math.round((start - from) * block.samplingRate)
  const last = Math.min(block.samples - 1, Math.round((stop - from) * block.samplingRate))
  for (const { row } of rowsOf(block)) {
    let sum = 0
    for (let i = first; i <= last; i++) sum += row[i]!
    const mean = sum / (last - first + 1)
    for (let i = 0; i < row.length; i++) row[i]! -= mean
  }
  return block
}
