"""The actions of spectra-and-space.mjs with MNE, SciPy and NumPy: recordings as MNE holds them, results as it gives them."""
import mne
import numpy as np
from mne.channels.interpolation import _make_interpolation_matrix
from scipy import integrate, linalg, signal

mne.set_log_level("ERROR")


def positions():
    height, angle = 1 - np.arange(64) / 64, np.arange(64) * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - height ** 2)
    return 0.095 * np.stack([radius * np.cos(angle), radius * np.sin(angle), height], 1)


def low_pass(fs):
    """The filter of PREP's noise measure."""
    k = np.arange(513)
    t = np.clip((k - 512 * 90 / fs) / (512 * 10 / fs), 0, 1)
    return np.fft.irfft((1 - t * t * (3 - 2 * t)) * np.exp(-1j * np.pi * 50 * k / 512))[:101] * np.hamming(101)


def bad_channels(x, fs):
    """PREP's measures, as pyprep takes them."""
    def mad(a):
        return np.median(np.abs(a - np.median(a, axis=-1, keepdims=True)), axis=-1)

    def iqr(a):
        return np.diff(np.quantile(a, [0.25, 0.75], axis=-1, method="hazen"), axis=0)[0]

    flat = (mad(x) < 1e-15) | (x.std(-1) < 1e-15)
    low = signal.filtfilt(low_pass(fs), 1, x)
    noise = mad(x - low) / mad(low)
    highest = []
    for w in range((x.shape[1] - 2) // fs):
        part = low[:, w * fs:(w + 1) * fs]
        correlation = np.abs(np.corrcoef(part))
        np.fill_diagonal(correlation, 0)
        highest.append((mad(part), np.quantile(correlation, 0.98, axis=-1, method="hazen")))
    return flat, iqr(x), noise, highest


def align(trials):
    r = np.mean(trials @ trials.transpose(0, 2, 1), axis=0)
    return linalg.inv(linalg.sqrtm(r)).real @ trials


def spectra_and_space(x, fs):
    names = [str(i) for i in range(64)]
    raw = mne.io.RawArray(x, mne.create_info(names, fs, "eeg"))
    raw.set_montage(mne.channels.make_dig_montage(dict(zip(names, positions())), coord_frame="head"))
    raw.info["bads"] = []
    seconds = mne.make_fixed_length_events(raw)
    sphere = (0, 0, 0, 0.095)

    def band_power():
        f, p = signal.welch(x, fs, nperseg=2048)
        within = [(f >= low) & (f <= high) for low, high in [(4, 8), (8, 13), (13, 30)]]
        return [integrate.trapezoid(p[:, w], f[w]) for w in within]

    def interpolate():
        copy = raw.copy()
        copy.info["bads"] = ["5", "40"]
        return copy.interpolate_bads(origin=(0, 0, 0))

    def project():
        copy = raw.copy()
        return copy.add_proj(mne.compute_proj_raw(copy, duration=None, n_eeg=2)).apply_proj()

    def epochs(**options):
        return mne.Epochs(raw, seconds, tmin=0, tmax=1 - 1 / fs, preload=True, **options)

    def topography():
        """With the spline that interpolates bad channels, at the pixels of a circle."""
        up, right = np.mgrid[-1:1:64j, -1:1:64j]
        angle, bearing = np.hypot(right, up) * np.pi / 2, np.arctan2(up, right)
        inside = angle <= np.pi / 2
        pixels = np.stack([np.sin(angle) * np.cos(bearing), np.sin(angle) * np.sin(bearing), np.cos(angle)], -1)
        images = np.zeros((600, 64, 64))
        weights = _make_interpolation_matrix(positions(), pixels[inside])
        images[:, inside] = (weights @ x[:, :600]).T
        return images

    return {
        "welch": lambda: signal.welch(x, fs, nperseg=2048),
        "band power": band_power,
        "multitaper": lambda: mne.time_frequency.psd_array_multitaper(x, fs, 0, 100),
        "morlet power": lambda: mne.time_frequency.tfr_array_morlet(x[None], fs, np.array([8.0, 12, 20, 30]), decim=10,
                                                                    output="power"),
        "stft": lambda: signal.stft(x, fs, nperseg=2048, noverlap=0),
        "average reference": lambda: raw.copy().set_eeg_reference("average"),
        "current source density": lambda: mne.preprocessing.compute_current_source_density(raw, sphere),
        "interpolate bad channels": interpolate,
        "topography": topography,
        "signal-space projection": project,
        "bad channels": lambda: bad_channels(x, fs),
        "euclidean alignment": lambda: align(x.reshape(64, len(seconds), fs).transpose(1, 0, 2)),
        "epochs with baseline": lambda: epochs(baseline=(0, 0.2)),
        "peak-to-peak rejection": lambda: epochs(baseline=None, reject={"eeg": 1.0}),
    }
