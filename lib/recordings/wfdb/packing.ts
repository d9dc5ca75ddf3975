/** How a format stores samples: the bytes that so many take, and how to read one. */
export interface Packing {
  /** Bytes that the first `count` samples take. */
  bytesOf(count: number): number
  /** Sample number `index` of some bytes that begin with an even sample; NaN where the recorder marked it invalid. */
  read(view: DataView, index: number): number
}

const valid = (value: number, mark: number) => (value === mark ? Number.NaN : value)

/** Two samples of 12 bits in three bytes. */
const PAIRS: Packing = {
  bytesOf: (count) => Math.ceil(count * 1.5),
  read(view, index) {
    const at = 3 * (index >> 1)
    const middle = view.getUint8(at + 1)
    const bits =
      index % 2 === 0 ? view.getUint8(at) | ((middle & 0x0f) << 8) : view.getUint8(at + 2) | ((middle & 0xf0) << 4)
    return valid((bits << 20) >> 20, -2048)
  },
}

/** Formats by their number (WFDB, signal(5)); the lowest value of each means that there is no sample. */
export const PACKINGS: Readonly<Record<number, Packing>> = {
  16: { bytesOf: (count) => 2 * count, read: (view, index) => valid(view.getInt16(2 * index, true), -(2 ** 15)) },
  24: {
    bytesOf: (count) => 3 * count,
    read: (view, index) => valid(view.getUint16(3 * index, true) | (view.getInt8(3 * index + 2) << 16), -(2 ** 23)),
  },
  32: { bytesOf: (count) => 4 * count, read: (view, index) => valid(view.getInt32(4 * index, true), -(2 ** 31)) },
  80: { bytesOf: (count) => count, read: (view, index) => valid(view.getUint8(index) - 128, -128) },
  212: PAIRS,
}
