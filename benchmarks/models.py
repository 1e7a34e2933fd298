"""What is trained besides dense networks: convolutions on images, recurrent layers on texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

__all__ = [
    "MODELS", "Conv", "Embed", "Flat", "Full", "Model", "ModelWork", "Part", "Pool", "Recurrent",
    "make_model_work",
]  # fmt: skip

Shape = tuple[int, ...]
Arrays = tuple[np.ndarray, ...]
GATES = {"elman": 1, "gru": 3, "lstm": 4}


@dataclass(frozen=True)
class Conv:
    """Convolution without padding, stride 1, ReLU; channels last."""

    channels: int
    size: int

    def shapes(self, given: Shape) -> tuple[list[Shape], Shape]:
        """Shapes of kernel (height, width, in, out) and bias; of the output of one row."""
        height, width, depth = given
        cut = self.size - 1
        kernel = (self.size, self.size, depth, self.channels)
        return [kernel, (self.channels,)], (height - cut, width - cut, self.channels)


@dataclass(frozen=True)
class Pool:
    """Largest of each square; what does not fill a square is left out."""

    size: int

    def shapes(self, given: Shape) -> tuple[list[Shape], Shape]:
        """No parameters; shape of the output of one row."""
        height, width, depth = given
        return [], (height // self.size, width // self.size, depth)


@dataclass(frozen=True)
class Flat:
    """One vector a row, channels varying fastest."""

    def shapes(self, given: Shape) -> tuple[list[Shape], Shape]:
        """No parameters; shape of the output of one row."""
        return [], (prod(given),)


@dataclass(frozen=True)
class Full:
    """A dense layer, over the last axis of a sequence."""

    units: int
    relu: bool = False

    def shapes(self, given: Shape) -> tuple[list[Shape], Shape]:
        """Shapes of weight and bias; of the output of one row."""
        return [(given[-1], self.units), (self.units,)], (*given[:-1], self.units)


@dataclass(frozen=True)
class Embed:
    """A row of a table for each whole number."""

    words: int
    units: int

    def shapes(self, given: Shape) -> tuple[list[Shape], Shape]:
        """Shape of the table; of the output of one row."""
        return [(self.words, self.units)], (*given, self.units)


@dataclass(frozen=True)
class Recurrent:
    """An Elman, GRU or LSTM layer from a state of zeros; every step puts out its state.

    Gates in columns: reset, update, candidate for the GRU (the reset gate acts on the product,
    h ← (1 − u) n + u h), input, forget, candidate, output for the LSTM; one bias a gate.
    """

    kind: str
    units: int

    def shapes(self, given: Shape) -> tuple[list[Shape], Shape]:
        """Shapes of input weight, recurrent weight and bias; of the output of one row."""
        wide = GATES[self.kind] * self.units
        weights = [(given[-1], wide), (self.units, wide), (wide,)]
        return weights, (given[0], self.units)


Part = Conv | Pool | Flat | Full | Embed | Recurrent


@dataclass(frozen=True)
class Model:
    """A network, a batch size and an epoch.

    Attributes
    ----------
    parts : tuple of Part
    input_shape : tuple of int
        Of one row: (height, width, channels), or (steps,) of whole numbers.
    batch, steps : int
        Rows of a minibatch, minibatches of an epoch; no minibatch is shorter.
    """

    name: str
    title: str
    parts: tuple[Part, ...]
    input_shape: Shape
    batch: int
    steps: int

    @property
    def rows(self) -> int:
        """Rows of the training data."""
        return self.batch * self.steps

    def parameter_shapes(self) -> list[list[Shape]]:
        """Shapes of the parameters of each part."""
        result, shape = [], self.input_shape
        for part in self.parts:
            shapes, shape = part.shapes(shape)
            result.append(shapes)
        return result


def _images(first: int, second: int) -> tuple[Part, ...]:
    """Kernels of 3 × 3 and 4 × 4, so that pools of 2 × 2 divide what they get."""
    convolutions = (Conv(first, 3), Pool(2), Conv(second, 4), Pool(2))
    return (*convolutions, Flat(), Full(64, relu=True), Full(10))


def _text(kind: str, units: int) -> tuple[Part, ...]:
    return Embed(64, 32), Recurrent(kind, units), Full(64)


MODELS = {
    model.name: model
    for model in (
        Model("conv28", "28×28×1, conv 16, 32 b64", _images(16, 32), (28, 28, 1), 64, 10),
        Model("conv32", "32×32×3, conv 32, 32 b32", _images(32, 32), (32, 32, 3), 32, 10),
        Model("lstm", "LSTM 128, 64 steps b32", _text("lstm", 128), (64,), 32, 10),
        Model("gru", "GRU 64, 32 steps b64", _text("gru", 64), (32,), 64, 10),
        Model("elman", "Elman 128, 64 steps b32", _text("elman", 128), (64,), 32, 10),
    )
}


@dataclass(frozen=True)
class ModelWork:
    """The task every engine gets.

    Attributes
    ----------
    x : ndarray, (rows, *input_shape)
        float32 images or int64 tokens.
    y : ndarray of int64, (rows,) or (rows, steps)
    weights : list of tuple of ndarray of float32
        Initial parameters of each part.
    threads : int
    """

    shape: Model
    x: np.ndarray
    y: np.ndarray
    weights: list[Arrays]
    threads: int

    def orders(self) -> Iterator[np.ndarray]:
        """Rows of the minibatches, (steps, batch), epoch after epoch; the same for everyone."""
        rng = np.random.default_rng(2)
        while True:
            order = rng.permutation(self.shape.rows)
            yield order.reshape(self.shape.steps, self.shape.batch)


def make_model_work(model: Model, threads: int) -> ModelWork:
    """Images with the labels of a random linear teacher, or walks of a random Markov chain."""
    rng = np.random.default_rng(0)
    x, y = _walks(model, rng) if isinstance(model.parts[0], Embed) else _pictures(model, rng)
    weights = [
        tuple(_draw(part, shape, rng) for shape in shapes)
        for part, shapes in zip(model.parts, model.parameter_shapes(), strict=True)
    ]
    return ModelWork(model, x, y, weights, threads)


def _pictures(model: Model, rng: np.random.Generator) -> Arrays:
    x = rng.normal(size=(model.rows, *model.input_shape)).astype(np.float32)
    flat = x.reshape(model.rows, -1)
    return x, np.argmax(flat @ rng.normal(size=(flat.shape[1], 10)), axis=1)


def _walks(model: Model, rng: np.random.Generator) -> Arrays:
    """Tokens, and the token that follows each."""
    words = 64
    chain = np.cumsum(rng.dirichlet(np.full(words, 0.1), size=words), axis=1)
    tokens = np.empty((model.rows, model.input_shape[0] + 1), np.int64)
    tokens[:, 0] = rng.integers(words, size=model.rows)
    for k in range(model.input_shape[0]):
        chance = rng.random((model.rows, 1))
        tokens[:, k + 1] = np.minimum((chain[tokens[:, k]] < chance).sum(axis=1), words - 1)
    return np.ascontiguousarray(tokens[:, :-1]), np.ascontiguousarray(tokens[:, 1:])


def _draw(part: Part, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Zero biases, a normal embedding, ±1/√units for recurrent layers, else Glorot's uniform."""
    if len(shape) == 1:
        return np.zeros(shape, np.float32)
    if isinstance(part, Embed):
        return rng.normal(size=shape).astype(np.float32)
    fans = prod(shape[:-1]), prod((*shape[:-2], shape[-1]))
    bound = part.units**-0.5 if isinstance(part, Recurrent) else np.sqrt(6 / sum(fans))
    return rng.uniform(-bound, bound, shape).astype(np.float32)
