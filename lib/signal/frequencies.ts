import { EegTorchError } from '../errors.ts'

/** A range of frequencies in hertz, both ends included. */
export type FrequencyRange = readonly [low: number, high: number]

/** Which bins of a transform of `n` samples lie in a range. */
export interface Bins {
  first: number
  bins: number
  /** Hertz of each. */
  frequencies: Float64Array
}

/**
 * Bins of a real Fourier transform of `n` samples within a range; all without one.
 *
 * @throws EegTorchError `INVALID_OPTION` naming `range` where no bin lies in it
 */
export function binsWithin(n: number, samplingRate: number, range?: FrequencyRange): Bins {
  const all = Float64Array.from({ length: Math.floor(n / 2) + 1 }, (_, k) => (k * samplingRate) / n)
  if (range === undefined) return { first: 0, bins: all.length, frequencies: all }
  const [low, high] = range
  const first = all.findIndex((frequency) => frequency >= low)
  const frequencies = all.filter((frequency) => frequency >= low && frequency <= high)
  if (frequencies.length > 0) return { first, bins: frequencies.length, frequencies }
  throw new EegTorchError('INVALID_OPTION', 'no frequency lies in the range', {
    option: 'range',
    expected: `frequencies from 0 to ${all.at(-1)} Hz, ${samplingRate / n} Hz apart`,
    received: `${low} to ${high} Hz`,
  })
}
