"""Writes the reference numbers that crates/autoencoders/tests/golden.rs compares the library with.

Everything is computed in double precision by PyTorch, from the formulas of the papers. Weights and rows are short random
decimals, seeded by the name of their case, and stand in the files beside the results: a new case moves no other, and the
tests need neither PyTorch nor this generator. Losses are summed over features and code units and averaged over rows.
"""

import json
import math
import pathlib
import zlib

import numpy
import torch
from torch.autograd.functional import jacobian
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.nn import functional as F

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.01),
    "elu": F.elu,
    "gelu": lambda z: F.gelu(z, approximate="none"),
    "silu": F.silu,
    "softplus": F.softplus,
}


def rounded(value):
    """Fourteen digits: more than the tests ask for, and few enough to be the same on every machine."""
    return float(f"{value:.14g}")


def numbers(tensor):
    return {"shape": list(tensor.shape), "values": [rounded(value) for value in tensor.detach().flatten().tolist()]}


def flat(width):
    return {"flat": {"width": width}}


def image(height, width, channels):
    return {"image": {"height": height, "width": width, "channels": channels}}


def series(length, channels):
    return {"series": {"length": length, "channels": channels}}


def generator(name):
    """Draws short decimals between two bounds; seeded by a name."""
    uniform = numpy.random.default_rng(zlib.crc32(name.encode())).uniform
    return lambda *shape, low=-0.5, high=0.5: torch.tensor(uniform(low, high, shape).round(3))


# ---------------------------------------------------------------------------------------------------------------- models


class Model:
    """Rows, variables and the two networks of one case; the variables are named and laid out as in a model file.

    `config` is the library's configuration, `code` and `output` the activations of the last layers, `head` the width of the
    encoder's output where it is not the code's.
    """

    def __init__(
        self, name, shape, rows, hidden, latent, *, head=None, code="identity", output="identity", corrupted=False, unit=False, training=False, **config
    ):
        self.draw = generator(name)
        self.name, self.shape, self.unit, self.training = name, shape, unit, training
        self.config = {"latent": latent, **config}
        self.hidden, self.head, self.latent = hidden, head or latent, latent
        self.activation, self.code, self.output = ACTIVATIONS[config.get("activation", "relu")], ACTIVATIONS[code], ACTIVATIONS[output]
        self.norm, self.tied = config.get("norm", "none"), config.get("tied", False)
        self.features = math.prod(next(iter(shape.values())).values())
        low, high = (0.02, 0.98) if unit else (-1.5, 1.5)
        self.target = self.draw(rows, self.features, low=low, high=high)
        self.input = self.draw(rows, self.features, low=low, high=high) if corrupted else self.target
        self.variables = {}
        self.build()
        for name, value in self.variables.items():
            value.requires_grad_("running" not in name)
        # A forward pass in training moves the running statistics.
        self.before = {name: numbers(value) for name, value in self.variables.items()}

    def layer(self, name, weight, bias):
        if weight:
            bound = 1.5 / math.sqrt(math.prod(weight[1:]))
            self.variables[f"{name}.weight"] = self.draw(*weight, low=-bound, high=bound)
        self.variables[f"{name}.bias"] = self.draw(bias)

    def norm_layer(self, name, width, channels):
        if self.norm == "none":
            return
        width = channels if self.norm == "batch" else width
        self.variables[f"{name}.norm.weight"] = self.draw(width, low=0.5, high=1.5)
        self.variables[f"{name}.norm.bias"] = self.draw(width)
        if self.norm == "batch":
            self.variables[f"{name}.norm.running_mean"] = self.draw(width)
            self.variables[f"{name}.norm.running_var"] = self.draw(width, low=0.5, high=1.5)

    def behind(self, name, x):
        """Norm and activation behind a hidden layer; images are [rows, channels, height, width]."""
        v = lambda part: self.variables[f"{name}.norm.{part}"]
        if self.norm == "batch":
            x = F.batch_norm(x, v("running_mean"), v("running_var"), v("weight"), v("bias"), self.training, 0.1, 1e-5)
        if self.norm == "layer":
            # Over all numbers of a row, which in the library lie channels last.
            last = x.movedim(1, -1)
            row = F.layer_norm(last.flatten(1), v("weight").shape, v("weight"), v("bias"), 1e-5)
            x = row.reshape(last.shape).movedim(-1, 1)
        return self.activation(x)

    def linear(self, name, x, weight=None):
        weight = self.variables[f"{name}.weight"] if weight is None else weight
        return F.linear(x, weight, self.variables[f"{name}.bias"])

    def finish(self, terms, fraction=1.0):
        """The case as text, with the values of the terms and the gradients of their sum."""
        trained = {name: value for name, value in self.variables.items() if value.requires_grad}
        gradients = torch.autograd.grad(sum(terms.values()), list(trained.values()))
        return {
            "name": self.name,
            "config": self.config,
            "shape": self.shape,
            "range": "unit" if self.unit else "real",
            "training": self.training,
            "fraction": fraction,
            "input": numbers(self.input),
            # Absent where it is the input.
            "target": None if self.target is self.input else numbers(self.target),
            "variables": self.before,
            "terms": {name: rounded(value.item()) for name, value in terms.items()},
            "gradients": {name: numbers(gradient) for name, gradient in zip(trained, gradients)},
            "after": {name: numbers(value) for name, value in self.variables.items() if name not in trained},
        }


class Dense(Model):
    """Dense layers; the decoder mirrors the encoder and, where tied, uses its matrices transposed."""

    def __init__(self, name, features=7, hidden=(5,), latent=3, *, rows=6, net=None, **options):
        net = net or "mlp:" + ",".join(map(str, hidden))
        super().__init__(name, flat(features), rows, hidden, latent, net=net, **options)

    def build(self):
        for part, widths in (("encoder", [self.features, *self.hidden, self.head]), ("decoder", [self.latent, *self.hidden[::-1], self.features])):
            for index, (width, out) in enumerate(zip(widths, widths[1:])):
                name = f"{part}.{index}"
                self.layer(name, None if self.tied and part == "decoder" else (out, width), out)
                if index < len(self.hidden):
                    self.norm_layer(name, out, out)

    def encode(self, x):
        for index in range(len(self.hidden)):
            x = self.behind(f"encoder.{index}", self.linear(f"encoder.{index}", x))
        return self.code(self.linear(f"encoder.{len(self.hidden)}", x))

    def decode(self, z):
        last = len(self.hidden)
        weight = lambda index: self.variables[f"encoder.{last - index}.weight"].T if self.tied else None
        for index in range(last):
            z = self.behind(f"decoder.{index}", self.linear(f"decoder.{index}", z, weight(index)))
        return self.output(self.linear(f"decoder.{last}", z, weight(last)))


class Convolutional(Model):
    """Kernels of 4 with stride 2 and padding 1, of 1 along sides of one pixel; `hidden` are the channels."""

    def __init__(self, name, shape, hidden, latent=3, *, rows=4, **options):
        net = "conv:" + ",".join(map(str, hidden))
        super().__init__(name, shape, rows, hidden, latent, net=net, **options)

    def build(self):
        sides = next(iter(self.shape.values()))
        channels = sides["channels"]
        self.sizes = [(sides["height"], sides["width"]) if "height" in sides else (sides["length"], 1)]
        self.depths = [channels, *self.hidden]
        for index, out in enumerate(self.hidden):
            size = self.sizes[-1]
            self.layer(f"encoder.{index}", (out, self.depths[index], *self.kernel(size)), out)
            # An odd side loses its last half step.
            self.sizes.append(tuple(max(side // 2, 1) for side in size))
            self.norm_layer(f"encoder.{index}", out * math.prod(self.sizes[-1]), out)
        width = self.hidden[-1] * math.prod(self.sizes[-1])
        self.layer(f"encoder.{len(self.hidden)}", (self.head, width), self.head)
        self.layer("decoder.0", (width, self.latent), width)
        self.norm_layer("decoder.0", width, self.hidden[-1])
        for index in range(len(self.hidden)):
            small, large = self.depths[-1 - index], self.depths[-2 - index]
            size = self.sizes[-2 - index]
            self.layer(f"decoder.{index + 1}", (small, large, *self.kernel(size)), large)
            if index + 1 < len(self.hidden):
                self.norm_layer(f"decoder.{index + 1}", large * math.prod(size), large)

    @staticmethod
    def kernel(size):
        return tuple(4 if side > 1 else 1 for side in size)

    @staticmethod
    def steps(size):
        """Stride and padding that halve an image of this size."""
        return tuple(2 if side > 1 else 1 for side in size), tuple(1 if side > 1 else 0 for side in size)

    def encode(self, x):
        x = x.reshape(len(x), *self.sizes[0], self.depths[0]).permute(0, 3, 1, 2)
        for index, size in enumerate(self.sizes[:-1]):
            name = f"encoder.{index}"
            x = self.behind(name, F.conv2d(x, self.variables[f"{name}.weight"], self.variables[f"{name}.bias"], *self.steps(size)))
        assert x.shape[2:] == self.sizes[-1]
        return self.code(self.linear(f"encoder.{len(self.hidden)}", x.permute(0, 2, 3, 1).flatten(1)))

    def decode(self, z):
        x = self.linear("decoder.0", z).reshape(len(z), *self.sizes[-1], self.depths[-1]).permute(0, 3, 1, 2)
        x = self.behind("decoder.0", x)
        for index, size in enumerate(self.sizes[-2::-1]):
            name = f"decoder.{index + 1}"
            stride, padding = self.steps(size)
            # What the transposed convolution lacks of an odd side.
            missing = [side % 2 if side > 1 else 0 for side in size]
            x = F.conv_transpose2d(x, self.variables[f"{name}.weight"], self.variables[f"{name}.bias"], stride, padding, missing)
            assert x.shape[2:] == size
            x = self.behind(name, x) if index + 1 < len(self.hidden) else self.output(x)
        return x.permute(0, 2, 3, 1).flatten(1)


# ---------------------------------------------------------------------------------------------------------------- losses


def squared(output, target):
    return (target - output).square().sum(1).mean()


def normal(deviation):
    return lambda output, target: -Normal(output, deviation).log_prob(target).sum(1).mean()


def cross_entropy(logits, target):
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(1).mean()


def reconstruction(model):
    """The squared error of a code that is a point."""
    return {"reconstruction": squared(model.decode(model.encode(model.input)), model.target)}


def plain(model, **more):
    return model.finish(reconstruction(model) | more)


def activations():
    """Each activation in the hidden layers."""
    return [plain(Dense(name, activation=name, likelihood="gaussian")) for name in ACTIVATIONS]


def networks():
    """Whatever else a network of dense layers may have."""
    return [
        plain(Dense("sigmoid output", output="sigmoid", unit=True, activation="tanh", likelihood="gaussian")),
        plain(Dense("linear", hidden=(), net="linear", likelihood="gaussian")),
        plain(Dense("shallow with a code activation", hidden=(), net="shallow", code="softplus", code_activation="softplus", likelihood="gaussian")),
        plain(Dense("two hidden layers", hidden=(6, 4), activation="silu", likelihood="gaussian")),
        plain(Dense("tied", tied=True, activation="tanh", likelihood="gaussian")),
        plain(Dense("tied and deep", hidden=(6, 4), tied=True, activation="tanh", likelihood="gaussian")),
        plain(Dense("layer norm", norm="layer", activation="tanh", likelihood="gaussian")),
        plain(Dense("batch norm in training", norm="batch", activation="tanh", likelihood="gaussian", training=True)),
        plain(Dense("batch norm in evaluation", norm="batch", activation="tanh", likelihood="gaussian")),
        squared_weights(Dense("l2", activation="tanh", likelihood="gaussian", l2=0.3)),
        squared_weights(Dense("l2 of tied weights", tied=True, activation="tanh", likelihood="gaussian", l2=0.3)),
    ]


def squared_weights(model):
    """The l2 term: all weights, each once, and no bias."""
    weights = [value for name, value in model.variables.items() if name.endswith(".weight")]
    return plain(model, l2=model.config["l2"] * sum(weight.square().sum() for weight in weights))


def likelihoods():
    """Negative log-likelihoods; `gaussian` and `laplace` leave the scale and the constant out."""
    absolute = lambda output, target: (target - output).abs().sum(1).mean()

    def case(likelihood, loss, **options):
        model = Dense(likelihood, activation="tanh", likelihood=likelihood, **options)
        return model.finish({"reconstruction": loss(model.decode(model.encode(model.input)), model.target)})

    learned = Dense("gaussian:learned", activation="tanh", likelihood="gaussian:learned")
    deviation = learn_variance(learned, -0.7).mul(0.5).exp()
    output = learned.decode(learned.encode(learned.input))
    return [
        case("gaussian", squared),
        case("gaussian:0.3", normal(math.sqrt(0.3))),
        learned.finish({"reconstruction": normal(deviation)(output, learned.target)}),
        case("bernoulli", cross_entropy, unit=True),
        case("laplace", absolute),
    ]


def learn_variance(model, value):
    """The logarithm of the variance that a learned Gaussian likelihood adds to the variables."""
    log_variance = torch.tensor([value], requires_grad=True)
    model.variables["likelihood.log_variance"] = log_variance
    model.before["likelihood.log_variance"] = numbers(log_variance)
    return log_variance


def denoising():
    """Vincent et al. 2008: the code of the corrupted row, the error of the clean one. The corruption itself is random and given."""
    return [plain(Dense("denoising", family="denoising", activation="tanh", likelihood="gaussian", corrupted=True))]


def sparse():
    """Ng 2011: the divergence of Bernoulli variables with means rho and rho_hat, or the sum of the activations."""

    def kl(model, rho, beta):
        code = model.encode(model.input)
        active = (1 + code) / 2 if model.config["code_activation"] == "tanh" else code
        divergence = kl_divergence(Bernoulli(torch.tensor(rho)), Bernoulli(active.mean(0))).sum()
        return model.finish({"reconstruction": squared(model.decode(code), model.target), "sparsity": beta * divergence})

    def l1(model, beta):
        code = model.encode(model.input)
        return model.finish({"reconstruction": squared(model.decode(code), model.target), "sparsity": beta * code.abs().sum(1).mean()})

    def shallow(name, code, parameters):
        return Dense(name, hidden=(), latent=9, net="shallow", family="sparse", code=code, code_activation=code, parameters=parameters, likelihood="gaussian")

    return [
        kl(shallow("kl of a sigmoid code", "sigmoid", {"rho": 0.1, "beta": 3.0}), 0.1, 3.0),
        kl(shallow("kl of a tanh code", "tanh", {"rho": 0.2, "beta": 0.7}), 0.2, 0.7),
        l1(shallow("l1 of a relu code", "relu", {"penalty": "l1", "beta": 0.4}), 0.4),
    ]


def contractive():
    """Rifai et al. 2011: the squared Frobenius norm of the encoder's Jacobian, averaged over rows."""

    def case(model, weight):
        # A row's code depends on that row alone, so that the Jacobian of the sum over rows holds the Jacobian of each.
        each = jacobian(lambda x: model.encode(x).sum(0), model.input, create_graph=True)
        terms = reconstruction(model)
        return model.finish(terms | {"contraction": weight * each.square().sum((0, 2)).mean()})

    def small(name, hidden, code, weight, **options):
        options = {"family": "contractive", "code": code, "code_activation": code, "parameters": {"lambda": weight}, "likelihood": "gaussian", **options}
        return case(Dense(name, features=4, hidden=hidden, latent=3, rows=4, **options), weight)

    cases = [small(f"one {code} layer", (), code, 0.6, net="shallow") for code in ("sigmoid", "tanh")]
    cases.append(small("one tied sigmoid layer", (), "sigmoid", 0.6, net="shallow", tied=True))
    cases.append(small("linear", (), "identity", 0.6, net="linear"))
    for name in ACTIVATIONS:
        cases.append(small(f"hidden {name}", (5,), "sigmoid", 0.8, activation=name))
    cases.append(small("gelu code", (5,), "gelu", 0.8, activation="tanh"))
    cases.append(small("layer norm", (5,), "sigmoid", 0.8, activation="tanh", norm="layer"))
    cases.append(small("two hidden layers", (5, 4), "tanh", 0.8, activation="gelu"))
    options = {"family": "contractive", "code": "sigmoid", "code_activation": "sigmoid", "parameters": {"lambda": 0.8}, "likelihood": "gaussian"}
    cases.append(case(Convolutional("convolution", image(3, 2, 1), (2,), 2, rows=3, activation="tanh", **options), 0.8))
    return cases


def vae():
    """Kingma and Welling 2014, with the mean as the sample: the noise of a draw belongs to the library's generator."""

    def case(name, loss=squared, *, beta=1.0, warmed=1.0, free_bits=0.0, fraction=1.0, likelihood="gaussian", log_variance=None, unit=False, **parameters):
        parameters = {"beta": beta, "free_bits": free_bits, **parameters}
        model = Dense(name, head=6, family="vae", parameters=parameters, activation="tanh", likelihood=likelihood, unit=unit)
        if log_variance is not None:
            deviation = learn_variance(model, log_variance).mul(0.5).exp()
            loss = normal(deviation)
        mean, log_variance = model.encode(model.input).chunk(2, dim=1)
        posterior = Normal(mean, (0.5 * log_variance).exp())
        units = kl_divergence(posterior, Normal(0.0, 1.0)).mean(0)
        if free_bits:
            # Kingma et al. 2016, equation 15: a unit pays at least this much, whatever it carries.
            assert (units < free_bits).any() and (units > free_bits).any(), units
            units = torch.where(units > free_bits, units, free_bits)
        return model.finish({"reconstruction": loss(model.decode(mean), model.target), "kl": beta * warmed * units.sum()}, fraction)

    return [
        case("evidence lower bound"),
        case("learned variance", likelihood="gaussian:learned", log_variance=0.35),
        case("bernoulli and beta", cross_entropy, likelihood="bernoulli", unit=True, beta=4.0),
        case("halfway through the warm-up", beta=2.0, warm_up=0.4, fraction=0.2, warmed=0.5),
        # Between the divergences of the three units.
        case("free bits", free_bits=0.2),
    ]


def iwae():
    """Burda et al. 2016, with the mean for every sample, as in an evaluation that draws nothing: ln p(z) - ln q(z | x) by densities."""

    def case(name, loss, likelihood, samples, unit=False):
        parameters = {"samples": samples}
        model = Dense(name, head=6, family="iwae", parameters=parameters, activation="tanh", likelihood=likelihood, unit=unit)
        mean, log_variance = model.encode(model.input).chunk(2, dim=1)
        z = mean
        prior, posterior = Normal(0.0, 1.0), Normal(mean, (0.5 * log_variance).exp())
        errors = loss(model.decode(z), model.target)
        surprise = (posterior.log_prob(z) - prior.log_prob(z)).sum(1).mean()
        return model.finish({"reconstruction": errors, "kl": surprise})

    return [case("three samples", squared, "gaussian", 3), case("one sample of pixels", cross_entropy, "bernoulli", 1, unit=True)]


def k_sparse():
    """Makhzani and Frey 2014: of each row's code the k largest numbers, no absolute value taken."""

    def case(name, k, alpha, code="identity"):
        parameters = {"k": k, "alpha": alpha}
        options = {"family": "k-sparse", "parameters": parameters, "likelihood": "gaussian", "code": code, "code_activation": code}
        model = Dense(name, hidden=(), latent=9, net="shallow", **options)
        code = model.encode(model.input)
        kept = torch.zeros_like(code).scatter(1, code.topk(int(k * alpha), dim=1).indices, 1.0)
        return model.finish({"reconstruction": squared(model.decode(code * kept), model.target)})

    return [case("three of nine", 3, 1.0), case("twice as many", 3, 2.0), case("of a tanh code", 4, 1.0, "tanh")]


def winner_take_all():
    """Makhzani and Frey 2015: of each unit's numbers over the batch the largest, in training."""

    def case(name, lifetime):
        parameters = {"lifetime": lifetime}
        options = {"family": "winner-take-all", "parameters": parameters, "likelihood": "gaussian", "code": "softplus", "code_activation": "softplus"}
        model = Dense(name, hidden=(), latent=9, net="shallow", training=True, **options)
        threshold = torch.full((9,), 0.0)
        model.variables["winner.threshold"] = threshold
        model.before["winner.threshold"] = numbers(threshold)
        code = model.encode(model.input)
        winners = code.topk(math.ceil(lifetime * code.shape[0]), dim=0)
        kept = torch.zeros_like(code).scatter(0, winners.indices, 1.0)
        terms = {"reconstruction": squared(model.decode(code * kept), model.target)}
        # A tenth of the way to the smallest winner of this batch.
        model.variables["winner.threshold"] = 0.9 * threshold + 0.1 * winners.values.min(0).values.detach()
        return model.finish(terms)

    return [case("one row of six", 0.1), case("half of the rows", 0.5)]


def convolution():
    """Images and series whose sides do not halve evenly, and their norms."""
    options = {"activation": "tanh", "likelihood": "gaussian"}
    return [
        plain(Convolutional("odd sides and two channels", image(7, 5, 2), (3, 4), **options)),
        plain(Convolutional("down to a side of one pixel", image(3, 6, 1), (2, 2), **options)),
        plain(Convolutional("series", series(9, 2), (2, 2), **options)),
        squared_weights(Convolutional("l2 and gelu", image(4, 3, 1), (2,), activation="gelu", likelihood="gaussian", l2=0.3)),
        plain(Convolutional("sigmoid output", image(4, 3, 1), (2,), unit=True, output="sigmoid", **options)),
        plain(Convolutional("batch norm in training", image(5, 4, 1), (2, 3), norm="batch", training=True, **options)),
        plain(Convolutional("batch norm in evaluation", image(5, 4, 1), (2, 3), norm="batch", **options)),
        plain(Convolutional("layer norm", image(5, 4, 1), (2, 3), norm="layer", **options)),
    ]


# ------------------------------------------------------------------------------------------------------------ optimisers

RATES = [0.1, 0.1, 0.05, 0.02, 0.3]


def steps():
    """Five steps over a weight and a bias; the bias is never decayed, and has no gradient in the third step."""

    def case(name, method, make, *, momentum=0.0, decay=0.0):
        draw = generator(name)
        weight, bias = draw(2, 3, low=-1.0, high=1.0).requires_grad_(), draw(3, low=-1.0, high=1.0).requires_grad_()
        start = {"weight": numbers(weight), "bias": numbers(bias)}
        optimiser = make([{"params": [weight], "weight_decay": decay}, {"params": [bias], "weight_decay": 0.0}])
        gradients, after = [], []
        for index, rate in enumerate(RATES):
            weight.grad = draw(2, 3, low=-2.0, high=2.0)
            bias.grad = None if index == 2 else draw(3, low=-2.0, high=2.0)
            gradients.append({"weight": numbers(weight.grad), "bias": bias.grad if bias.grad is None else numbers(bias.grad)})
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()
            after.append({"weight": numbers(weight), "bias": numbers(bias)})
        return {"name": name, "method": method, "momentum": momentum, "decay": decay, "rates": RATES, "start": start, "gradients": gradients, "after": after}

    return [
        case("adam", "adam", torch.optim.Adam),
        case("adamw", "adam", torch.optim.AdamW, decay=0.1),
        case("sgd", "sgd", torch.optim.SGD),
        case("sgd with momentum", "sgd", lambda groups: torch.optim.SGD(groups, momentum=0.9), momentum=0.9),
    ]


def clipping():
    """Pascanu et al. 2013: the gradient of all variables together, times bound / norm where its norm is above the bound."""

    def case(name, bound):
        draw = generator(name)
        gradients = {"weight": draw(2, 3, low=-2.0, high=2.0), "bias": draw(3, low=-2.0, high=2.0)}
        norm = torch.cat([gradient.flatten() for gradient in gradients.values()]).norm()
        clipped = {name: gradient * min(1.0, bound / norm) for name, gradient in gradients.items()}
        # PyTorch's own adds 1e-6 to the norm.
        variables = [torch.zeros_like(gradient).requires_grad_() for gradient in gradients.values()]
        for variable, gradient in zip(variables, gradients.values()):
            variable.grad = gradient.clone()
        torch.nn.utils.clip_grad_norm_(variables, bound)
        assert all(torch.allclose(variable.grad, value, rtol=2e-6 / norm.item()) for variable, value in zip(variables, clipped.values()))
        text = lambda tensors: {name: numbers(tensor) for name, tensor in tensors.items()}
        return {"name": name, "bound": bound, "norm": rounded(norm.item()), "gradients": text(gradients), "clipped": text(clipped)}

    return [case("above the bound", 1.5), case("below the bound", 50.0)]


def schedules():
    """Loshchilov and Hutter 2017, equation 5, from 1 to 0 in one period; and a factor every so many epochs."""
    total = 20

    def factors(make):
        optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        scheduler = make(optimiser)
        found = []
        for _ in range(total + 1):
            found.append(scheduler.get_last_lr()[0])
            optimiser.step()
            scheduler.step()
        return found

    cosine = [0.5 * (1.0 + math.cos(math.pi * epoch / total)) for epoch in range(total + 1)]
    assert numpy.allclose(cosine, factors(lambda optimiser: torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, total)), atol=1e-15)
    halves = factors(lambda optimiser: torch.optim.lr_scheduler.StepLR(optimiser, 6, 0.5))
    return [
        {"schedule": "cosine", "total": total, "factors": cosine},
        {"schedule": "step:6,0.5", "total": total, "factors": halves},
        {"schedule": "constant", "total": total, "factors": [1.0] * (total + 1)},
    ]


# ------------------------------------------------------------------------------------------------------------------ files


def main():
    groups = [activations, networks, likelihoods, denoising, sparse, contractive, vae, iwae, k_sparse, winner_take_all, convolution, steps, clipping, schedules]
    for group in groups:
        path = pathlib.Path(__file__).parent / f"{group.__name__}.json"
        # A line for each case, so that a difference shows which one moved.
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in group())
        path.write_text(f"[\n{lines}\n]\n")
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
