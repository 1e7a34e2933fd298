"""How exact the activations are: ``python -m benchmarks.accuracy`` writes docs/accuracy.md.

Values and slopes come out of the engines as a training step computes them; what is exact comes from
`benchmarks.textbook` in 50 digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

import mpmath
import numpy as np

import chainrule as cr
from benchmarks.markdown import paragraph, table
from benchmarks.textbook import SLOPES, VALUES, Exact
from chainrule.ops import ACTIVATIONS

__all__ = ["PAGE", "SETUPS", "Accuracy", "committed", "measure", "page", "points", "through"]

PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
SETUPS = (
    ("reference", "float64"), ("compiled", "float64"),
    ("reference", "float32"), ("compiled", "float32"),
)  # fmt: skip
DIGITS = 50
TEXT = (
    "`python -m benchmarks.accuracy` makes this page anew; a test holds every activation to it. "
    "Values and slopes are what the engines compute in a training step, on about 1,600 numbers: "
    "0, kinks and their neighbours, the least normal number, 30, 700, 10⁴, uniform ones from −30 "
    "to 30, and log-uniform ones of both signs over all magnitudes up to 10³² (float32) or 10²⁶² "
    "(float64). Exact is the textbook formula in 50 digits at the very same number.",
    "ULP: the largest error in units in the last place of the exact result; 0.5 is perfect "
    "rounding. ε: the largest absolute error in machine epsilons (2⁻⁵² or 2⁻²³).",
    "A slope that is computed from y alone (sigmoid, tanh, elu, selu) lets the engine overwrite z; "
    "its relative error grows without bound where the unit saturates and the slope goes to 0. "
    "What a gradient feels of it is the absolute error, the last column. Values and slopes that "
    "pass through 0 at an unremarkable z (gelu, silu, mish) have large relative errors there for "
    "the same reason, and Φ(z) far to the left turns a rounding error of its argument into z² of "
    "them. The cosine's angle is brought to one turn for angles up to 8192 (2²⁶ in float64); "
    "beyond that its value means nothing. Below the least normal number a result keeps fewer "
    "digits (silu and mish near −723 and −97).",
)
SPECIAL = (0.0, 1.0, 30.0, 700.0, 1e4)


@dataclass(frozen=True)
class Accuracy:
    """The worst errors of one activation on one engine; NaN where there is nothing to tell.

    Attributes
    ----------
    value, slope : float
        In units in the last place of the exact result.
    value_at, slope_at : float
        The z of those errors.
    slope_absolute : float
        Largest absolute error of the slope, in units of the machine epsilon.
    """

    value: float
    value_at: float
    slope: float
    slope_at: float
    slope_absolute: float


@cache
def points(dtype: str) -> np.ndarray:
    """Where the errors are measured: special points, kinks and their neighbours, random ones.

    The random ones are uniform from −30 to 30, log-uniform in a middle range and log-uniform over
    all magnitudes that leave room for a sum, of both signs.
    """
    info, rng = np.finfo(dtype), np.random.default_rng(0)
    far = np.log10(float(info.max)) * 0.85
    size = np.concatenate(
        [
            10 ** rng.uniform(-4, 4, 400),
            10 ** rng.uniform(np.log10(float(info.tiny)), far, 200),
            [*SPECIAL, float(info.tiny), float(info.eps)],
        ]
    )
    z = np.concatenate([size, -size, rng.uniform(-30, 30, 400)]).astype(dtype)
    kinks = np.array(sorted({k for record in ACTIVATIONS.values() for k in record.kinks}), dtype)
    around = [np.nextafter(kinks, end, dtype=dtype) for end in (-np.inf, np.inf)]
    return np.unique(np.concatenate([z, kinks, *around]))


def through(
    name: str, z: np.ndarray, engine: str, dtype: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Value and slope at each number, by a network; both (n,).

    The biases are the numbers, the input is 0. The slope of the absolute error is exactly 1 where
    the output is above its target, so the gradient of a bias is the activation's slope.
    """
    net = cr.Network(
        [cr.Dense(len(z), name)], "absolute_error", input_shape=(1,), engine=engine, dtype=dtype
    )
    net.parameters["0.bias"][...] = z
    value = net.predict(np.zeros((1, 1)))[0]
    if ACTIVATIONS[name].slope is None:
        return value, None
    below = np.full((1, len(z)), -float(np.finfo(dtype).max) / (4 * len(z)))
    return value, net.loss_and_gradients(np.zeros((1, 1)), below)[1]["0.bias"]


@cache
def _exact(name: str, slope: bool, dtype: str) -> list[mpmath.mpf]:
    formula: Exact = (SLOPES if slope else VALUES)[name]
    with mpmath.workdps(DIGITS):
        return [formula(mpmath.mpf(float(x))) for x in points(dtype)]


def measure(name: str, engine: str, dtype: str) -> Accuracy:
    """The worst errors of one activation over all points."""
    value, slope = through(name, points(dtype), engine, dtype)
    worst = _worst(value, _exact(name, False, dtype), dtype)
    if slope is None:
        return Accuracy(*worst[:2], np.nan, np.nan, np.nan)
    return Accuracy(*worst[:2], *_worst(slope, _exact(name, True, dtype), dtype))


def _worst(got: np.ndarray, exact: Sequence[mpmath.mpf], dtype: str) -> tuple[float, float, float]:
    """Largest error in units in the last place, its z, and the largest in machine epsilons."""
    with mpmath.workdps(DIGITS):
        pairs = zip(got, exact, strict=True)
        errors = np.array([float(abs(mpmath.mpf(float(g)) - e)) for g, e in pairs])
    units = errors / np.spacing(np.abs([float(e) for e in exact]).astype(dtype)).astype(float)
    k = int(np.argmax(units))
    at = float(points(dtype)[k]) if units[k] else np.nan
    return float(units[k]), at, errors.max() / float(np.finfo(dtype).eps)


# ------------------------------------------------------------------- the page

HEAD = ["activation", "value: ULP", "at z", "slope: ULP", "at z", "slope: ε"]


def _title(engine: str, dtype: str) -> str:
    return f"## {engine}, {dtype}"


def _cell(number: float) -> str:
    return "" if np.isnan(number) else f"{number:.3g}"


def page(measured: Mapping[tuple[str, str], Mapping[str, Accuracy]]) -> str:
    """All tables as Markdown."""
    parts = ["# Accuracy of the activations", *map(paragraph, TEXT)]
    for setup, accuracies in measured.items():
        rows = [[name, *map(_cell, astuple(a))] for name, a in accuracies.items()]
        parts += [_title(*setup), table(HEAD, rows)]
    return "\n\n".join(parts) + "\n"


def committed(text: str) -> dict[tuple[str, str], dict[str, Accuracy]]:
    """The numbers that a page holds."""
    result: dict[tuple[str, str], dict[str, Accuracy]] = {}
    for part in text.split("\n## ")[1:]:
        lines = part.splitlines()
        engine, dtype = lines[0].split(", ")
        rows = [[c.strip() for c in line.strip("|").split("|")] for line in lines[4:] if line]
        result[engine, dtype] = {
            row[0]: Accuracy(*(float(cell or "nan") for cell in row[1:])) for row in rows
        }
    return result


def main() -> None:
    """Measure everything and write the page."""
    measured = {setup: {name: measure(name, *setup) for name in ACTIVATIONS} for setup in SETUPS}
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(measured), encoding="utf-8")
    print(page(measured))


if __name__ == "__main__":
    main()
