import type { EegTorchError } from '../../errors.ts'
import { stateOf } from '../../files/read-at.ts'
import { withFile } from '../../files/with-file.ts'
import { SAMPLE_BYTES, type SampleType } from '../binary/sample-types.ts'
import type { TruncatedPolicy } from '../edf-header.ts'
import { invalid } from '../invalid.ts'
import { Cursor, FileWindow } from './cursor.ts'
import type { ScannedFile } from './source.ts'
import { findAll, parseXml, textOf, type XmlNode } from './xml.ts'

/** One stream of a file, as it was recorded: time stamps are those of the machine that sent it. */
export interface XdfStream {
  readonly id: number
  readonly header: XmlNode
  readonly name: string
  /** `EEG`, `Markers`, ... */
  readonly kind: string
  readonly nChannels: number
  /** Hertz; 0 for events. */
  readonly rate: number
  /** Undefined for strings. */
  readonly type: SampleType | undefined
  readonly times: number[]
  /** Where the numbers lie, stretch by stretch: the byte at which it begins, and the number of its first sample. */
  readonly positions: number[]
  readonly firsts: number[]
  readonly texts: string[][]
  /** Measured differences between this clock and the recorder's: when, and how much. */
  readonly offsets: { readonly time: number; readonly value: number }[]
  /** Samples that the footer promises; undefined without a footer. */
  promised: number | undefined
}

/** The streams of a file. */
export interface XdfStreams extends ScannedFile {
  readonly streams: readonly XdfStream[]
}

const TYPES: Readonly<Record<string, SampleType>> = {
  int8: 'int8',
  int16: 'int16',
  int32: 'int32',
  int64: 'int64',
  float32: 'float32',
  double64: 'float64',
}
const TAG = { header: 2, samples: 3, offset: 4, footer: 6 }
const LONGEST_NAME = 200
const MAGIC = 'XDF:'
/** The most after which a place is noted, so that reading a part of a long chunk need not walk all of it. */
const STRETCH = { samples: 4096, bytes: 1 << 20 }

export const isXdf = (start: Buffer): boolean => start.toString('latin1', 0, MAGIC.length) === MAGIC

/**
 * Reads all chunks of a file (XDF specification 1.0) but the numbers of its samples, whose places it notes.
 *
 * @throws EegTorchError `FILE_INVALID` or, for a file that ends inside a chunk, `FILE_TRUNCATED` unless `read` was asked for
 */
export function readStreams(file: string, truncated: TruncatedPolicy, warnings: string[]): XdfStreams {
  return withFile(file, (descriptor) => {
    const state = stateOf(descriptor)
    const cursor = new Cursor(new FileWindow(descriptor, file))
    const magic = cursor.part(Math.min(MAGIC.length, cursor.left)).text()
    if (magic !== MAGIC) throw invalid(file, 'this is no XDF file', `'${MAGIC}'`, JSON.stringify(magic))
    const streams = new Map<number, XdfStream>()
    while (cursor.left > 0) {
      try {
        const length = cursor.length()
        readChunk(cursor.part(length), streams, file)
      } catch (error) {
        if (truncated === 'error' || (error as EegTorchError).code !== 'FILE_TRUNCATED') throw error
        warnings.push('The file is cut off: the complete chunks were read.')
        break
      }
    }
    return { file, state, streams: [...streams.values()] }
  })
}

function readChunk(chunk: Cursor, streams: Map<number, XdfStream>, file: string): void {
  const tag = chunk.uint16()
  if (!Object.values(TAG).includes(tag)) return
  const id = chunk.uint32()
  if (tag === TAG.header) {
    if (streams.has(id)) throw invalid(file, 'it describes a stream twice', 'a number for each stream', `${id} again`)
    streams.set(id, newStream(id, chunk.text(), file))
    return
  }
  const stream = streams.get(id)
  if (stream === undefined)
    throw invalid(
      file,
      'it has data of a stream that it does not describe',
      `one of ${[...streams.keys()].join(', ') || 'none'}`,
      `stream ${id}`,
    )
  if (tag === TAG.samples) readSamples(chunk, stream)
  else if (tag === TAG.offset) stream.offsets.push({ time: chunk.float64(), value: chunk.float64() })
  else {
    const count = Number(textOf(parseXml(chunk.text()), 'sample_count') ?? Number.NaN)
    if (Number.isInteger(count)) stream.promised = count
  }
}

function newStream(id: number, xml: string, file: string): XdfStream {
  const header = parseXml(xml)
  const [format = '', count, rate] = ['channel_format', 'channel_count', 'nominal_srate'].map((key) =>
    textOf(header, key),
  )
  const nChannels = Number(count)
  const hertz = Number(rate)
  const isKnown = format === 'string' || TYPES[format] !== undefined
  if (
    header === undefined ||
    !isKnown ||
    !(Number.isInteger(nChannels) && nChannels >= 0) ||
    !(hertz >= 0 && hertz <= 1e9)
  ) {
    const received = `${format || 'nothing'}, ${count} channels, ${rate} Hz`
    throw invalid(file, `the header of stream ${id} is not readable`, 'a format, channels and a rate', received)
  }
  return {
    id,
    header,
    name: (textOf(header, 'name') ?? '').slice(0, LONGEST_NAME),
    kind: textOf(header, 'type') ?? '',
    nChannels,
    rate: hertz,
    type: TYPES[format],
    times: [],
    positions: [],
    firsts: [],
    texts: [],
    offsets: [],
    promised: undefined,
  }
}

/** Each sample has its time stamp, or follows the last one by an interval of the nominal rate. */
function readSamples(chunk: Cursor, stream: XdfStream): void {
  const { times, type, nChannels, rate, positions, firsts } = stream
  const count = chunk.length()
  if (count > chunk.left) throw chunk.short(count)
  const bytes = type === undefined ? 0 : nChannels * SAMPLE_BYTES[type]
  const apart = Math.max(1, Math.min(STRETCH.samples, Math.floor(STRETCH.bytes / Math.max(1, bytes))))
  const known = [times.length, positions.length, stream.texts.length] as const
  try {
    for (let i = 0; i < count; i++) {
      if (type !== undefined && i % apart === 0) {
        positions.push(chunk.position)
        firsts.push(times.length)
      }
      const hasStamp = chunk.uint8() !== 0
      times.push(hasStamp ? chunk.float64() : (times.at(-1) ?? 0) + (rate > 0 ? 1 / rate : 0))
      if (type === undefined) stream.texts.push(Array.from({ length: nChannels }, () => textOfLength(chunk)))
      else chunk.skip(bytes)
    }
  } catch (error) {
    // Half a chunk counts as none.
    ;[times.length, positions.length, stream.texts.length] = known
    firsts.length = positions.length
    throw error
  }
}

function textOfLength(chunk: Cursor): string {
  const length = chunk.length()
  return chunk.part(length).text()
}

/** Names, units and kinds of the channels as the header describes them, as far as it does. */
export function channelInfos({ header }: XdfStream): { label: string; unit: string; kind: string }[] {
  return findAll(header, 'desc', 'channels', 'channel').map((channel) => ({
    label: textOf(channel, 'label') ?? textOf(channel, 'name') ?? '',
    unit: textOf(channel, 'unit') ?? '',
    kind: (textOf(channel, 'type') ?? '').toLowerCase(),
  }))
}
