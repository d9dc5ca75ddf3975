import type { Recording } from '../recordings/recording.ts'

/** A recording whose electric channels are multiplied by a factor; others stay as they are. */
export function scaledRecording(recording: Recording, factor: number): Recording {
  const { channels, nSamples } = recording
  return recording.derive({
    nSamples,
    source: recording.asSource({
      change: (samples, { channel }) =>
        channels[channel]!.unit === 'V' ? samples.map((value) => value * factor) : samples,
    }),
  })
}
