"""What goes into a network estimator, and what its hidden layers make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from chainrule.data.frames import Table
from chainrule.data.matrices import as_weights
from chainrule.data.targets import read_known_targets
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
    groups : ndarray of shape (n,), or None
    known : ndarray of int, or None
        The rows that have a target; all of them if None. `y` is of no meaning in others.
    """

    table: Table
    y: np.ndarray
    name: str | None
    weights: np.ndarray | None
    groups: np.ndarray | None = None
    known: np.ndarray | None = None

    @classmethod
    def read(cls, X: Any, y: Any, sample_weight: Any, groups: Any = None) -> Self:
        """Checked tables, targets, weights and groups.

        Raises
        ------
        DataError
            If they do not fit together.

        Warns
        -----
        LeftOutWarning
            If the target is missing in some rows.
        """
        table, (targets, name, known) = Table.read(X), read_known_targets(y)
        if len(targets) != table.rows:
            raise DataError(f"X has {table.rows} rows and y has {len(targets)}: they must agree.")
        kept = None if groups is None else np.asarray(groups)
        if kept is not None and kept.shape != (table.rows,):
            raise DataError(f"groups has shape {kept.shape}: expected ({table.rows},).")
        return cls(table, targets, name, as_weights(sample_weight, table.rows), kept, known)

    @cached_property
    def used(self) -> np.ndarray:
        """The rows that count, in their order."""
        rows = np.arange(self.table.rows) if self.known is None else self.known
        used = rows if self.weights is None else rows[self.weights[rows, 0] > 0]
        if not len(used):
            raise DataError("every row that has a target weighs 0: there is nothing to learn from.")
        return used

    @property
    def used_groups(self) -> np.ndarray | None:
        """Groups of the rows that count."""
        return None if self.groups is None else self.groups[self.used]


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
