import { fstatSync } from 'node:fs'
import { EegTorchError } from '../errors.ts'
import { readAt } from '../files/read-at.ts'
import { withFile } from '../files/with-file.ts'
import { type RecordChannel, RecordSource } from './binary/record-source.ts'
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
import type { FileOptions } from './file-options.ts'
import { mainChannel, roundRate } from './main-rate.ts'
import { metadataFromName } from './metadata.ts'
import { type Channel, Recording, type RecordingParts, recordingName } from './recording.ts'
import { stimEvents } from './stim-events.ts'
import { voltsPer } from './units.ts'

/** Trigger bits of a BioSemi status channel, and those bits with the one that starts an epoch. */
const TRIGGER_BITS = 0xffff
const STATUS_BITS = 0x1ffff

/**
 * Opens an EDF, EDF+, BDF or BDF+ file: reads its header and its annotations, and leaves the samples where they are until they are wanted.
 * Channels may have different sampling rates. A discontinuous file (EDF+D) becomes a recording with several segments.
 * In BDF, whose samples have 24 bits, rises of the status channel are the events unless the file has annotations.
 *
 * Format: Kemp and others, EDF (1992) and EDF+ (2003), edfplus.info.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, or `FILE_UNSUPPORTED` for what is not EDF
 */
export async function readEdf(file: string, { truncated = 'error', unit = '' }: FileOptions = {}): Promise<Recording> {
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
  const source = new RecordSource(
    file,
    header,
    signals.map((signal, i) => toRecordChannel(signal, header, channels[i]!, unit)),
  )
  const annotated = records.flatMap(({ annotations }) =>
    annotations.map((event) => ({ ...event, onset: event.onset - first })),
  )
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
    events: annotated.length > 0 ? annotated : statusEvents(source, channels, header, signals),
    source,
    ...(header.startTime === undefined ? {} : { startTime: header.startTime }),
  })
}

/**
 * The header of an EDF or BDF file alone.
 *
 * @throws EegTorchError as {@link readEdf}
 */
export function readEdfHeader(file: string, truncated: TruncatedPolicy = 'error'): EdfHeader {
  return withFile(file, (descriptor) => readHeader(descriptor, file, truncated))
}

function readHeader(descriptor: number, file: string, truncated: TruncatedPolicy): EdfHeader {
  const { size } = fstatSync(descriptor)
  const fixed = readAt(descriptor, 0, Math.min(FIXED_BYTES, size), 'its header', file)
  const bytes = headerSize(fixed, size, file)
  return parseHeader(readAt(descriptor, 0, bytes, 'its header', file), size, file, truncated)
}

/** Reads the annotation signals of every record, and nothing else. */
function readAnnotations(descriptor: number, header: EdfHeader, file: string): RecordAnnotations[] {
  const signals = header.signals.filter((signal) => signal.isAnnotations)
  if (signals.length === 0) return []
  const width = header.sampleBytes
  return Array.from({ length: header.nRecords }, (_, record) => {
    const start = header.headerBytes + record * header.recordBytes
    const lists = signals.map((signal) =>
      readAt(
        descriptor,
        start + width * signal.position,
        width * signal.samplesPerRecord,
        `record ${record + 1}`,
        file,
      ),
    )
    return parseAnnotations(lists, record, file)
  })
}

/** Triggers of a BDF file: the low 16 bits of its status channel, where nothing is annotated. */
function statusEvents(
  source: RecordSource,
  channels: readonly Channel[],
  { format, nRecords }: EdfHeader,
  signals: readonly EdfSignal[],
): RecordingParts['events'] {
  const channel = channels.findIndex(({ type }) => type === 'stim')
  if (channel < 0 || format !== 'BDF') return []
  const [samples] = source.read([{ channel, start: 0, stop: signals[channel]!.samplesPerRecord * nRecords }])
  return stimEvents(samples!, channels[channel]!.samplingRate, TRIGGER_BITS)
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

function toRecordChannel(
  signal: EdfSignal,
  { sampleBytes }: EdfHeader,
  { type }: Channel,
  unit: string,
): RecordChannel {
  const position = sampleBytes * signal.position
  if (sampleBytes === 2)
    return { ...signal, position, type: 'int16', unitScale: voltsPer(signal.dimension || unit) ?? 1 }
  const stored = { samplesPerRecord: signal.samplesPerRecord, position, type: 'int24' as const }
  // The bits above the epoch bit say how the amplifier is: no number, and MNE leaves them out too.
  if (type === 'stim') return { ...stored, gain: 1, offset: 0, unitScale: 1, mask: STATUS_BITS }
  return { ...signal, ...stored, unitScale: voltsPer(signal.dimension || unit) ?? 1 }
}

/** Samples per second; a rate that misses a whole number by rounding only is that number. */
const rateOf = (signal: EdfSignal, recordDuration: number) => roundRate(signal.samplesPerRecord / recordDuration)
