import { z } from 'zod'
import { rescale, Standardiser, standardiseValues } from '../../datasets/standardise.ts'
import { EegTorchError } from '../../errors.ts'
import { isElectric } from '../../recordings/channels.ts'
import { asyncSignal, signal } from '../../signal/index.ts'
import { StandardizeStream } from '../../signal/streams.ts'
import { changeRows, rowsOf, type SignalBlock } from '../block.ts'
import { KeptSamples } from '../kept-samples.ts'
import { onTensor, streamStage, tensorOf } from '../on-tensor.ts'
import { defineStep, type StreamLayout, type StreamStage } from '../step.ts'

const PER_VOLT = { V: 1, mV: 1e3, uV: 1e6, nV: 1e9 } as const
const units = ['V', 'mV', 'uV', 'nV'] as const

export const unit = defineStep({
  what: 'Gives electric channels in another unit than volts.',
  schema: z.strictObject({ to: z.enum(units) }),
  short: z.enum(units).transform((to) => ({ to })),
  block: (block, { to }) => {
    const factors = block.channels.map((channel) => {
      if (!isElectric(channel)) return 1
      const now = PER_VOLT[channel.unit as keyof typeof PER_VOLT]
      if (now !== undefined) return PER_VOLT[to] / now
      throw new EegTorchError('INVALID_OPTION', `channel ${channel.name} is no longer in volts`, {
        option: 'unit',
        expected: `one of ${Object.keys(PER_VOLT).join(', ')}`,
        received: channel.unit || 'no unit',
      })
    })
    const channels = block.channels.map((channel) => (isElectric(channel) ? { ...channel, unit: to } : channel))
    return { ...multiply(block, factors), channels }
  },
  instant: true,
})

export const scale = defineStep({
  what: 'Multiplies electric channels by a number; what comes out has no unit.',
  schema: z.strictObject({ by: z.number() }),
  short: z.number().transform((by) => ({ by })),
  block: (block, { by }) => {
    const factors = block.channels.map((channel) => (isElectric(channel) ? by : 1))
    const channels = block.channels.map((channel) => (isElectric(channel) ? { ...channel, unit: '' } : channel))
    return { ...multiply(block, factors), channels }
  },
  instant: true,
})

function multiply(block: SignalBlock, factors: readonly number[]): SignalBlock {
  for (const { row, channel } of rowsOf(block)) {
    const factor = factors[channel]!
    if (factor !== 1) for (let i = 0; i < row.length; i++) row[i]! *= factor
  }
  return block
}

export const rectify = defineStep({
  what: 'Takes absolute values.',
  schema: z.strictObject({}),
  block: (block) =>
    changeRows(block, (row) => {
      for (let i = 0; i < row.length; i++) row[i] = Math.abs(row[i]!)
    }),
  instant: true,
})

const scales = z.enum(['training', 'itself'])

export const zscore = defineStep({
  what: 'Z-scores: by mean and deviation of the training windows, or of each window (before cutting: stretch) itself.',
  schema: z
    .strictObject({
      by: scales.default('training'),
      per: z.enum(['channel', 'item']).default('channel'),
    })
    .refine(
      ({ by, per }) => by === 'itself' || per === 'channel',
      'per: item takes the mean of each item over all channels, which goes with by: itself alone',
    ),
  short: scales.transform((by) => ({ by })),
  block: (block, { per }) => standardiseItems(block, per === 'item'),
  learn: {
    when: ({ by }) => by === 'training',
    fit: async (training) => ({
      ...(
        await Standardiser.fitAsync(
          training,
          training.labels.map((_, i) => i),
        )
      ).toJSON(),
    }),
    apply: (windows, _, learned) => {
      const { channelNames, mean, std } = learned as unknown as ReturnType<Standardiser['toJSON']>
      requireChannels(windows.block, channelNames)
      for (const { row, channel } of rowsOf(windows.block)) rescale(row, mean[channel]!, std[channel]!)
      return windows
    },
    lazily: (windows, _, learned) =>
      Standardiser.fromJSON(learned as unknown as ReturnType<Standardiser['toJSON']>).apply(windows),
  },
  stream: () => 'z-scores need the mean of the whole signal; movingStandardise is causal',
})

/** Refuses channels other than those that a step learned from. */
export function requireChannels({ channels }: SignalBlock, known: readonly string[]): void {
  const received = channels.map(({ name }) => name).join(', ')
  if (received === known.join(', ')) return
  throw new EegTorchError('SHAPE_MISMATCH', 'the pipeline was fitted on other channels', {
    expected: known.join(', '),
    received,
  })
}

function standardiseItems(block: SignalBlock, together: boolean): SignalBlock {
  const { data, items, samples, channels } = block
  if (!together) return changeRows(block, standardiseValues)
  const size = channels.length * samples
  for (let item = 0; item < items; item++) standardiseValues(data.subarray(item * size, (item + 1) * size))
  return block
}

const trends = z.enum(['constant', 'linear'])

export const detrend = defineStep({
  what: 'Takes the mean, or the least-squares line, off every window (before cutting: stretch).',
  schema: z.strictObject({ type: trends.default('linear') }),
  short: trends.transform((type) => ({ type })),
  block: (block, { type }) => onTensor(block, (x) => asyncSignal.detrend(x, { type })),
})

interface MovingOptions {
  factorNew: number
  initBlockSize: number | null
  eps: number
}

export const movingStandardise = defineStep({
  what:
    "braindecode's exponential_moving_standardize: each sample by the fading mean and deviation of what came before it. The first " +
    '`initBlockSize` samples take their own.',
  schema: z.strictObject({
    factorNew: z.number().gt(0).max(1).default(0.001),
    initBlockSize: z.number().int().min(1).nullable().default(null),
    eps: z.number().positive().default(1e-4),
  }),
  short: z.number().transform((factorNew) => ({ factorNew })),
  block: (block, options) => onTensor(block, (x) => asyncSignal.exponentialStandardize(x, options)),
  stream: (layout, options) =>
    options.initBlockSize === null
      ? streamStage(layout, new StandardizeStream(options))
      : afterFirstBlock(layout, options, options.initBlockSize),
})

/** Waits for the first block, which takes its own mean and deviation, and goes on from there. */
function afterFirstBlock(layout: StreamLayout, options: MovingOptions, size: number): StreamStage {
  const { initBlockSize: _, ...rest } = options
  const after = new StandardizeStream(rest)
  const stage = streamStage(layout, after)
  const kept = new KeptSamples(layout.channels.length)
  let begun = false
  return {
    ...stage,
    push: (chunk) => {
      if (begun) return stage.push(chunk)
      kept.add(chunk)
      const samples = kept.end
      if (samples < size) return { ...chunk, samples: 0, data: new Float64Array(0) }
      begun = true
      const data = new Float64Array(layout.channels.length * samples)
      for (const channel of layout.channels.keys()) data.set(kept.copy(channel), channel * samples)
      const all = { ...chunk, samples, data }
      const x = tensorOf(all)
      const first = signal.exponentialStandardize(x, options)
      const out = { ...all, data: first.toTypedArray() as Float64Array }
      // Passing the samples on tells the stream what came before; what it gives of them is not needed.
      after.push(x).dispose()
      x.dispose()
      first.dispose()
      return out
    },
  }
}
