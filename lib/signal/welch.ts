import { EegTorchError } from '../errors.ts'

/** A power spectrum: `density[i]` is the power per hertz at `i * resolution` hertz. */
export interface Spectrum {
  density: Float64Array
  /** Hertz between two values. */
  resolution: number
}

/**
 * Power spectral density by Welch's method: Hann windows of `segment` samples that overlap by half, each freed of its mean.
 * Equals `scipy.signal.welch(samples, samplingRate, nperseg=segment)`.
 *
 * @param segment a power of two, at most the number of samples
 * @throws EegTorchError `INVALID_OPTION` for another segment
 */
export function welch(samples: ArrayLike<number>, samplingRate: number, segment: number): Spectrum {
  if (!Number.isInteger(Math.log2(segment)) || segment < 2 || segment > samples.length) {
    throw new EegTorchError('INVALID_OPTION', 'a spectrum needs another segment length', {
      expected: `a power of two from 2 to ${samples.length}`,
      received: `${segment}`,
      option: 'segment',
    })
  }
  const taper = Float64Array.from({ length: segment }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / segment))
  const gain = taper.reduce((total, value) => total + value * value, 0)
  const density = new Float64Array(segment / 2 + 1)
  const [re, im] = [new Float64Array(segment), new Float64Array(segment)]
  const segments = Math.floor((samples.length - segment / 2) / (segment / 2))
  for (let s = 0; s < segments; s++) {
    const start = (s * segment) / 2
    let mean = 0
    for (let i = 0; i < segment; i++) mean += samples[start + i]! / segment
    for (let i = 0; i < segment; i++) re[i] = (samples[start + i]! - mean) * taper[i]!
    im.fill(0)
    fourierTransform(re, im)
    for (let k = 0; k < density.length; k++) {
      // Both signs of a frequency count, which zero and the highest do not have.
      const sides = k === 0 || k === segment / 2 ? 1 : 2
      density[k]! += (sides * (re[k]! ** 2 + im[k]! ** 2)) / (gain * samplingRate * segments)
    }
  }
  return { density, resolution: samplingRate / segment }
}

/** Fourier transform of a power of two of complex numbers, in place (Cooley and Tukey). */
function fourierTransform(re: Float64Array, im: Float64Array): void {
  const n = re.length
  for (let i = 1, reversed = 0; i < n; i++) {
    let bit = n >> 1
    for (; reversed & bit; bit >>= 1) reversed ^= bit
    reversed ^= bit
    if (i < reversed) {
      swap(re, i, reversed)
      swap(im, i, reversed)
    }
  }
  const [cosines, sines] = twiddles(n)
  for (let size = 2; size <= n; size *= 2) {
    const stride = n / size
    for (let start = 0; start < n; start += size) {
      for (let k = 0; k < size / 2; k++) {
        const [a, b] = [start + k, start + k + size / 2]
        const [c, s] = [cosines[k * stride]!, sines[k * stride]!]
        const x = re[b]! * c - im[b]! * s
        const y = re[b]! * s + im[b]! * c
        re[b] = re[a]! - x
        im[b] = im[a]! - y
        re[a]! += x
        im[a]! += y
      }
    }
  }
}

const tables = new Map<number, [Float64Array, Float64Array]>()

/** Cosines and sines of the first half turn, backwards. */
function twiddles(n: number): [Float64Array, Float64Array] {
  let table = tables.get(n)
  if (table === undefined) {
    const angles = Float64Array.from({ length: n / 2 }, (_, k) => (-2 * Math.PI * k) / n)
    table = [angles.map(Math.cos), angles.map(Math.sin)]
    tables.set(n, table)
  }
  return table
}

function swap(values: Float64Array, i: number, j: number): void {
  const kept = values[i]!
  values[i] = values[j]!
  values[j] = kept
}
