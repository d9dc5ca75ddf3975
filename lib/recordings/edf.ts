import { fstatSync, readSync } from 'node:fs'
import { EegTorchError } from '../errors.ts'
import { withFile } from '../files/with-file.ts'
import { channelNames, channelType } from './channels.ts'
import { findSegments, parseAnnotations, type RecordAnnotations } from './edf-annotations.ts'
import {
  type EdfHeader,
  type EdfSignal,
  FIXED_BYTES,
  headerSize,
  parseHeader,
  type TruncatedPolicy,
} from './edf-header.ts'
import { type EdfChannel, EdfSource } from './edf-source.ts'
import { metadataFromName } from './metadata.ts'
import { type Channel, Recording, recordingName } from './recording.ts'

/** How to read an EDF file. */
export interface EdfOptions {
  /** `error` (default) refuses a file with another number of records than its header promises; `read` takes the complete records. */
  truncated?: TruncatedPolicy
  /** Unit of channels for which the file names none, such as `uV`. */
  unit?: string
}

/**
 * Opens an EDF or EDF+ file: reads its header and its annotations, and leaves the samples where they are until they are wanted.
 * Channels may have different sampling rates. A discontinuous file (EDF+D) becomes a recording with several segments.
 *
 * Format: Kemp and others, EDF (1992) and EDF+ (2003), edfplus.info.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, or `FILE_UNSUPPORTED` for what is not EDF
 */
export async function readEdf(file: string, { truncated = 'error', unit = '' }: EdfOptions = {}): Promise<Recording> {
  const { header, records } = withFile(file, (descriptor) => {
    const header = readHeader(descriptor, file, truncated)
    return { header, records: readAnnotations(descriptor, header, file) }
  })
  const signals = header.signals.filter((signal) => !signal.isAnnotations)
  if (signals.length === 0) {
    throw new EegTorchError('FILE_UNSUPPORTED', 'the file holds annotations only', {
      file,
      expected: 'at least one signal',
    })
  }
  const channels = describeChannels(signals, header, unit)
  const main = mainChannel(channels)
  const samplingRate = channels[main]!.samplingRate
  const perRecord = signals[main]!.samplesPerRecord
  const segments = findSegments(
    header,
    records.map(({ start }) => start),
    { samplingRate, perRecord },
    file,
  )
  const first = records[0]?.start ?? 0
  return new Recording({
    ...metadataFromName(file),
    name: recordingName(file),
    file,
    format: header.format,
    simulated: header.simulated,
    channels,
    samplingRate,
    nSamples: perRecord * header.nRecords,
    segments,
    events: records.flatMap(({ annotations }) =>
      annotations.map((event) => ({ ...event, onset: event.onset - first })),
    ),
    source: new EdfSource(
      file,
      header,
      signals.map((signal) => toEdfChannel(signal, unit)),
    ),
    ...(header.startTime === undefined ? {} : { startTime: header.startTime }),
  })
}

function readHeader(descriptor: number, file: string, truncated: TruncatedPolicy): EdfHeader {
  const { size } = fstatSync(descriptor)
  const fixed = readBytes(descriptor, 0, Math.min(FIXED_BYTES, size))
  const bytes = headerSize(fixed, size, file)
  return parseHeader(readBytes(descriptor, 0, bytes), size, file, truncated)
}

/** Reads the annotation signals of every record, and nothing else. */
function readAnnotations(descriptor: number, header: EdfHeader, file: string): RecordAnnotations[] {
  const signals = header.signals.filter((signal) => signal.isAnnotations)
  if (signals.length === 0) return []
  return Array.from({ length: header.nRecords }, (_, record) => {
    const start = header.headerBytes + record * header.recordBytes
    const lists = signals.map((signal) =>
      readBytes(descriptor, start + 2 * signal.position, 2 * signal.samplesPerRecord),
    )
    return parseAnnotations(lists, record, file)
  })
}

function readBytes(descriptor: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length)
  const read = readSync(descriptor, buffer, 0, length, position)
  return buffer.subarray(0, read)
}

function describeChannels(signals: readonly EdfSignal[], header: EdfHeader, unit: string): Channel[] {
  const names = channelNames(signals.map(({ label }) => label))
  return signals.map((signal, i) => {
    const dimension = signal.dimension || unit
    const isElectric = voltsPer(dimension) !== undefined
    return {
      name: names[i]!,
      label: signal.label,
      type: channelType(signal.label, isElectric || dimension === ''),
      unit: isElectric ? 'V' : dimension,
      samplingRate: rateOf(signal, header.recordDuration),
      ...(signal.prefilter === '' ? {} : { prefilter: signal.prefilter }),
    }
  })
}

function toEdfChannel(signal: EdfSignal, unit: string): EdfChannel {
  return { ...signal, unitScale: voltsPer(signal.dimension || unit) ?? 1 }
}

/** Volts in one of a unit, undefined if the unit is no voltage. Both micro signs and the Shift-JIS one occur in files. */
function voltsPer(unit: string): number | undefined {
  const match = /^([nmku\u00b5\u03bc]|\x83\xca)?v(olts?)?$/i.exec(unit)
  if (match === null || unit.startsWith('M')) return undefined
  const scales: Record<string, number> = {
    n: 1e-9,
    u: 1e-6,
    '\u00b5': 1e-6,
    '\u03bc': 1e-6,
    '\x83\xca': 1e-6,
    m: 1e-3,
    k: 1e3,
  }
  return match[1] === undefined ? 1 : scales[match[1].toLowerCase()]
}

/** Samples per second; a rate that misses a whole number by rounding only is that number. */
function rateOf(signal: EdfSignal, recordDuration: number): number {
  const rate = signal.samplesPerRecord / recordDuration
  const whole = Math.round(rate)
  return Math.abs(rate - whole) < 1e-9 * whole ? whole : rate
}

/** A channel with the rate that most EEG channels have, or most channels where none is EEG. */
function mainChannel(channels: readonly Channel[]): number {
  const eeg = channels.filter(({ type }) => type === 'eeg')
  const counts = new Map<number, number>()
  for (const { samplingRate } of eeg.length > 0 ? eeg : channels) {
    counts.set(samplingRate, (counts.get(samplingRate) ?? 0) + 1)
  }
  const [rate] = [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))
  return channels.findIndex(({ samplingRate }) => samplingRate === rate)
}
