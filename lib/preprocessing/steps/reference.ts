import { z } from 'zod'
import { EegTorchError } from '../../errors.ts'
import { rowOf, type SignalBlock, withChannels } from '../block.ts'
import { defineStep } from '../step.ts'
import { findChannels } from './channels.ts'

const target = z.union([z.literal('average'), z.array(z.string()).min(1)])

export const reference = defineStep({
  what: 'Refers EEG channels to their average (without those marked bad), or to the mean of channels by name.',
  schema: z.strictObject({ to: target }),
  short: target.transform((to) => ({ to })),
  block: (block, { to }) => {
    const eeg = [...block.channels.keys()].filter((index) => block.channels[index]!.type === 'eeg')
    const good = eeg.filter((index) => block.channels[index]!.isBad !== true)
    const sources = to === 'average' ? good : findChannels(block.channels, to)
    if (eeg.length === 0 || sources.length === 0) {
      throw new EegTorchError('INVALID_OPTION', 'there is no channel to refer to', {
        option: 'reference',
        expected: 'EEG channels that are not marked bad',
        received: `${block.channels.length} channels, ${eeg.length} of them EEG`,
      })
    }
    for (let item = 0; item < block.items; item++) subtract(block, item, eeg, meanOf(block, item, sources))
    return block
  },
  instant: true,
})

function meanOf(block: SignalBlock, item: number, channels: readonly number[]): Float64Array {
  const mean = new Float64Array(block.samples)
  for (const channel of channels) {
    const row = rowOf(block, item, channel)
    for (let i = 0; i < mean.length; i++) mean[i]! += row[i]!
  }
  return mean.map((sum) => sum / channels.length)
}

function subtract(block: SignalBlock, item: number, channels: readonly number[], signal: Float64Array): void {
  for (const channel of channels) {
    const row = rowOf(block, item, channel)
    for (let i = 0; i < row.length; i++) row[i]! -= signal[i]!
  }
}

const pairs = z.array(z.tuple([z.string(), z.string()])).min(1)

export const bipolar = defineStep({
  what: 'Replaces all channels by differences of two, named `C3-C4`.',
  schema: z.strictObject({ pairs }),
  short: pairs.transform((value) => ({ pairs: value })),
  block: (block, options) => {
    const found = options.pairs.map((pair) => findChannels(block.channels, pair))
    const channels = found.map(([a, b]) => {
      const [first, second] = [block.channels[a!]!, block.channels[b!]!]
      const name = `${first.name}-${second.name}`
      const { position, ...rest } = first
      return { ...rest, name, label: name }
    })
    return withChannels(block, channels, (channel, target, item) => {
      const [first, second] = found[channel]!.map((index) => rowOf(block, item, index))
      for (let i = 0; i < target.length; i++) target[i] = first![i]! - second![i]!
    })
  },
  instant: true,
})
