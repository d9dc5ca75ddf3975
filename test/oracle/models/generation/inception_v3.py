"""Inception-v3 as in torchvision: its key names, its logits and the 2048 averaged features that pictures are compared by.

`width_divisor` divides the channels of every convolution, rounded up; the published network has 1. The auxiliary
classifier's tensors are there with `aux_logits`, but what it gives is not compared: in training torchvision runs it, on
images of 299 pixels at least, so a case in train mode goes without.
"""
from functools import partial

import torch
from torch import nn
from torchvision.models import inception

from _common import initialise as fill, reference

NAME = "inception_v3"
REFERENCE = reference("torchvision", "Inception3")
DEFAULTS = {"num_classes": 1000, "aux_logits": True, "transform_input": False, "dropout": 0.5, "width_divisor": 1}
CASES = [{"config": {"num_classes": 5, "width_divisor": 64, "transform_input": True}, "seed": 0},
         {"config": {"num_classes": 3, "width_divisor": 64, "aux_logits": False}, "seed": 1, "mode": "train"}]


class Narrow(nn.Module):
    """BasicConv2d with fewer channels; those that come in are counted when the first image passes."""

    def __init__(self, width_in, width_out, divisor, **shape):
        super().__init__()
        self.conv = nn.LazyConv2d(-(-width_out // divisor), bias=False, **shape)
        self.bn = nn.LazyBatchNorm2d(eps=0.001)

    def forward(self, x):
        return torch.relu(self.bn(self.conv(x)))


def build(config):
    block = partial(Narrow, divisor=config["width_divisor"])
    parts = [inception.InceptionA, inception.InceptionB, inception.InceptionC, inception.InceptionD,
             inception.InceptionE, inception.InceptionAux]
    model = inception.Inception3(
        num_classes=config["num_classes"], aux_logits=config["aux_logits"], transform_input=config["transform_input"],
        init_weights=False, dropout=config["dropout"],
        inception_blocks=[block, *(partial(part, conv_block=block) for part in parts)])
    for head in [model, *([model.AuxLogits] if config["aux_logits"] else [])]:
        head.fc = nn.LazyLinear(config["num_classes"])
    model.train()
    with torch.no_grad():
        model(torch.zeros(2, 3, 299, 299))
    return model


def initialise(module, config, generator):
    fill(module, config, generator)
    for p in module.parameters():
        if p.dim() >= 2:
            p.data *= 5          # a hundred convolutions must not fade out
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.bias.data += 1.0        # few channels each: none may be silenced everywhere, nor its variance vanish
            norm.running_mean.copy_(0.1 * torch.randn(norm.running_mean.shape, generator=generator))
            norm.running_var.copy_(0.5 + torch.rand(norm.running_var.shape, generator=generator))
            norm.num_batches_tracked.fill_(3)


def example_inputs(config, generator):
    size = (75, 80) if config["aux_logits"] else (139, 107)
    return {"image": torch.randn(1, 3, *size, generator=generator)}


def run(module, inputs):
    seen = {}
    hook = module.avgpool.register_forward_hook(lambda _, __, out: seen.update(features=out.flatten(1)))
    logits = module(inputs["image"])
    hook.remove()
    return {"logits": logits, "features": seen["features"]}
