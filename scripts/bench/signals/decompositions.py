"""The actions of decompositions.mjs with MNE, scikit-learn, picard and pyRiemann."""
import functools

import mne
import numpy as np
from mne.decoding import CSP
from mne.preprocessing import ICA
from pyriemann.geometry.covariance import covariances
from pyriemann.geometry.mean import gmean
from pyriemann.tangentspace import TangentSpace

mne.set_log_level("ERROR")


def decompositions(x, fs):
    raw = mne.io.RawArray(x, mne.create_info(64, fs, "eeg"))
    count = x.shape[1] // fs
    trials = x[:32, :count * fs].reshape(32, count, fs).transpose(1, 0, 2)
    labels = np.arange(count) % 2

    def fit(method, steps, n=60, **params):
        return lambda: ICA(n, method=method, max_iter=steps, random_state=0, fit_params=params).fit(raw)

    @functools.cache
    def fitted():
        return fit("fastica", 1)()

    @functools.cache
    def matrices():
        return covariances(trials, "oas")

    @functools.cache
    def space():
        return TangentSpace().fit(matrices())

    return {
        "fastica, 10 steps": fit("fastica", 10, tol=1e-300),
        "picard, 10 steps": fit("picard", 10, tol=0),
        "infomax, 1 pass": fit("infomax", 1, extended=True),
        "components removed": lambda: fitted().apply(raw.copy(), exclude=[0, 1]),
        "covariances": lambda: covariances(trials, "oas"),
        "common spatial patterns": lambda: CSP(4).fit(trials, labels),
        "riemannian mean": lambda: gmean(matrices(), metric="riemann"),
        "tangent space": lambda: space().transform(matrices()),
    }
