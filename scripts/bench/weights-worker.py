"""Loads a UNet by diffusers once, and says how long it took and how much memory."""

import json
import re
import sys
import time

import torch
from diffusers import UNet2DConditionModel

folder, dtype = sys.argv[1:]
torch.set_num_threads(2)
torch.zeros(1)


def peak():
    return int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) * 1024


cpu_before = time.process_time()
start = time.perf_counter()
net = UNet2DConditionModel.from_pretrained(folder, torch_dtype=getattr(torch, dtype))
load = time.perf_counter() - start
load_peak = peak()
load_cpu = time.process_time() - cpu_before
with torch.no_grad():
    for tensor in net.state_dict().values():
        tensor.sum().item()
read = time.perf_counter() - start
read_cpu = time.process_time() - cpu_before
cpus = {"loadCpu": load_cpu, "readCpu": read_cpu}
print(json.dumps({"load": load, "read": read, **cpus, "loadPeak": load_peak, "readPeak": peak()}))
