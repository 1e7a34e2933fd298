"""From an optimizer to what makes its steps: a session of the engine, bound to data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.assembly import Extras, TargetForm
from chainrule.engines import Batches, Session, allocate
from chainrule.errors import HyperparameterError
from chainrule.network import Network
from chainrule.ops.optimizers import Optimizer, settings
from chainrule.ops.optimizers import optimizer as optimizer_record
from chainrule.tape import plan
from chainrule.tape.instruction import concrete
from chainrule.training.averaging import AveragedWeights
from chainrule.training.lbfgs import LBFGS, refuse_name
from chainrule.training.objective import Objective

__all__ = ["Method", "method_for", "training_session"]


def training_session(
    network: Network,
    data: dict[str, np.ndarray],
    form: TargetForm,
    optimizer: Optimizer,
    batches: Batches,
    extras: Extras | None = None,
) -> Method:
    """A session of training steps, and what it writes."""
    tape = network.blueprint.step(form, optimizer, extras)
    memory, gradients = network.gradient_memory(tape)
    kept = [f"mean_{name}" for name in tape.parameters.values() if f"mean_{name}" in tape.values]
    shapes = {name: concrete(tape.shape(name), 1) for name in kept}
    means = allocate(shapes, network.engine.dtype)
    return Method(
        network.session(plan(tape), data, batches, memory | means),
        gradients,
        settings(optimizer)["learning_rate"],
        AveragedWeights(network.memory, means),
    )


@dataclass
class Method:
    """What makes the steps of a training run.

    Attributes
    ----------
    session : Session
    gradients : mapping of str to ndarray
        Of the last minibatch, with the names and shapes of the parameters; written over.
    learning_rate : float
        Before any schedule; 1 where there is none.
    averaged : AveragedWeights
    solver, objective : LBFGS, Objective or None
        What has a loop of its own, and the function that it minimises.
    """

    session: Session
    gradients: Mapping[str, np.ndarray]
    learning_rate: float
    averaged: AveragedWeights
    solver: LBFGS | None = None
    objective: Objective | None = None


def method_for(
    network: Network,
    data: dict[str, np.ndarray],
    form: TargetForm,
    optimizer: str | Optimizer | LBFGS,
    batches: Batches,
    extras: Extras,
) -> Method:
    """Bind an optimizer to a network and its data, as `Network.bind` gives them."""
    if isinstance(optimizer, LBFGS):
        objective = Objective(network, data, form, batches.rows)
        if extras != Extras():
            raise HyperparameterError(
                "LBFGS takes neither clip nor averaging: leave them out, or train with 'adam'."
            )
        none = AveragedWeights({}, {})
        return Method(objective.session, objective.gradients, 1.0, none, optimizer, objective)
    refuse_name(optimizer)
    rule = optimizer_record(optimizer)
    return training_session(network, data, form, rule, batches, extras)
