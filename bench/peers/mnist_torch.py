"""MNIST 784-512-256-32 in batches of 64 for 2 epochs, then the test error. Arguments: the IDX file, threads.

Frugal: the images stay bytes, and each batch is converted as it is used.
"""

import gzip
import sys

import numpy as np
import torch

torch.set_num_threads(int(sys.argv[2]))
with gzip.open(sys.argv[1]) as file:
    x = torch.from_numpy(np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784).copy())
torch.manual_seed(0)
order = torch.randperm(len(x))
tenth = len(x) // 10
test, train = order[:tenth], order[2 * tenth :]
relu = torch.nn.ReLU
sizes = [784, 512, 256, 32, 256, 512, 784]
layers = []
for at, (i, o) in enumerate(zip(sizes, sizes[1:])):
    layers += [torch.nn.Linear(i, o)] + ([] if at == 2 else [torch.nn.Sigmoid() if at == 5 else relu()])
model = torch.nn.Sequential(*layers)
optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
for _ in range(2):
    for rows in train[torch.randperm(len(train))].split(64):
        batch = x[rows].float() / 255
        optimiser.zero_grad(set_to_none=True)
        loss = ((model(batch) - batch) ** 2).sum() / len(batch)
        loss.backward()
        optimiser.step()
with torch.inference_mode():
    total = sum(((model(x[rows].float() / 255) - x[rows].float() / 255) ** 2).sum().item() for rows in test.split(1000))
print(total / len(test) / 784)
