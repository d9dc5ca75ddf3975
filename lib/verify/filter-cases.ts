import { fromTypedArray, tensor } from '../creation.ts'
import { ops } from '../ops/index.ts'
import { findHeartbeats } from '../signal/heartbeats.ts'
import { asyncSignal, signal } from '../signal/index.ts'
import type { SignalCase } from './signal-case.ts'

/** Filters, resampling and what is done to each signal for itself. */
export const filterCases: Record<string, SignalCase> = {
  butter: async (x, { fs, order, low, high, causal }) => {
    const sections = signal.butter(order, [low, high], fs)
    const y = causal ? asyncSignal.sosfilt(x, sections) : asyncSignal.sosfiltfilt(x, sections)
    return { sos: tensor(sections as never, { dtype: 'float64' }), y: await y }
  },
  iirnotch: async (x, { fs, freq, q }) => {
    const [section] = signal.iirnotch(freq, q, fs)
    const [b, a] = [section!.slice(0, 3), section!.slice(3)].map((part) => tensor(part, { dtype: 'float64' }))
    return { b: b!, a: a!, y: await asyncSignal.sosfiltfilt(x, [section!]) }
  },
  mne_filter: async (x, { fs, low, high }) => {
    const taps = signal.mneCreateFilter(fs, low, high)
    return { h: fromTypedArray(taps), y: await asyncSignal.mneFilterData(x, fs, low, high) }
  },
  mne_notch: async (x, { fs, freqs }) => ({ y: await asyncSignal.mneNotchFilter(x, fs, freqs) }),
  mne_resample: async (x, { up, down, method }) => ({ y: await asyncSignal.mneResample(x, up, down, { method }) }),
  resample: async (x, { num }) => ({ y: await asyncSignal.resample(x, num) }),
  resample_poly: async (x, { up, down }) => ({ y: await asyncSignal.resamplePoly(x, up, down) }),
  hilbert: async (x) => {
    const [z, envelope, phase] = await Promise.all([
      asyncSignal.hilbert(x),
      asyncSignal.envelope(x),
      asyncSignal.instantaneousPhase(x),
    ])
    return { 'z.real': ops.aten.real(z), 'z.imag': ops.aten.imag(z), envelope, phase }
  },
  exponential_standardize: async (x, { factor_new, init_block_size, eps }) => ({
    y: await asyncSignal.exponentialStandardize(x, { factorNew: factor_new, initBlockSize: init_block_size, eps }),
  }),
  exponential_demean: async (x, { factor_new, init_block_size }) => ({
    y: await asyncSignal.exponentialDemean(x, { factorNew: factor_new, initBlockSize: init_block_size }),
  }),
  fir: async (x, { fs, numtaps, cutoff }) => {
    const taps = signal.firwin(numtaps, cutoff, fs)
    const [causal, same] = [asyncSignal.firCausal(x, taps), asyncSignal.firZeroPhase(x, taps, { pad: 'constant' })]
    return { h: fromTypedArray(taps), causal: await causal, same: await same }
  },
  zscore: async (x, { ddof }) => ({ y: await asyncSignal.zscore(x, { ddof }) }),
  detrend: async (x) => ({ y: await asyncSignal.detrend(x) }),
  ecg_beats: async (x, { fs }) => ({
    samples: tensor(await findHeartbeats(x.select(0, 0).toTypedArray() as Float64Array, fs), { dtype: 'float64' }),
  }),
}
