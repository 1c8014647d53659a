"""Prints the codes of prepared rows, one line a row: load_model.py MODEL.ae ROWS

ROWS is a .npy file or text with commas. Reads a model with a dense network (linear, shallow, mlp) by safetensors and PyTorch
alone: the tensors have PyTorch's names and layouts, and the rest is JSON under one metadata key.
"""

import json
import sys

import numpy
import torch
from safetensors import safe_open
from torch.nn import functional as F

ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "softplus": F.softplus,
}


def load(path):
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["autoencoder"])
        return header["content"]["config"], {name: file.get_tensor(name) for name in file.keys()}


def encode(config, tensors, x):
    if config["net"].startswith("conv"):
        sys.exit("a convolutional model; this script rebuilds linear, shallow and mlp")
    last = len(config["net"].partition(":")[2].split(",")) if config["net"].startswith("mlp") else 0
    part = lambda index, name: tensors[f"encoder.{index}.{name}"]
    for index in range(last):
        x = F.linear(x, part(index, "weight"), part(index, "bias"))
        if config["norm"] == "batch":
            x = F.batch_norm(x, *(part(index, f"norm.{name}") for name in ("running_mean", "running_var", "weight", "bias")))
        if config["norm"] == "layer":
            x = F.layer_norm(x, x.shape[1:], part(index, "norm.weight"), part(index, "norm.bias"))
        x = ACTIVATIONS[config["activation"]](x)
    x = F.linear(x, part(last, "weight"), part(last, "bias"))
    # A Gaussian code has its mean in front of its log-variance.
    return ACTIVATIONS[config["code_activation"]](x)[:, : config["latent"]]


if __name__ == "__main__":
    model, rows = sys.argv[1:]
    rows = numpy.load(rows) if rows.endswith(".npy") else numpy.loadtxt(rows, delimiter=",", ndmin=2)
    for code in encode(*load(model), torch.from_numpy(rows.astype(numpy.float32))).tolist():
        print(",".join(f"{value:.9g}" for value in code))
