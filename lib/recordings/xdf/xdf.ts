import { EegTorchError } from '../../errors.ts'
import { channelNames, channelType } from '../channels.ts'
import type { FileOptions } from '../file-options.ts'
import { invalid } from '../invalid.ts'
import { FASTEST, roundRate, SLOWEST } from '../main-rate.ts'
import { metadataFromName } from '../metadata.ts'
import { type Channel, type ChannelType, Recording, type RecordingParts, recordingName } from '../recording.ts'
import { voltsPer } from '../units.ts'
import { dejitter, synchronise } from './clocks.ts'
import { type ScannedFile, XdfSource } from './source.ts'
import { channelInfos, readStreams, type XdfStream } from './streams.ts'

const TYPES: ReadonlySet<string> = new Set(['eeg', 'eog', 'ecg', 'emg', 'stim', 'misc'] satisfies ChannelType[])

/**
 * Opens an XDF file: one stream of numbers as the recording, and the entries of every stream without a rate (markers) as events. Clocks
 * are synchronised and the stream's time stamps put on a line as pyxdf does; where it broke off there is a gap. The rate is the measured one.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, `UNKNOWN_NAME` for a stream that is not there,
 *   `FILE_UNSUPPORTED` without a stream of numbers
 */
export async function readXdf(file: string, options: FileOptions = {}): Promise<Recording> {
  const warnings: string[] = []
  const scanned = readStreams(file, options.truncated ?? 'error', warnings)
  const { streams } = scanned
  const main = chooseStream(streams, options.stream, file)
  for (const { promised, times, name } of streams) {
    if (promised === times.length) continue
    const what = promised === undefined ? 'has no footer, so its end may be missing' : `promises ${promised} samples`
    warnings.push(`Stream ${name} ${what}: ${times.length} samples were read.`)
  }
  const others = streams.filter((stream) => stream !== main && stream.rate > 0 && stream.type !== undefined)
  if (others.length > 0) {
    const names = others.map(({ name }) => name).join(', ')
    warnings.push(`The file has further streams that were left out: ${names}; the option stream chooses one.`)
  }
  const { times, parts, rate } = dejitter(synchronise(main.times, main.offsets), main.rate)
  const samplingRate = roundRate(rate)
  if (!(samplingRate >= SLOWEST && samplingRate <= FASTEST && Number.isFinite(times[0]))) {
    const what = `the time stamps of stream ${main.name} give no rate`
    throw invalid(file, what, `about ${main.rate} Hz`, `${samplingRate} Hz`)
  }
  const segments = parts.map(([first, last]) => ({
    onset: times[first]! - times[0]!,
    sample: first,
    nSamples: last - first + 1,
  }))
  const back = segments.findIndex(({ onset }, i) => {
    const before = segments[i - 1]
    return before !== undefined && !(onset >= before.onset + (before.nSamples - 1) / samplingRate)
  })
  if (back >= 0) {
    const received = `${segments[back]!.onset} s after ${segments[back - 1]!.onset} s`
    throw invalid(file, `the time stamps of stream ${main.name} go back`, 'times that rise', received)
  }
  if (Math.abs(samplingRate - main.rate) > 0.1 * main.rate) {
    warnings.push(
      `Stream ${main.name} has ${samplingRate.toFixed(3)} Hz by its time stamps, and ${main.rate} Hz by its header.`,
    )
  }
  const channels = describeChannels(main, samplingRate, options)
  return new Recording({
    ...metadataFromName(file),
    name: recordingName(file),
    file,
    format: 'XDF',
    channels: channels.map(({ gain: _, ...channel }) => channel),
    samplingRate,
    nSamples: main.times.length,
    segments,
    events: streams.filter((stream) => stream !== main).flatMap((stream) => eventsOf(stream, times[0]!, scanned)),
    source: sourceOf(main, channels, scanned),
    warnings,
  })
}

function chooseStream(streams: readonly XdfStream[], wanted: string | undefined, file: string): XdfStream {
  const regular = streams.filter(
    ({ rate, type, times, nChannels }) => rate > 0 && type !== undefined && times.length > 1 && nChannels > 0,
  )
  const chosen =
    wanted === undefined
      ? (regular.find(({ kind }) => kind.toLowerCase() === 'eeg') ?? regular[0])
      : regular.find(({ name }) => name === wanted)
  if (chosen !== undefined) return chosen
  const names = regular.map(({ name }) => name).join(', ') || 'none'
  if (wanted !== undefined)
    throw new EegTorchError('UNKNOWN_NAME', 'the file has no such stream of numbers', {
      file,
      option: 'stream',
      expected: `one of ${names}`,
      received: wanted,
    })
  throw new EegTorchError('FILE_UNSUPPORTED', 'the file has no stream of numbers with a rate', {
    file,
    expected: 'at least one',
    received: streams.map(({ name }) => name).join(', ') || 'no streams',
  })
}

function describeChannels(
  stream: XdfStream,
  samplingRate: number,
  options: FileOptions,
): (Channel & { gain: number })[] {
  const infos = channelInfos(stream)
  const labels = Array.from(
    { length: stream.nChannels },
    (_, i) => options.channelNames?.[i] || infos[i]?.label || `channel ${i + 1}`,
  )
  const names = channelNames(labels)
  return labels.map((label, i) => {
    const { unit: own = '', kind = '' } = infos[i] ?? {}
    const unit = own || options.unit || ''
    const volts = voltsPer(unit)
    return {
      name: names[i]!,
      label,
      type: TYPES.has(kind) ? (kind as ChannelType) : channelType(label, volts !== undefined || unit === ''),
      unit: volts === undefined ? unit : 'V',
      samplingRate,
      gain: volts ?? 1,
    }
  })
}

function sourceOf(stream: XdfStream, channels: readonly { gain: number }[], { file, state }: ScannedFile): XdfSource {
  const { type, nChannels, positions, firsts, times } = stream
  return new XdfSource(
    { file, state, type: type!, nChannels, positions, firsts, nSamples: times.length },
    channels.map(({ gain }, slot) => ({ slot, gain })),
  )
}

/** Entries of a stream of strings, or of numbers without a rate; strings of several channels are joined by `/`. */
function eventsOf(stream: XdfStream, start: number, scanned: ScannedFile): RecordingParts['events'] {
  if (stream.type !== undefined && stream.rate > 0) return []
  const aligned = synchronise(stream.times, stream.offsets)
  const times = stream.rate > 0 && aligned.length > 1 ? dejitter(aligned, stream.rate).times : aligned
  const labels =
    stream.type === undefined ? stream.texts.map((texts) => texts.join('/')) : numbersAsText(stream, scanned)
  return labels.map((label, i) => ({ onset: times[i]! - start, duration: 0, label }))
}

function numbersAsText(stream: XdfStream, scanned: ScannedFile): string[] {
  const { nChannels, times } = stream
  if (nChannels === 0) return []
  const channels = Array.from({ length: nChannels }, (_, channel) => ({ channel, gain: 1 }))
  const ranges = channels.map(({ channel }) => ({ channel, start: 0, stop: times.length }))
  const numbers = sourceOf(stream, channels, scanned).read(ranges)
  return times.map((_, i) => numbers.map((values) => values[i]!).join('/'))
}
