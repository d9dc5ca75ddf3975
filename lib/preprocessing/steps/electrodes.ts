import { z } from 'zod'
import type { Channel, Recording } from '../../recordings/recording.ts'
import { asyncSignal } from '../../signal/index.ts'
import type { SignalBlock } from '../block.ts'
import { onRows, tensorOf } from '../on-tensor.ts'
import { readInARow } from '../run-recording.ts'
import { defineStep } from '../step.ts'
import { findChannels, keepChannels, ofTypes } from './channels.ts'

/** Where the channels are: as the file says it, else by their names. */
const placesOf = (channels: readonly Channel[]) => channels.map(({ position, name }) => position ?? name)

function badOf({ channels }: SignalBlock, wanted: 'bad' | string[]): number[] {
  if (wanted !== 'bad') return findChannels(channels, wanted)
  // What was recorded beside the scalp says nothing of it, nor the scalp of that.
  return [...channels.keys()].filter((index) => channels[index]!.isBad === true && channels[index]!.type === 'eeg')
}

const wanted = z.union([z.literal('bad'), z.array(z.string()).min(1)])

export const interpolate = defineStep({
  what: 'Replaces EEG channels that are marked bad, or named, by what the others say: spherical splines, as MNE-Python interpolates. All EEG channels need places.',
  schema: z.strictObject({ channels: wanted.default('bad') }),
  short: wanted.transform((channels) => ({ channels })),
  needsMarks: ({ channels }) => channels === 'bad',
  block: async (block, { channels }) => {
    const bad = badOf(block, channels)
    if (bad.length === 0) return block
    const rows = [...block.channels.keys()].filter(
      (index) => block.channels[index]!.type === 'eeg' || bad.includes(index),
    )
    const kept = rows.map((index) => block.channels[index]!)
    const out = await onRows(block, rows, (x) =>
      asyncSignal.interpolateChannels(
        x,
        bad.map((index) => rows.indexOf(index)),
        placesOf(kept),
      ),
    )
    const described = block.channels.map((channel, index) =>
      bad.includes(index) ? { ...channel, isBad: false } : channel,
    )
    return { ...out, channels: described }
  },
})

export const markBad = defineStep({
  what:
    'Marks EEG channels as bad that are flat, hold what is no number, or stand out in amplitude, noise or correlation, by the measures of PREP. ' +
    'High-pass at 1 Hz before; `interpolate` replaces them.',
  schema: z.strictObject({
    deviation: z.number().positive().default(5),
    noise: z.number().positive().default(5),
    correlation: z.number().min(0).max(1).default(0.4),
    share: z.number().min(0).max(1).default(0.01),
    window: z.number().positive().default(1),
  }),
  recording: async (recording, options) => {
    const found = await badNames(recording, options)
    return recording.describedBy({
      channels: recording.channels.map((channel) =>
        found.includes(channel.name) ? { ...channel, isBad: true } : channel,
      ),
    })
  },
})

/** Names of the EEG channels that a recording's own samples tell to be bad. */
async function badNames(recording: Recording, options: Record<string, number>): Promise<string[]> {
  const all = await readInARow(recording)
  const block = keepChannels(all, ofTypes(all.channels, ['eeg']))
  using x = tensorOf(block)
  using rows = x.squeeze(0)
  const { all: bad } = await asyncSignal.badChannels(rows, { samplingRate: block.samplingRate, ...options })
  return bad.map((index) => block.channels[index]!.name)
}

export const currentSourceDensity = defineStep({
  what: 'Current source density of the EEG channels in V/m², by spherical splines, as MNE-Python computes it. They need places, and none may be marked bad.',
  schema: z.strictObject({
    radius: z.number().positive().default(0.095).describe('of the head, in metres'),
    regularization: z.number().positive().default(1e-5),
    stiffness: z.number().positive().default(4),
  }),
  block: async (block, options) => {
    const eeg = ofTypes(block.channels, ['eeg'])
    const places = placesOf(eeg.map((index) => block.channels[index]!))
    const out = await onRows(block, eeg, (x) => asyncSignal.currentSourceDensity(x, places, options))
    const channels = block.channels.map((channel, index) =>
      eeg.includes(index) ? { ...channel, unit: 'V/m²' } : channel,
    )
    return { ...out, channels }
  },
})
