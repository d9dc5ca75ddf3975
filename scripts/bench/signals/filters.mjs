// Filters, resampling and what is done to each signal for itself, as the benchmark times them; filters.py does the same with SciPy, MNE and
// braindecode.

export const actions = [
  ...[
    'butter, sosfilt',
    'butter, sosfiltfilt',
    'iirnotch, filtfilt',
    'mne filter',
    'mne notch',
    'resample',
    'resample_poly',
  ],
  ...['mne resample', 'envelope', 'detrend', 'zscore', 'exponential standardize'],
]

/** Actions on `x`, (64, samples), by name. Each gives what it made, which the caller disposes of. */
export function filters({ asyncSignal, signal }, x, samplingRate) {
  const band = signal.butter(4, [1, 40], samplingRate)
  const notch = signal.iirnotch(50, 30, samplingRate)
  return {
    'butter, sosfilt': () => asyncSignal.sosfilt(x, band),
    'butter, sosfiltfilt': () => asyncSignal.sosfiltfilt(x, band),
    'iirnotch, filtfilt': () => asyncSignal.sosfiltfilt(x, notch),
    'mne filter': () => asyncSignal.mneFilterData(x, samplingRate, 1, 40),
    'mne notch': () => asyncSignal.mneNotchFilter(x, samplingRate, [50, 100, 150]),
    resample: () => asyncSignal.resample(x, x.shape[1] / 4),
    resample_poly: () => asyncSignal.resamplePoly(x, 1, 4),
    'mne resample': () => asyncSignal.mneResample(x, 1, 4),
    envelope: () => asyncSignal.envelope(x),
    detrend: () => asyncSignal.detrend(x),
    zscore: () => asyncSignal.zscore(x),
    'exponential standardize': () => asyncSignal.exponentialStandardize(x),
  }
}
