/** How a format stores samples: the bytes that so many take, and how to read one. */
export interface Packing {
  /** Bytes that the first `count` samples take. */
  bytesOf(count: number): number
  /** Sample number `index` of some bytes that begin with a whole group of samples; NaN where the recorder marked it invalid. */
  read(view: DataView, index: number): number
  /** Each number is the difference from the signal's sample before; the header tells the one before the first. */
  readonly isDifference?: true
}

/** Frames between which bytes may be cut: formats pack two samples or three together. */
export const WHOLE_FRAMES = 6

const valid = (value: number, mark: number) => (value === mark ? Number.NaN : value)
const signed = (value: number, bits: number) => (value << (32 - bits)) >> (32 - bits)
const whole = (bytes: number, read: Packing['read']): Packing => ({ bytesOf: (count) => bytes * count, read })

/** Two samples of 12 bits in three bytes. */
const PAIRS: Packing = {
  bytesOf: (count) => Math.ceil(count * 1.5),
  read(view, index) {
    const at = 3 * (index >> 1)
    const middle = view.getUint8(at + 1)
    const bits =
      index % 2 === 0 ? view.getUint8(at) | ((middle & 0x0f) << 8) : view.getUint8(at + 2) | ((middle & 0xf0) << 4)
    return valid(signed(bits, 12), -2048)
  },
}

/** Three samples of 10 bits in two words: one in each from its second bit on, the third in the five highest bits of both. */
const TRIPLES_IN_WORDS: Packing = {
  bytesOf: (count) => 4 * Math.floor(count / 3) + [0, 2, 4][count % 3]!,
  read(view, index) {
    const at = 4 * Math.floor(index / 3)
    const word = (k: number) => view.getUint16(at + 2 * k, true)
    const part = index % 3
    const bits = part < 2 ? (word(part) >> 1) & 0x3ff : (word(0) >> 11) | ((word(1) >> 11) << 5)
    return valid(signed(bits, 10), -512)
  },
}

/** Three samples of 10 bits, one behind the other from the lowest bit of four bytes on. */
const TRIPLES: Packing = {
  bytesOf: (count) => 4 * Math.floor(count / 3) + [0, 2, 3][count % 3]!,
  read(view, index) {
    const at = 4 * Math.floor(index / 3)
    const part = index % 3
    // The last samples of a file may have fewer bytes behind them.
    const bits = (view.getUint8(at + part) | (view.getUint8(at + part + 1) << 8)) >> (2 * part)
    return valid(signed(bits & 0x3ff, 10), -512)
  },
}

/** Formats by their number (WFDB, signal(5)); the lowest value of each but 8 means that there is no sample. */
export const PACKINGS: Readonly<Record<number, Packing>> = {
  8: { ...whole(1, (view, index) => view.getInt8(index)), isDifference: true },
  16: whole(2, (view, index) => valid(view.getInt16(2 * index, true), -(2 ** 15))),
  24: whole(3, (view, index) => {
    return valid(view.getUint16(3 * index, true) | (view.getInt8(3 * index + 2) << 16), -(2 ** 23))
  }),
  32: whole(4, (view, index) => valid(view.getInt32(4 * index, true), -(2 ** 31))),
  61: whole(2, (view, index) => valid(view.getInt16(2 * index), -(2 ** 15))),
  80: whole(1, (view, index) => valid(view.getUint8(index) - 128, -128)),
  160: whole(2, (view, index) => valid(view.getUint16(2 * index, true) - 2 ** 15, -(2 ** 15))),
  212: PAIRS,
  310: TRIPLES_IN_WORDS,
  311: TRIPLES,
}
