import { EegTorchError } from '../../../lib/errors.ts'
import { maskedCrc32c } from '../../../lib/training/log/crc32c.ts'
import { type TfEvent, WIRE } from '../../../lib/training/log/tfevents.ts'

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
    if (type === WIRE.varint) yield { field, number: readVarint(), bytes: data.subarray(0, 0) }
    else if (type === WIRE.bytes) yield { field, number: 0, bytes: take(readVarint()) }
    else if (type === WIRE.fixed64) yield { field, number: view.getFloat64(at, true), bytes: take(8) }
    else if (type === WIRE.fixed32) yield { field, number: view.getFloat32(at, true), bytes: take(4) }
    else throw new EegTorchError('FILE_INVALID', `a message has a field of unknown type ${type}`, { file })
  }
}
