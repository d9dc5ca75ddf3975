"""Operations across the channels of a recording. See eeg_signal.py."""
import mne
import numpy as np
from mne.preprocessing import ICA
from scipy import interpolate, signal, stats
from sklearn.decomposition import FastICA


def raw_of(x, fs, positions=None):
    """x as an mne.io.RawArray of EEG channels 0, 1, ..., with positions in the head's frame."""
    names = [str(i) for i in range(len(x))]
    raw = mne.io.RawArray(x.copy(), mne.create_info(names, fs, "eeg"))
    if positions is not None:
        raw.set_montage(mne.channels.make_dig_montage(dict(zip(names, np.array(positions))), coord_frame="head"))
    return raw


def rereference(x, channels):
    """mne.set_eeg_reference; no channels: the average."""
    raw = raw_of(x, 250.0)
    raw.set_eeg_reference([str(c) for c in channels] if channels else "average")
    return {"y": raw.get_data()}


def bipolar(x, pairs):
    """mne.set_bipolar_reference, its new channels."""
    raw = mne.set_bipolar_reference(raw_of(x, 250.0), [str(a) for a, _ in pairs], [str(c) for _, c in pairs],
                                    [f"new {i}" for i in range(len(pairs))])
    return {"y": raw.get_data([f"new {i}" for i in range(len(pairs))])}


def current_source_density(x, positions, sphere, lambda2, stiffness, n_legendre_terms):
    """mne.preprocessing.compute_current_source_density."""
    raw = mne.preprocessing.compute_current_source_density(raw_of(x, 250.0, positions), sphere, lambda2, stiffness,
                                                           n_legendre_terms)
    return {"y": raw.get_data()}


def interpolate_bads(x, positions, bads, origin):
    """mne.io.Raw.interpolate_bads."""
    raw = raw_of(x, 250.0, positions)
    raw.info["bads"] = [str(c) for c in bads]
    return {"y": raw.interpolate_bads(origin=origin).get_data()}


def topography(x, positions, rows, columns, outside):
    """The spline of interpolate_bads, from electrodes to the pixels of an azimuthal equidistant map of the upper half of
    the head; x's times are pictures."""
    size = rows, columns
    up, right = np.meshgrid(1 - (2 * np.arange(rows) + 1) / rows, (2 * np.arange(columns) + 1) / columns - 1, indexing="ij")
    angle, bearing = np.hypot(right, up) * np.pi / 2, np.arctan2(up, right)
    inside = angle <= np.pi / 2
    pixels = np.stack([np.sin(angle) * np.cos(bearing), np.sin(angle) * np.sin(bearing), np.cos(angle)], -1)[inside]
    images = np.full((x.shape[1], *size), outside)
    images[:, inside] = (mne.channels.interpolation._make_interpolation_matrix(np.array(positions), pixels) @ x).T
    return {"images": images}


def ssp(x, fs, duration, n_eeg):
    """mne.compute_proj_raw, the largest weight of each vector positive, and mne.io.Raw.apply_proj."""
    raw = raw_of(x, fs)
    projs = mne.compute_proj_raw(raw, duration=duration, n_eeg=n_eeg)
    vectors = np.concatenate([p["data"]["data"] for p in projs])
    vectors *= np.sign(np.take_along_axis(vectors, np.abs(vectors).argmax(1)[:, None], 1))
    return {"vectors": vectors, "explained": np.array([p["explained_var"] for p in projs]),
            "y": raw.add_proj(projs).apply_proj().get_data()}


def sample_quantile(x, q):
    """MATLAB's quantile over the last axis: the first of n samples is at 0.5 / n."""
    return np.quantile(x, q, axis=-1, method="hazen")


def robust_score(x, spread):
    return (x - np.median(x)) / spread


def bad_channels(x, fs):
    """PREP's measures as pyprep 0.9 takes them, written from its definitions: see lib/signal/bad-channels.ts."""
    mad = lambda a: stats.median_abs_deviation(a, axis=-1)
    iqr = lambda a: sample_quantile(a, 0.75) - sample_quantile(a, 0.25)
    flat = (mad(x) < 1e-15) | (x.std(-1) < 1e-15)
    used = np.flatnonzero(~flat)
    amplitude = 0.7413 * iqr(x[used])
    grid = np.round(512 * np.array([0, 90 / fs, 100 / fs, 1]))
    gain = interpolate.PchipInterpolator(grid, [1, 1, 0, 0])(np.arange(513))
    kernel = np.fft.irfft(gain * np.exp(-1j * np.pi * 50 * np.arange(513) / 512))[:101] * np.hamming(101)
    low = signal.filtfilt(kernel, 1, x[used])
    noise = mad(x[used] - low) / mad(low)
    width = int(fs)
    correlation, dropout = np.ones((len(x), (x.shape[1] - 2) // width)), np.zeros((len(x), (x.shape[1] - 2) // width))
    for w in range(correlation.shape[1]):
        part = low[:, w * width:(w + 1) * width]
        heard = mad(part) != 0
        matrix = np.abs(np.corrcoef(part[heard]))
        np.fill_diagonal(matrix, 0)
        correlation[used, w], dropout[used, w] = 0, ~heard
        correlation[used[heard], w] = sample_quantile(matrix, 0.98)
    deviation_z, noise_z = np.zeros(len(x)), np.zeros(len(x))
    deviation_z[used] = robust_score(amplitude, 0.7413 * iqr(amplitude))
    noise_z[used] = robust_score(noise, 1.4826 * mad(noise))
    return {"flat": flat.astype(float), "deviation": deviation_z, "noise": noise_z,
            "uncorrelated": (correlation < 0.4).mean(1), "dropout": dropout.mean(1)}


def fastica(x, fun, max_iter, tol):
    """sklearn FastICA(algorithm='parallel', whiten='unit-variance', whiten_solver='svd') from the given w_init."""
    count = len(x)
    w_init = np.eye(count) + 0.1 * np.arange(count * count).reshape(count, count) / count ** 2
    ica = FastICA(count, fun=fun, max_iter=max_iter, tol=tol, w_init=w_init, whiten="unit-variance", whiten_solver="svd")
    sources = ica.fit_transform(x.T).T
    return {"w_init": w_init, "components": ica.components_, "mixing": ica.mixing_, "whitening": ica.whitening_,
            "mean": ica.mean_, "sources": sources, "iterations": np.array(float(ica.n_iter_))}


def mne_ica(x, method, seed, n_components, exclude, max_iter, fit_params):
    """mne.preprocessing.ICA(n_components, method, random_state=seed) of EEG channels; its maps, time courses, and apply."""
    raw = mne.io.RawArray(x, mne.create_info(len(x), 250.0, "eeg"))
    ica = ICA(n_components, method=method, random_state=seed, max_iter=max_iter, fit_params=fit_params).fit(raw)
    sources = ica.get_sources(raw).get_data()
    return {"unmixing": ica.unmixing_matrix_ @ ica.pca_components_[:len(sources)] / ica.pre_whitener_[0, 0],
            "mixing": ica.get_components() * ica.pre_whitener_[0, 0], "sources": sources,
            "cleaned": ica.apply(raw, exclude=exclude).get_data()}


OPERATIONS = (rereference, bipolar, current_source_density, interpolate_bads, topography, ssp, bad_channels,
              fastica, mne_ica)
