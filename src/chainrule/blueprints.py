"""Blueprints from what a user gives, checked, and from what a file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chainrule.assembly import Blueprint
from chainrule.errors import NetworkError
from chainrule.layers import Layer, config, from_config
from chainrule.layers.base import check_layers
from chainrule.ops.losses import Loss
from chainrule.ops.losses import loss as loss_record
from chainrule.ops.penalties import WeightPenalty

__all__ = ["blueprint", "blueprint_arguments", "blueprint_config", "loss_argument"]

LossArgument = str | Loss | Mapping[str, Any]


def blueprint(
    layers: Sequence[Layer],
    loss: LossArgument,
    input_shape: Sequence[int] | int,
    penalties: Sequence[WeightPenalty] = (),
) -> Blueprint:
    """What `Network` is given, as a blueprint.

    Raises
    ------
    NetworkError
        If it does not form a network: the message says which part, and what is expected.

    Examples
    --------
    >>> from chainrule.layers import Dense
    >>> blueprint([Dense(2)], "squared_error", 3).heads
    {'': (2,)}
    """
    check_layers(layers)
    _check_penalties(penalties)
    made = Blueprint(tuple(layers), _losses(loss), _shape(input_shape), tuple(penalties))
    tape, builder = made.outline
    # Tasks have one order, that of the heads, however the losses were given.
    made = replace(made, losses={task: made.losses[task] for task in builder.heads})
    for task, record in made.losses.items():
        if made.heads[task][-1] % len(record.scores):
            raise NetworkError(
                f"loss '{record.name}' reads {len(record.scores)} scores for each target "
                f"({', '.join(record.scores)}), the network puts out {made.heads[task][-1]}: give "
                f"the last layer a multiple of {len(record.scores)} units."
            )
    for penalty in made.penalties:
        penalty.strengths(list(tape.parameters))
    return made


def _shape(given: Sequence[int] | int) -> tuple[int, ...]:
    try:
        shape = tuple(int(n) for n in (given if isinstance(given, Sequence) else (given,)))
    except (TypeError, ValueError):
        shape = ()
    if not shape or min(shape) < 1:
        raise NetworkError(
            f"input_shape is {given!r}: expected (inputs,), such as (784,), or a shape such as "
            f"(28, 28, 1)."
        )
    return shape


def _losses(given: LossArgument) -> dict[str, Loss]:
    """Loss records by task; "" is the only one's name."""
    if isinstance(given, Mapping) and "name" not in given:
        return {task: loss_record(item) for task, item in given.items()}
    return {"": loss_record(given)}


def _check_penalties(given: Sequence[WeightPenalty]) -> None:
    if not isinstance(given, list | tuple):
        raise NetworkError(f"penalties is {given!r}: expected a list, such as [L2(1e-4)].")
    for penalty in given:
        if not isinstance(penalty, WeightPenalty):
            raise NetworkError(f"penalties has {penalty!r}: expected L1(strength) or L2(strength).")


def loss_argument(made: Blueprint) -> Loss | dict[str, Loss]:
    """The losses as `blueprint` takes them: one record, or one for each task."""
    return made.losses[""] if "" in made.losses else dict(made.losses)


def blueprint_config(made: Blueprint) -> dict[str, Any]:
    """A blueprint as data that JSON can hold."""
    losses = {task: record.config() for task, record in made.losses.items()}
    return {
        "layers": [config(item) for item in made.layers],
        "loss": losses.get("", losses),
        "input_shape": list(made.input_shape),
        "penalties": [penalty.config() for penalty in made.penalties],
    }


def blueprint_arguments(data: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `blueprint` that `blueprint_config` described, by name."""
    return {
        "layers": [from_config(item) for item in data["layers"]],
        "loss": data["loss"],
        "input_shape": data["input_shape"],
        "penalties": [WeightPenalty.from_config(item) for item in data.get("penalties", ())],
    }
