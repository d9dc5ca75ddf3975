import { noGrad } from '../autograd.ts'
import { stack } from '../creation.ts'
import { piecesOf } from '../datasets/window-pieces.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { assertNoLeak } from '../evaluation/leaks.ts'
import type { Prediction } from '../evaluation/predictions.ts'
import { predictionsFor } from '../evaluation/predictions.ts'
import { type Split, shapingWindows } from '../evaluation/split.ts'
import { scope } from '../memory.ts'
import { asyncSignal } from '../signal/index.ts'
import { type BaselineWindows, filterWindows, tensorOfWindows, windowCovariances } from './band-windows.ts'
import { CommonSpatialPatterns, type CspFilterOptions } from './csp.ts'
import { decoderName } from './decoder-name.ts'
import { ShrinkageLda } from './lda.ts'
import { type Decoded, type FeatureRows, rowsOf, takeRows } from './rows.ts'

/** A decoder without a network, to hold a network against. */
export interface BaselineDecoder {
  readonly name: string
  /** Numbers of each window by itself: nothing is learned here, so it may be done once for all folds. */
  extract(windows: BaselineWindows): FeatureRows | Promise<FeatureRows>
  /** Learns from training windows alone. */
  fit(features: FeatureRows, labels: ArrayLike<number>, classes: number): FittedDecoder | Promise<FittedDecoder>
}

/** A decoder that has learned. */
export interface FittedDecoder {
  predict(features: FeatureRows): Decoded | Promise<Decoded>
  /** Frees what it holds outside of JavaScript; absent where there is nothing. */
  dispose?(): void
}

/** Options of {@link cspLda}. */
export interface CspLdaOptions extends CspFilterOptions {
  /** Band in hertz that windows are filtered to, one by one and without delay; `null` for windows that are filtered already. */
  band?: readonly [low: number, high: number] | null
}

/** Common spatial patterns, log-variance, linear discriminant analysis: the classical decoder of imagined movement. */
export function cspLda({ band = [8, 30], ...options }: CspLdaOptions = {}): BaselineDecoder {
  return {
    name: decoderName('CSP + LDA', { band, options, usual: { shrinkage: 0.05 } }),
    extract: (windows) => windowCovariances(windows, { band, centred: true }),
    fit: async (features, labels, classes) => {
      const patterns = await CommonSpatialPatterns.fit(features, labels, classes, options)
      const lda = await ShrinkageLda.fit(await patterns.transform(features), labels, classes)
      return {
        predict: async (rows) => lda.predict(await patterns.transform(rows)),
        dispose: () => {
          patterns.dispose()
          lda.dispose()
        },
      }
    },
  }
}

/** Options of {@link bandPowerLda}. */
export interface BandPowerOptions {
  /** Bands in hertz; theta, alpha, lower and upper beta by default. */
  bands?: readonly (readonly [low: number, high: number])[]
}

const BANDS = [
  [4, 8],
  [8, 13],
  [13, 20],
  [20, 30],
] as const

/** Log power of frequency bands in every channel, linear discriminant analysis. */
export function bandPowerLda({ bands = BANDS }: BandPowerOptions = {}): BaselineDecoder {
  return {
    name: decoderName('band power + LDA', { options: { bands }, usual: { bands: BANDS } }),
    extract: (windows) => bandPowers(windows, bands),
    fit: (features, labels, classes) => ShrinkageLda.fit(features, labels, classes),
  }
}

/** Log variance of every channel, linear discriminant analysis. With a band the windows are filtered first, one by one and without delay. */
export function logVarianceLda({ band = null }: Pick<CspLdaOptions, 'band'> = {}): BaselineDecoder {
  return {
    name: decoderName('log-variance + LDA', { band }),
    extract: async (windows) => {
      using filtered = await filterWindows(windows, band)
      return logVariances(filtered.toTypedArray() as Float64Array, windows.nChannels, windows.nSamples)
    },
    fit: (features, labels, classes) => ShrinkageLda.fit(features, labels, classes),
  }
}

/** Options of {@link windowMeansLda}. */
export interface WindowMeansOptions {
  /** Seconds that one mean spans, default 0.05; the window is cut into as many equal stretches as fit best. */
  means?: number
}

/**
 * Mean voltage of every channel over short stretches of the window, linear discriminant analysis with a shrunk covariance: the usual decoder of
 * event-related potentials (Blankertz et al. 2011, "Single-trial analysis and classification of ERP components").
 */
export function windowMeansLda({ means = 0.05 }: WindowMeansOptions = {}): BaselineDecoder {
  return {
    name: `means of ${Number((1000 * means).toPrecision(4))} ms + LDA`,
    extract: (windows) => {
      const stretches = Math.round(windows.nSamples / windows.samplingRate / means)
      return stretchMeans(windows, Math.min(windows.nSamples, Math.max(1, stretches)))
    },
    fit: (features, labels, classes) => ShrinkageLda.fit(features, labels, classes),
  }
}

/** Features of all windows, a few windows at a time: those of a store are read while the event loop goes on. */
export async function extractFeatures(windows: EegWindows, extract: BaselineDecoder['extract']): Promise<FeatureRows> {
  let all: FeatureRows = { values: new Float64Array(0), width: 0 }
  let at = 0
  for await (const piece of piecesOf(windows)) {
    const { values, width } = await extract(piece)
    if (at === 0) all = { values: new Float64Array(windows.length * width), width }
    all.values.set(values, at)
    at += values.length
  }
  return all
}

/**
 * Decodes every fold of a cross-validation with a classical decoder. It trains on what the network trains and validates on,
 * as it needs no validation of its own, and answers the test windows, which it has not seen.
 *
 * @throws EegTorchError `SPLIT_LEAKS` as {@link assertNoLeak}; `INVALID_OPTION` for a fold with one class to train on, or a band that does not fit
 *   the windows
 */
export async function decodeFolds(
  windows: EegWindows,
  splits: readonly Split[],
  decoder: BaselineDecoder,
): Promise<{ name: string; predictions: Prediction[] }> {
  for (const split of splits) assertNoLeak(windows, split)
  const features = await extractFeatures(windows, (piece) => decoder.extract(piece))
  return { name: decoder.name, predictions: await decodeFeatures(windows, features, splits, decoder) }
}

/** The answers of a decoder whose features are there. */
export async function decodeFeatures(
  windows: EegWindows,
  features: FeatureRows,
  splits: readonly Split[],
  decoder: BaselineDecoder,
): Promise<Prediction[]> {
  const rows = (indices: ArrayLike<number>) => takeRows(features, indices)
  const predictions: Prediction[] = []
  for (const [fold, split] of splits.entries()) {
    const seen = shapingWindows(split)
    const labels = seen.map((index) => windows.labels[index]!)
    const fitted = await decoder.fit(rows(seen), labels, windows.classNames.length)
    try {
      const { test } = split
      const given = await fitted.predict(rows(test))
      for (const answer of predictionsFor(windows, test, { fold, seed: 0, ...given })) predictions.push(answer)
    } finally {
      fitted.dispose?.()
    }
  }
  return predictions
}

/** Mean of each channel over equal stretches of each window; shape (windows, channels * stretches). */
export function stretchMeans({ data, nChannels, nSamples }: BaselineWindows, stretches: number): FeatureRows {
  const rows = data.length / nSamples
  const values = new Float64Array(rows * stretches)
  for (let row = 0; row < rows; row++) {
    for (let s = 0; s < stretches; s++) {
      const [from, to] = [s, s + 1].map((edge) => Math.round((edge * nSamples) / stretches))
      let total = 0
      for (let t = from!; t < to!; t++) total += data[row * nSamples + t]!
      values[row * stretches + s] = total / (to! - from!)
    }
  }
  return { values, width: nChannels * stretches }
}

/** Log of each channel's variance, in volts squared; shape (windows, channels). */
export function logVariances(data: Float32Array | Float64Array, nChannels: number, nSamples: number): FeatureRows {
  const values = new Float64Array(data.length / nSamples)
  for (let row = 0; row < values.length; row++) {
    const samples = Float64Array.from(data.subarray(row * nSamples, (row + 1) * nSamples))
    const mean = samples.reduce((a, b) => a + b, 0) / nSamples
    const variance = samples.reduce((sum, value) => sum + (value - mean) ** 2, 0) / nSamples
    // The floor keeps a dead channel finite.
    values[row] = Math.log(Math.max(variance, 1e-300))
  }
  return { values, width: nChannels }
}

/** Log of the mean density in each band; shape (windows, channels * bands). */
export async function bandPowers(
  windows: BaselineWindows,
  bands: readonly (readonly [number, number])[],
): Promise<FeatureRows> {
  const { nChannels, nSamples, samplingRate } = windows
  const segment = 2 ** Math.floor(Math.log2(Math.min(nSamples, 2 * samplingRate)))
  using x = tensorOfWindows(windows)
  const { power, frequencies } = await asyncSignal.welch(x, { samplingRate, segment })
  using spectra = power
  const inside = bands.map(([low, high]) =>
    Array.from(frequencies.keys()).filter((k) => frequencies[k]! >= low && frequencies[k]! < high),
  )
  const empty = inside.findIndex(({ length }) => length === 0)
  if (empty >= 0) {
    throw new EegTorchError('INVALID_OPTION', 'a frequency band is empty', {
      expected: `a band below ${samplingRate / 2} Hz that spans a multiple of ${samplingRate / segment} Hz`,
      received: `${bands[empty]!.join('..')} Hz`,
      option: 'bands',
    })
  }
  return scope(() => {
    const means = inside.map((bins) => spectra.narrow(-1, bins[0]!, bins.length).mean(-1))
    // The floor keeps a dead channel finite.
    const { values } = rowsOf(noGrad(() => stack(means, -1).clamp_min(1e-300).log()))
    return { values, width: nChannels * bands.length }
  })
}
