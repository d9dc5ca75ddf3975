"""The reference's side of the language benchmark: one JSON command a line, one answer a line. argv: {weights, layers}."""
import json
import sys
import time
import warnings

import torch
from transformers import LlamaConfig, LlamaForCausalLM

warnings.simplefilter("ignore")
NEW_TOKENS = 8
about = json.loads(sys.argv[1])
torch.set_num_threads(2)
torch.manual_seed(0)


def in_four_bits(model):
    """Every linear layer but the last as bitsandbytes holds it, with double quantisation."""
    import bitsandbytes as bnb

    for module in list(model.model.modules()):
        for name, child in module.named_children():
            if isinstance(child, torch.nn.Linear):
                layer = bnb.nn.Linear4bit(child.in_features, child.out_features, bias=False, quant_type="nf4",
                                          compress_statistics=True, compute_dtype=torch.float32)
                layer.weight = bnb.nn.Params4bit(child.weight.data, requires_grad=False, quant_type="nf4",
                                                 compress_statistics=True)
                setattr(module, name, layer.to("cpu"))


config = LlamaConfig(vocab_size=32000, hidden_size=2048, intermediate_size=5632, num_hidden_layers=about["layers"],
                     num_attention_heads=32, num_key_value_heads=4, max_position_embeddings=2048, rms_norm_eps=1e-5)
model = LlamaForCausalLM(config).eval()
if about["weights"] == "nf4":
    in_four_bits(model)
embeds = torch.randn(1, 128, 2048) * 0.02


@torch.no_grad()
def timed(action):
    times, begin = [], time.perf_counter()
    out = model(inputs_embeds=embeds, use_cache=True, logits_to_keep=1)
    token = out.logits[:, -1].argmax(-1, keepdim=True)
    times.append((time.perf_counter() - begin) * 1e3)
    if action == "prefill":
        return times
    for _ in range(NEW_TOKENS):
        begin = time.perf_counter()
        out = model(input_ids=token, past_key_values=out.past_key_values, use_cache=True, logits_to_keep=1)
        token = out.logits[:, -1].argmax(-1, keepdim=True)
        token.item()
        times.append((time.perf_counter() - begin) * 1e3)
    return times[1:]


def peak():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1])


print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    print(json.dumps({"times": timed(json.loads(line)["action"]), "peak": peak()}), flush=True)
