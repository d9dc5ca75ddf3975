"""One epoch over a store on each line of input, by PyTorch's DataLoader with four workers that stay."""

import json
import sys
import time

import lmdb
import numpy as np
import torch

about = json.loads(sys.argv[1])


class Windows(torch.utils.data.Dataset):
    def __init__(self):
        self.transaction = None

    def __len__(self):
        return about["windows"]

    def __getitem__(self, index):
        if self.transaction is None:
            environment = lmdb.open(about["store"], readonly=True, lock=False, readahead=False)
            self.transaction = environment.begin(buffers=True)
        value = self.transaction.get(f"w{0:08}/{index:08}".encode())
        samples = np.frombuffer(value, "<f4").reshape(about["channels"], about["samples"])
        return torch.from_numpy(samples.copy()), index % 4


loader = torch.utils.data.DataLoader(
    Windows(), batch_size=about["batchSize"], shuffle=True, num_workers=4, persistent_workers=True
)
print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    begin = time.perf_counter()
    seen = sum(len(inputs) for inputs, _ in loader)
    assert seen == about["windows"]
    print(json.dumps({"times": [(time.perf_counter() - begin) * 1e3]}), flush=True)
