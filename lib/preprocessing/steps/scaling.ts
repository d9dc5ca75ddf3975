import { z } from 'zod'
import { Standardiser } from '../../datasets/standardise.ts'
import { EegTorchError } from '../../errors.ts'
import { changeRows, isElectric, rowsOf, type SignalBlock } from '../block.ts'
import { defineStep } from '../step.ts'

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
  schema: z.strictObject({
    by: scales.default('training'),
    per: z.enum(['channel', 'item']).default('channel'),
  }),
  short: scales.transform((by) => ({ by })),
  block: (block, { per }) => standardiseItems(block, per === 'item'),
  learn: {
    when: ({ by }) => by === 'training',
    fit: (training) => ({ ...Standardiser.fit(training, [...training.labels.keys()]).toJSON() }),
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
function requireChannels({ channels }: SignalBlock, known: readonly string[]): void {
  const received = channels.map(({ name }) => name).join(', ')
  if (received === known.join(', ')) return
  throw new EegTorchError('SHAPE_MISMATCH', 'the pipeline was fitted on other channels', {
    expected: known.join(', '),
    received,
  })
}

function standardiseItems(block: SignalBlock, together: boolean): SignalBlock {
  const { data, items, samples, channels } = block
  if (!together) return changeRows(block, (row) => rescale(row, ...moments(row)))
  const size = channels.length * samples
  for (let item = 0; item < items; item++) {
    const values = data.subarray(item * size, (item + 1) * size)
    rescale(values, ...moments(values))
  }
  return block
}

function moments(values: Float64Array): [mean: number, std: number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return [mean, Math.sqrt(variance)]
}

/** What does not vary is centred only. */
function rescale(values: Float64Array, mean: number, std: number): void {
  const factor = std > 0 ? 1 / std : 1
  for (let i = 0; i < values.length; i++) values[i] = (values[i]! - mean) * factor
}

const trends = z.enum(['constant', 'linear'])

export const detrend = defineStep({
  what: 'Takes the mean, or the least-squares line, off every window (before cutting: stretch).',
  schema: z.strictObject({ type: trends.default('linear') }),
  short: trends.transform((type) => ({ type })),
  block: (block, { type }) => changeRows(block, type === 'linear' ? removeLine : removeMean),
})

function removeMean(row: Float64Array): void {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length
  for (let i = 0; i < row.length; i++) row[i]! -= mean
}

function removeLine(row: Float64Array): void {
  removeMean(row)
  const middle = (row.length - 1) / 2
  let [product, square] = [0, 0]
  for (let i = 0; i < row.length; i++) {
    product += (i - middle) * row[i]!
    square += (i - middle) ** 2
  }
  if (square === 0) return
  for (let i = 0; i < row.length; i++) row[i]! -= (product / square) * (i - middle)
}
