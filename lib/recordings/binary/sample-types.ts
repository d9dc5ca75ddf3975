import { fromHalf } from '../../half-precision.ts'

/** How a file stores one number. */
export type SampleType =
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int24'
  | 'uint24'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float16'
  | 'float32'
  | 'float64'

/** Bytes of one number. */
export const SAMPLE_BYTES: Readonly<Record<SampleType, number>> = {
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int24: 3,
  uint24: 3,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float16: 2,
  float32: 4,
  float64: 8,
}

type Getter = (view: DataView, at: number) => number

const little24: Getter = (view, at) => view.getUint16(at, true) | (view.getInt8(at + 2) << 16)
const big24: Getter = (view, at) => (view.getInt8(at) << 16) | view.getUint16(at + 1)

/** The function that reads one number of a type at a byte of a view. */
export function getterOf(type: SampleType, littleEndian: boolean): Getter {
  const little = littleEndian
  switch (type) {
    case 'int8':
      return (view, at) => view.getInt8(at)
    case 'uint8':
      return (view, at) => view.getUint8(at)
    case 'int16':
      return (view, at) => view.getInt16(at, little)
    case 'uint16':
      return (view, at) => view.getUint16(at, little)
    case 'int24':
      return little ? little24 : big24
    case 'uint24':
      return little ? (view, at) => little24(view, at) & 0xffffff : (view, at) => big24(view, at) & 0xffffff
    case 'int32':
      return (view, at) => view.getInt32(at, little)
    case 'uint32':
      return (view, at) => view.getUint32(at, little)
    case 'int64':
      return (view, at) => Number(view.getBigInt64(at, little))
    case 'uint64':
      return (view, at) => Number(view.getBigUint64(at, little))
    case 'float16':
      return (view, at) => fromHalf(view.getUint16(at, little))
    case 'float32':
      return (view, at) => view.getFloat32(at, little)
    case 'float64':
      return (view, at) => view.getFloat64(at, little)
  }
}

/** All numbers of a byte range, converted to float64. Bytes left over at the end are ignored. */
export function numbersOf(bytes: Uint8Array, type: SampleType, littleEndian: boolean): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const get = getterOf(type, littleEndian)
  const size = SAMPLE_BYTES[type]
  const out = new Float64Array(Math.floor(bytes.length / size))
  for (let i = 0; i < out.length; i++) out[i] = get(view, i * size)
  return out
}
