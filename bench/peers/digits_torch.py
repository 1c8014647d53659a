"""The whole process: 50 epochs of 64-32-8-32-64 on the digits, then the test error. Arguments: the digits as npy, threads."""

import sys

import numpy as np
import torch

torch.set_num_threads(int(sys.argv[2]))
torch.manual_seed(0)
x = torch.from_numpy(np.load(sys.argv[1])) / 16
order = torch.randperm(len(x))
test, validation, train = x[order[:180]], x[order[180:360]], x[order[360:]]
relu = torch.nn.ReLU
model = torch.nn.Sequential(
    torch.nn.Linear(64, 32), relu(), torch.nn.Linear(32, 8), torch.nn.Linear(8, 32), relu(), torch.nn.Linear(32, 64), torch.nn.Sigmoid()
)
optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
for _ in range(50):
    for rows in torch.randperm(len(train)).split(64):
        batch = train[rows]
        optimiser.zero_grad(set_to_none=True)
        loss = ((model(batch) - batch) ** 2).sum() / len(batch)
        loss.backward()
        optimiser.step()
    with torch.inference_mode():
        ((model(validation) - validation) ** 2).mean().item()
with torch.inference_mode():
    print(((model(test) - test) ** 2).mean().item())
