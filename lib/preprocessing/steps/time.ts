import { z } from 'zod'
import { EegTorchError } from '../../errors.ts'
import type { Recording } from '../../recordings/recording.ts'
import { storedSample } from '../../recordings/segments.ts'
import { leftOutWarning } from '../run-recording.ts'
import { defineStep } from '../step.ts'

export const crop = defineStep({
  what: 'Keeps a stretch of time of a recording, in seconds since its first sample; the end is excluded.',
  schema: z
    .strictObject({ from: z.number().min(0).default(0), to: z.number().positive().optional() })
    .refine(({ from, to }) => to === undefined || from < to, 'from must be less than to'),
  short: z.tuple([z.number(), z.number()]).transform(([from, to]) => ({ from, to })),
  recording: (recording, { from, to }) => cropRecording(recording, from, to ?? recording.duration),
  stream: () => 'a live stream has no known start to count from',
})

/** The stored samples between two times. Events keep their distance to them; those outside are located nowhere. */
function cropRecording(recording: Recording, from: number, to: number): Recording {
  const { samplingRate: rate, segments, events } = recording
  const place = (seconds: number) => storedSample(segments, rate, rate, seconds)
  const [start, stop] = [place(from), place(to)]
  if (start >= stop) {
    throw new EegTorchError('INVALID_OPTION', `${recording.name} has no samples from ${from} to ${to} s`, {
      option: 'crop',
      expected: `a time within 0..${recording.duration} s`,
      received: `${from}..${to} s`,
    })
  }
  const kept = recording.channels.flatMap((channel, index) => (channel.samplingRate === rate ? [index] : []))
  const inside = segments.flatMap(({ onset, sample, nSamples }) => {
    const [first, last] = [Math.max(start, sample), Math.min(stop, sample + nSamples)]
    if (first >= last) return []
    return [{ onset: onset + (first - sample) / rate, sample: first - start, nSamples: last - first }]
  })
  const origin = inside[0]!.onset
  const channels = kept.map((index) => recording.channels[index]!)
  const names = channels.map(({ name }) => name)
  return recording.derive({
    channels,
    warnings: [...recording.warnings, ...leftOutWarning(recording, names, `of another rate than ${rate} Hz`)],
    nSamples: stop - start,
    segments: inside.map((segment) => ({ ...segment, onset: segment.onset - origin })),
    events: events.map((event) => ({ ...event, onset: event.onset - origin })),
    source: recording.asSource({
      seek: (range) => ({
        channel: kept[range.channel]!,
        start: start + range.start,
        stop: start + range.stop,
      }),
    }),
  })
}
