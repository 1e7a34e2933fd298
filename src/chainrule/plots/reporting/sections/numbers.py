"""For numbers: predicted against true, and what the errors look like."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.plots.reporting.evidence import Evidence
from chainrule.plots.reporting.markup import Markup, element, join, quantity, table
from chainrule.plots.reporting.pictures import MOST_POINTS, figure
from chainrule.plots.style import GREY, look

__all__ = ["section"]

_QUANTILES = 0.05, 0.25, 0.5, 0.75, 0.95
_DOT = {"linestyle": "", "marker": "o", "markersize": 4, "alpha": 0.55, "markeredgewidth": 0}


def section(evidence: Evidence) -> Markup | None:
    """Predicted against true, residuals, and the quantiles of the error."""
    if evidence.classifies:
        return None
    residuals = np.asarray(evidence.predicted - evidence.y, float)
    rows = np.arange(len(residuals))
    few = len(rows) > MOST_POINTS
    if few:
        rows = np.random.default_rng(0).choice(rows, MOST_POINTS, replace=False)
    note = f"The clouds show {MOST_POINTS} of {len(residuals):,} rows, drawn at random."
    return join(
        element("p", "The error of a row is predicted − true: above 0 the model says too much."),
        element(
            "div",
            _against_true(evidence, rows),
            _histogram(residuals),
            _against_predicted(evidence, residuals, rows),
            _quantiles(residuals),
            class_="figures",
        ),
        element("p", note, class_="note") if few else None,
    )


def _against_true(evidence: Evidence, rows: np.ndarray) -> Markup:
    def draw(axes: Any) -> None:
        both = np.concatenate([evidence.y, evidence.predicted])
        ends = [float(both.min()), float(both.max())]
        axes.plot(ends, ends, color=GREY, linestyle=":", label="exactly right")
        axes.plot(evidence.y[rows], evidence.predicted[rows], color=look(0)["color"], **_DOT)
        axes.set(xlabel="true", ylabel="predicted", title="Predicted against true")
        axes.legend()

    r = float(np.corrcoef(evidence.y, evidence.predicted)[0, 1]) if _vary(evidence) else 0.0
    caption = join("On the line the model is exactly right. Correlation ", quantity(r, ".3f"), ".")
    return figure("true", f"Predicted against true, correlation {r:.3f}", draw, caption)


def _vary(evidence: Evidence) -> bool:
    return bool(np.ptp(evidence.y) > 0 and np.ptp(evidence.predicted) > 0)


def _histogram(residuals: np.ndarray) -> Markup:
    heights, edges = np.histogram(residuals, min(30, max(5, int(len(residuals) ** 0.5))))

    def draw(axes: Any) -> None:
        axes.stairs(heights, edges, fill=True, color=look(0)["color"], alpha=0.75)
        axes.axvline(0, color=GREY, linestyle=":")
        axes.set(xlabel="predicted − true", ylabel="rows", title="Errors")

    mean, spread = float(residuals.mean()), float(residuals.std())
    caption = join("Mean ", quantity(mean), ", standard deviation ", quantity(spread), ".")
    numbers = [
        (join(quantity(float(a)), " to ", quantity(float(b))), f"{n:,}")
        for a, b, n in zip(edges, edges[1:], heights, strict=False)
    ]
    label = f"Histogram of the errors, mean {mean:.3g}, standard deviation {spread:.3g}"
    return figure("errors-histogram", label, draw, caption, data=(("error", "rows"), numbers))


def _against_predicted(evidence: Evidence, residuals: np.ndarray, rows: np.ndarray) -> Markup:
    def draw(axes: Any) -> None:
        axes.axhline(0, color=GREY, linestyle=":")
        axes.plot(evidence.predicted[rows], residuals[rows], color=look(1)["color"], **_DOT)
        axes.set(xlabel="predicted", ylabel="predicted − true", title="Error against prediction")

    order = np.argsort(evidence.predicted)
    thirds = [float(np.abs(residuals[part]).mean()) for part in np.array_split(order, 3)
              if len(part)]  # fmt: skip
    caption = join("Mean absolute error where the prediction is lowest to highest, in thirds: ",
                   *_listed(thirds), ".")  # fmt: skip
    return figure("errors-cloud", "Error against prediction", draw, caption)


def _listed(values: list[float]) -> list[Any]:
    return [part for value in values for part in (", ", quantity(value))][1:]


def _quantiles(residuals: np.ndarray) -> Markup:
    both = np.quantile([residuals, np.abs(residuals)], _QUANTILES, axis=1)
    rows = [
        (f"{share:.0%}", *(quantity(float(value)) for value in pair))
        for share, pair in zip(_QUANTILES, both, strict=True)
    ]
    caption = "Quantiles on the test rows: this share of the rows has a smaller error"
    return table(caption, ("share", "error", "absolute error"), rows)
