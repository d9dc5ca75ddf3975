"""The CNN-RNN behind a VAE; _vae_hybrid.py says how."""
import _vae_hybrid
import cnn_rnn

NAME = "vae_cnn_rnn"
REFERENCE = _vae_hybrid.reference(cnn_rnn)
DEFAULTS = _vae_hybrid.defaults(cnn_rnn)
TOLERANCE = _vae_hybrid.TOLERANCE
CASES = [
    {"config": {"n_chans": 4, "n_times": 200, "hidden_dim": 24, "latent_dim": 6, "conv_filters": 6, "hidden_size": 5,
                "fc_features": 7}, "mode": "eval", "seed": 300},
    {"config": {"n_chans": 3, "n_times": 160, "hidden_dim": 20, "latent_dim": 5, "n_outputs": 3, "cell": "gru",
                "conv_filters": 5, "hidden_size": 4, "n_layers": 2}, "mode": "train", "seed": 301},
]
example_inputs, run = _vae_hybrid.example_inputs, _vae_hybrid.run


def build(config):
    return _vae_hybrid.VaeHybrid(config, cnn_rnn)
