"""Operations on trials: cutting, alignment, rejection, covariances. See eeg_signal.py."""
import mne
import numpy as np
from mne.decoding import CSP
from pyriemann.geometry.covariance import covariances as pyriemann_covariances
from pyriemann.geometry.mean import gmean
from pyriemann.tangentspace import TangentSpace
from scipy import linalg
from sklearn.model_selection import KFold

from _signal_space import raw_of


def euclidean_alignment(x):
    """He and Wu 2019: R is the mean over trials of X X^T (not divided by time), y = R^(-1/2) X."""
    r = np.mean(x @ x.transpose(0, 2, 1), axis=0)
    return {"reference": r, "y": linalg.inv(linalg.sqrtm(r)).real @ x}


def euclidean_causal(x, calibration):
    """euclidean_alignment by the first trials, or without any by each trial and those before it."""
    power = x @ x.transpose(0, 2, 1)
    if calibration:
        r = np.broadcast_to(power[:calibration].mean(0), power.shape)
    else:
        r = power.cumsum(0) / np.arange(1, len(x) + 1)[:, None, None]
    return {"reference": r[0] if calibration else r, "y": np.stack([linalg.inv(linalg.sqrtm(a)).real @ b for a, b in zip(r, x)])}


def mne_epochs(x, fs, events, tmin, tmax, baseline):
    """mne.Epochs of events at those samples; kept: which of them have an epoch."""
    epochs = mne.Epochs(raw_of(x, fs), np.array([[e, 0, 1] for e in events]), tmin=tmin, tmax=tmax,
                        baseline=None if baseline is None else tuple(baseline), preload=True)
    return {"y": epochs.get_data(), "kept": epochs.selection.astype(float)}


def mne_fixed_length(x, fs, start, stop, duration, overlap):
    """mne.make_fixed_length_events."""
    events = mne.make_fixed_length_events(raw_of(x, fs), start=start, stop=stop, duration=duration, overlap=overlap)
    return {"samples": events[:, 0].astype(float)}


def reject_peak_to_peak(x, folds):
    """autoreject's global threshold (Jas et al. 2017), every amplitude tried: with the one chosen, the mean of the epochs
    kept is nearest to the median of those held out, in mean over folds."""
    amplitude = np.ptp(x, axis=-1).max(-1)
    error = np.zeros(len(x))
    for train, test in KFold(folds).split(x):
        for i, threshold in enumerate(amplitude):
            kept = train[amplitude[train] <= threshold]
            distance = np.median(x[test], axis=0) - (x[kept].mean(0) if len(kept) else np.inf)
            error[i] += np.sqrt(np.mean(distance ** 2))
    threshold = amplitude[np.argmin(error)]
    return {"threshold": np.array(threshold), "kept": np.flatnonzero(amplitude <= threshold).astype(float)}


def csp(x, classes, reg, cov_est, norm_trace):
    """mne.decoding.CSP(log=True) of trials whose classes take turns; filters with a positive first weight."""
    y = np.arange(len(x)) % classes
    fitted = CSP(4, reg=reg, log=True, cov_est=cov_est, norm_trace=norm_trace).fit(x, y)
    signs = np.sign(fitted.filters_[:, :1])
    return {"filters": fitted.filters_ * signs, "patterns": fitted.patterns_ * signs, "features": fitted.transform(x)}


def covariances(x, estimator):
    """pyriemann.geometry.covariance.covariances."""
    return {"y": pyriemann_covariances(x, estimator)}


def riemann(x, estimator, metric):
    """pyriemann's gmean(metric, tol=1e-12 for 'riemann') of covariances, and TangentSpace's vectors at that mean."""
    matrices = pyriemann_covariances(x, estimator)
    space = TangentSpace()
    space.reference_ = gmean(matrices, metric=metric, **({"tol": 1e-12} if metric == "riemann" else {}))
    return {"mean": space.reference_, "tangent": space.transform(matrices)}


OPERATIONS = (euclidean_alignment, euclidean_causal, mne_epochs, mne_fixed_length, reject_peak_to_peak, csp,
              covariances, riemann)
