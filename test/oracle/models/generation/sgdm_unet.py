"""The denoising network of sgdm.txt, composed of diffusers' UNet2DConditionModel and the document's
MultiScaleConditioning: one context token [EEG latent | semantic], and in every residual block whose width is a
scale's, that scale's two projections added to each channel beside the time embedding's. ControlNet's residuals are
inputs as well (coarse to fine).
"""
import copy
import sys
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.resnet import ResnetBlock2D
from torch import nn

from _common import initialise, randint, randn, reference, signature_defaults

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "eeg"))
from multi_scale_conditioning import MultiScaleConditioning  # noqa: E402

NAME = "sgdm_unet"
REFERENCE = reference("diffusers", "UNet2DConditionModel with sgdm.txt, MultiScaleConditioning")
UNET = {k: v for k, v in signature_defaults(UNet2DConditionModel).items() if k != "cross_attention_dim"}
DEFAULTS = {"latent_dim": 512, "semantic_dim": 512, "n_scales": 3, "base_dim": None, **UNET}

CASES = [
    {"config": {"latent_dim": 10, "semantic_dim": 6, "block_out_channels": [8, 16, 32, 32], "norm_num_groups": 4,
                "attention_head_dim": 4}, "seed": 0},
    {"config": {"latent_dim": 6, "semantic_dim": 8, "n_scales": 1, "base_dim": 8, "block_out_channels": [4, 8],
                "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"], "layers_per_block": 1,
                "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"], "norm_num_groups": 2,
                "attention_head_dim": 2}, "seed": 1},
]


class ShiftedProjection(nn.Linear):
    """A residual block's projection of the time embedding, to which the scale of its width is added."""
    shift = None

    def forward(self, x):
        y = super().forward(x)
        return y if self.shift is None else y + self.shift


class SgdmUNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        base = config["base_dim"] or config["block_out_channels"][0]
        self.conditioning = MultiScaleConditioning({**config, "base_dim": base})
        fields = {k: copy.deepcopy(config[k]) for k in UNET}
        self.unet = UNet2DConditionModel(**fields, cross_attention_dim=config["latent_dim"] + config["semantic_dim"])
        for block in self.unet.modules():
            if isinstance(block, ResnetBlock2D):
                block.time_emb_proj.__class__ = ShiftedProjection

    def forward(self, sample, timestep, latent, semantic, has_semantic, **residuals):
        scales, context = self.conditioning(latent, semantic, has_semantic)
        shifts = {eeg.shape[1]: eeg + sem for eeg, sem in scales}
        for block in self.unet.modules():
            if isinstance(block, ResnetBlock2D):
                block.time_emb_proj.shift = shifts.get(block.out_channels)
        mid = residuals.pop("mid_block_additional_residual", None)
        return self.unet(sample, timestep, context, down_block_additional_residuals=tuple(residuals.values()) or None,
                         mid_block_additional_residual=mid).sample


build = SgdmUNet


def skip_shapes(config, height, width):
    widths, layers = config["block_out_channels"], config["layers_per_block"]
    shapes = [(widths[0], height, width)]
    for i, channels in enumerate(widths):
        shapes += [(channels, height, width)] * layers
        if i < len(widths) - 1:
            height, width = (height + 1) // 2, (width + 1) // 2
            shapes.append((channels, height, width))
    return shapes


def example_inputs(config, generator):
    shapes = skip_shapes(config, 7, 6)
    names = [f"down_block_additional_residual_{i}" for i in range(len(shapes))] + ["mid_block_additional_residual"]
    return {"sample": randn(generator, 2, config["in_channels"], 7, 6),
            "timestep": randint(generator, 1000, 2),
            "latent": randn(generator, 2, config["latent_dim"]),
            "semantic": randn(generator, 2, config["semantic_dim"]),
            "has_semantic": torch.tensor([1, 0]),
            **{name: 0.3 * randn(generator, 2, *shape) for name, shape in zip(names, shapes + [shapes[-1]])}}


def run(module, inputs):
    return {"sample": module(**inputs)}
