"""CBraMod encoder (Wang et al. 2025, ICLR, arXiv 2412.07236): braindecode's class, which keeps the authors' 211 names.

eeg (B, C, P, in_dim) in units of 100 uV at 200 Hz, any electrodes and patches -> tokens -> n_layer layers whose attention
looks along electrodes with the first half of each token and along patches with the second -> features (B, C, P, d_model)
and, by one linear layer, reconstruction (B, C, P, out_dim). A patch is a token's width.
"""
import _braindecode
import csbrain
import torch
from braindecode.models import CBraMod

NAME = "cbramod"
REFERENCE = _braindecode.reference(CBraMod)
DEFAULTS = {
    "in_dim": 200, "out_dim": 200, "d_model": 200, "dim_feedforward": 800, "seq_len": 30, "n_layer": 12, "nhead": 8,
    "drop_prob": 0.1,
}
SMALL = {"in_dim": 50, "d_model": 50, "out_dim": 50, "nhead": 10, "dim_feedforward": 30, "n_layer": 2}
CASES = [
    {"config": {"n_layer": 1}, "mode": "eval", "seed": 310},
    {"config": SMALL, "mode": "train", "seed": 311},
    {"config": {**SMALL, "n_layer": 1, "nhead": 2, "out_dim": 12}, "mode": "eval", "seed": 312},
]


def build(config):
    module = CBraMod(
        return_encoder_output=True, sfreq=200, patch_size=config["in_dim"], emb_dim=config["out_dim"],
        **{name: config[name] for name in ("dim_feedforward", "n_layer", "nhead", "drop_prob")})
    if config["in_dim"] != 200:              # the reference's forward insists on 101 frequencies; CSBrain took its embedding over
        module.patch_embedding = csbrain.PatchEmbedding(config)
    return module


def example_inputs(config, generator):
    """mask is 1 where a patch is hidden."""
    eeg = torch.randn(2, 5, 3, config["in_dim"], generator=generator)
    return {"eeg": eeg, "mask": (torch.rand(eeg.shape[:3], generator=generator) < 0.3).long()}


def run(module, inputs):
    features = module.encoder(module.patch_embedding(inputs["eeg"], inputs["mask"]))
    return {"features": features, "reconstruction": module.proj_out(features)}
