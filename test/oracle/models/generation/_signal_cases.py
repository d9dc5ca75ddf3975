"""The cases of eeg_signal.py: each operation with the options that matter."""
# Eight electrodes, in metres, from the centre of a head that is not quite a sphere.
HEAD = [[-0.03, 0.082, 0.03], [0.031, 0.083, 0.029], [-0.052, 0.045, 0.062], [0.05, 0.046, 0.064],
        [-0.001, 0.002, 0.096], [-0.051, -0.047, 0.066], [0.052, -0.048, 0.064], [0.002, -0.088, 0.038]]
EEG = {"fs": 250.0}


def heart(fs, times):
    """An ECG whose pulse swings, with beats that come early and pauses behind them."""
    beats = [round(0.6 * fs)]
    while (last := beats[-1]) < times - 1.6 * fs:
        k = len(beats)
        pulse = 0.85 + 0.12 * ((3 * k) % 7 - 3) / 3 + {5: -0.25, 6: 0.3}.get(k % 9, 0)
        beats.append(last + round(pulse * fs))
    return {"op": "ecg_beats", "args": {"fs": fs, "beats": beats}, "channels": 1, "times": times}


CASES = [{"config": config, "seed": i} for i, config in enumerate([
    {"op": "butter", "args": {**EEG, "order": 5, "low": 0.3, "high": 50.0, "causal": False}},
    {"op": "butter", "args": {"fs": 1000.0, "order": 5, "low": 0.3, "high": 50.0, "causal": False}, "times": 4000, "channels": 2},
    {"op": "butter", "args": {**EEG, "order": 4, "low": 4.0, "high": 38.0, "causal": True}},
    {"op": "iirnotch", "args": {**EEG, "freq": 50.0, "q": 30.0}},
    {"op": "mne_filter", "args": {**EEG, "low": 1.0, "high": 50.0}},
    {"op": "mne_filter", "args": {**EEG, "low": None, "high": 40.0}},
    {"op": "mne_filter", "args": {**EEG, "low": 4.0, "high": None}},
    {"op": "mne_notch", "args": {**EEG, "freqs": [50.0, 100.0]}, "times": 1800},
    {"op": "resample", "args": {"num": 800}},
    {"op": "resample", "args": {"num": 333}, "times": 1001},
    {"op": "resample_poly", "args": {"up": 4, "down": 5}},
    {"op": "mne_resample", "args": {"up": 4.0, "down": 5.0, "method": "fft"}},
    {"op": "mne_resample", "args": {"up": 1.0, "down": 4.0, "method": "polyphase"}},
    {"op": "welch", "args": {**EEG, "nperseg": 256}},
    {"op": "spectrogram", "args": {**EEG, "nperseg": 64, "noverlap": 32}},
    {"op": "stft", "args": {**EEG, "nperseg": 64, "noverlap": 48}},
    {"op": "torch_stft", "args": {"n_fft": 64, "hop": 16}},
    {"op": "hilbert", "args": {}, "times": 999},
    {"op": "zscore", "args": {"ddof": 0}},
    {"op": "detrend", "args": {}},
    {"op": "euclidean_alignment", "args": {}, "trials": 6, "channels": 5, "times": 100},
    {"op": "exponential_standardize", "args": {"factor_new": 0.001, "init_block_size": None, "eps": 1e-4}},
    {"op": "exponential_standardize", "args": {"factor_new": 0.01, "init_block_size": 200, "eps": 1e-4}},
    {"op": "exponential_demean", "args": {"factor_new": 0.01, "init_block_size": 200}},
    {"op": "fir", "args": {**EEG, "numtaps": 101, "cutoff": 30.0}},
    {"op": "mne_welch", "args": {**EEG, "n_fft": 128, "n_per_seg": 100, "n_overlap": 30, "average": "median", "fmin": 2.0, "fmax": 60.0}},
    {"op": "mne_multitaper", "args": {**EEG, "bandwidth": 4.0, "adaptive": False, "low_bias": True, "normalization": "full", "fmin": 0.0, "fmax": 1e4}, "times": 501},
    {"op": "mne_multitaper", "args": {**EEG, "bandwidth": None, "adaptive": True, "low_bias": False, "normalization": "length", "fmin": 3.0, "fmax": 40.0}, "times": 400},
    {"op": "mne_morlet", "args": {**EEG, "freqs": [4.0, 10.0, 30.0], "n_cycles": 5.0, "zero_mean": True, "decim": 1, "output": "complex"}, "times": 500},
    {"op": "mne_morlet", "args": {**EEG, "freqs": [3.0, 8.0, 21.5], "n_cycles": [3.0, 4.0, 7.0], "zero_mean": False, "decim": 7, "output": "power"}, "times": 701},
    {"op": "band_power", "args": {**EEG, "nperseg": 250, "bands": [[4.0, 8.0], [8.0, 13.0], [13.0, 30.0]], "relative": True}},
    {"op": "rereference", "args": {"channels": []}, "channels": 5, "times": 200},
    {"op": "rereference", "args": {"channels": [1, 4]}, "channels": 5, "times": 200},
    {"op": "bipolar", "args": {"pairs": [[0, 1], [3, 2], [0, 4]]}, "channels": 5, "times": 200},
    {"op": "current_source_density", "args": {"positions": HEAD, "sphere": [0.0, 0.001, 0.002, 0.09], "lambda2": 1e-5, "stiffness": 4, "n_legendre_terms": 50}, "channels": 8, "times": 200},
    {"op": "current_source_density", "args": {"positions": HEAD, "sphere": [0.0, 0.0, 0.0, 0.095], "lambda2": 1e-3, "stiffness": 3, "n_legendre_terms": 20}, "channels": 8, "times": 100},
    {"op": "interpolate_bads", "args": {"positions": HEAD, "bads": [2, 7], "origin": [0.0, 0.001, 0.002]}, "channels": 8, "times": 200},
    {"op": "topography", "args": {"positions": HEAD, "rows": 64, "columns": 64, "outside": -1.0}, "channels": 8, "times": 3},
    {"op": "ssp", "args": {**EEG, "duration": 1.0, "n_eeg": 2}, "channels": 6},
    {"op": "euclidean_causal", "args": {"calibration": 3}, "trials": 6, "channels": 5, "times": 100},
    {"op": "euclidean_causal", "args": {"calibration": 0}, "trials": 6, "channels": 5, "times": 100},
    {"op": "mne_epochs", "args": {**EEG, "events": [20, 51, 300, 720, 990], "tmin": -0.2, "tmax": 0.5, "baseline": [None, 0.0]}},
    {"op": "mne_fixed_length", "args": {"fs": 256.0, "start": 0.3, "stop": None, "duration": 0.35, "overlap": 0.1}},
    {"op": "bad_channels", "args": EEG, "channels": 12, "times": 2000},
    {"op": "reject_peak_to_peak", "args": {"folds": 5}, "trials": 23, "channels": 3, "times": 60},
    {"op": "fastica", "args": {"fun": "logcosh", "max_iter": 200, "tol": 1e-10}},
    *({"op": "mne_ica", "args": {"method": method, "seed": 42, "n_components": n, "exclude": [1], "max_iter": steps,
                                 "fit_params": params}, "channels": 4}
      for method, n, steps, params in (("fastica", 3, 500, {"tol": 1e-10}), ("infomax", None, 20, {"extended": True}),
                                       ("picard", None, 300, {"ortho": False, "extended": True, "fastica_it": 2}))),
    {"op": "csp", "args": {"classes": 2, "reg": 0.1, "cov_est": "concat", "norm_trace": False}, "trials": 12, "channels": 4, "times": 100},
    {"op": "csp", "args": {"classes": 3, "reg": "oas", "cov_est": "epoch", "norm_trace": True}, "trials": 12, "channels": 4, "times": 100},
    {"op": "covariances", "args": {"estimator": "lwf"}, "trials": 4, "channels": 4, "times": 100},
    {"op": "riemann", "args": {"estimator": "oas", "metric": "riemann"}, "trials": 8, "channels": 4, "times": 100},
    {"op": "riemann", "args": {"estimator": "scm", "metric": "logeuclid"}, "trials": 8, "channels": 4, "times": 100},
    heart(250, 7500),
    heart(128, 5000),
])]
