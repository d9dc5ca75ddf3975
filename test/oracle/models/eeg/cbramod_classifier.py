"""CBraMod fine-tuned for classification: braindecode's encoder without proj_out under a classifier of the authors' kinds.

all_patch_reps: all tokens -> head_dim (P*D when None) -> D -> n_outputs with ELU and dropout (22*4*200 -> 800 -> 200 -> 4);
..._twolayer: -> D -> n_outputs; ..._onelayer: -> n_outputs; avgpooling_patch_reps: the mean token -> n_outputs.
With projection, proj_out stays before the classifier, which is braindecode's own network with one layer.
eeg (B, n_chans, n_times) in units of 100 uV at 200 Hz; n_times is a multiple of in_dim.
"""
from torch import nn

import _braindecode
import _eeg
import cbramod

NAME = "cbramod_classifier"
DEFAULTS = {
    "n_chans": 22, "n_times": 800, "n_outputs": 4, **cbramod.DEFAULTS, "classifier": "all_patch_reps", "head_dim": None,
    "head_drop_prob": 0.1, "projection": False,
}
SMALL = {**cbramod.SMALL, "n_chans": 3, "n_times": 100, "n_layer": 1}
CASES = [
    {"config": {**SMALL, "head_dim": 6}, "mode": "eval", "seed": 320},
    {"config": {**SMALL, "n_outputs": 3, "classifier": "all_patch_reps_onelayer", "projection": True, "out_dim": 7},
     "mode": "train", "seed": 321},
    {"config": {**SMALL, "classifier": "all_patch_reps_twolayer"}, "mode": "train", "seed": 322},
    {"config": {**SMALL, "classifier": "avgpooling_patch_reps"}, "mode": "eval", "seed": 323},
]


class MeanToken(nn.Module):
    def forward(self, x):                                                      # (B, C, P, D)
        return x.mean((1, 2))


def head(config):
    """The authors' modules, places included: the first of them only reorders."""
    patches = config["n_times"] // config["in_dim"]
    width = config["out_dim"] if config["projection"] else config["d_model"]
    every, p, classes = config["n_chans"] * patches * width, config["head_drop_prob"], config["n_outputs"]
    kind = config["classifier"]
    if kind == "avgpooling_patch_reps":
        return nn.Sequential(MeanToken(), nn.Identity(), nn.Identity(), nn.Linear(width, classes))
    if kind == "all_patch_reps_onelayer":
        return nn.Sequential(nn.Flatten(), nn.Linear(every, classes))
    between = (nn.ELU(), nn.Dropout(p))
    if kind == "all_patch_reps_twolayer":
        return nn.Sequential(nn.Flatten(), nn.Linear(every, width), *between, nn.Linear(width, classes))
    wide = config["head_dim"] or patches * width
    return nn.Sequential(nn.Flatten(), nn.Linear(every, wide), *between, nn.Linear(wide, width), *between,
                         nn.Linear(width, classes))


class CbramodClassifier(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.backbone = cbramod.build(config)
        if not config["projection"]:
            self.backbone.proj_out = nn.Identity()
        self.classifier = head(config)

    def forward(self, eeg):                                                    # (B, n_chans, n_times)
        patches = eeg.unflatten(2, (-1, self.backbone._patch_size))
        return self.classifier(self.backbone.proj_out(self.backbone.encoder(self.backbone.patch_embedding(patches))))


REFERENCE = _eeg.reference(CbramodClassifier, "the encoder is braindecode.models.CBraMod")
build, example_inputs, run = CbramodClassifier, _braindecode.example_inputs, _eeg.run_classifier
