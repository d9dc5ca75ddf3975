"""Write parity cases (CASE_FORMAT.md) from the reference models in models/*/NAME.py.

    python make_case.py NAME OUT [--config JSON] [--mode eval|train] [--seed N]
    python make_case.py --all OUT [--family eeg|generation]
    python make_case.py --listed FILE OUT
    python make_case.py --list
    python make_case.py --check [NAME]      is each tolerance wider than float32 rounding?

A model file defines
    NAME, REFERENCE {"package", "version", "class"}, DEFAULTS {field: default},
    build(config) -> nn.Module, example_inputs(config, generator) -> {name: tensor},
    run(module, inputs) -> {name: tensor}, CASES [{"config": overrides, "mode", "seed"}],
and may define TOLERANCE {"abs", "rel"} and initialise(module, config, generator).
Files whose name starts with "_" are helpers, importable by their neighbours, never models.
"""
import argparse
import copy
import importlib.util
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
TOLERANCE = {"abs": 1e-5, "rel": 1e-4}


# ---- models ------------------------------------------------------------------------------

def load(path):
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location(f"oracle_{path.parent.name}_{path.stem}", path)
        model = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(model)
    finally:
        sys.path.pop(0)
    if model.NAME != path.stem:
        raise SystemExit(f"{path}: NAME is {model.NAME!r}")
    return model


def model_paths(family="*", name="*"):
    return sorted(p for p in HERE.glob(f"models/{family}/{name}.py") if not p.stem.startswith("_"))


def find(name):
    paths = model_paths(name=name)
    if len(paths) != 1:
        raise SystemExit(f"{name}: {len(paths)} files match models/*/{name}.py")
    return load(paths[0])


def full_config(model, overrides, mode):
    """Defaults with overrides; a train case has every probability named *drop* at 0."""
    unknown = set(overrides) - set(model.DEFAULTS)
    if unknown:
        raise SystemExit(f"{model.NAME}: no such config field: {', '.join(sorted(unknown))}")
    config = json.loads(json.dumps({**model.DEFAULTS, **overrides}))
    if mode == "train":
        config.update({k: 0.0 for k, v in config.items() if "drop" in k and isinstance(v, (int, float))})
    return config


# ---- one case ----------------------------------------------------------------------------

def randomise(module, generator):
    """Nothing stays at a value that hides a mistake: constants move, running statistics are set."""
    def noise(t):
        return torch.randn(t.shape, generator=generator)

    for p in module.parameters():
        if (p == p.flatten()[0]).all():
            p.data += noise(p) * (0.1 if p.dim() < 2 else 0.5 / max(1, p[0].numel()) ** 0.5)
    for m in module.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.track_running_stats:
            m.running_mean.copy_(0.3 * noise(m.running_mean))
            m.running_var.copy_(0.5 + torch.rand(m.running_var.shape, generator=generator))
            m.num_batches_tracked.fill_(3)


def silence_dropout(module):
    for m in module.modules():
        if isinstance(m, nn.modules.dropout._DropoutNd):
            m.p = 0.0
        if isinstance(m, (nn.MultiheadAttention, nn.RNNBase)):
            m.dropout = 0.0


def prepare(model, overrides, mode, seed):
    config = full_config(model, overrides, mode)
    torch.manual_seed(seed)
    module = model.build(config).float()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        getattr(model, "initialise", lambda m, c, g: randomise(m, g))(module, config, generator)
        inputs = model.example_inputs(config, torch.Generator().manual_seed(seed + 1))
    module.train(mode == "train")
    if mode == "train":
        silence_dropout(module)
    return config, module, {k: v.detach().clone() for k, v in inputs.items()}


def evaluate(model, module, inputs, probes=None, probe_seed=0):
    """Outputs, probes, gradients and changed buffers of one forward and backward."""
    inputs = {k: v.clone().requires_grad_(v.is_floating_point()) for k, v in inputs.items()}
    before = {k: v.clone() for k, v in module.named_buffers()}
    outputs = model.run(module, inputs)
    if probes is None:
        generator = torch.Generator().manual_seed(probe_seed)
        probes = {k: torch.randn(v.shape, generator=generator)
                  for k, v in outputs.items() if v.is_floating_point()}
    scalar = sum((outputs[k] * p.to(outputs[k].dtype)).sum() for k, p in probes.items())
    module.zero_grad(set_to_none=True)
    if torch.is_tensor(scalar) and scalar.requires_grad:
        scalar.backward()
    expected = {k: v.detach() for k, v in outputs.items()}
    expected.update({f"grad.{k}": p.grad for k, p in module.named_parameters() if p.grad is not None})
    expected.update({f"grad_input.{k}": v.grad for k, v in inputs.items() if v.grad is not None})
    if module.training:
        expected.update({f"buffer.{k}": v for k, v in module.named_buffers()
                         if not torch.equal(v, before[k])})
    return list(outputs), probes, expected


def plain(tensors):
    """Contiguous copies: tied weights are written under each of their names."""
    return {k: v.detach().clone().contiguous() for k, v in tensors.items()}


def write_case(model, out, overrides, mode, seed):
    config, module, inputs = prepare(model, overrides, mode, seed)
    twin = copy.deepcopy(module)
    weights = plain(module.state_dict())
    outputs, probes, expected = evaluate(model, module, inputs, probe_seed=seed + 2)
    torch.manual_seed(seed + 12345)
    again = evaluate(model, twin, inputs, probes)[2]
    for k, v in expected.items():
        if not torch.equal(v, again[k]):
            raise SystemExit(f"{model.NAME} ({mode}): {k} changes from run to run")
        if v.is_floating_point() and not torch.isfinite(v).all():
            raise SystemExit(f"{model.NAME} ({mode}): {k} is not finite")

    out.mkdir(parents=True, exist_ok=True)
    save_file(weights, out / "weights.safetensors")
    save_file(plain({**inputs, **{f"probe.{k}": p for k, p in probes.items()}}), out / "inputs.safetensors")
    save_file(plain(expected), out / "expected.safetensors")
    case = {"model": model.NAME, "config": config, "mode": mode, "seed": seed,
            "inputs": list(inputs), "outputs": outputs,
            "tolerance": getattr(model, "TOLERANCE", TOLERANCE), "reference": model.REFERENCE}
    (out / "case.json").write_text(json.dumps(case, indent=2) + "\n")
    return out


def write_all_cases(model, out):
    for i, case in enumerate(model.CASES):
        mode = case.get("mode", "eval")
        yield write_case(model, out / model.NAME / f"{i}-{mode}", case.get("config", {}), mode, case.get("seed", i))


def write_listed_cases(listed, out):
    """The cases of a file like committed.json: [{"model", "config", "mode", "seed"}], numbered within each model.

    A case on which processors differ by more than its tolerance shows nothing, and is refused."""
    counts = {}
    for case in listed:
        name, mode = case["model"], case["mode"]
        number = counts[name] = counts.get(name, -1) + 1
        model = find(name)
        share, tensor = rounding(model, case["config"], mode, case["seed"])
        if share > 0.3:
            raise SystemExit(f"{name}/{number}-{mode}: rounding of {tensor} takes {share:.2f} of its tolerance: choose another seed")
        yield write_case(model, out / name / f"{number}-{mode}", case["config"], mode, case["seed"])


# ---- a check of the references themselves ------------------------------------------------

def rounding(model, overrides, mode, seed):
    """Largest share of its tolerance that float32 rounding takes (against a float64 run), and of which tensor."""
    _, module, inputs = prepare(model, overrides, mode, seed)
    twin = copy.deepcopy(module).double()
    _, probes, got = evaluate(model, module, inputs, probe_seed=seed + 2)
    wide = {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
    _, _, want = evaluate(model, twin, wide, probes)
    tolerance = getattr(model, "TOLERANCE", TOLERANCE)
    worst = (0.0, "")
    for k, v in want.items():
        if v.is_floating_point() and v.numel():
            limit = tolerance["abs"] + tolerance["rel"] * v.abs().max().item()
            worst = max(worst, ((got[k] - v).abs().max().item() / limit, k))
    return worst


def check(model):
    """The worst of a model's cases; below 0.3 is comfortable."""
    worst = (0.0, "")
    for i, case in enumerate(model.CASES):
        share, tensor = rounding(model, case.get("config", {}), case.get("mode", "eval"), case.get("seed", i))
        worst = max(worst, (share, f"case {i} {tensor}"))
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--config", type=json.loads, default={}, help="JSON object of config overrides")
    parser.add_argument("--mode", choices=["eval", "train"], default="eval")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", type=Path, metavar="OUT", help="write every model's CASES")
    parser.add_argument("--listed", nargs=2, type=Path, metavar=("FILE", "OUT"), help="write the cases that a file lists")
    parser.add_argument("--family", default="*", help="folder under models/ for --all, --list and --check")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()

    torch.set_num_threads(1)                      # one order of summation
    torch.use_deterministic_algorithms(True)
    several = args.all or args.list or args.check
    models = [load(p) for p in model_paths(args.family, args.name or "*")] if several else []
    if args.all:
        for model in models:
            for path in write_all_cases(model, args.all):
                print(path)
    elif args.listed:
        for path in write_listed_cases(json.loads(args.listed[0].read_text()), args.listed[1]):
            print(path)
    elif args.list:
        for model in models:
            module = model.build(full_config(model, {}, "eval"))
            parameters = sum(p.numel() for p in module.parameters())
            print(f"{model.NAME}\t{parameters}\t{len(module.state_dict())}\t{model.REFERENCE['class']}")
    elif args.check:
        for model in models:
            ratio, where = check(model)
            print(f"{'ok ' if ratio < 0.3 else 'BAD'} {model.NAME} {ratio:.3f} {where}")
    elif args.name and args.out:
        print(write_case(find(args.name), args.out, args.config, args.mode, args.seed))
    else:
        parser.error("give NAME OUT, --all OUT, --listed FILE OUT, --list or --check")


if __name__ == "__main__":
    main()
