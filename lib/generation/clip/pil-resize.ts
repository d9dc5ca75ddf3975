import type { Picture } from '../pictures/picture.ts'

/** Bits behind the point of Pillow's weights for bytes. */
const PRECISION = 22
/** Of the cubic kernel (Keys 1981), which reaches two pixels far. */
const SHARPNESS = -0.5
const REACH = 2
const CHANNELS = 3

/**
 * Resizes by Pillow's bicubic filter, which widens when it makes smaller, byte for byte: rows first, then columns, each rounded to bytes.
 */
export function resizeBicubic(picture: Picture, width: number, height: number): Picture {
  const wide = width === picture.width ? picture : resizeRows(picture, width)
  return height === wide.height ? wide : resizeColumns(wide, height)
}

/** What an output pixel is made of: weights of `count` input pixels from `first` on. */
interface Taps {
  first: Int32Array
  count: Int32Array
  /** (output pixels, most taps), in units of 2 ** -22 */
  weights: Int32Array
  most: number
}

function resizeRows({ pixels, width, height }: Picture, newWidth: number): Picture {
  const { first, count, weights, most } = tapsOf(width, newWidth)
  const out = new Uint8Array(height * newWidth * CHANNELS)
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      const start = (y * width + first[x]!) * CHANNELS
      for (let c = 0; c < CHANNELS; c++, to++) {
        let sum = 1 << (PRECISION - 1)
        for (let k = 0; k < count[x]!; k++) sum += pixels[start + k * CHANNELS + c]! * weights[x * most + k]!
        out[to] = toByte(sum)
      }
    }
  }
  return { pixels: out, width: newWidth, height }
}

function resizeColumns({ pixels, width, height }: Picture, newHeight: number): Picture {
  const { first, count, weights, most } = tapsOf(height, newHeight)
  const row = width * CHANNELS
  const out = new Uint8Array(newHeight * row)
  for (let y = 0; y < newHeight; y++) {
    for (let i = 0; i < row; i++) {
      let sum = 1 << (PRECISION - 1)
      for (let k = 0; k < count[y]!; k++) sum += pixels[(first[y]! + k) * row + i]! * weights[y * most + k]!
      out[y * row + i] = toByte(sum)
    }
  }
  return { pixels: out, width, height: newHeight }
}

function tapsOf(size: number, newSize: number): Taps {
  const scale = size / newSize
  const widening = Math.max(scale, 1)
  const support = REACH * widening
  const most = Math.ceil(support) * 2 + 1
  const taps = {
    first: new Int32Array(newSize),
    count: new Int32Array(newSize),
    weights: new Int32Array(newSize * most),
    most,
  }
  for (let x = 0; x < newSize; x++) {
    const centre = (x + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - support + 0.5))
    const count = Math.min(size, Math.trunc(centre + support + 0.5)) - first
    const weights = Array.from({ length: count }, (_, k) => cubic((first + k - centre + 0.5) / widening))
    const sum = weights.reduce((a, b) => a + b, 0)
    taps.first[x] = first
    taps.count[x] = count
    weights.forEach((weight, k) => {
      taps.weights[x * most + k] = Math.trunc((weight / sum) * 2 ** PRECISION + (weight < 0 ? -0.5 : 0.5))
    })
  }
  return taps
}

function cubic(distance: number): number {
  const x = Math.abs(distance)
  if (x < 1) return ((SHARPNESS + 2) * x - (SHARPNESS + 3)) * x * x + 1
  return x < REACH ? (((x - 5) * x + 8) * x - 4) * SHARPNESS : 0
}

function toByte(sum: number): number {
  return Math.min(255, Math.max(0, sum >> PRECISION))
}
