import { type Channel, Recording, type RecordingEvent, type RecordingParts } from '../recordings/recording.ts'

/** Which part of a recording, and what it is called. */
export interface PartOptions extends Pick<RecordingParts, 'name' | 'subject' | 'session' | 'run' | 'warnings'> {
  /** What tells it from the other parts of the file. */
  part: string
  /** Stored samples, `stop` excluded. */
  start: number
  stop: number
  channels?: readonly Channel[]
  /** Events of the whole recording; those in the part are kept, and may be changed. */
  events: readonly RecordingEvent[]
}

/** A stretch of a recording as a recording of its own: one run of a session. Its time starts anew; samples stay where they are. */
export function partOfRecording(whole: Recording, { start, stop, events, channels, ...told }: PartOptions): Recording {
  const { file, format, samplingRate, startTime } = whole
  return new Recording({
    ...told,
    ...(file !== undefined && { file }),
    ...(startTime !== undefined && { startTime: new Date(startTime.getTime() + (1000 * start) / samplingRate) }),
    format,
    samplingRate,
    channels: channels ?? whole.channels,
    nSamples: stop - start,
    events: events
      .filter(({ sample }) => sample >= start && sample < stop)
      .map(({ sample, ...event }) => ({ ...event, onset: (sample - start) / samplingRate })),
    source: whole.asSource({
      seek: (range) => ({ ...range, start: range.start + start, stop: range.stop + start }),
    }),
  })
}
