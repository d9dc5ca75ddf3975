import { fstatSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { EegTorchError } from '../errors.ts'
import { readAt } from '../files/read-at.ts'
import { withFile } from '../files/with-file.ts'
import { type RecordChannel, RecordSource } from './binary/record-source.ts'
import { emptyRangeWarnings } from './calibrate.ts'
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
import { readAmong } from './source.ts'
import { stimEvents } from './stim-events.ts'
import { voltsPer } from './units.ts'

/** Trigger bits of a BioSemi status channel, and those bits with the one that starts an epoch. */
const TRIGGER_BITS = 0xffff
const STATUS_BITS = 0x1ffff
/** Records whose annotations are read in one turn of the event loop: some milliseconds. */
const RECORDS_IN_TURN = 1 << 10

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
  const header = readEdfHeader(file, truncated)
  const records = await readAnnotations(header, file)
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
    events: annotated.length > 0 ? annotated : await statusEvents(source, channels, header, signals),
    source,
    ...(header.startTime === undefined ? {} : { startTime: header.startTime }),
    warnings: [
      ...emptyRangeWarnings(
        signals
          .filter((signal, i) => signal.hasEmptyRange && !isStatus(header, channels[i]!))
          .map(({ label }) => label),
      ),
      ...unsignedWarnings(records),
    ],
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

/** Reads the annotation signals of every record, and nothing else, while the event loop goes on. */
async function readAnnotations(header: EdfHeader, file: string): Promise<RecordAnnotations[]> {
  const signals = header.signals.filter((signal) => signal.isAnnotations)
  if (signals.length === 0) return []
  const records: RecordAnnotations[] = []
  while (records.length < header.nRecords) {
    withFile(file, (descriptor) => {
      const stop = Math.min(header.nRecords, records.length + RECORDS_IN_TURN)
      while (records.length < stop) {
        const lists = signals.map((signal) => readList(descriptor, header, signal, records.length, file))
        records.push(parseAnnotations(lists, records.length, file))
      }
    })
    if (records.length < header.nRecords) await nextTurn()
  }
  return records
}

function unsignedWarnings(records: readonly RecordAnnotations[]): string[] {
  const count = records.reduce((sum, { unsigned }) => sum + unsigned, 0)
  return count === 0 ? [] : [`${count} annotations have an onset without a sign: taken as after the start.`]
}

function readList(descriptor: number, header: EdfHeader, signal: EdfSignal, record: number, file: string): Buffer {
  const { headerBytes, recordBytes, sampleBytes } = header
  const start = headerBytes + record * recordBytes + sampleBytes * signal.position
  return readAt(descriptor, start, sampleBytes * signal.samplesPerRecord, `record ${record + 1}`, file)
}

/** Triggers of a BDF file: the low 16 bits of its status channel, where nothing is annotated. */
async function statusEvents(
  source: RecordSource,
  channels: readonly Channel[],
  { format, nRecords }: EdfHeader,
  signals: readonly EdfSignal[],
): Promise<RecordingParts['events']> {
  const channel = channels.findIndex(({ type }) => type === 'stim')
  if (channel < 0 || format !== 'BDF') return []
  const samples = await readAmong(channels.length, source, channel, signals[channel]!.samplesPerRecord * nRecords)
  return stimEvents(samples, channels[channel]!.samplingRate, TRIGGER_BITS)
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

/** Whether a channel holds the trigger bits of BDF, which are no physical values. */
const isStatus = ({ sampleBytes }: EdfHeader, { type }: Channel) => sampleBytes === 3 && type === 'stim'

function toRecordChannel(signal: EdfSignal, header: EdfHeader, channel: Channel, unit: string): RecordChannel {
  const { sampleBytes } = header
  const position = sampleBytes * signal.position
  if (sampleBytes === 2)
    return { ...signal, position, type: 'int16', unitScale: voltsPer(signal.dimension || unit) ?? 1 }
  const stored = { samplesPerRecord: signal.samplesPerRecord, position, type: 'int24' as const }
  // The bits above the epoch bit say how the amplifier is: no number, and MNE leaves them out too.
  if (isStatus(header, channel)) return { ...stored, gain: 1, offset: 0, unitScale: 1, mask: STATUS_BITS }
  return { ...signal, ...stored, unitScale: voltsPer(signal.dimension || unit) ?? 1 }
}

/** Samples per second; a rate that misses a whole number by rounding only is that number. */
const rateOf = (signal: EdfSignal, recordDuration: number) => roundRate(signal.samplesPerRecord / recordDuration)
