"""One PyTorch peer of the benchmark: reads one JSON command a line, answers one line. Times are milliseconds.

argv: case, its config as JSON, "defaults" | "tuned" | "compiled", folder of the reference networks.
"""
import importlib
import json
import sys
import time

import torch

case, config, variant, references = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], sys.argv[4]
sys.path.insert(0, references)
torch.set_num_threads(2)
torch.manual_seed(0)
if variant != "defaults":
    torch.set_flush_denormal(True)


def network(name):
    reference = importlib.import_module(name)
    return reference.build({**reference.DEFAULTS, **config})


def compiled(module):
    return torch.compile(module) if variant == "compiled" else module


def overhead():
    a, b = torch.ones(8), torch.ones(8)

    def fresh(count):
        for _ in range(count):
            torch.add(a, b)

    def in_place(count):
        for _ in range(count):
            a.add_(b)

    return {"new, collected": fresh, "new, disposed": fresh, "in place": in_place}


def prepare():
    if case == "operators":
        return {name: lambda body=body: body(20000) for name, body in overhead().items()}
    if case == "aae":
        net = torch.nn.Sequential(network("aae_encoder"), network("aae_decoder"))
        inputs, objective = torch.rand(64, 1, 64, 64), torch.nn.MSELoss()
        targets = inputs
    else:
        net = network(case)
        inputs, objective = torch.randn(64, config["n_chans"], config["n_times"]), torch.nn.CrossEntropyLoss()
        targets = torch.randint(4, (64,))
    tuned = {} if variant == "defaults" else {"fused": True}
    optimizer, run = torch.optim.Adam(net.parameters(), **tuned), compiled(net)

    def train():
        net.train()
        optimizer.zero_grad(set_to_none=True)
        loss = objective(run(inputs), targets)
        loss.backward()
        optimizer.step()
        loss.item()

    def infer(batch):
        net.eval()
        with torch.no_grad():
            run(inputs[:batch])

    return {"inference, batch 1": lambda: infer(1), "inference, batch 64": lambda: infer(64), "training step": train}


def peak():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1])


actions = prepare()
print(json.dumps({"torch": torch.__version__, "python": sys.version.split()[0]}), flush=True)
for line in sys.stdin:
    action = json.loads(line)["action"]
    begin = time.perf_counter()
    actions[action]()
    elapsed = (time.perf_counter() - begin) * 1e3
    print(json.dumps({"ms": elapsed, "peak": peak()}), flush=True)
