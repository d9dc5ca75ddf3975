import { type ChannelType, Recording } from 'eegtorch'
import type { RecordingParts } from '../../lib/recordings/recording.ts'

interface Simple extends Partial<Omit<RecordingParts, 'channels' | 'source'>> {
  /** Names of channels; a name may be followed by `:type` and `@rate`, as in `EOG:eog@80`. */
  channels?: string[]
  events?: { onset: number; duration: number; label: string; stimulus?: string }[]
  /** Samples of each channel; default c + k / 1000 for sample k of channel c. */
  data?: ArrayLike<number>[]
}

/** A recording in memory. */
export function makeRecording({
  channels = ['C3', 'C4'],
  samplingRate = 100,
  nSamples = 1000,
  data,
  ...rest
}: Simple = {}) {
  const described = channels.map((text) => {
    const [, name, type, rate] = /^([^:@]+)(?::(\w+))?(?:@(\d+))?$/.exec(text)!
    return {
      name: name!,
      label: name!,
      type: (type ?? 'eeg') as ChannelType,
      unit: 'V',
      samplingRate: Number(rate ?? samplingRate),
    }
  })
  return new Recording({
    name: 'made',
    format: 'memory',
    channels: described,
    samplingRate,
    nSamples,
    events: [],
    source: {
      read: (ranges) =>
        ranges.map(({ channel, start, stop }) =>
          Float64Array.from(
            { length: stop - start },
            (_, i) => data?.[channel]?.[start + i] ?? channel + (start + i) / 1000,
          ),
        ),
    },
    ...rest,
  })
}
