"""From layers to tapes: the forward pass, the loss, the backward half, the updates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.errors import NetworkError
from chainrule.layers import Builder, Layer
from chainrule.ops.losses import Loss
from chainrule.ops.optimizers import Optimizer, settings
from chainrule.tape import Tape, differentiate
from chainrule.tape.instruction import Shape

__all__ = ["Blueprint", "TargetForm", "gradient_names", "state_shapes"]


@dataclass(frozen=True)
class TargetForm:
    """How targets come: class indices or a matrix, with or without sample weights."""

    indices: bool = False
    weighted: bool = False


@dataclass(frozen=True)
class Blueprint:
    """What a network computes, without any numbers: layers, loss and width of the input."""

    layers: tuple[Layer, ...]
    loss: Loss
    inputs: int

    def forward(self, training: bool) -> tuple[Tape, Builder]:
        """Inputs ("n", inputs) to scores ("n", outputs); `tape.output` names the scores."""
        tape = Tape()
        source = tape.add_value("inputs", ("n", self.inputs), "data")
        x = tape.emit("gather", [source], ["x"])
        builder = Builder(tape, training)
        for position, layer in enumerate(self.layers):
            builder.position = position
            x = layer.emit(builder, x)
        tape.output = x
        return tape, builder

    @property
    def outputs(self) -> int:
        """Columns of the scores."""
        tape, _ = self.forward(training=False)
        return tape.shape(tape.output)[1]

    def prediction(self) -> Tape:
        """Scores of every row, written to "out", a matrix of shape ("n", outputs)."""
        tape, _ = self.forward(training=False)
        out = tape.emit("store", [tape.output], ["out"], role="result")
        tape.output = out
        return tape

    def evaluation(self, form: TargetForm, training: bool = False) -> Tape:
        """The loss of every row, no gradients."""
        tape, _ = self.forward(training)
        targets = tape.add_value(
            "targets", ("n", 1 if form.indices else tape.shape(tape.output)[1]), "data"
        )
        operands = [tape.output, tape.emit("gather", [targets], ["t"])]
        if form.weighted:
            weights = tape.add_value("weights", ("n", 1), "data")
            operands.append(tape.emit("gather", [weights], ["w"]))
        tape.emit("loss", operands, ["L"], role="total", loss=self.loss, indices=form.indices)
        return tape

    def gradients(self, form: TargetForm, training: bool = False) -> Tape:
        """The loss, shape (1, 1), and its gradient for every parameter, of that one's shape."""
        tape = self.evaluation(form, training)
        if not tape.parameters:
            raise NetworkError("the network has no parameters: add a Dense layer to train it.")
        return differentiate(tape)

    def step(self, form: TargetForm, optimizer: Optimizer) -> Tape:
        """A whole training step: gradients, then the optimizer's update of each parameter."""
        tape = self.gradients(form, training=True)
        for name, shape in state_shapes(tape, optimizer).items():
            tape.add_value(name, shape, "state")
        for key, name in tape.parameters.items():
            state = [f"{part}_{name}" for part in type(optimizer).state]
            tape.overwrite(
                "update",
                [name, tape.gradients[name], *state],
                optimizer=optimizer,
                overrides=_overrides(key, tape.shape(name), optimizer),
            )
        return tape

    def initial(self, seed: int) -> dict[str, np.ndarray]:
        """First values of the parameters, each of its shape, from a generator of its own."""
        _, builder = self.forward(training=False)
        children = np.random.SeedSequence(seed).spawn(len(builder.initial))
        draws: Sequence[tuple[str, Callable[[np.random.Generator], np.ndarray]]]
        draws = list(builder.initial.items())
        return {
            key: draw(np.random.default_rng(child))
            for (key, draw), child in zip(draws, children, strict=True)
        }


def _overrides(key: str, shape: Shape, optimizer: Optimizer) -> dict[str, float]:
    """What differs by parameter; `shape` is that of the parameter on the tape.

    Weight decay is for weights: a bias that shrinks gains nothing in generality. Collobert's rates
    (003) divide a weight's by the root of its fan-in, all of its axes but the last.
    """
    numbers, weight = settings(optimizer), key.endswith(".weight")
    changes = {}
    if "weight_decay" in numbers and not weight:
        changes["weight_decay"] = 0.0
    if optimizer.layer_rates == "fan_in" and weight:
        fan_in = math.prod(int(n) for n in shape[:-1])
        changes["learning_rate"] = numbers["learning_rate"] / math.sqrt(fan_in)
    return changes


def gradient_names(tape: Tape) -> dict[str, str]:
    """Public name of each parameter -> name of its gradient on the tape."""
    return {key: tape.gradients[name] for key, name in tape.parameters.items()}


def state_shapes(tape: Tape, optimizer: Optimizer) -> dict[str, tuple[int, int]]:
    """Shapes of what the optimizer remembers: one matrix for each part of its state."""
    return {
        f"{part}_{value.name}": (int(value.shape[0]), value.shape[1])
        for part in type(optimizer).state
        for value in tape.with_role("parameter")
    }
