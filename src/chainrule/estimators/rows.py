"""What goes into a network estimator, and what its hidden layers make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from chainrule.data.frames import Table
from chainrule.data.matrices import as_weights
from chainrule.data.targets import read_target
from chainrule.errors import DataError
from chainrule.network import Network

__all__ = ["Rows", "hidden_features", "hidden_part"]


@dataclass(frozen=True)
class Rows:
    """What `fit` was given.

    Attributes
    ----------
    table : Table
    y : ndarray of shape (n,) or (n, outputs)
    name : str or None
        Of the target.
    weights : ndarray of shape (n, 1), or None
    """

    table: Table
    y: np.ndarray
    name: str | None
    weights: np.ndarray | None

    @classmethod
    def read(cls, X: Any, y: Any, sample_weight: Any) -> Self:
        """Checked tables, targets and weights.

        Raises
        ------
        DataError
            If they do not fit together.
        """
        table, (targets, name) = Table.read(X), read_target(y)
        if len(targets) != table.rows:
            raise DataError(f"X has {table.rows} rows and y has {len(targets)}: they must agree.")
        return cls(table, targets, name, as_weights(sample_weight, table.rows))

    @cached_property
    def used(self) -> np.ndarray:
        """The rows that count, in their order."""
        return np.arange(self.table.rows) if self.weights is None else np.flatnonzero(self.weights)


def hidden_part(network: Network) -> Network | None:
    """All layers but the last, with copies of their parameters; None if there is one layer.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([cr.Dense(3, "tanh"), cr.Dense(1)], input_shape=(2,))
    >>> hidden_part(net).predict([[0, 0]]).shape
    (1, 3)
    """
    if len(network.layers) == 1:
        return None
    part = Network(network.layers[:-1], input_shape=network.input_shape, engine=network.engine)
    part.set_parameters(network.everything)
    return part


def hidden_features(network: Network) -> Callable[[np.ndarray], np.ndarray]:
    """From rows (n, inputs) to what the last hidden layer makes of them, (n, units)."""
    trunk = hidden_part(network)
    if trunk is None:
        return lambda encoded: encoded
    return lambda encoded: trunk.predict(encoded).reshape(len(encoded), -1)
