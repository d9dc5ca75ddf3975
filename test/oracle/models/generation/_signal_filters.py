"""Operations on single signals: filters, resampling, envelopes, scaling. See eeg_signal.py."""
import mne
import numpy as np
from braindecode.preprocessing import exponential_moving_demean, exponential_moving_standardize
from scipy import signal, stats
from wfdb.processing import xqrs_detect


def butter(x, fs, order, low, high, causal):
    """scipy.signal.butter(order, [low, high], 'bandpass', fs=fs, output='sos'), then sosfiltfilt or sosfilt."""
    sos = signal.butter(order, [low, high], "bandpass", fs=fs, output="sos")
    return {"sos": sos, "y": (signal.sosfilt if causal else signal.sosfiltfilt)(sos, x)}


def iirnotch(x, fs, freq, q):
    """scipy.signal.iirnotch(freq, q, fs), then filtfilt."""
    b, a = signal.iirnotch(freq, q, fs)
    return {"b": b, "a": a, "y": signal.filtfilt(b, a, x)}


def mne_filter(x, fs, low, high):
    """mne.filter.filter_data(x, fs, low, high): zero-phase FIR 'firwin' with a Hamming window, overlap-add."""
    return {"h": mne.filter.create_filter(x, fs, low, high), "y": mne.filter.filter_data(x, fs, low, high)}


def mne_notch(x, fs, freqs):
    """mne.filter.notch_filter(x, fs, freqs)."""
    return {"y": mne.filter.notch_filter(x, fs, np.array(freqs))}


def mne_resample(x, up, down, method):
    """mne.filter.resample(x, up, down, method=method), its default padding and boxcar window."""
    return {"y": mne.filter.resample(x, up, down, method=method)}


def resample(x, num):
    """scipy.signal.resample(x, num, axis=-1): Fourier."""
    return {"y": signal.resample(x, num, axis=-1)}


def resample_poly(x, up, down):
    """scipy.signal.resample_poly(x, up, down, axis=-1): Kaiser 5.0 window, zero padding."""
    return {"y": signal.resample_poly(x, up, down, axis=-1)}


def hilbert(x):
    """scipy.signal.hilbert(x, axis=-1), and its envelope and unwrapped phase."""
    z = signal.hilbert(x, axis=-1)
    return {"z": z, "envelope": np.abs(z), "phase": np.unwrap(np.angle(z), axis=-1)}


def zscore(x, ddof):
    """scipy.stats.zscore(x, axis=-1, ddof=ddof)."""
    return {"y": stats.zscore(x, axis=-1, ddof=ddof)}


def detrend(x):
    """scipy.signal.detrend(x, axis=-1): the least-squares line is removed."""
    return {"y": signal.detrend(x, axis=-1)}


def exponential_standardize(x, factor_new, init_block_size, eps):
    """braindecode.preprocessing.exponential_moving_standardize."""
    return {"y": exponential_moving_standardize(x, factor_new, init_block_size, eps)}


def exponential_demean(x, factor_new, init_block_size):
    """braindecode.preprocessing.exponential_moving_demean."""
    return {"y": exponential_moving_demean(x, factor_new, init_block_size)}


def fir(x, fs, numtaps, cutoff):
    """scipy.signal.firwin, then lfilter (causal) and oaconvolve(mode='same') (zero phase, nothing beyond the ends)."""
    h = signal.firwin(numtaps, cutoff, fs=fs)
    same = np.stack([signal.oaconvolve(row, h, "same") for row in x.reshape(-1, x.shape[-1])]).reshape(x.shape)
    return {"h": h, "causal": signal.lfilter(h, 1, x), "same": same}


def ecg_beats(x, fs, beats):
    """wfdb.processing.xqrs_detect, which has to find the beats that the signal was made of."""
    found = xqrs_detect(x[0], fs, verbose=False)
    assert found.tolist() == beats, "the reference misses what is there"
    return {"samples": found.astype(float)}


OPERATIONS = (butter, iirnotch, mne_filter, mne_notch, mne_resample, resample, resample_poly, hilbert, zscore,
              detrend, exponential_standardize, exponential_demean, fir, ecg_beats)
