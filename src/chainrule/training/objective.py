"""A network's loss over fixed rows as a function of one flat vector, for solvers from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from chainrule.assembly import TargetForm
from chainrule.engines import Batches
from chainrule.errors import NetworkError
from chainrule.network import Network
from chainrule.ops.penalties import L1
from chainrule.tape import plan

__all__ = ["Objective"]


class Objective:
    """The mean loss over fixed rows, and its gradient, as functions of all parameters in a row.

    One session of the engine is bound when it is made and serves every evaluation. Evaluating
    writes the point into the network's parameters.

    Parameters
    ----------
    network : Network
    data : mapping of str to ndarray
    form : TargetForm
        Both as `Network.bind` gives them.
    rows : ndarray of int, optional
        The rows to take, (n,); all by default.

    Attributes
    ----------
    session : Session
    gradients : dict of str to ndarray
        Of the last evaluation, with the names and shapes of the parameters; written over.

    Raises
    ------
    NetworkError
        If the network has dropout or BatchNorm: its loss differs from one evaluation to the next;
        or an L1 penalty, which has a kink where its zeros are.

    Examples
    --------
    >>> import chainrule as cr, numpy as np
    >>> net = cr.Network([cr.Dense(1)], input_shape=(2,), dtype="float64")
    >>> loss = Objective.of(net, np.eye(2), [1.0, 1.0])
    >>> value, gradient = loss(np.zeros(3))
    >>> value, gradient
    (0.5, array([-0.5, -0.5, -1. ]))
    """

    def __init__(
        self,
        network: Network,
        data: Mapping[str, np.ndarray],
        form: TargetForm,
        rows: np.ndarray | None = None,
    ) -> None:
        tape = network.blueprint.gradients(form, training=True)
        if any(i.operation == "dropout" for i in tape.instructions):
            raise NetworkError(
                "the network has dropout, so its loss differs from one evaluation to the next: "
                "take out the dropout, or train with an optimizer for minibatches such as 'adam'."
            )
        if tape.with_role("statistic"):
            raise NetworkError(
                "the network has BatchNorm, whose running means L-BFGS does not keep: use "
                "LayerNorm, or train with an optimizer such as 'adam'."
            )
        if any(isinstance(penalty, L1) for penalty in network.blueprint.penalties):
            raise NetworkError(
                "the network has an L1 penalty, whose exact zeros need a step that L-BFGS does not "
                "make: use L2, or train with an optimizer such as 'sgd' or 'adam'."
            )
        memory, self.gradients = network.gradient_memory(tape)
        rows = np.arange(len(data["inputs"])) if rows is None else rows
        self.network = network
        self.session = network.session(plan(tape), data, Batches(len(rows), rows), memory)

    @classmethod
    def of(cls, network: Network, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """The loss of a network on data of the user's.

        Parameters
        ----------
        network : Network
        X : array-like of shape (n, inputs)
        y : array-like of shape (n,) or (n, outputs)
        sample_weight : array-like of shape (n,), optional
        """
        return cls(network, *network.bind(X, y, sample_weight))

    @property
    def point(self) -> np.ndarray:
        """The parameters one after the other, (n_parameters,) float64; assigning writes them."""
        return _flat(self.network.parameters, self.network.parameters)

    @point.setter
    def point(self, values: np.ndarray) -> None:
        start = 0
        for p in self.network.parameters.values():
            p[...] = values[start : start + p.size].reshape(p.shape)
            start += p.size

    @property
    def loss(self) -> float:
        """Mean loss and penalties of the last evaluation."""
        return self.session.totals.objective

    @property
    def gradient(self) -> np.ndarray:
        """Gradient of the last evaluation, (n_parameters,) float64."""
        return _flat(self.gradients, self.network.parameters)

    def __call__(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient, (n_parameters,) float64, at a point (n_parameters,)."""
        self.point = point
        self.session.start_epoch(0, shuffle=False)
        self.session.run(1)
        return self.loss, self.gradient


def _flat(arrays: Mapping[str, np.ndarray], order: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([arrays[name].reshape(-1) for name in order]).astype(np.float64)
