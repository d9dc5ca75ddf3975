"""The reference's side of language models: TinyLlama's sizes with random weights, as transformers, bitsandbytes and peft compute them."""
import copy
import functools

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

PROMPT = 128
TINY_LLAMA = {"vocab_size": 32000, "hidden_size": 2048, "intermediate_size": 5632, "num_attention_heads": 32,
              "num_key_value_heads": 4, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5}


TILE = torch.randn(1 << 20) * 0.02


def fresh(like):
    """A weight of the same million numbers over and over: drawing a thousand times as many takes longer than measuring."""
    if like.dim() == 1:
        return torch.ones(like.shape)
    weight = torch.empty(like.shape)
    for part in weight.view(-1).split(len(TILE)):
        part.copy_(TILE[:len(part)])
    return weight


@functools.cache
def quantised(shape):
    import bitsandbytes as bnb

    layer = bnb.nn.Linear4bit(shape[1], shape[0], bias=False, quant_type="nf4", compress_statistics=True,
                              compute_dtype=torch.float32, device="meta")
    weight = fresh(torch.empty(shape, device="meta"))
    layer.weight = bnb.nn.Params4bit(weight, requires_grad=False, quant_type="nf4", compress_statistics=True)
    return layer.to("cpu")


def make_llama(weights, layers):
    config = LlamaConfig(**TINY_LLAMA, num_hidden_layers=layers)
    with torch.device("meta"):
        model = LlamaForCausalLM(config).eval()
    model.model.rotary_emb = LlamaRotaryEmbedding(config)
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, torch.nn.Linear) and child is not model.lm_head and weights == "nf4":
                setattr(module, name, copy.deepcopy(quantised(child.weight.shape)))
        for name, parameter in list(module.named_parameters(recurse=False)):
            if parameter.is_meta:
                setattr(module, name, torch.nn.Parameter(fresh(parameter), requires_grad=False))
    quantised.cache_clear()
    return model


def counted(body):
    with FlopCounterMode(display=False) as counter:
        body()
    return counter.get_total_flops()


def prepare_language(case):
    model = make_llama(case["weights"], case["layers"])
    embeds = torch.randn(1, PROMPT, TINY_LLAMA["hidden_size"]) * 0.02
    going = {}

    @torch.no_grad()
    def forward(**inputs):
        out = model(**inputs, use_cache=True, logits_to_keep=1)
        token = out.logits[:, -1].argmax(-1, keepdim=True)
        token.item()
        return {"input_ids": token, "past_key_values": out.past_key_values}

    def prefill(_=None):
        return forward(inputs_embeds=embeds)

    def decode(_=None):
        going.update(forward(**going) if going else prefill())

    return {"prefill": prefill, "decode": decode,
            "flops": lambda command: counted({"prefill": prefill, "decode": decode}[command["of"]])}


def prepare_adapter(case):
    from peft import LoraConfig, get_peft_model

    base = LlamaForCausalLM(LlamaConfig(**TINY_LLAMA, num_hidden_layers=case["layers"]))
    targets = ["q_proj", "v_proj"]
    model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, lora_dropout=0.05, target_modules=targets)).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4)
    batch, prefix = case["batch"], torch.randn(case["batch"], case["prefix"], TINY_LLAMA["hidden_size"]) * 0.02
    ids = torch.randint(32000, (batch, case["words"]))
    labels = torch.cat([torch.full((batch, case["prefix"]), -100), ids], 1)

    def gradients():
        optimizer.zero_grad(set_to_none=True)
        embeds = torch.cat([prefix, base.get_input_embeddings()(ids)], 1)
        loss = model(inputs_embeds=embeds, labels=labels).loss
        loss.backward()
        return loss

    def train(_):
        loss = gradients()
        optimizer.step()
        loss.item()

    return {"training": train, "flops": lambda _: counted(gradients)}
