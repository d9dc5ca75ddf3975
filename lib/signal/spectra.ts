import { stack } from '../creation.ts'
import { EegTorchError } from '../errors.ts'
import { ops } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { binsWithin, type FrequencyRange } from './frequencies.ts'
import type { Operation } from './operation.ts'

/** Windows that segments are tapered with: SciPy's periodic ones; `tukey` tapers a quarter. */
export type SpectrumWindow = 'boxcar' | 'hann' | 'hamming' | 'blackman' | 'tukey'

/** Which segments a spectrum is made of. */
export interface SegmentOptions {
  /** Hertz. */
  samplingRate: number
  /** Samples of a segment, default 256 or all of a shorter signal. */
  segment?: number | undefined
  /** Samples that a segment shares with the next. */
  overlap?: number | undefined
  /** Samples after padding with zeros, default those of the segment. */
  nFft?: number | undefined
  window?: SpectrumWindow | undefined
  /** Whether each segment loses its mean; default true. */
  detrend?: boolean | undefined
  /** `'density'` is power per hertz (V²/Hz), `'spectrum'` the square of an amplitude (V²); default `'density'`. */
  scaling?: 'density' | 'spectrum' | undefined
}

/** How Welch's segments are averaged, and which frequencies are kept. */
export interface WelchOptions extends SegmentOptions {
  /** Default `'mean'`; the median is freed of its bias. */
  average?: 'mean' | 'median' | undefined
  /** Frequencies that are kept, default all. */
  range?: FrequencyRange | undefined
}

/** Power at frequencies. */
export interface PowerSpectrum {
  /** (..., frequencies); of volts, V²/Hz. */
  power: Tensor
  /** Hertz. */
  frequencies: Float64Array
}

/** Power at frequencies and times. */
export interface Spectrogram extends PowerSpectrum {
  /** Seconds of each segment's middle. */
  times: Float64Array
}

/** Options of {@link signal.mneMultitaper}. */
export interface MultitaperOptions {
  /** Hertz. */
  samplingRate: number
  /** Hertz over which power is smoothed; default eight times the sampling rate over the samples. */
  bandwidth?: number | undefined
  /** Whether each frequency weighs the tapers by its own power; default false. */
  adaptive?: boolean | undefined
  /** Whether tapers with less than 90 % of their energy within the bandwidth are left out; default true. */
  lowBias?: boolean | undefined
  /** `'full'` divides by the sampling rate, so that power is per hertz; default `'length'`, as in MNE. */
  normalization?: 'length' | 'full' | undefined
  /** Whether the signal loses its mean; default true. */
  removeMean?: boolean | undefined
  /** Frequencies that are kept, default all. */
  range?: FrequencyRange | undefined
}

/** Options of {@link signal.mneMorlet}. */
export interface MorletOptions {
  /** Hertz. */
  samplingRate: number
  /** Hertz of each wavelet. */
  frequencies: readonly number[]
  /** Cycles of a wavelet: one number, or one for each frequency. Default 7. */
  cycles?: number | readonly number[] | undefined
  /** Whether wavelets lose their mean; default true. */
  zeroMean?: boolean | undefined
  /** One of so many samples is kept, default every one. */
  decimation?: number | undefined
  /** Default `'power'`. */
  output?: 'power' | 'complex' | undefined
}

const samplesOf = (x: Tensor): number => x.shape?.at(-1) ?? 0

function segmentArguments(
  x: Tensor,
  options: SegmentOptions,
  window: SpectrumWindow,
  overlapOf: (n: number) => number,
) {
  const { samplingRate, segment = Math.min(256, samplesOf(x)), detrend = true, scaling = 'density' } = options
  const { nFft = segment, overlap = overlapOf(segment) } = options
  return { x, samplingRate, segment, overlap, nFft, window: options.window ?? window, detrend, scaling }
}

function averaged(
  x: Tensor,
  { average = 'mean', range, ...options }: WelchOptions,
  window: SpectrumWindow,
  overlapOf: (n: number) => number,
): Operation<PowerSpectrum> {
  const given = segmentArguments(x, options, window, overlapOf)
  const { first, bins, frequencies } = binsWithin(given.nFft, given.samplingRate, range)
  return {
    operator: 'welch',
    given: { ...given, average, first, bins },
    finish: (power: Tensor) => ({ power, frequencies }),
  }
}

const half = (segment: number) => Math.floor(segment / 2)

/** Power at frequencies, and at frequencies and times. */
export const spectra = {
  /**
   * Welch's power spectrum: `scipy.signal.welch(x, fs, window, nperseg, noverlap, nfft, detrend, scaling, average)`. Segments are tapered by a
   * Hann window and overlap by half.
   *
   * @param x (..., samples), float32 or float64
   */
  welch: (x: Tensor, options: WelchOptions): Operation<PowerSpectrum> => averaged(x, options, 'hann', half),

  /**
   * The same with the defaults of `mne.time_frequency.psd_array_welch`: a Hamming window, no overlap.
   *
   * @param x (..., samples), float32 or float64
   */
  mneWelch: (x: Tensor, options: WelchOptions): Operation<PowerSpectrum> => averaged(x, options, 'hamming', () => 0),

  /**
   * Power of each segment: `scipy.signal.spectrogram(x, fs, window, nperseg, noverlap, nfft, detrend, scaling)`. Segments are tapered by a
   * Tukey window and overlap by an eighth.
   *
   * @param x (..., samples), float32 or float64
   * @returns power as (..., frequencies, segments)
   */
  spectrogram: (x: Tensor, options: SegmentOptions): Operation<Spectrogram> => {
    const given = segmentArguments(x, options, 'tukey', (segment) => Math.floor(segment / 8))
    const { nFft, samplingRate, segment, overlap } = given
    return {
      operator: 'spectrogram',
      given,
      finish: (power: Tensor) => ({
        power,
        frequencies: binsWithin(nFft, samplingRate).frequencies,
        times: segmentTimes(power, (i) => (segment / 2 + i * (segment - overlap)) / samplingRate),
      }),
    }
  },

  /**
   * Short-time Fourier transform: `scipy.signal.stft(x, fs, window, nperseg, noverlap)`. Zeros lie beyond both ends, amplitudes are those of
   * the signal.
   *
   * @param x (..., samples), float32 or float64
   * @param options.segment samples, default 256 or all of a shorter signal; `overlap` default half of it; `window` default `'hann'`
   * @returns complex `spectrum` (..., frequencies, segments)
   */
  stft: (
    x: Tensor,
    options: Pick<SegmentOptions, 'samplingRate' | 'segment' | 'overlap' | 'window'>,
  ): Operation<{ spectrum: Tensor; frequencies: Float64Array; times: Float64Array }> => {
    const { samplingRate, segment = Math.min(256, samplesOf(x)), overlap = half(segment), window = 'hann' } = options
    return {
      operator: 'stft',
      given: { x, segment, overlap, window },
      finish: (spectrum: Tensor) => ({
        spectrum,
        frequencies: binsWithin(segment, samplingRate).frequencies,
        times: segmentTimes(spectrum, (i) => (i * (segment - overlap)) / samplingRate),
      }),
    }
  },

  /**
   * Short-time Fourier transform of PyTorch: `torch.stft(x, n_fft, hop, window=torch.hann_window(n_fft), return_complex=True)`. Both ends are
   * continued by their mirror image.
   *
   * @param x (..., samples), float32 or float64
   * @returns complex (..., nFft / 2 + 1, segments)
   */
  torchStft: (x: Tensor, { nFft, hop }: { nFft: number; hop: number }): Operation<Tensor> => ({
    operator: 'torch_stft',
    given: { x, nFft, hop },
  }),

  /**
   * Spectrograms as pictures: the natural logarithm of the power of {@link torchStft} with `2 * (rows - 1)` samples that move by
   * `samples / columns`, rounded down. Row 0 is 0 Hz, the last half the sampling rate.
   *
   * @param x (..., samples), float32 or float64
   * @param options.size default 64 x 64
   * @param options.floor added to the power, so that silence has a logarithm; default 1e-24 V², far below any amplifier's noise
   * @returns (..., rows, columns)
   * @throws EegTorchError `SHAPE_MISMATCH` for signals with fewer samples than `rows` or `columns`
   */
  stftImages: (
    x: Tensor,
    {
      size = [64, 64],
      floor = 1e-24,
    }: { size?: readonly [number, number] | undefined; floor?: number | undefined } = {},
  ): Operation<Tensor> => ({ operator: 'stft_image', given: { x, rows: size[0], columns: size[1], floor } }),

  /**
   * Multitaper power spectrum: `mne.time_frequency.psd_array_multitaper`. Slepian's tapers, from the whole signal.
   *
   * @param x (..., samples), float32 or float64
   */
  mneMultitaper: (x: Tensor, options: MultitaperOptions): Operation<PowerSpectrum> => {
    const { samplingRate, bandwidth, adaptive = false, lowBias = true, normalization = 'length' } = options
    const n = samplesOf(x)
    const { first, bins, frequencies } = binsWithin(n, samplingRate, options.range)
    const given = {
      ...{ x, samplingRate, adaptive, lowBias, first, bins },
      halfBandwidth: bandwidth === undefined ? 4 : (bandwidth * n) / (2 * samplingRate),
      fullNormalization: normalization === 'full',
      removeMean: options.removeMean ?? true,
    }
    return { operator: 'multitaper', given, finish: (power: Tensor) => ({ power, frequencies }) }
  },

  /**
   * Power of Morlet wavelets: `mne.time_frequency.tfr_array_morlet(x, sfreq, freqs, n_cycles, zero_mean, decim=, output=)`. Zeros lie beyond
   * both ends. What is decimated is never computed.
   *
   * @param x (..., samples), float32 or float64
   * @returns (..., frequencies, samples / decimation rounded up), real for power
   * @throws EegTorchError `INVALID_OPTION` for a wavelet, five deviations to either side, that is longer than the signal
   */
  mneMorlet: (x: Tensor, options: MorletOptions): Operation<Tensor> => {
    const { samplingRate, frequencies, cycles = 7, zeroMean = true, decimation = 1, output = 'power' } = options
    const given = { x, samplingRate, frequencies: [...frequencies], cycles: [cycles].flat(), zeroMean, decimation }
    return { operator: output === 'power' ? 'morlet_power' : 'morlet', given }
  },

  /**
   * Power within bands: the integral of Welch's spectrum (trapezoids between the frequencies in the band), in V². With `relative`, its share of
   * the power in `range`.
   *
   * @param x (..., samples), float32 or float64
   * @param options as for {@link welch}; `bands` are hertz, both ends included
   * @returns (..., bands), in the order given
   */
  bandPower: (
    x: Tensor,
    { bands, relative = false, ...options }: WelchOptions & { bands: readonly FrequencyRange[]; relative?: boolean },
  ): Operation<Tensor> => {
    const spectrum = averaged(x, { ...options, scaling: 'density' }, 'hann', half)
    return {
      ...spectrum,
      finish: (power: Tensor) => integrate(spectrum.finish!(power as never), bands, relative),
    }
  },
}

function segmentTimes(result: Tensor, timeOf: (segment: number) => number): Float64Array {
  return Float64Array.from({ length: result.shape.at(-1)! }, (_, i) => timeOf(i))
}

function integrate({ power, frequencies }: PowerSpectrum, bands: readonly FrequencyRange[], relative: boolean): Tensor {
  const step = frequencies[1]! - frequencies[0]!
  const area = (from: number, bins: number) => ops.aten.trapezoid(power.narrow(-1, from, bins), { dx: step, dim: -1 })
  const parts = bands.map(([low, high]) => {
    const within = frequencies.filter((frequency) => frequency >= low && frequency <= high).length
    if (within >= 2)
      return area(
        frequencies.findIndex((frequency) => frequency >= low),
        within,
      )
    throw new EegTorchError('INVALID_OPTION', 'a band is too narrow for this spectrum', {
      option: 'bands',
      expected: `two frequencies or more, ${step} Hz apart, from ${frequencies[0]} to ${frequencies.at(-1)} Hz`,
      received: `${low} to ${high} Hz`,
    })
  })
  const all = stack(parts, -1)
  return relative ? all.div(area(0, frequencies.length).unsqueeze(-1)) : all
}
