"""diffusers' ControlNetModel: what it adds to a UNet's skips and middle, before any scale."""
from diffusers import ControlNetModel

from _common import initialise as fill, randint, randn, reference, signature_defaults

NAME = "controlnet"
REFERENCE = reference("diffusers", "ControlNetModel")
DEFAULTS = signature_defaults(ControlNetModel)

SD15 = {"block_out_channels": [8, 16, 16, 16], "norm_num_groups": 4, "cross_attention_dim": 24,
        "attention_head_dim": 2, "conditioning_embedding_out_channels": [4, 6, 8, 12]}
CASES = [
    {"config": SD15, "seed": 0},
    {"config": {**SD15, "attention_head_dim": [1, 2, 4, 4], "use_linear_projection": True,
                "controlnet_conditioning_channel_order": "bgr"}, "seed": 1},
    {"config": {**SD15, "conditioning_channels": 1, "conditioning_embedding_out_channels": [4, 6],
                "global_pool_conditions": True}, "seed": 2},
]


def initialise(module, config, generator):
    """The picture passes up to eight small layers before it meets the sample: as small as others it would leave no trace."""
    fill(module, config, generator)
    for p in module.controlnet_cond_embedding.parameters():
        if p.dim() > 1:
            p.data *= 8


def build(config):
    return ControlNetModel(**config)


def example_inputs(config, generator):
    factor = 2 ** (len(config["conditioning_embedding_out_channels"]) - 1)
    return {"sample": randn(generator, 2, config["in_channels"], 6, 8),
            "timestep": randint(generator, 1000, 2),
            "encoder_hidden_states": randn(generator, 2, 5, config["cross_attention_dim"]),
            "controlnet_cond": randn(generator, 2, config["conditioning_channels"], 6 * factor, 8 * factor)}


def run(module, inputs):
    down, mid = module(**inputs, return_dict=False)
    return {**{f"down_block_res_sample_{i}": x for i, x in enumerate(down)}, "mid_block_res_sample": mid}
