"""Permutation importance: how much worse the model is when a column is shuffled."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.plots.reporting.evidence import Evidence
from chainrule.plots.reporting.markup import Markup, element, join, quantity
from chainrule.plots.reporting.permutation import REPEATS
from chainrule.plots.reporting.pictures import BLACK, figure
from chainrule.plots.style import look

__all__ = ["section"]

_SHOWN = 20
_LETTERS = 24


def section(evidence: Evidence) -> Markup:
    """The most important columns as bars with error bars, all of them as a table."""
    found, count = evidence.importances
    order = np.argsort(-found.importances_mean)
    mean, spread = found.importances_mean[order], found.importances_std[order]
    titles = [evidence.title(evidence.names[k]) for k in order]
    metric = evidence.scores[0].name
    shown = min(len(titles), _SHOWN)
    rows = [
        (title, quantity(float(m)), quantity(float(s)))
        for title, m, s in zip(titles, mean, spread, strict=True)
    ]

    def draw(axes: Any) -> None:
        _bars(axes, titles[:shown], mean[:shown], spread[:shown])
        axes.set(xlabel=f"fall of the {metric}")
        axes.set_title("Permutation importance")

    few = "" if count == len(evidence.y) else f", {count:,} of them drawn at random"
    story = (
        f"How far the {metric} on the test rows{few} falls when the values of one column are "
        f"shuffled among the rows: mean and standard deviation of {REPEATS} shuffles. Columns "
        f"that say the same thing share their importance."
    )
    label = f"Permutation importance of {shown} columns, the largest {titles[0]}, {mean[0]:.3g}"
    return join(
        element("p", story),
        figure(
            "importance",
            label,
            draw,
            f"The {shown} most important of {len(titles):,} columns." if shown < len(titles)
            else "All columns.",
            size=(5.2, 1.0 + 0.22 * shown),
            data=(("column", "mean fall", "standard deviation"), rows[:200]),
        ),
    )  # fmt: skip


def _bars(axes: Any, titles: list[str], mean: np.ndarray, spread: np.ndarray) -> None:
    places = np.arange(len(titles))
    error = {"ecolor": BLACK, "elinewidth": 1.4, "capsize": 3}
    axes.barh(places, mean, 0.62, xerr=spread, color=look(0)["color"], error_kw=error)
    axes.set_yticks(places, [_short(title) for title in titles])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _short(title: str) -> str:
    return title if len(title) <= _LETTERS else title[: _LETTERS - 1] + "…"
