"""Spectra. See eeg_signal.py."""
import mne
import numpy as np
import torch
from scipy import integrate, signal


def welch(x, fs, nperseg):
    """scipy.signal.welch(x, fs, nperseg=nperseg): Hann, half overlap, constant detrend, density."""
    f, p = signal.welch(x, fs, nperseg=nperseg)
    return {"f": f, "psd": p}


def spectrogram(x, fs, nperseg, noverlap):
    """scipy.signal.spectrogram(x, fs, nperseg=, noverlap=): Tukey 0.25 window, density."""
    f, t, p = signal.spectrogram(x, fs, nperseg=nperseg, noverlap=noverlap)
    return {"f": f, "t": t, "psd": p}


def stft(x, fs, nperseg, noverlap):
    """scipy.signal.stft(x, fs, nperseg=, noverlap=): Hann, zero-padded edges, spectrum scaling."""
    f, t, z = signal.stft(x, fs, nperseg=nperseg, noverlap=noverlap)
    return {"f": f, "t": t, "z": z}


def torch_stft(x, n_fft, hop):
    """torch.stft(x, n_fft, hop, window=hann_window(n_fft), center=True, return_complex=True): reflected edges."""
    window = torch.hann_window(n_fft, dtype=torch.float64)
    return {"z": torch.stft(torch.from_numpy(x), n_fft, hop, window=window, return_complex=True).numpy()}


def mne_welch(x, fs, n_fft, n_per_seg, n_overlap, average, fmin, fmax):
    """mne.time_frequency.psd_array_welch: Hamming window, constant detrend."""
    psd, f = mne.time_frequency.psd_array_welch(x, fs, fmin, fmax, n_fft=n_fft, n_overlap=n_overlap,
                                                n_per_seg=n_per_seg, average=average)
    return {"f": f, "psd": psd}


def mne_multitaper(x, fs, bandwidth, adaptive, low_bias, normalization, fmin, fmax):
    """mne.time_frequency.psd_array_multitaper."""
    psd, f = mne.time_frequency.psd_array_multitaper(x, fs, fmin, fmax, bandwidth, adaptive, low_bias, normalization)
    return {"f": f, "psd": psd}


def mne_morlet(x, fs, freqs, n_cycles, zero_mean, decim, output):
    """mne.time_frequency.tfr_array_morlet of one epoch."""
    return {"y": mne.time_frequency.tfr_array_morlet(x[None], fs, np.array(freqs), n_cycles, zero_mean, decim=decim,
                                                     output=output)[0]}


def band_power(x, fs, nperseg, bands, relative):
    """scipy.integrate.trapezoid over scipy.signal.welch within each band, both ends included; over all when relative."""
    f, p = signal.welch(x, fs, nperseg=nperseg)
    power = [integrate.trapezoid(p[..., (f >= low) & (f <= high)], f[(f >= low) & (f <= high)]) for low, high in bands]
    return {"power": np.stack(power, -1) / (integrate.trapezoid(p, f)[..., None] if relative else 1)}


OPERATIONS = (welch, spectrogram, stft, torch_stft, mne_welch, mne_multitaper, mne_morlet, band_power)
