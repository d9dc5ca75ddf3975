import { z } from 'zod'
import type { Channel } from '../../recordings/recording.ts'
import { asyncSignal } from '../../signal/index.ts'
import type { SignalBlock } from '../block.ts'
import { onTensor } from '../on-tensor.ts'
import { defineStep } from '../step.ts'
import { findChannels } from './channels.ts'

/** Where the channels are: as the file says it, else by their names. */
const placesOf = (channels: readonly Channel[]) => channels.map(({ position, name }) => position ?? name)

function badOf({ channels }: SignalBlock, wanted: 'bad' | string[]): number[] {
  if (wanted !== 'bad') return findChannels(channels, wanted)
  return [...channels.keys()].filter((index) => channels[index]!.isBad === true)
}

const wanted = z.union([z.literal('bad'), z.array(z.string()).min(1)])

export const interpolate = defineStep({
  what: 'Replaces EEG channels that are marked bad, or named, by what the others say: spherical splines, as MNE-Python interpolates. All channels need places.',
  schema: z.strictObject({ channels: wanted.default('bad') }),
  short: wanted.transform((channels) => ({ channels })),
  block: async (block, { channels }) => {
    const bad = badOf(block, channels)
    if (bad.length === 0) return block
    const out = await onTensor(block, (x) => asyncSignal.interpolateChannels(x, bad, placesOf(block.channels)))
    const described = block.channels.map((channel, index) =>
      bad.includes(index) ? { ...channel, isBad: false } : channel,
    )
    return { ...out, channels: described }
  },
})
