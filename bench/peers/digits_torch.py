"""The whole process: 50 epochs of 64-32-8-32-64 on scikit-learn's digits, then the test error. Argument: threads."""

import sys

import torch
from sklearn.datasets import load_digits

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
x = torch.tensor(load_digits().data, dtype=torch.float32) / 16
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
