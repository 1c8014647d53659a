"""The peers' side of the benchmark: PyTorch trains, ONNX Runtime encodes.

One process for all cases, so that imports and compilation are paid once. Requests are JSON lines on standard input, answers JSON
lines on standard output:

    {"do": "train", "case": {...}, "data": "rows.npy", "threads": 2}   builds the network in every form, keeps the fastest
    {"do": "steps", "count": 50}                                       {"ms": milliseconds a step}
    {"do": "encode", "widths": [784, 512], "data": "rows.npy", ...}    builds an ONNX graph
    {"do": "runs", "count": 50}                                        {"ms": milliseconds a call}

Same work as ours: the same network, losses summed over features and averaged over rows, Adam with the same settings, a new batch of
shuffled rows at each step.
"""

import json
import math
import sys
import time

import numpy as np

ANSWERS = sys.stdout
sys.stdout = sys.stderr  # what libraries print must not mix with the answers


def answer(**fields):
    ANSWERS.write(json.dumps(fields) + "\n")
    ANSWERS.flush()


def build(case):
    """The network, and the loss of a batch [rows, features] by it."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    widths, code, output = case["widths"], case["code_activation"], case["output_activation"]
    kinds = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "identity": nn.Identity}

    def dense(sizes, last):
        layers = []
        for at, (i, o) in enumerate(zip(sizes, sizes[1:])):
            layers += [nn.Linear(i, o), kinds[last if at == len(sizes) - 2 else "relu"]()]
        return layers

    def squared(y, x):
        return ((y - x) ** 2).sum() / len(x)

    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(*dense(widths, code))
            self.decoder = nn.Sequential(*dense(widths[::-1], output))

        def forward(self, x):
            return squared(self.decoder(self.encoder(x)), x)

    class Sparse(Plain):
        rho, beta = case.get("rho"), case.get("beta")

        def forward(self, x):
            h = self.encoder(x)
            mean = h.mean(0).clamp(1e-6, 1 - 1e-6)
            rho = self.rho
            constant = rho * math.log(rho) + (1 - rho) * math.log(1 - rho)
            divergence = (constant - rho * mean.log() - (1 - rho) * (1 - mean).log()).sum()
            return squared(self.decoder(h), x) + self.beta * divergence

    class Variational(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(*dense(widths[:-1] + [2 * widths[-1]], "identity"))
            self.decoder = nn.Sequential(*dense(widths[::-1], "identity"))

        def forward(self, x):
            mean, log_variance = self.encoder(x).chunk(2, 1)
            log_variance = log_variance.clamp(-20, 20)
            z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
            reconstruction = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
            kl = 0.5 * (mean * mean + log_variance.exp() - log_variance - 1).sum()
            return (reconstruction + kl) / len(x)

    class Contractive(nn.Module):
        weight_of_penalty = case.get("lambda")

        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(widths[0], widths[1])
            self.bias = nn.Parameter(torch.zeros(widths[0]))

        def forward(self, x):
            h = torch.sigmoid(self.layer(x))
            y = torch.sigmoid(F.linear(h, self.layer.weight.t(), self.bias))
            slope = h * (1 - h)
            norm = ((slope * slope) @ (self.layer.weight**2).sum(1)).mean()
            return squared(y, x) + self.weight_of_penalty * norm

    class Convolutional(nn.Module):
        """4 x 4 kernels with stride 2; the rows come flat, channels last."""

        def __init__(self):
            super().__init__()
            (height, width, depth), channels, latent = case["image"], case["channels"], case["latent"]
            self.image = (height, width, depth)
            sides, encoder, decoder = [(height, width)], [], []
            for i, o in zip([depth] + channels, channels):
                encoder += [nn.Conv2d(i, o, 4, 2, 1), nn.ReLU()]
                sides.append((sides[-1][0] // 2, sides[-1][1] // 2))
            self.small = (channels[-1], *sides[-1])
            size = math.prod(self.small)
            for at, (i, o) in enumerate(zip(channels[::-1], channels[-2::-1] + [depth])):
                last = at == len(channels) - 1
                larger, smaller = sides[-2 - at], sides[-1 - at]
                missing = (larger[0] - 2 * smaller[0], larger[1] - 2 * smaller[1])
                decoder += [nn.ConvTranspose2d(i, o, 4, 2, 1, missing), nn.Sigmoid() if last else nn.ReLU()]
            self.encoder, self.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)
            self.to_code, self.from_code = nn.Linear(size, latent), nn.Sequential(nn.Linear(latent, size), nn.ReLU())

        def forward(self, x):
            image = x.view(len(x), *self.image).permute(0, 3, 1, 2)
            if not self.channels_last:
                image = image.contiguous()
            h = self.encoder(image)
            z = self.to_code(h.flatten(1))
            small = self.from_code(z).view(len(x), *self.small)
            if self.channels_last:
                small = small.contiguous(memory_format=torch.channels_last)
            return squared(self.decoder(small), image)

    Convolutional.channels_last = case.get("channels_last", False)
    kind = {"plain": Plain, "sparse": Sparse, "vae": Variational, "contractive": Contractive, "conv": Convolutional}[case["kind"]]
    torch.manual_seed(0)
    model = kind()
    if case.get("channels_last"):
        model = model.to(memory_format=torch.channels_last)
    return model


class Training:
    """One network in training, in one form."""

    def __init__(self, case, data, compiled):
        import torch

        self.data, self.batch = data, case["batch"]
        self.model = build(case)
        self.loss = torch.compile(self.model) if compiled else self.model
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-3, fused=True)
        self.order, self.at = torch.randperm(len(data)), 0

    def steps(self, count):
        """Milliseconds a step."""
        import torch

        start = time.perf_counter()
        for _ in range(count):
            if self.at + self.batch > len(self.order):
                self.order, self.at = torch.randperm(len(self.data)), 0
            x = self.data[self.order[self.at : self.at + self.batch]]
            self.at += self.batch
            self.optimiser.zero_grad(set_to_none=True)
            loss = self.loss(x)
            loss.backward()
            self.optimiser.step()
        value = loss.item()
        assert math.isfinite(value), value
        return (time.perf_counter() - start) / count * 1e3


def fastest(case, data, forms, probe):
    """The training in its fastest form, and what each form took."""
    best, times = None, {}
    for name, change, compiled in forms:
        try:
            training = Training({**case, **change}, data, compiled)
            training.steps(3)
            times[name] = min(training.steps(probe) for _ in range(3))
        except Exception as error:  # a form that does not run here is reported, not hidden
            times[name] = None
            print(f"{name}: {type(error).__name__}: {str(error)[:300]}", file=sys.stderr)
            continue
        if best is None or times[name] < best[0]:
            best = (times[name], name, training)
    return best[2], best[1], times


def onnx_session(widths, threads):
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    nodes, weights, name = [], [], "x"
    for at, (i, o) in enumerate(zip(widths, widths[1:])):
        bound = math.sqrt(6 / i)
        weights.append(numpy_helper.from_array(random.uniform(-bound, bound, (i, o)).astype(np.float32), f"w{at}"))
        weights.append(numpy_helper.from_array(np.zeros(o, np.float32), f"b{at}"))
        last = at == len(widths) - 2
        nodes.append(helper.make_node("Gemm", [name, f"w{at}", f"b{at}"], ["code" if last else f"z{at}"]))
        if not last:
            nodes.append(helper.make_node("Relu", [f"z{at}"], [f"h{at}"]))
        name = f"h{at}"
    rows = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", widths[0]])
    code = helper.make_tensor_value_info("code", TensorProto.FLOAT, ["n", widths[-1]])
    graph = helper.make_graph(nodes, "encoder", [rows], [code], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def main():
    import torch

    training = session = rows = None
    for line in sys.stdin:
        request = json.loads(line)
        match request["do"]:
            case "version":
                import onnxruntime
                import sklearn

                answer(torch=torch.__version__, onnxruntime=onnxruntime.__version__, sklearn=sklearn.__version__)
            case "train":
                torch.set_num_threads(request["threads"])
                training = session = None
                data = torch.from_numpy(np.load(request["data"]))
                forms = [("eager", {}, False)]
                if request["compile"]:
                    forms.append(("compiled", {}, True))
                if request["case"]["kind"] == "conv":
                    forms += [(f"{name}, channels last", {"channels_last": True}, compiled) for name, _, compiled in list(forms)]
                training, form, times = fastest(request["case"], data, forms, request["probe"])
                answer(form=form, times=times)
            case "steps":
                answer(ms=training.steps(request["count"]))
            case "encode":
                training = None
                session = onnx_session(request["widths"], request["threads"])
                rows = np.ascontiguousarray(np.load(request["data"])[: request["rows"]])
                # Input and output bound once: a call allocates nothing and looks nothing up.
                code = np.empty((len(rows), request["widths"][-1]), np.float32)
                binding = session.io_binding()
                binding.bind_input("x", "cpu", 0, np.float32, rows.shape, rows.ctypes.data)
                binding.bind_output("code", "cpu", 0, np.float32, code.shape, code.ctypes.data)
                session.run_with_iobinding(binding)
                assert np.allclose(code, session.run(None, {"x": rows})[0], atol=1e-4)
                answer(form="bound")
            case "runs":
                start = time.perf_counter()
                for _ in range(request["count"]):
                    session.run_with_iobinding(binding)
                answer(ms=(time.perf_counter() - start) / request["count"] * 1e3)


main()
