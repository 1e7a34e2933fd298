"""Training data that are augmented anew for each epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.assembly import TargetForm
from chainrule.data.augmentation import Augmentation, as_augmentation
from chainrule.data.matrices import finite
from chainrule.errors import DataError, NetworkError
from chainrule.network import Network

__all__ = ["AugmentedData", "prepared"]

_SALT = 3  # sets the draws apart from those of the split (1) and of estimators (2)


@dataclass(frozen=True)
class AugmentedData:
    """The training rows and what changes them.

    Attributes
    ----------
    network : Network
    augment : callable
    data : dict
        The user's matrices, (n, columns) each; never written to.
    rows : ndarray of int64
        The rows to train on, (m,); the others are never seen, mixed in neither.
    indices : bool
        Whether the targets are class indices.
    seed : int
    """

    network: Network
    augment: Augmentation
    data: dict[str, np.ndarray]
    rows: np.ndarray
    indices: bool
    seed: int

    def epoch(self, number: int) -> dict[str, np.ndarray]:
        """Inputs and targets of an epoch, (m, columns) each: the same for the same number."""
        kind, net = self.network.engine.dtype, self.network
        flat = self.data["inputs"][self.rows].astype(kind, copy=False)  # rows by number: a copy
        X, y = flat.reshape(len(flat), *net.input_shape), self._targets(kind)
        rng = np.random.default_rng([self.seed, number, _SALT])
        results = self.augment(X, y, rng)
        if not isinstance(results, tuple) or len(results) != 2:
            raise DataError(f"augment gave {type(results).__name__}: expected a pair, (X, y).")
        names, given = ("X", "y"), (X.shape, y.shape)
        made = [_checked(*part, kind) for part in zip(names, results, given, strict=True)]
        return {"inputs": made[0].reshape(flat.shape), "targets": made[1].reshape(y.shape)}

    def _targets(self, kind: np.dtype) -> np.ndarray:
        """Class probabilities or numbers, (m, outputs)."""
        targets = self.data["targets"][self.rows]
        if self.indices:
            targets = targets == np.arange(self.network.outputs)
        return targets.astype(kind, copy=False)

    def session_data(self) -> dict[str, np.ndarray]:
        """What a session over all m rows starts with, (m, columns) each."""
        return {name: values[self.rows] for name, values in self.data.items()} | self.epoch(0)


def prepared(
    network: Network,
    augment: Any,
    data: dict[str, np.ndarray],
    form: TargetForm,
    rows: np.ndarray,
    seed: int,
) -> tuple[AugmentedData | None, dict[str, np.ndarray], TargetForm, np.ndarray]:
    """The augmented data, if any, and the data, form and rows for the training session."""
    if augment is None:
        return None, data, form, rows
    if network.tokens:
        raise NetworkError(
            "augment changes numbers, this network reads tokens: change the text before training."
        )
    if len(network.losses) > 1 or len(network.output_shape) > 1:
        raise NetworkError(
            "augment needs one target for each row; this network has several tasks or a target at "
            "each step: change the data before training instead."
        )
    (indices,) = form.indices
    fresh = AugmentedData(network, as_augmentation(augment), data, rows, indices, seed)
    return fresh, fresh.session_data(), replace(form, indices=(False,)), np.arange(len(rows))


def _checked(name: str, values: Any, shape: tuple[int, ...], kind: np.dtype) -> np.ndarray:
    array = np.asarray(values)
    if array.shape != shape:
        raise DataError(
            f"augment gave {name} of shape {array.shape}: expected {shape}, as it was given."
        )
    flat = np.ascontiguousarray(array, kind).reshape(len(array), -1)
    return finite(flat, f"the augmented {name}")
