import { fromTypedArray } from '../creation.ts'
import type { CovarianceOptions } from '../signal/covariance.ts'
import { asyncSignal, signal } from '../signal/index.ts'
import type { Tensor } from '../tensor.ts'
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

/** Windows as a tensor: float64 of shape (windows, channels, samples). */
export function tensorOfWindows({ data, nChannels, nSamples }: Omit<BaselineWindows, 'samplingRate'>): Tensor {
  const shape = [data.length / (nChannels * nSamples), nChannels, nSamples]
  return fromTypedArray(Float64Array.from(data), { shape })
}

/** Windows filtered one by one, without delay; as they are where `band` is null. (windows, channels, samples) */
export async function filterWindows(windows: BaselineWindows, band: readonly [number, number] | null): Promise<Tensor> {
  const raw = tensorOfWindows(windows)
  if (band === null) return raw
  using source = raw
  return await asyncSignal.sosfiltfilt(source, signal.butter(4, [...band], windows.samplingRate))
}

/**
 * Covariance of each window's channels, (windows, channels * channels) in volts squared.
 *
 * @param options.band in hertz that windows are filtered to, one by one; `null` for windows that are filtered already
 * @param options.centred whether to take the mean of products as it is: band-passed signals have no mean
 */
export async function windowCovariances(
  windows: BaselineWindows,
  { band, ...options }: CovarianceOptions & { band: readonly [number, number] | null; centred?: boolean },
): Promise<FeatureRows> {
  using filtered = await filterWindows(windows, band)
  using covariances = await asyncSignal.covariances(filtered, options)
  return rowsOf(covariances)
}
