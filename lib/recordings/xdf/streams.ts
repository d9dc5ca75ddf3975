import { EegTorchError } from '../../errors.ts'
import { SAMPLE_BYTES, type SampleType } from '../binary/sample-types.ts'
import type { TruncatedPolicy } from '../edf-header.ts'
import { invalid } from '../invalid.ts'
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
  /** Numbers of all channels, sample by sample. */
  readonly samples: Buffer[]
  readonly texts: string[][]
  /** Measured differences between this clock and the recorder's: when, and how much. */
  readonly offsets: { readonly time: number; readonly value: number }[]
  /** Samples that the footer promises; undefined without a footer. */
  promised: number | undefined
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

export const isXdf = (start: Buffer): boolean => start.toString('latin1', 0, 4) === 'XDF:'

/**
 * Reads all chunks of a file (XDF specification 1.0).
 *
 * @throws EegTorchError `FILE_INVALID` or, for a file that ends inside a chunk, `FILE_TRUNCATED` unless `read` was asked for
 */
export function readStreams(bytes: Buffer, file: string, truncated: TruncatedPolicy, warnings: string[]): XdfStream[] {
  if (!isXdf(bytes))
    throw invalid(file, 'this is no XDF file', "'XDF:'", JSON.stringify(bytes.toString('latin1', 0, 4)))
  const streams = new Map<number, XdfStream>()
  const cursor = new Cursor(bytes, 4, file)
  while (cursor.left > 0) {
    try {
      const length = cursor.length()
      const chunk = cursor.part(length)
      readChunk(chunk, streams, file)
    } catch (error) {
      if (truncated === 'error' || (error as EegTorchError).code !== 'FILE_TRUNCATED') throw error
      warnings.push('The file is cut off: the complete chunks were read.')
      break
    }
  }
  return [...streams.values()]
}

function readChunk(chunk: Cursor, streams: Map<number, XdfStream>, file: string): void {
  const tag = chunk.uint16()
  if (!Object.values(TAG).includes(tag)) return
  const id = chunk.uint32()
  if (tag === TAG.header) {
    if (streams.has(id)) throw invalid(file, 'it describes a stream twice', 'a number for each stream', `${id} again`)
    streams.set(id, newStream(id, chunk.rest().toString('utf8'), file))
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
    const count = Number(textOf(parseXml(chunk.rest().toString('utf8')), 'sample_count') ?? Number.NaN)
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
    samples: [],
    texts: [],
    offsets: [],
    promised: undefined,
  }
}

/** Each sample has its time stamp, or follows the last one by an interval of the nominal rate. */
function readSamples(chunk: Cursor, stream: XdfStream): void {
  const { times, samples, texts, type, nChannels, rate } = stream
  const count = chunk.length()
  if (count > chunk.left) throw chunk.short(count)
  const bytes = type === undefined ? 0 : nChannels * SAMPLE_BYTES[type]
  const values = Buffer.allocUnsafe(Math.min(count * bytes, chunk.left))
  for (let i = 0; i < count; i++) {
    const hasStamp = chunk.uint8() !== 0
    times.push(hasStamp ? chunk.float64() : (times.at(-1) ?? 0) + (rate > 0 ? 1 / rate : 0))
    if (type === undefined)
      texts.push(Array.from({ length: nChannels }, () => chunk.part(chunk.length()).rest().toString('utf8')))
    else
      chunk
        .part(bytes)
        .rest()
        .copy(values, i * bytes)
  }
  if (type !== undefined) samples.push(values)
}

/** Names, units and kinds of the channels as the header describes them, as far as it does. */
export function channelInfos({ header }: XdfStream): { label: string; unit: string; kind: string }[] {
  return findAll(header, 'desc', 'channels', 'channel').map((channel) => ({
    label: textOf(channel, 'label') ?? textOf(channel, 'name') ?? '',
    unit: textOf(channel, 'unit') ?? '',
    kind: (textOf(channel, 'type') ?? '').toLowerCase(),
  }))
}

/** Reads numbers one behind the other, never beyond its part of the file. */
class Cursor {
  constructor(
    private readonly bytes: Buffer,
    private at: number,
    private readonly file: string,
  ) {}

  get left(): number {
    return this.bytes.length - this.at
  }

  /** A length that says first how many bytes it takes. */
  length(): number {
    const width = this.uint8()
    if (width === 1) return this.uint8()
    if (width === 4) return this.uint32()
    if (width === 8) return Number(this.bytes.readBigUInt64LE(this.#take(8)))
    throw invalid(this.file, 'a length takes an impossible number of bytes', '1, 4 or 8', `${width}`)
  }

  uint8(): number {
    return this.bytes.readUInt8(this.#take(1))
  }

  uint16(): number {
    return this.bytes.readUInt16LE(this.#take(2))
  }

  uint32(): number {
    return this.bytes.readUInt32LE(this.#take(4))
  }

  float64(): number {
    return this.bytes.readDoubleLE(this.#take(8))
  }

  part(length: number): Cursor {
    const start = this.#take(length)
    return new Cursor(this.bytes.subarray(start, start + length), 0, this.file)
  }

  rest(): Buffer {
    return this.bytes.subarray(this.#take(this.left))
  }

  short(wanted: number): EegTorchError {
    return new EegTorchError('FILE_TRUNCATED', 'the file ends inside a chunk', {
      file: this.file,
      expected: `${wanted} more bytes`,
      received: `${this.left}`,
    })
  }

  #take(length: number): number {
    if (length > this.left) throw this.short(length)
    this.at += length
    return this.at - length
  }
}
