"""Which rows of the given matrices train and which validate; nothing is copied."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.assembly import TargetForm
from chainrule.engines import Session
from chainrule.errors import DataError, HyperparameterError
from chainrule.network import Network
from chainrule.ops.hyperparameters import hyperparameter

__all__ = ["Division", "split"]


class Division:
    """How the user wants the rows divided: arguments of `train`, checked against n rows.

    Attributes
    ----------
    rows, validation_rows : ndarray of int, or None
    validation : tuple, float or None
    """

    def __init__(self, rows: Any, validation: Any, validation_rows: Any, n: int) -> None:
        if validation is not None and validation_rows is not None:
            raise HyperparameterError("validation and validation_rows were both given: give one.")
        self.rows = _row_numbers("rows", rows, n)
        self.validation_rows = _row_numbers("validation_rows", validation_rows, n)
        self.validation = validation

    def training(self, n: int) -> np.ndarray:
        """The rows to train on if none of them is held out, (m,)."""
        if self.rows is not None:
            return self.rows
        others = () if self.validation_rows is None else self.validation_rows
        return np.delete(np.arange(n), others)


def _row_numbers(name: str, given: Any, n: int) -> np.ndarray | None:
    """Row numbers as an array of int64, or None."""
    if given is None:
        return None
    rows = np.asarray(given)
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or not len(rows):
        raise DataError(
            f"{name} has shape {rows.shape} and type {rows.dtype}: expected one or more row "
            f"numbers, (m,) whole numbers."
        )
    if rows.min() < 0 or rows.max() >= n:
        raise DataError(f"{name} goes from {rows.min()} to {rows.max()}: X has rows 0 to {n - 1}.")
    return rows.astype(np.int64)


def split(
    network: Network,
    data: dict[str, np.ndarray],
    form: TargetForm,
    division: Division,
    seed: int,
) -> tuple[np.ndarray, Session | None]:
    """The rows to train on, and a session over the rows to validate on."""
    validation, rows = division.validation, division.training(len(data["inputs"]))
    if division.validation_rows is not None:
        if not len(rows):
            raise HyperparameterError("validation_rows has all rows: leave some to train on.")
        return rows, _session(network, data, form, division.validation_rows)
    if validation is None:
        return rows, None
    if isinstance(validation, tuple):
        return rows, _session_elsewhere(network, validation)
    hyperparameter("validation_fraction", name="validation").check(validation)
    held = max(1, round(len(rows) * validation))
    if held >= len(rows):
        raise HyperparameterError(
            f"validation = {validation} of {len(rows)} rows leaves none to train on: give more "
            f"rows."
        )
    order = rows[np.random.default_rng([seed, 1]).permutation(len(rows))]
    return np.sort(order[held:]), _session(network, data, form, np.sort(order[:held]))


def _session(
    network: Network, data: dict[str, np.ndarray], form: TargetForm, rows: np.ndarray
) -> Session:
    return network.evaluation_session(data, form, network.batches(rows))


def _session_elsewhere(network: Network, validation: tuple[Any, ...]) -> Session:
    """A session over matrices of their own, (X, y) or (X, y, sample_weight)."""
    if len(validation) not in (2, 3):
        raise DataError(
            f"validation has {len(validation)} parts: expected (X, y), (X, y, sample_weight) "
            f"or a share of the rows, such as 0.1."
        )
    try:
        other, form = network.bind(*validation)
    except DataError as error:
        raise DataError(f"validation: {error}") from None
    return _session(network, other, form, np.arange(len(other["inputs"])))
