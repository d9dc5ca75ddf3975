import { EegTorchError } from '../../errors.ts'
import { maskedCrc32c } from './crc32c.ts'

/**
 * The file format of TensorBoard: TFRecord frames, each one `Event` in protocol-buffer encoding. Field numbers are those
 * of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
 */
export interface TfEvent {
  /** Seconds since 1970. */
  wallTime: number
  step: number
  /** Only in the first event of a file: `brain.Event:2`. */
  fileVersion?: string
  /** Values by tag, as float32. */
  scalars?: Record<string, number>
  /** The run starts (again) at `step`: readers drop what earlier files hold from there on. */
  restart?: true
}

export const FILE_VERSION = 'brain.Event:2'

/** One event with its frame: length (uint64), masked CRC of the length, data, masked CRC of the data. */
export function encodeEvent(event: TfEvent): Uint8Array {
  const data = eventMessage(event)
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(data.length), true)
  return concatenate([length, uint32(maskedCrc32c(length)), data, uint32(maskedCrc32c(data))])
}

/**
 * Reads the events of a file; a frame cut short at the end, as a killed run leaves it, is left out.
 *
 * @throws EegTorchError `FILE_INVALID` for a wrong checksum or a wrong message
 */
export function decodeEvents(bytes: Uint8Array, file = 'event file'): TfEvent[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const events: TfEvent[] = []
  for (let at = 0; at + 12 <= bytes.length; ) {
    const length = view.getBigUint64(at, true)
    check(view.getUint32(at + 8, true), bytes.subarray(at, at + 8), file, events.length)
    if (BigInt(bytes.length - at - 16) < length) break
    const end = at + 12 + Number(length)
    const data = bytes.subarray(at + 12, end)
    check(view.getUint32(end, true), data, file, events.length)
    events.push(readEvent(data, file))
    at = end + 4
  }
  return events
}

function check(stored: number, data: Uint8Array, file: string, record: number): void {
  if (stored === maskedCrc32c(data)) return
  throw new EegTorchError('FILE_INVALID', `record ${record} has a wrong checksum`, { file })
}

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

function eventMessage({ wallTime, step, fileVersion, scalars, restart }: TfEvent): Uint8Array {
  const text = new TextEncoder()
  const values = Object.entries(scalars ?? {}).map(([tag, value]) =>
    bytesField(1, concatenate([bytesField(1, text.encode(tag)), key(2, FIXED32), float32(value)])),
  )
  return concatenate([
    key(1, FIXED64),
    float64(wallTime),
    key(2, VARINT),
    varint(step),
    ...(fileVersion === undefined ? [] : [bytesField(3, text.encode(fileVersion))]),
    ...(scalars === undefined ? [] : [bytesField(5, concatenate(values))]),
    ...(restart === undefined ? [] : [bytesField(7, concatenate([key(1, VARINT), varint(1)]))]),
  ])
}

function readEvent(data: Uint8Array, file: string): TfEvent {
  const event: TfEvent = { wallTime: 0, step: 0 }
  for (const { field, number, bytes } of fields(data, file)) {
    if (field === 1) event.wallTime = number
    if (field === 2) event.step = number
    if (field === 3) event.fileVersion = new TextDecoder().decode(bytes)
    if (field === 5) event.scalars = readSummary(bytes, file)
    if (field === 7) event.restart = true
  }
  return event
}

function readSummary(data: Uint8Array, file: string): Record<string, number> {
  const scalars: [tag: string, value: number][] = []
  for (const value of fields(data, file)) {
    const parts = [...fields(value.bytes, file)]
    const tag = parts.find(({ field }) => field === 1)
    const scalar = parts.find(({ field }) => field === 2)
    if (tag && scalar) scalars.push([new TextDecoder().decode(tag.bytes), scalar.number])
  }
  // A tag may be called `__proto__`: assigned, it would vanish.
  return Object.fromEntries(scalars)
}

interface Field {
  field: number
  number: number
  bytes: Uint8Array
}

function* fields(data: Uint8Array, file: string): Generator<Field> {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  let at = 0
  const readVarint = () => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = take(1)[0]!
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  const take = (length: number) => {
    if (at + length > data.length) throw new EegTorchError('FILE_INVALID', 'a message ends too early', { file })
    at += length
    return data.subarray(at - length, at)
  }
  while (at < data.length) {
    const tag = readVarint()
    const [field, type] = [Math.floor(tag / 8), tag % 8]
    if (type === VARINT) yield { field, number: readVarint(), bytes: data.subarray(0, 0) }
    else if (type === BYTES) yield { field, number: 0, bytes: take(readVarint()) }
    else if (type === FIXED64) yield { field, number: view.getFloat64(at, true), bytes: take(8) }
    else if (type === FIXED32) yield { field, number: view.getFloat32(at, true), bytes: take(4) }
    else throw new EegTorchError('FILE_INVALID', `a message has a field of unknown type ${type}`, { file })
  }
}

function key(field: number, type: number): Uint8Array {
  return varint(field * 8 + type)
}

function bytesField(field: number, content: Uint8Array): Uint8Array {
  return concatenate([key(field, BYTES), varint(content.length), content])
}

/** Base-128 encoding, low group first; exact up to 2^53. */
function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128)
  return Uint8Array.from([...bytes, value])
}

function uint32(value: number): Uint8Array {
  return fixed(4, (view) => view.setUint32(0, value, true))
}

function float32(value: number): Uint8Array {
  return fixed(4, (view) => view.setFloat32(0, value, true))
}

function float64(value: number): Uint8Array {
  return fixed(8, (view) => view.setFloat64(0, value, true))
}

function fixed(length: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length)
  write(new DataView(bytes.buffer))
  return bytes
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
