import { fromTypedArray } from '../creation.ts'
import { scope } from '../memory.ts'
import { BandPass } from '../signal/band-pass.ts'
import type { CovarianceOptions } from '../signal/covariance.ts'
import { signal } from '../signal/index.ts'
import { type FeatureRows, rowsOf } from './rows.ts'

/** Windows as a classical decoder takes them; an {@link EegWindows} is one. */
export interface BaselineWindows {
  /** Volts, shape (windows, channels, samples). */
  data: Float32Array | Float64Array
  nChannels: number
  nSamples: number
  /** In hertz. */
  samplingRate: number
}

/** Windows filtered one by one, without delay. */
export function filterWindows(
  { data, nSamples, samplingRate }: BaselineWindows,
  band: readonly [number, number],
): Float64Array {
  const filter = new BandPass({ band }, samplingRate)
  const filtered = new Float64Array(data.length)
  for (let start = 0; start < data.length; start += nSamples) {
    filtered.set(filter.apply(Float64Array.from(data.subarray(start, start + nSamples))), start)
  }
  return filtered
}

/**
 * Covariance of each window's channels, (windows, channels * channels) in volts squared.
 *
 * @param options.band in hertz that windows are filtered to, one by one; `null` for windows that are filtered already
 * @param options.centred whether to take the mean of products as it is: band-passed signals have no mean
 */
export function windowCovariances(
  windows: BaselineWindows,
  { band, ...options }: CovarianceOptions & { band: readonly [number, number] | null; centred?: boolean },
): FeatureRows {
  const values = band === null ? Float64Array.from(windows.data) : filterWindows(windows, band)
  const { nChannels, nSamples } = windows
  const shape = [values.length / (nChannels * nSamples), nChannels, nSamples]
  return scope(() => ({
    ...rowsOf(signal.covariances(fromTypedArray(values, { shape }), options)),
    width: nChannels * nChannels,
  }))
}
