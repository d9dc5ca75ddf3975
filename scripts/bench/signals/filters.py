"""The actions of filters.mjs with SciPy, MNE and braindecode."""
import mne
import numpy as np
from braindecode.preprocessing import exponential_moving_standardize
from scipy import signal, stats

mne.set_log_level("ERROR")


def filters(x, fs):
    band = signal.butter(4, [1, 40], "bandpass", fs=fs, output="sos")
    notch = signal.iirnotch(50, 30, fs)
    return {
        "butter, sosfilt": lambda: signal.sosfilt(band, x),
        "butter, sosfiltfilt": lambda: signal.sosfiltfilt(band, x),
        "iirnotch, filtfilt": lambda: signal.filtfilt(*notch, x),
        "mne filter": lambda: mne.filter.filter_data(x, fs, 1, 40),
        "mne notch": lambda: mne.filter.notch_filter(x, fs, np.array([50.0, 100.0, 150.0])),
        "resample": lambda: signal.resample(x, x.shape[1] // 4, axis=-1),
        "resample_poly": lambda: signal.resample_poly(x, 1, 4, axis=-1),
        "mne resample": lambda: mne.filter.resample(x, 1, 4),
        "envelope": lambda: np.abs(signal.hilbert(x, axis=-1)),
        "detrend": lambda: signal.detrend(x, axis=-1),
        "zscore": lambda: stats.zscore(x, axis=-1),
        "exponential standardize": lambda: exponential_moving_standardize(x),
    }
