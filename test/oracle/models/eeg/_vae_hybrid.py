"""Shared by the networks that read a VAE's reconstruction: bcic_iv_2a_networks.txt, sections 1.2 and A.2.

The VAE filters the trial and the classifier reads its reconstruction. Both are trained together: the gradient of the
classification reaches the VAE.
"""
from torch import nn

import _eeg
import vae

TOLERANCE = {"abs": 1e-4, "rel": 1e-4}     # a bias before batch norm has gradient 0 up to rounding
example_inputs = vae.example_inputs


class VaeHybrid(nn.Module):
    def __init__(self, config, classifier):
        super().__init__()
        self.vae = vae.VAE(config)
        self.classifier = classifier.build({name: config[name] for name in classifier.DEFAULTS})

    def forward(self, eeg, noise):                                             # (B, C, T), (B, latent)
        reconstruction, mu, logvar = self.vae(eeg, noise)
        return self.classifier(reconstruction), reconstruction, mu, logvar


def defaults(classifier):
    return {**vae.DEFAULTS, **classifier.DEFAULTS}


def reference(classifier):
    return _eeg.reference(VaeHybrid, f"bcic_iv_2a_networks.txt, section A.2, before {classifier.NAME}")


def run(module, inputs):
    logits, reconstruction, mu, logvar = module(inputs["eeg"], inputs["noise"])
    return {"logits": logits, "reconstruction": reconstruction, "mu": mu, "logvar": logvar}
