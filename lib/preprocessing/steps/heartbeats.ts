import { z } from 'zod'
import { EegTorchError } from '../../errors.ts'
import type { Recording, RecordingEvent } from '../../recordings/recording.ts'
import { timeOfSample } from '../../recordings/segments.ts'
import { findHeartbeats } from '../../signal/heartbeats.ts'
import { defineStep } from '../step.ts'
import { findChannels } from './channels.ts'

export const heartbeats = defineStep({
  what: 'Finds R peaks in an ECG channel (the first, or one by name) in the manner of Pan and Tompkins, and adds an event for each.',
  schema: z.strictObject({ channel: z.string().optional(), label: z.string().min(1).default('R') }),
  short: z.string().transform((channel) => ({ channel })),
  recording: async (recording, { channel, label }) => {
    const beats = await beatsOf(recording, channelOf(recording, channel), label)
    return recording.withEvents([...recording.events, ...beats])
  },
  stream: () => 'beats are told from noise by those that follow',
})

function channelOf(recording: Recording, name: string | undefined): number {
  const { channels } = recording
  const index =
    name === undefined ? channels.findIndex(({ type }) => type === 'ecg') : findChannels(channels, [name])[0]!
  if (index >= 0) return index
  throw new EegTorchError('INVALID_OPTION', `${recording.name} has no ECG channel`, {
    option: 'channel',
    expected: `a channel of the type ecg, or the name of one of ${channels.map((channel) => channel.name).join(', ')}`,
    received: 'none',
  })
}

/** Each gap-free stretch by itself. */
async function beatsOf(
  recording: Recording,
  channel: number,
  label: string,
): Promise<Omit<RecordingEvent, 'sample'>[]> {
  const { segments, samplingRate, channels } = recording
  const signal = await recording.pick([channels[channel]!.name]).load()
  const beats: Omit<RecordingEvent, 'sample'>[] = []
  for (const { sample, nSamples } of segments) {
    const [row] = signal.readSamples(sample, sample + nSamples)
    for (const beat of await findHeartbeats(row!, samplingRate)) {
      const onset = timeOfSample(segments, samplingRate, sample + beat)
      beats.push({ onset, duration: 0, label, meaning: 'heartbeat' })
    }
  }
  return beats
}
