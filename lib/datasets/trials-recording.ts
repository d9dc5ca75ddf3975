import { readAt } from '../files/read-at.ts'
import { withFile } from '../files/with-file.ts'
import { spanOf } from '../recordings/binary/jobs.ts'
import { getterOf, SAMPLE_BYTES, type SampleType } from '../recordings/binary/sample-types.ts'
import { type Channel, Recording, type RecordingParts } from '../recordings/recording.ts'
import { segmentsAt } from '../recordings/segments-at.ts'
import type { ChannelRange, SignalSource } from '../recordings/source.ts'

/** Trials of equal length in a file, one behind the other: (trials, channels, samples), last axis fastest. */
export interface StoredTrials {
  readonly file: string
  /** Byte of the first number; or all bytes, for files that hold them in another form. */
  readonly at: { readonly position: number } | { readonly bytes: () => Uint8Array }
  readonly type: SampleType
  readonly littleEndian: boolean
  readonly nChannels: number
  readonly nSamples: number
}

/** One trial of a recording made of trials. */
export interface StoredTrial {
  /** Which of the stored trials. */
  index: number
  label: string
  meaning?: string
  stimulus?: string
}

/** What a recording made of trials is called, and what its numbers mean. */
export interface TrialsOptions
  extends Pick<RecordingParts, 'name' | 'part' | 'subject' | 'session' | 'run' | 'warnings'> {
  format: string
  channels: readonly Pick<Channel, 'name' | 'type'>[]
  samplingRate: number
  /** Volts of one stored unit; 0 for numbers that are no voltage. */
  voltsPerUnit: number
  /** Seconds from the start of a trial to its event. */
  cue: number
}

/** A recording of trials that were cut by somebody else: each is a stretch of its own with one event, and no window crosses two. */
export function trialsRecording(
  stored: StoredTrials,
  trials: readonly StoredTrial[],
  { channels, samplingRate, voltsPerUnit, cue, ...told }: TrialsOptions,
): Recording {
  const { file, nSamples } = stored
  const starts = trials.map((_, i) => i * nSamples)
  const gain = voltsPerUnit || 1
  return new Recording({
    ...told,
    file,
    samplingRate,
    channels: channels.map((channel) => ({
      ...channel,
      label: channel.name,
      unit: voltsPerUnit === 0 ? '' : 'V',
      samplingRate,
    })),
    nSamples: nSamples * trials.length,
    segments: segmentsAt(starts, nSamples * trials.length, samplingRate),
    events: trials.map(({ index: _, ...event }, i) => ({
      ...event,
      onset: starts[i]! / samplingRate + cue,
      duration: 0,
    })),
    source: new TrialsSource(stored, trials, gain),
  })
}

class TrialsSource implements SignalSource {
  constructor(
    private readonly stored: StoredTrials,
    private readonly trials: readonly StoredTrial[],
    private readonly gain: number,
  ) {}

  read(ranges: readonly ChannelRange[]): Float64Array[] {
    const { type, littleEndian, nSamples } = this.stored
    const get = getterOf(type, littleEndian)
    const size = SAMPLE_BYTES[type]
    const outs = ranges.map(({ start, stop }) => new Float64Array(stop - start))
    const { start: from, stop: to } = spanOf(ranges)
    const [first, last] = [Math.floor(from / nSamples), Math.ceil(to / nSamples)]
    this.#eachTrial(first, last, (trial, bytes) => {
      for (const [i, { channel, start, stop }] of ranges.entries()) {
        const end = Math.min(stop, (trial + 1) * nSamples)
        const base = size * (channel * nSamples - trial * nSamples)
        for (let k = Math.max(start, trial * nSamples); k < end; k++)
          outs[i]![k - start] = get(bytes, base + size * k) * this.gain
      }
    })
    return outs
  }

  /** A trial lies in one piece, so that reading it whole costs less than reading it channel by channel. */
  #eachTrial(first: number, last: number, use: (trial: number, bytes: DataView) => void): void {
    const { file, at, type, nChannels, nSamples } = this.stored
    const length = nChannels * nSamples * SAMPLE_BYTES[type]
    const each = (bytesOf: (start: number) => Uint8Array) => {
      for (const [i, { index }] of this.trials.slice(first, last).entries()) {
        const { buffer, byteOffset } = bytesOf(index * length)
        use(first + i, new DataView(buffer, byteOffset, length))
      }
    }
    if ('bytes' in at) {
      const bytes = at.bytes()
      each((start) => bytes.subarray(start, start + length))
    } else {
      withFile(file, (descriptor) =>
        each((start) => readAt(descriptor, at.position + start, length, 'its trials', file)),
      )
    }
  }
}
