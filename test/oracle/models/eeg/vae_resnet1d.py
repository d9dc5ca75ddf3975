"""ResNet-18 over time behind a VAE; _vae_hybrid.py says how."""
import _vae_hybrid
import resnet1d

NAME = "vae_resnet1d"
REFERENCE = _vae_hybrid.reference(resnet1d)
DEFAULTS = _vae_hybrid.defaults(resnet1d)
TOLERANCE = _vae_hybrid.TOLERANCE
CASES = [
    {"config": {"n_chans": 4, "n_times": 150, "hidden_dim": 24, "latent_dim": 6, "widths": [6, 8], "n_blocks": [1, 2]},
     "mode": "eval", "seed": 310},
    {"config": {"n_chans": 3, "n_times": 131, "hidden_dim": 20, "latent_dim": 5, "n_outputs": 3, "widths": [5, 5, 7],
                "n_blocks": [2, 1, 1]}, "mode": "train", "seed": 311},
]
example_inputs, run = _vae_hybrid.example_inputs, _vae_hybrid.run


def build(config):
    return _vae_hybrid.VaeHybrid(config, resnet1d)
