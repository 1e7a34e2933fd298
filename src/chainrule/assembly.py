"""From layers to tapes: the forward pass, the loss, the backward half, the updates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import NetworkError
from chainrule.layers import Builder, Heads, Layer
from chainrule.layers.base import row_shape
from chainrule.ops.losses import Loss
from chainrule.ops.optimizers import Optimizer, settings
from chainrule.ops.penalties import L1, WeightPenalty
from chainrule.tape import Tape, differentiate
from chainrule.tape.instruction import Shape, cells, columns, concrete

__all__ = ["Blueprint", "Extras", "TargetForm", "gradient_names", "memory_shapes"]


@dataclass(frozen=True)
class TargetForm:
    """How targets come: for each task class indices or a matrix; with or without sample weights."""

    indices: tuple[bool, ...] = (False,)
    weighted: bool = False


@dataclass(frozen=True)
class Extras:
    """What a training step does besides the optimizer's rule.

    Attributes
    ----------
    clip : float or None
        The longest that all gradients together may be.
    averaging : float or None
        Memory of a running mean of the parameters.
    """

    clip: float | None = None
    averaging: float | None = None


@dataclass(frozen=True)
class Blueprint:
    """What a network computes, without any numbers.

    Attributes
    ----------
    layers : tuple of Layer
    losses : mapping of str to Loss
        One for each task; the only one is called "".
    input_shape : tuple of int
        Of one row.
    penalties : tuple of WeightPenalty
    """

    layers: tuple[Layer, ...]
    losses: Mapping[str, Loss]
    input_shape: tuple[int, ...]
    penalties: tuple[WeightPenalty, ...] = field(default=())

    def forward(self, training: bool) -> tuple[Tape, Builder]:
        """Inputs ("n", …) to scores; `heads` of the builder names the scores of each task."""
        tape = Tape()
        source = tape.add_value("inputs", ("n", cells(self.input_shape)), "data")
        shape = ("n", *self.input_shape)
        attributes: dict[str, Any] = {} if len(shape) == 2 else {"shape": shape}
        x = tape.emit("gather", [source], ["x"], **attributes)
        builder = Builder(tape, training)
        _heads_come_last(self.layers)
        tape.output = builder.run(self.layers, x)
        builder.heads = builder.heads or {"": tape.output}
        if builder.heads.keys() != self.losses.keys():
            raise NetworkError(
                f"the network has outputs {_named(builder.heads)} and losses "
                f"{_named(self.losses)}: give each its loss, loss={{task: name}}."
            )
        return tape, builder

    @cached_property
    def outline(self) -> tuple[Tape, Builder]:
        """The forward pass for prediction."""
        return self.forward(training=False)

    @cached_property
    def heads(self) -> dict[str, tuple[int, ...]]:
        """Task -> shape of one row of its scores."""
        tape, builder = self.outline
        return {task: row_shape(tape.shape(name)) for task, name in builder.heads.items()}

    def prediction(self) -> Tape:
        """Scores of every row, written to "out", a matrix of one row's scores."""
        tape, builder = self.forward(training=False)
        for task, scores in builder.heads.items():
            tape.output = tape.emit("store", [scores], [of_task("out", task)], role="result")
        _finish(tape, builder)
        return tape

    def evaluation(self, form: TargetForm, training: bool = False, task: str | None = None) -> Tape:
        """The loss of every row and the penalties, no gradients; or one task's loss alone."""
        penalties = self.penalties if task is None else ()
        tape, builder = self._objective(form, training, penalties, task)
        _finish(tape, builder)
        return tape

    def _objective(
        self,
        form: TargetForm,
        training: bool,
        penalties: Sequence[WeightPenalty],
        only: str | None = None,
    ) -> tuple[Tape, Builder]:
        """Losses and penalties; `objective` of the builder names all that is added up."""
        tape, builder = self.forward(training)
        losses: list[str] = []
        weights: dict[Shape, str] = {}
        for number, (task, scores) in enumerate(builder.heads.items()):
            if only not in (None, task):
                continue
            record, indices = self.losses[task], form.indices[number]
            rows = tape.shape(scores)[:-1]
            width = 1 if indices else columns(tape.shape(scores)) // len(record.scores)
            operands = [scores, _column(tape, of_task("targets", task), "t", (*rows, width))]
            if form.weighted:
                if rows not in weights:
                    weights[rows] = _column(tape, weights_of(rows[1:]), "w", (*rows, 1))
                operands.append(weights[rows])
            losses.append(
                tape.emit("loss", operands, ["L"], role="total", loss=record, indices=indices,
                          factor=1.0, leading=not losses)
            )  # fmt: skip
        sums = [name for penalty in penalties for name in _penalise(tape, penalty)]
        builder.objective[:] = [*losses, *builder.objective, *sums]
        return tape, builder

    def gradients(self, form: TargetForm, training: bool = False) -> Tape:
        """The loss, shape (1, 1), and its gradient for every parameter, of that one's shape."""
        return self._gradients(form, training, proximal=False)[0]

    def _gradients(self, form: TargetForm, training: bool, proximal: bool) -> tuple[Tape, Builder]:
        smooth = [p for p in self.penalties if not (proximal and isinstance(p, L1))]
        tape, builder = self._objective(form, training, smooth)
        if not tape.parameters:
            raise NetworkError("the network has no parameters: add a Dense layer to train it.")
        return differentiate(tape, builder.objective), builder

    def step(self, form: TargetForm, optimizer: Optimizer, extras: Extras | None = None) -> Tape:
        """A whole training step: gradients, then the optimizer's update of each parameter."""
        extras = extras or Extras()
        tape, builder = self._gradients(form, training=True, proximal=True)
        for name, shape in _state_shapes(tape, optimizer).items():
            tape.add_value(name, shape, "state")
        if extras.clip is not None:
            _clip(tape, extras.clip)
        for key, name in tape.parameters.items():
            state = [f"{part}_{name}" for part in type(optimizer).state]
            tape.overwrite(
                "update",
                [name, tape.gradients[name], *state],
                [name, *state],
                optimizer=optimizer,
                overrides=_overrides(key, _fan_in(tape, builder, key), optimizer),
            )
        self._shrink(tape, builder, optimizer)
        if extras.averaging is not None:
            _average(tape, extras.averaging)
        _finish(tape, builder)
        return tape

    def _shrink(self, tape: Tape, builder: Builder, optimizer: Optimizer) -> None:
        """The proximal step of L1 penalties, with the optimizer's own learning rate."""
        for number, penalty in enumerate(self.penalties):
            if isinstance(penalty, L1):
                for key, strength in penalty.strengths(list(tape.parameters)).items():
                    name = tape.parameters[key]
                    operands, attributes = _with_strength(tape, name, strength, f"l1_{number}")
                    own = _overrides(key, _fan_in(tape, builder, key), optimizer)
                    rate = (settings(optimizer) | own)["learning_rate"]
                    tape.overwrite("shrink", operands, [name], learning_rate=rate, **attributes)

    def initial(self, seed: int) -> dict[str, np.ndarray]:
        """First values of the parameters, each of its shape, from a generator of its own."""
        _, builder = self.outline
        children = np.random.SeedSequence(seed).spawn(len(builder.initial))
        draws: Sequence[tuple[str, Callable[[np.random.Generator], np.ndarray]]]
        draws = list(builder.initial.items())
        return {
            key: draw(np.random.default_rng(child))
            for (key, draw), child in zip(draws, children, strict=True)
        }


def _heads_come_last(layers: Sequence[Layer]) -> None:
    for position, item in enumerate(layers[:-1]):
        if isinstance(item, Heads):
            raise NetworkError(
                f"layer {position} is Heads, followed by {len(layers) - 1 - position} more: what "
                f"follows belongs into its tasks, as Heads puts out the scores of several."
            )


def of_task(name: str, task: str) -> str:
    """A name on the tape, or in the data, for one of several tasks.

    Examples
    --------
    >>> of_task("targets", ""), of_task("targets", "kind")
    ('targets', 'targets_kind')
    """
    return f"{name}_{task}" if task else name


def weights_of(places: Sequence[int | str]) -> str:
    """Name of the sample weights for targets at so many places of a row.

    Examples
    --------
    >>> weights_of(()), weights_of((20,))
    ('weights', 'weights_20')
    """
    return "_".join(["weights", *map(str, places)])


def _named(items: Mapping[str, Any]) -> str:
    return ", ".join(f"'{name}'" for name in items) if list(items) != [""] else "without a name"


def _column(tape: Tape, source: str, name: str, shape: Shape) -> str:
    """Rows of a matrix of the user's, (n, …), as a value of a shape."""
    matrix = tape.add_value(source, ("n", cells(shape)), "data")
    attributes: dict[str, Any] = {} if len(shape) == 2 else {"shape": shape}
    return tape.emit("gather", [matrix], [name], **attributes)


def _penalise(tape: Tape, penalty: WeightPenalty) -> list[str]:
    """The penalty of each parameter it holds for."""
    sums = []
    for number, (key, strength) in enumerate(penalty.strengths(list(tape.parameters)).items()):
        name = tape.parameters[key]
        operands, attributes = _with_strength(tape, name, strength, f"θ_{number}")
        sums.append(
            tape.emit("penalty", operands, ["R"], role="total", penalty=penalty.function,
                      by_row=False, **attributes)
        )  # fmt: skip
    return sums


def _with_strength(
    tape: Tape, name: str, strength: Any, symbol: str
) -> tuple[list[str], dict[str, Any]]:
    """Operands and attributes for one θ, or for one of each weight, a constant of its shape."""
    if np.ndim(strength) == 0:
        return [name], {"strength": float(strength)}
    shape = tape.shape(name)
    values = np.asarray(strength, dtype=np.float64)
    if values.size != cells(shape):
        raise NetworkError(
            f"a penalty's strengths for '{tape.values[name].key}' have shape {values.shape}: "
            f"expected one for each of its {cells(shape)} weights."
        )
    constant = tape.add_value(f"{symbol}_{name}", shape, "constant")
    tape.constants[constant] = values.reshape(concrete(shape, 1))
    return [name, constant], {"strength": 1.0}


def _clip(tape: Tape, limit: float) -> None:
    """Shorten all gradients by one factor when together they are longer than the limit."""
    gradients = [tape.gradients[name] for name in tape.parameters.values()]
    total: list[str] = []
    for gradient in gradients:
        total = [tape.emit("square_sum", [gradient, *total], ["s"])]
    for gradient in gradients:
        tape.overwrite("clip", [gradient, *total], [gradient], limit=float(limit))


def _average(tape: Tape, memory: float) -> None:
    for name in tape.parameters.values():
        mean = tape.add_value(f"mean_{name}", tape.shape(name), "state")
        tape.overwrite("blend", [mean, name], [mean], memory=float(memory), warm=True)


def _finish(tape: Tape, builder: Builder) -> None:
    """What belongs to the end of a batch: running means, states handed on."""
    for operation, operands, attributes, only_in_training in builder.after:
        if builder.training or not only_in_training:
            tape.overwrite(operation, operands, operands[:1], **attributes)


def _fan_in(tape: Tape, builder: Builder, key: str) -> int:
    """How many inputs a unit has, by a weight's public name."""
    return builder.fan_in.get(key) or int(tape.shape(tape.parameters[key])[0])


def _overrides(key: str, fan_in: int, optimizer: Optimizer) -> dict[str, float]:
    """What differs by parameter.

    Weight decay is for weights: a bias that shrinks gains nothing in generality. Collobert's rates
    (003) divide a weight's by the root of its fan-in. Decay is a share of the learning rate, and
    stays what it would be for the plain one.
    """
    numbers, part = settings(optimizer), key.rpartition(".")[2]
    weight, changes = key.endswith("weight"), {}
    factor = dict(optimizer.rates).get(part, 1.0)
    if optimizer.layer_rates == "fan_in" and weight:
        factor /= math.sqrt(fan_in)
    if factor != 1:
        changes["learning_rate"] = numbers["learning_rate"] * factor
    if "weight_decay" in numbers:
        changes["weight_decay"] = numbers["weight_decay"] / (factor or 1.0) if weight else 0.0
    return changes


def gradient_names(tape: Tape) -> dict[str, str]:
    """Public name of each parameter -> name of its gradient on the tape."""
    return {key: tape.gradients[name] for key, name in tape.parameters.items()}


def _state_shapes(tape: Tape, optimizer: Optimizer) -> dict[str, Shape]:
    """Shapes of what the optimizer remembers: one matrix for each part of its state."""
    return {
        f"{part}_{value.name}": value.shape
        for part in type(optimizer).state
        for value in tape.with_role("parameter")
    }


def memory_shapes(tape: Tape, batch: int) -> dict[str, tuple[int, ...]]:
    """Shapes of what a session needs besides the parameters: gradients, state, what is carried."""
    kept = tape.with_role("gradient", "state", "carry", "constant")
    slopes = [tape.gradients.get(name, "") for name in tape.parameters.values()]
    order = {name: place for place, name in enumerate(slopes)}  # in which the parameters lie
    kept.sort(key=lambda value: order.get(value.name, len(order)))
    return {value.name: concrete(value.shape, batch) for value in kept}
