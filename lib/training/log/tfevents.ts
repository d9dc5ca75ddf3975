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

/** Kinds of fields of a protocol buffer. */
export const WIRE: { varint: 0; fixed64: 1; bytes: 2; fixed32: 5 } = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 }

function eventMessage({ wallTime, step, fileVersion, scalars, restart }: TfEvent): Uint8Array {
  const text = new TextEncoder()
  const values = Object.entries(scalars ?? {}).map(([tag, value]) =>
    bytesField(1, concatenate([bytesField(1, text.encode(tag)), key(2, WIRE.fixed32), float32(value)])),
  )
  return concatenate([
    key(1, WIRE.fixed64),
    float64(wallTime),
    key(2, WIRE.varint),
    varint(step),
    ...(fileVersion === undefined ? [] : [bytesField(3, text.encode(fileVersion))]),
    ...(scalars === undefined ? [] : [bytesField(5, concatenate(values))]),
    ...(restart === undefined ? [] : [bytesField(7, concatenate([key(1, WIRE.varint), varint(1)]))]),
  ])
}

function key(field: number, type: number): Uint8Array {
  return varint(field * 8 + type)
}

function bytesField(field: number, content: Uint8Array): Uint8Array {
  return concatenate([key(field, WIRE.bytes), varint(content.length), content])
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
