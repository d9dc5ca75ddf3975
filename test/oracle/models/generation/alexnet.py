"""AlexNet as in torchvision: its key names, its logits, and what convolutions 2 and 5 give after their ReLU (features.4
and features.11), which two-way identification looks at.

The real widths are [64, 192, 384, 256, 256] and 4096; a case narrows them and keeps everything else.
"""
import torch
from torch import nn
from torchvision.models import AlexNet

from _common import initialise as fill, reference

NAME = "alexnet"
REFERENCE = reference("torchvision", "AlexNet")
DEFAULTS = {"channels": [64, 192, 384, 256, 256], "hidden_features": 4096, "num_classes": 1000, "dropout": 0.5}
CASES = [{"config": {"channels": [6, 8, 10, 8, 6], "hidden_features": 8, "num_classes": 5}, "seed": 0},
         {"config": {"channels": [4, 6, 5, 7, 4], "hidden_features": 6, "num_classes": 3}, "seed": 1, "mode": "train"}]


def build(config):
    model = AlexNet(num_classes=config["num_classes"], dropout=config["dropout"])
    convolutions = [i for i, layer in enumerate(model.features) if isinstance(layer, nn.Conv2d)]
    width = 3
    for i, channels in zip(convolutions, config["channels"], strict=True):
        old = model.features[i]
        model.features[i] = nn.Conv2d(width, channels, old.kernel_size, old.stride, old.padding)
        width = channels
    hidden = config["hidden_features"]
    model.classifier[1] = nn.Linear(width * 36, hidden)
    model.classifier[4] = nn.Linear(hidden, hidden)
    model.classifier[6] = nn.Linear(hidden, config["num_classes"])
    return model


def initialise(module, config, generator):
    fill(module, config, generator)


def example_inputs(config, generator):
    return {"image": torch.randn(1, 3, 67, 72, generator=generator)}


def run(module, inputs):
    seen = {}
    hooks = [module.features[place].register_forward_hook(lambda _, __, out, name=name: seen.update({name: out.clone()}))
             for place, name in ((4, "layer2"), (11, "layer5"))]
    logits = module(inputs["image"])
    for hook in hooks:
        hook.remove()
    return {"logits": logits, **seen}
