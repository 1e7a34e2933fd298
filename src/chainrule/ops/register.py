"""Your own activation or loss: one call, checked, and every engine and layer knows it.

A slope is compared with centred differences before it is accepted, as 003 (snippet 2.1) does for
a whole network; a wrong one is refused with the point where it is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import numpy as np

from chainrule.errors import HyperparameterError
from chainrule.ops.activations import ACTIVATIONS, ActivationFunction
from chainrule.ops.expression import Expression, evaluate
from chainrule.ops.losses import LOSSES, Loss, Targets

__all__ = ["register_activation", "register_loss", "wrong_slope"]

_STEP = 1e-5
_TOLERANCE = 1e-6


def _differences(value: Callable[[np.ndarray], np.ndarray], z: np.ndarray) -> np.ndarray:
    return (value(z + _STEP) - value(z - _STEP)) / (2 * _STEP)


def wrong_slope(record: ActivationFunction) -> tuple[float, float, float] | None:
    """Where a slope disagrees with centred differences.

    Returns
    -------
    tuple of float or None
        (z, slope as written, slope by differences) at the worst point; None if all agree.
    """
    z = np.concatenate([np.linspace(-8, 8, 641) + 0.00123, [-50.0, 50.0]])[:, None]
    z = z[np.min(np.abs(z - np.array([*record.kinks, inf])), axis=1) > 10 * _STEP]
    settings = record.all_settings

    def value(at: np.ndarray) -> np.ndarray:
        return evaluate(record.value_expression, {"z": at, **settings}) + np.zeros_like(at)

    written = evaluate(record.slope_expression, {"z": z, "y": value(z), **settings})
    return _worst(z, written + np.zeros_like(z), _differences(value, z))


def _worst(
    z: np.ndarray, written: np.ndarray, true: np.ndarray
) -> tuple[float, float, float] | None:
    error = np.abs(written - true) / np.maximum(1, np.abs(true))
    error[~np.isfinite(error)] = inf
    place = np.unravel_index(np.argmax(error), error.shape)
    if error[place] <= _TOLERANCE:
        return None
    return float(z[place]), float(written[place]), float(true[place])


def _refuse(kind: str, name: str, found: tuple[float, float, float] | None) -> None:
    if found is not None:
        z, written, true = found
        raise HyperparameterError(
            f"{kind} '{name}': the slope is wrong at z = {z:.6g}: it says {written:.6g}, centred "
            f"differences say {true:.6g}. Correct the slope, or name the kink there in kinks=."
        )


def _free(kind: str, name: str, table: dict[str, Any]) -> None:
    if name in table:
        raise HyperparameterError(f"{kind} '{name}' exists already: choose another name.")


def register_activation(
    name: str,
    value: Callable[[Any], Any],
    slope: Callable[[Any, Any], Any],
    *,
    formula: str = "",
    slope_formula: str = "",
    range: tuple[float, float] = (-inf, inf),
    kinks: Sequence[float] = (),
    source: str = "",
) -> ActivationFunction:
    """Make an activation of your own known by `name`.

    Parameters
    ----------
    name : str
    value : callable
        ``value(z)``, elementwise, over the functions of `chainrule.ops` (``exp``, ``where`` …).
    slope : callable
        ``slope(z, y)`` with ``y = value(z)``.
    formula, slope_formula, range, kinks, source
        For tables and plots; `kinks` are left out of the check.

    Returns
    -------
    ActivationFunction

    Raises
    ------
    HyperparameterError
        If the name is taken or the slope is wrong; the message names the point.

    Examples
    --------
    >>> from chainrule import ops
    >>> bent = ops.register_activation(
    ...     "bent_identity",
    ...     lambda z: (ops.sqrt(z * z + 1) - 1) / 2 + z,
    ...     lambda z, y: z / (2 * ops.sqrt(z * z + 1)) + 1,
    ... )
    >>> bent.slope_reads
    ('z',)
    """
    _free("activation", name, ACTIVATIONS)
    record = ActivationFunction(
        name, value, slope, formula, slope_formula, range, tuple(kinks), source=source
    )
    _refuse("activation", name, wrong_slope(record))
    ACTIVATIONS[name] = record
    return record


def _identity(z: Any) -> Any:
    return z


def register_loss(
    name: str,
    value: Callable[[Any, Any], Any],
    slope: Callable[[Any, Any], Any],
    *,
    link: Callable[[Any], Any] = _identity,
    targets: Targets = "numbers",
    formula: str = "",
    slope_formula: str = "",
    source: str = "",
) -> Loss:
    """Make a loss of your own known by `name`.

    Parameters
    ----------
    name : str
    value : callable
        ``value(z, t)`` with scores and targets (rows, outputs): one number a row, so it ends in
        a `row_sum` or `row_max`.
    slope : callable
        ``slope(z, t)`` = ∂value/∂z, (rows, outputs).
    link : callable
        Scores to predictions.
    targets : {"classes", "numbers", "fractions", "counts", "positive"}
    formula, slope_formula, source
        For tables.

    Raises
    ------
    HyperparameterError
        If the name is taken, or the slope is wrong; the message names the score.

    Examples
    --------
    >>> from chainrule import ops
    >>> quartic = ops.register_loss(
    ...     "quartic",
    ...     lambda z, t: ops.row_sum((z - t) ** 4),
    ...     lambda z, t: 4 * (z - t) ** 3,
    ... )
    >>> quartic.metric_name
    'quartic'
    """
    _free("loss", name, LOSSES)
    record = Loss(name, value, slope, link, targets, name, value, formula, slope_formula, source)
    _refuse("loss", name, wrong_loss_slope(record))
    LOSSES[name] = record
    return record


def wrong_loss_slope(record: Loss) -> tuple[float, float, float] | None:
    """Where the slope of a loss disagrees with centred differences: (z, written, true) or None."""
    rng = np.random.default_rng(0)
    z = rng.normal(scale=2, size=(64, 3))
    t = _targets_like(record, rng)
    true = np.empty_like(z)
    for column in range(3):
        shift = np.zeros(3)
        shift[column] = _STEP
        high, low = (_value(record, record.value_expression, z + s, t) for s in (shift, -shift))
        true[:, [column]] = (high - low) / (2 * _STEP)
    return _worst(z, _value(record, record.slope_expressions[0], z, t) + 0 * z, true)


def _value(record: Loss, tree: Expression, z: np.ndarray, t: np.ndarray) -> np.ndarray:
    return evaluate(tree, {"z": z, "t": t, **record.all_settings})


def _targets_like(record: Loss, rng: np.random.Generator) -> np.ndarray:
    if record.targets == "numbers":
        return rng.normal(scale=2, size=(64, 3))
    if record.targets == "fractions":
        return rng.uniform(size=(64, 3))
    if record.targets == "counts":
        return rng.poisson(2.0, size=(64, 3)).astype(float)
    if record.targets == "positive":
        return rng.exponential(size=(64, 3))
    return rng.dirichlet(np.ones(3), size=64)
