"""The other side of the benchmark of signals: MNE, SciPy, NumPy. argv: action, seconds."""
import json
import sys
import time

import numpy as np

from decompositions import decompositions
from filters import filters
from spectra_and_space import spectra_and_space

SAMPLING_RATE = 1000
action, seconds = sys.argv[1], int(sys.argv[2])


def kibibytes(name):
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith(name)).split()[1])


x = np.random.default_rng(0).standard_normal((64, seconds * SAMPLING_RATE))
families = (filters, spectra_and_space, decompositions)
run = {name: call for family in families for name, call in family(x, SAMPLING_RATE).items()}[action]
print(json.dumps({"before": kibibytes("VmRSS")}), flush=True)
for _ in sys.stdin:
    begin = time.perf_counter()
    result = run()
    end = time.perf_counter()
    del result
    print(json.dumps({"times": [(end - begin) * 1e3], "peak": kibibytes("VmHWM")}), flush=True)
