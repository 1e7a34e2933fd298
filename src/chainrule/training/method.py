"""From an optimizer to what makes its steps: a session of the engine, bound to data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.assembly import TargetForm, gradient_names, state_shapes
from chainrule.engines import Batches, Session, allocate
from chainrule.network import Network
from chainrule.ops.optimizers import Optimizer, settings
from chainrule.ops.optimizers import optimizer as optimizer_record
from chainrule.tape import plan
from chainrule.training.lbfgs import LBFGS
from chainrule.training.objective import Objective, network_shaped

__all__ = ["Method", "method_for", "training_session"]


def training_session(
    network: Network,
    data: dict[str, np.ndarray],
    form: TargetForm,
    optimizer: Optimizer,
    batches: Batches,
) -> tuple[Session, dict[str, np.ndarray]]:
    """A session of training steps, and the gradients it writes: each of its parameter's shape."""
    tape = network.blueprint.step(form, optimizer)
    names = gradient_names(tape)
    shapes = {name: (int(tape.shape(name)[0]), tape.shape(name)[1]) for name in names.values()}
    own = allocate(shapes | state_shapes(tape, optimizer), network.engine.dtype)
    session = network.engine.session(plan(tape), {**network.memory, **own}, data, batches)
    return session, network_shaped(network, {key: own[name] for key, name in names.items()})


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
    solver, objective : LBFGS, Objective or None
        What has a loop of its own, and the function that it minimises.
    """

    session: Session
    gradients: Mapping[str, np.ndarray]
    learning_rate: float
    solver: LBFGS | None = None
    objective: Objective | None = None


def method_for(
    network: Network,
    data: dict[str, np.ndarray],
    form: TargetForm,
    optimizer: str | Optimizer | LBFGS,
    batches: Batches,
) -> Method:
    """Bind an optimizer to a network and its data, as `Network.bind` gives them."""
    if isinstance(optimizer, LBFGS):
        objective = Objective(network, data, form, batches.rows)
        return Method(objective.session, objective.gradients, 1.0, optimizer, objective)
    rule = optimizer_record(optimizer)
    made = training_session(network, data, form, rule, batches)
    return Method(*made, settings(rule)["learning_rate"])
