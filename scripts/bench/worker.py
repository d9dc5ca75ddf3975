"""One PyTorch peer of the benchmark: reads one JSON command a line, answers one line. Times are milliseconds.

argv: case as JSON or "operators", "defaults" | "tuned" | "compiled", folder of the oracle's models.
"""
import importlib
import json
import sys
import time
import warnings

import torch
from torch.utils.flop_counter import FlopCounterMode

case, variant, references = json.loads(sys.argv[1]) if sys.argv[1] != "operators" else None, sys.argv[2], sys.argv[3]
sys.path[:0] = [f"{references}/eeg", f"{references}/generation"]
torch.set_num_threads(2)
torch.manual_seed(0)
if variant != "defaults":
    torch.set_flush_denormal(True)


def overhead():
    a, b = torch.ones(8), torch.ones(8)

    def fresh(_):
        for _ in range(20000):
            torch.add(a, b)

    def in_place(_):
        for _ in range(20000):
            a.add_(b)

    return {"new, collected": fresh, "new, disposed": fresh, "in place": in_place}


def networks():
    """The module, and what maps (module, inputs in order) to its outputs."""
    references = [importlib.import_module(name) for name in case.get("references", case["networks"])]
    nets = [reference.build({**reference.DEFAULTS, **case["options"]}) for reference in references]
    if len(nets) > 1:
        return torch.nn.Sequential(*nets), lambda net, inputs: [net(*inputs)]
    names = list(case["inputs"])
    run = references[0].METHODS[case["method"]] if case["method"] else references[0].run
    return nets[0], lambda net, inputs: list(run(net, dict(zip(names, inputs))).values())


def draw(batch):
    integers = case["integers"]
    return [torch.zeros(batch, *shape, dtype=torch.int64, device=case["device"]) if name in integers
            else torch.randn(batch, *shape, dtype=getattr(torch, case["dtype"]), device=case["device"])
            for name, shape in case["inputs"].items()]


def channels_last(value):
    return value.to(memory_format=torch.channels_last) if value.dim() == 4 else value


def prepare():
    net, outputs = networks()
    net = net.to(case["device"], getattr(torch, case["dtype"]))
    tuned = bool(case.get("tuned")) and variant != "defaults"
    if tuned:
        net = net.eval().to(memory_format=torch.channels_last)
        importlib.import_module("torch._inductor.config").freezing = True  # weights in oneDNN's order, once, and its fusions
    # on a GPU compiled code is launched as CUDA graphs
    mode = "reduce-overhead" if case["device"] == "cuda" else None
    # all outputs: the compiler would leave out whatever only the others need
    compiled = torch.compile(outputs, dynamic=False, mode=mode) if variant == "compiled" else outputs

    def first(net, inputs):
        return outputs(net, inputs)[0]

    def run(net, inputs):
        return compiled(net, inputs)[0]

    drawn = {}

    def inputs(batch):
        if batch not in drawn:
            drawn[batch] = [channels_last(value) for value in draw(batch)] if tuned else draw(batch)
        return drawn[batch]

    def infer(command, forward=run):
        net.eval()
        with torch.inference_mode() if tuned and variant == "tuned" else torch.no_grad():
            return forward(net, inputs(command["batch"]))

    if not case["loss"]:
        return {"inference": infer, "flops": lambda command: flops(lambda: infer(command, first))}
    classes = case["loss"] == "cross_entropy"
    objective = torch.nn.CrossEntropyLoss() if classes else torch.nn.MSELoss()
    like = infer(case, first)
    targets = (torch.randint(4, (len(like),)) if classes else torch.randn(like.shape)).to(like.device)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[case["optimizer"]]
    optimizer = kind(net.parameters(), **({} if variant == "defaults" else {"fused": True}))

    def gradients(forward):
        net.train()
        optimizer.zero_grad(set_to_none=True)
        loss = objective(forward(net, inputs(case["batch"])), targets)
        loss.backward()
        return loss

    def train(_):
        loss = gradients(run)
        optimizer.step()
        loss.item()

    def count(command):
        if "batch" not in command:
            return flops(lambda: gradients(first))
        # The counter hooks onto what requires a gradient, and a view of a parameter made without gradients has no function to hook onto.
        trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
        for parameter in trained:
            parameter.requires_grad_(False)
        try:
            return flops(lambda: infer(command, first))
        finally:
            for parameter in trained:
                parameter.requires_grad_(True)

    return {"inference": infer, "training": train, "flops": count}


def flops(body):
    """Of products and convolutions; layers step by step, since the library's fused ones are not counted."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings(action="ignore"), torch.backends.mkldnn.flags(enabled=False):
            with FlopCounterMode(display=False) as counter:
                body()
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return counter.get_total_flops()


def peak():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1])


def timed(command):
    """Runs an action `count` times in a row, but no longer than a turn should take."""
    times, start = [], time.perf_counter()
    while True:
        begin = time.perf_counter()
        actions[command["action"]](command)
        if case and case["device"] == "cuda":
            torch.cuda.synchronize()
        end = time.perf_counter()
        times.append((end - begin) * 1e3)
        if len(times) >= command.get("count", 1) or end - start > 0.3:
            return times


def program():
    if case is None:
        return overhead()
    if case["program"] == "network":
        return prepare()
    import language

    return {"language": language.prepare_language, "adapter": language.prepare_adapter}[case["program"]](case)


actions = program()
if "prefill" in actions:  # where weights were made in several steps, the peak is that of what follows
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")
print(json.dumps({"torch": torch.__version__, "python": sys.version.split()[0]}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked["action"] == "flops":
        print(json.dumps({"flops": actions["flops"](asked)}), flush=True)
    else:
        print(json.dumps({"times": timed(asked), "peak": peak()}), flush=True)
