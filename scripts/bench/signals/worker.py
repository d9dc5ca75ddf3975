"""The other side of the benchmark of signals: MNE, SciPy, NumPy. argv: action, seconds."""
import gc
import json
import sys
import time

import numpy as np

from decompositions import decompositions
from filters import filters
from spectra_and_space import spectra_and_space

SAMPLING_RATE, WARM_UP, CALLS, RESET_PEAK = 1000, 10, 3, "5"
action, seconds = sys.argv[1], int(sys.argv[2])


def action_on(recording):
    families = (filters, spectra_and_space, decompositions)
    return {name: call for family in families for name, call in family(recording, SAMPLING_RATE).items()}[action]


def kibibytes(name):
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith(name)).split()[1])


x = np.random.default_rng(0).standard_normal((64, seconds * SAMPLING_RATE))
run = action_on(x)
warm_up = action_on(x[:, :WARM_UP * SAMPLING_RATE].copy())
for _ in range(CALLS):
    warm_up()  # loads the code, which is not the recording's memory
gc.collect()
print(json.dumps({"ready": True}), flush=True)
before = None  # counted when the first request has come, so that what reads requests is no memory of the action's either
for _ in sys.stdin:
    if before is None:
        before = kibibytes("VmRSS")
        with open("/proc/self/clear_refs", "w") as refs:
            refs.write(RESET_PEAK)
    begin = time.perf_counter()
    result = run()
    end = time.perf_counter()
    del result
    print(json.dumps({"times": [(end - begin) * 1e3], "peak": kibibytes("VmHWM") - before}), flush=True)
