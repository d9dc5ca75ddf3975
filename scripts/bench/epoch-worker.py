"""The PyTorch side of bench-epochs.mjs: trains one network, an epoch at each command. Times are milliseconds of processor time.

argv: network, its config as JSON, folder of the windows, folder of the reference networks.
"""
import importlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

name, config, folder, references = sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
sys.path.insert(0, references)
about = json.loads((folder / "windows.json").read_text())
windows = torch.from_numpy(np.fromfile(folder / "windows.f32", dtype=np.float32).reshape(about["shape"]))
classes = torch.tensor(about["labels"])

torch.set_num_threads(1)
torch.set_flush_denormal(True)
torch.manual_seed(0)
reference = importlib.import_module(name)
net = reference.build({**reference.DEFAULTS, **config})
optimizer, objective = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True), torch.nn.CrossEntropyLoss()


def epoch():
    size = about["batchSize"]
    for inputs, targets in zip(windows.split(size), classes.split(size)):
        optimizer.zero_grad(set_to_none=True)
        loss = objective(net(inputs), targets)
        loss.backward()
        optimizer.step()
        loss.item()


net.train()
print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    begin = time.process_time()
    epoch()
    print(json.dumps({"times": [(time.process_time() - begin) * 1e3]}), flush=True)
