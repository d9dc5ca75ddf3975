import type { Recording } from '../recordings/recording.ts'
import { readThrough } from './part-of-recording.ts'

/** A recording whose electric channels are multiplied by a factor; others stay as they are. */
export function scaledRecording(recording: Recording, factor: number): Recording {
  const { channels, nSamples, readsWhole } = recording
  return recording.derive({
    nSamples,
    source: {
      readsWhole,
      read: (ranges) =>
        readThrough(recording, ranges).map((values, i) =>
          channels[ranges[i]!.channel]!.unit === 'V' ? values.map((value) => value * factor) : values,
        ),
    },
  })
}
