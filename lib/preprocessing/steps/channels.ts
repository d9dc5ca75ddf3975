import { z } from 'zod'
import { EegTorchError } from '../../errors.ts'
import type { Channel, ChannelType } from '../../recordings/recording.ts'
import { rowOf, type SignalBlock, withChannels } from '../block.ts'
import { defineStep } from '../step.ts'

export const names = z.array(z.string()).min(1)
export const types = z.array(z.enum(['eeg', 'eog', 'ecg', 'emg', 'stim', 'misc'])).min(1)

/** Positions of channels by name or label, in the order given. */
export function findChannels(channels: readonly Channel[], wanted: readonly string[]): number[] {
  return wanted.map((name) => {
    const byName = channels.findIndex((channel) => channel.name === name)
    const index = byName >= 0 ? byName : channels.findIndex(({ label }) => label === name)
    if (index >= 0) return index
    throw new EegTorchError('UNKNOWN_NAME', `there is no channel ${name}`, {
      option: 'channels',
      expected: `one of ${channels.map((channel) => channel.name).join(', ')}`,
      received: name,
    })
  })
}

export function ofTypes(channels: readonly Channel[], wanted: readonly ChannelType[]): number[] {
  const found = [...channels.keys()].filter((index) => wanted.includes(channels[index]!.type))
  if (found.length > 0) return found
  throw new EegTorchError('INVALID_OPTION', `there is no channel of the type ${wanted.join(' or ')}`, {
    option: 'types',
    expected: `types among ${[...new Set(channels.map(({ type }) => type))].join(', ')}`,
    received: wanted.join(', '),
  })
}

export function keepChannels(block: SignalBlock, kept: readonly number[]): SignalBlock {
  const channels = kept.map((index) => block.channels[index]!)
  return withChannels(block, channels, (channel, target, item) => target.set(rowOf(block, item, kept[channel]!)))
}

type PickOptions = { channels?: string[] | undefined; types?: ChannelType[] | undefined }

const picked = (channels: readonly Channel[], { channels: wanted, types: kinds }: PickOptions) =>
  wanted === undefined ? ofTypes(channels, kinds!) : findChannels(channels, wanted)

export const pick = defineStep({
  what: 'Keeps channels by name, in the order given, or by type.',
  schema: z
    .strictObject({ channels: names.optional(), types: types.optional() })
    .refine(
      ({ channels, types: kinds }) => (channels === undefined) !== (kinds === undefined),
      'give channels or types',
    ),
  short: z.union([
    names.transform((channels) => ({ channels })),
    types.element.transform((type) => ({ types: [type] })),
  ]),
  recording: (recording, options) =>
    recording.pick(picked(recording.channels, options).map((index) => recording.channels[index]!.name)),
  block: (block, options) => keepChannels(block, picked(block.channels, options)),
  instant: true,
})

function withoutChannels(channels: readonly Channel[], unwanted: readonly string[]): number[] {
  const dropped = new Set(findChannels(channels, unwanted))
  if (dropped.size === channels.length) {
    throw new EegTorchError('INVALID_OPTION', 'no channel is left', {
      option: 'channels',
      received: unwanted.join(', '),
    })
  }
  return [...channels.keys()].filter((index) => !dropped.has(index))
}

export const drop = defineStep({
  what: 'Leaves channels out.',
  schema: z.strictObject({ channels: names }),
  short: names.transform((channels) => ({ channels })),
  recording: (recording, { channels }) =>
    recording.pick(withoutChannels(recording.channels, channels).map((index) => recording.channels[index]!.name)),
  block: (block, { channels }) => keepChannels(block, withoutChannels(block.channels, channels)),
  instant: true,
})

function renamed(channels: readonly Channel[], change: Readonly<Record<string, string>>): Channel[] {
  const found = new Map(Object.entries(change).map(([from, to]) => [findChannels(channels, [from])[0]!, to]))
  const out = channels.map((channel, index) => ({ ...channel, name: found.get(index) ?? channel.name }))
  const twice = out.find(({ name }, index) => out.findIndex((other) => other.name === name) !== index)
  if (twice === undefined) return out
  throw new EegTorchError('INVALID_OPTION', `two channels would be called ${twice.name}`, { option: 'names' })
}

export const rename = defineStep({
  what: 'Gives channels other names.',
  schema: z.strictObject({ names: z.record(z.string(), z.string().min(1)) }),
  recording: (recording, options) => recording.describedBy({ channels: renamed(recording.channels, options.names) }),
  block: (block, options) => ({ ...block, channels: renamed(block.channels, options.names) }),
  instant: true,
})

function retyped(channels: readonly Channel[], change: Readonly<Record<string, ChannelType>>): Channel[] {
  const found = new Map(Object.entries(change).map(([name, type]) => [findChannels(channels, [name])[0]!, type]))
  return channels.map((channel, index) => ({ ...channel, type: found.get(index) ?? channel.type }))
}

export const setTypes = defineStep({
  what: 'Says what channels measure, where the file does not.',
  schema: z.strictObject({ types: z.record(z.string(), types.element) }),
  recording: (recording, options) => recording.describedBy({ channels: retyped(recording.channels, options.types) }),
  block: (block, options) => ({ ...block, channels: retyped(block.channels, options.types) }),
  instant: true,
})
