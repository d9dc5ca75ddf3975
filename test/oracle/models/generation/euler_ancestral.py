"""Euler with ancestral steps: each goes below the next noise level and draws noise, given here, up to it."""
from diffusers import EulerAncestralDiscreteScheduler

import _scheduler
from _scheduler import SD, TOLERANCE, V, cases, defaults, reference, run

NAME = "euler_ancestral"
REFERENCE = reference("diffusers", "EulerAncestralDiscreteScheduler")
DEFAULTS = defaults(EulerAncestralDiscreteScheduler)
CASES = cases(
    *({**SD, **kind, "num_inference_steps": n} for kind in ({}, V) for n in (4, 20, 50)),
    {**SD, "timestep_spacing": "trailing", "num_inference_steps": 20},
    {**SD, "timestep_spacing": "leading", "num_inference_steps": 20},
)


def build(config):
    return _scheduler.Sequence(EulerAncestralDiscreteScheduler, config)


def example_inputs(config, generator):
    return _scheduler.example_inputs(build(config), generator)
