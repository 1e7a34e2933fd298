"""`check_gradients`: the backward pass against centred differences (003, snippet 2.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.engines import Engine
from chainrule.network import Network

__all__ = ["GradientReport", "check_gradients"]

TOLERANCE = 1e-6
_STEP = 1e-5
_LONG_STEP = 5e-4
_ROUNDING = 1e-15  # of a loss that is a sum of many numbers, relative


@dataclass(frozen=True)
class GradientReport:
    """What a gradient check found.

    Attributes
    ----------
    passed : bool
        Whether every relative error, less what rounding of the loss explains, is at most
        `tolerance`.
    worst : float
        Worst relative error as it is, |written − differences| over the larger of the two; entries
        far below the layer's largest gradient are measured against a thousandth of that.
    where : str
        Parameter and entry, such as ``"0.weight[3, 1]"``.
    errors : dict of str to float
        Worst relative error of each parameter.
    checked : int
        Entries compared.
    tolerance : float
    """

    passed: bool
    worst: float
    where: str
    errors: dict[str, float] = field(default_factory=dict)
    checked: int = 0
    tolerance: float = TOLERANCE

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "FAILED"
        lines = [
            f"gradient check {verdict}: worst relative error {self.worst:.1e} at {self.where} "
            f"({self.checked} entries, tolerance {self.tolerance:.0e})"
        ]
        width = max(map(len, self.errors))
        lines += [f"  {name:<{width}}  {error:.1e}" for name, error in self.errors.items()]
        return "\n".join(lines)


def check_gradients(
    network: Network,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    engine: str | Engine = "reference",
    most: int = 200,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> GradientReport:
    """Compare the gradient of every parameter with centred differences, in float64.

    ∂L/∂θ ≈ (L(θ + h) − L(θ − h)) / 2h with h = 1e-5; the error of the formula falls with h².
    Where that does not agree it is repeated: with a longer step and Richardson's correction, as
    rounding hides a small gradient, then with smaller ones, as a kink may lie between the points.
    What the rounding of the losses alone can bring about, some 1e-10 for a loss near 1, is no
    error: a gradient may be 0.

    Parameters
    ----------
    network : Network
        Its own numbers are not changed: a float64 twin is checked.
    X : array-like of shape (n, inputs)
        A few rows are enough.
    y : array-like of shape (n,) or (n, outputs)
    sample_weight : array-like of shape (n,), optional
    engine : {"reference", "compiled"} or Engine
        Whose gradients to check.
    most : int
        Entries to check in each parameter; larger ones are sampled.
    tolerance : float
    seed : int
        Of the sample.

    Returns
    -------
    GradientReport

    Examples
    --------
    >>> import chainrule as cr, numpy as np
    >>> net = cr.Network([cr.Dense(4, "tanh"), cr.Dense(3)], "cross_entropy", input_shape=(2,))
    >>> cr.check_gradients(net, np.eye(2), [0, 2]).passed
    True
    """
    twin = network.with_engine(engine, "float64" if isinstance(engine, str) else None)
    _, gradients = twin.loss_and_gradients(X, y, sample_weight)
    written = {name: g.copy() for name, g in gradients.items()}
    rng = np.random.default_rng(seed)
    errors, worst, where, checked, passed = {}, 0.0, "no entry", 0, True
    for name, own in twin.parameters.items():
        entries = rng.permutation(own.size)[:most]
        scale = 1e-3 * float(np.max(np.abs(written[name]))) + 1e-10
        found = [
            _error(twin, (X, y, sample_weight), own.reshape(-1), entry, float(g), scale, tolerance)
            for entry, g in zip(entries, written[name].reshape(-1)[entries], strict=True)
        ]
        judged, raw = zip(*found, strict=True)
        passed = passed and max(judged) <= tolerance
        errors[name], checked = max(raw), checked + len(found)
        if errors[name] > worst or where == "no entry":
            worst = errors[name]
            place = np.unravel_index(entries[int(np.argmax(raw))], own.shape)
            where = f"{name}[{', '.join(str(int(k)) for k in place)}]"
    return GradientReport(passed, worst, where, errors, checked, tolerance)


def _error(
    twin: Network,
    data: tuple[Any, Any, Any],
    flat: np.ndarray,
    entry: int,
    written: float,
    scale: float,
    tolerance: float,
) -> tuple[float, float]:
    """Relative error of one entry, less what rounding explains, and as it is.

    `flat` is the parameter's own memory.
    """
    kept, largest = float(flat[entry]), 0.0
    errors: list[tuple[float, float]] = []

    def loss(place: float) -> float:
        nonlocal largest
        flat[entry] = place
        found = twin.evaluate(*data)
        value = found["loss"] + found.get("penalty", 0.0)
        largest = max(largest, abs(value))
        return value

    def centred(step: float) -> float:
        return (loss(kept + step) - loss(kept - step)) / (2 * step)

    for step, attempt in (
        (_STEP, centred),
        # Where the gradient is small against the loss, rounding shows: a longer step, corrected.
        (_LONG_STEP, lambda step: (4 * centred(step) - centred(2 * step)) / 3),
        (_STEP / 10, centred),
        (_STEP / 100, centred),
    ):
        differences = attempt(step)
        flat[entry] = kept
        size = max(abs(written), abs(differences), scale)
        rounding = _ROUNDING * largest / step
        error = abs(written - differences)
        errors.append((max(0.0, error - rounding) / size, error / size))
        if errors[-1][0] <= tolerance:
            break
    return min(errors)
