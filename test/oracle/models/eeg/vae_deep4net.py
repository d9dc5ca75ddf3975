"""Deep4Net behind a VAE; _vae_hybrid.py says how."""
import _vae_hybrid
import deep4net

NAME = "vae_deep4net"
REFERENCE = _vae_hybrid.reference(deep4net)
DEFAULTS = _vae_hybrid.defaults(deep4net)
TOLERANCE = _vae_hybrid.TOLERANCE
CASES = [
    {"config": {"n_chans": 4, "n_times": 460, "hidden_dim": 16, "latent_dim": 6, "n_filters_time": 5, "n_filters_spat": 6,
                "n_filters_2": 7, "n_filters_3": 8, "n_filters_4": 9}, "mode": "eval", "seed": 320},
    {"config": {"n_chans": 3, "n_times": 260, "hidden_dim": 16, "latent_dim": 5, "n_outputs": 3, "n_filters_time": 4,
                "n_filters_spat": 5, "n_filters_2": 6, "n_filters_3": 6, "n_filters_4": 7}, "mode": "train", "seed": 321},
]
example_inputs, run = _vae_hybrid.example_inputs, _vae_hybrid.run


def build(config):
    return _vae_hybrid.VaeHybrid(config, deep4net)
