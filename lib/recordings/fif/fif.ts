import { EegTorchError } from '../../errors.ts'
import { SAMPLE_BYTES } from '../binary/sample-types.ts'
import { type StridedPiece, StridedSource } from '../binary/strided-source.ts'
import type { FileOptions } from '../file-options.ts'
import { invalid } from '../invalid.ts'
import { metadataFromName } from '../metadata.ts'
import { type Channel, Recording, type RecordingParts, recordingName } from '../recording.ts'
import type { Segment } from '../segments.ts'
import { segmentsAt } from '../segments-at.ts'
import { readAmong, type SignalSource } from '../source.ts'
import { stimEvents } from '../stim-events.ts'
import { readAnnotations, readEpochLabels } from './fif-events.ts'
import { type Measurement, readMeasurement } from './measurement.ts'
import { type RawData, rawDataOf } from './raw-data.ts'
import { type FifPart, readParts } from './split.ts'
import { BLOCK, type FifTag, KIND, MATRIX, readNumber, TYPES } from './tags.ts'

/**
 * Opens a FIF file of raw data (with the files that it goes on in) or of epochs, also one that gzip has compressed (`.fif.gz`). Annotations are the events, or else rises of the
 * trigger channel. What the recorder skipped is a gap; epochs follow one another, each a segment, with its event at time 0.
 * Compensation and projections are not applied.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, or `FILE_UNSUPPORTED` for files without samples
 */
export async function readFif(file: string, { truncated = 'error' }: FileOptions = {}): Promise<Recording> {
  const warnings: string[] = []
  const parts = await readParts(file, truncated, warnings)
  const { tags } = parts[0]!
  const measurement = readMeasurement(tags, file)
  const shared = {
    ...metadataFromName(file),
    name: recordingName(file),
    file,
    channels: measurement.channels,
    samplingRate: measurement.samplingRate,
    ...(measurement.date === undefined ? {} : { startTime: new Date(measurement.date * 1000) }),
    warnings,
  }
  const epoch = tags.find(({ kind, blocks }) => kind === KIND.epoch && blocks.at(-1) === BLOCK.epochs)
  if (epoch !== undefined) return new Recording({ ...shared, ...epochsOf(parts, measurement) })
  return new Recording({ ...shared, ...(await rawOf(parts, measurement, file)) })
}

type Content = Pick<RecordingParts, 'format' | 'nSamples' | 'segments' | 'events' | 'source'>

async function rawOf(
  parts: readonly FifPart[],
  measurement: Measurement,
  file: string,
): Promise<Content & { nSamples: number }> {
  const nChannels = measurement.channels.length
  const data: RawData[] = []
  let nSamples = 0
  for (const part of parts) {
    const raw = rawDataOf(part.tags, part.file, nChannels, nSamples)
    if (raw === undefined) continue
    data.push(raw)
    nSamples += raw.nSamples
  }
  if (data.length === 0) {
    throw new EegTorchError('FILE_UNSUPPORTED', 'the file holds neither raw data nor epochs', { file })
  }
  const source = new StridedSource(
    data.flatMap(({ pieces }) => pieces),
    measurement.gains.map(({ raw }, slot) => ({ slot, gain: raw })),
  )
  const rate = measurement.samplingRate
  const segments = withGaps(
    data.flatMap(({ gaps }) => gaps),
    nSamples,
    rate,
  )
  const first = data[0]!.firstSample / rate
  const annotations = readAnnotations(parts[0]!.tags, file, measurement.date)
  const events =
    annotations.length > 0
      ? annotations.map((event) => ({ ...event, onset: event.onset - first }))
      : await triggers(source, measurement.channels, segments, rate, nSamples)
  return { format: 'FIF raw', nSamples, segments, events, source }
}

function withGaps(gaps: RawData['gaps'], nSamples: number, rate: number): Segment[] {
  let missing = 0
  const starts = [{ before: 0, length: 0 }, ...gaps]
  return starts.map(({ before, length }, i) => {
    missing += length
    const end = starts[i + 1]?.before ?? nSamples
    return { onset: (before + missing) / rate, sample: before, nSamples: end - before }
  })
}

/** Rises of the composite trigger channel, or of the first one. A value that a gap separates from the last is a rise from it. */
async function triggers(
  source: SignalSource,
  channels: readonly Channel[],
  segments: readonly Segment[],
  rate: number,
  nSamples: number,
): Promise<RecordingParts['events']> {
  const named = channels.findIndex(({ label }) => /^STI ?(014|101)$/.test(label))
  const channel = named >= 0 ? named : channels.findIndex(({ type }) => type === 'stim')
  if (channel < 0) return []
  const samples = await readAmong(channels.length, source, channel, nSamples)
  return stimEvents(samples, 1).map((event) => {
    const segment = segments.findLast(({ sample }) => sample <= event.onset)!
    return { ...event, onset: segment.onset + (event.onset - segment.sample) / rate }
  })
}

function epochsOf(
  parts: readonly FifPart[],
  { channels, gains, samplingRate }: Measurement,
): Content & { nSamples: number } {
  const pieces: StridedPiece[] = []
  const labels: string[] = []
  let [perEpoch, tmin] = [0, 0]
  for (const { file, tags } of parts) {
    const inside = tags.filter(({ blocks }) => blocks.at(-1) === BLOCK.epochs)
    const number = (kind: number) =>
      readNumber(
        file,
        inside.find((tag) => tag.kind === kind),
      )
    const data = inside.find(({ kind }) => kind === KIND.epoch)
    const [first, last] = [number(KIND.firstSample), number(KIND.lastSample)]
    if (data === undefined || first === undefined || last === undefined || last < first) {
      throw invalid(file, 'its epochs have no times', 'a first sample and a last', `${first} to ${last}`)
    }
    perEpoch = last - first + 1
    tmin = first / samplingRate
    const own = readEpochLabels(tags, file)
    for (const piece of epochPieces(data, file, channels.length, perEpoch, pieces.length)) pieces.push(piece)
    if (pieces.length !== labels.length + own.length) {
      throw invalid(
        file,
        'its epochs do not fit its events',
        `${pieces.length - labels.length} events`,
        `${own.length}`,
      )
    }
    for (const label of own) labels.push(label)
  }
  const nSamples = perEpoch * pieces.length
  // An event outside its epoch would fall into another one.
  const offset = tmin <= 0 && -tmin * samplingRate < perEpoch ? -tmin : 0
  return {
    format: 'FIF epochs',
    nSamples,
    segments: segmentsAt(
      pieces.map(({ first }) => first),
      nSamples,
      samplingRate,
    ),
    events: labels.map((label, i) => ({ onset: (i * perEpoch) / samplingRate + offset, duration: 0, label })),
    source: new StridedSource(
      pieces,
      gains.map(({ epochs }, slot) => ({ slot, gain: epochs })),
    ),
  }
}

/** A matrix of (epochs, channels, samples); its sizes follow the numbers. */
function epochPieces(tag: FifTag, file: string, nChannels: number, perEpoch: number, before: number): StridedPiece[] {
  const type = (tag.type & MATRIX) === 0 ? undefined : TYPES[tag.type & 0xffff]
  if (type !== 'float32' && type !== 'float64') {
    throw new EegTorchError('FILE_UNSUPPORTED', 'its epochs are stored in a type that is not known', {
      file,
      expected: 'a matrix of float32 or float64',
      received: `type ${tag.type}`,
    })
  }
  const size = SAMPLE_BYTES[type]
  const bytes = size * nChannels * perEpoch
  const nEpochs = (tag.size - 16) / bytes
  if (!Number.isInteger(nEpochs) || nEpochs < 1) {
    throw invalid(file, 'its epochs do not fit their size', `16 bytes and a multiple of ${bytes}`, `${tag.size} bytes`)
  }
  return Array.from({ length: nEpochs }, (_, i) => ({
    file,
    unpacked: tag.unpacked,
    position: tag.position + i * bytes,
    first: (before + i) * perEpoch,
    nSamples: perEpoch,
    type,
    littleEndian: false,
    sampleStride: size,
    channelStride: size * perEpoch,
  }))
}
