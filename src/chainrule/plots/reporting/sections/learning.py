"""Learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.plots.curves import LossCurvesDisplay
from chainrule.plots.reporting.evidence import Evidence
from chainrule.plots.reporting.markup import Markup, details, element, join, quantity, table
from chainrule.plots.reporting.pictures import figure
from chainrule.plots.style import GREY, look
from chainrule.training import History

__all__ = ["section"]

_LINES = 60  # of the table of epochs: as many as a reader may scan


def section(evidence: Evidence) -> Markup | None:
    """Loss, metric and learning rate by epoch, if the model still knows them."""
    history = getattr(evidence.model, "history_", None)
    if history is None or not len(history):
        return None
    scaled = "" if evidence.classifies else " Losses are those of the standardised target."
    varies = len(set(history.learning_rate)) > 1
    return join(
        element("p", _story(history) + scaled + ("" if varies else _steady(history))),
        element(
            "div",
            _curves(history, "loss", "loss"),
            _curves(history, "metric", history.metric_name),
            _rates(history) if varies else None,
            class_="figures",
        ),
        details("Numbers of each epoch", _table(history)),
    )


def _story(history: History) -> str:
    why = f"; {history.stopped}" if history.stopped else ""
    text = f"{len(history):,} epochs in {sum(history.seconds):.3g} s{why}."
    if history.validation_loss and history.best_epoch:
        text += f" The weights are those of epoch {history.best_epoch:,}, the best on the "
        return text + "validation rows."
    return text + " There were no validation rows: the weights are those of the last epoch."


def _steady(history: History) -> str:
    rates = history.learning_rate
    return f" The learning rate was {rates[-1]:.3g} in every epoch." if rates else ""


def _curves(history: History, quantity_: Any, name: str) -> Markup:
    display = LossCurvesDisplay.from_history(history, quantity_)
    best = (history.best_epoch or len(history)) - 1
    caption: list[Any] = [f"At epoch {best + 1:,}: training ", quantity(display.training[best])]
    if len(display.validation):
        caption += [", validation ", quantity(display.validation[best])]
    label = f"{name} by epoch, from {display.training[0]:.3g} to {display.training[-1]:.3g}"
    return figure(f"curve-{quantity_}", label.capitalize(), display.plot, join(*caption, "."))


def _rates(history: History) -> Markup:
    rates = np.array(history.learning_rate)

    def draw(axes: Any) -> None:
        axes.plot(np.arange(1, len(rates) + 1), rates, **look(2))
        if history.best_epoch and history.validation_loss:
            axes.axvline(history.best_epoch, color=GREY, linestyle=":")
        axes.set(xlabel="epoch", ylabel="learning rate", title="Learning rate by epoch")
        axes.set_ylim(bottom=0)
        axes.xaxis.get_major_locator().set_params(integer=True)

    course = f"from {rates[0]:.3g} to {rates[-1]:.3g}"
    return figure(
        "curve-rate", f"Learning rate by epoch, {course}", draw, f"{course}.".capitalize()
    )


def _table(history: History) -> Markup:
    """Every epoch; of many as many as a reader may scan, the best and the last included."""
    columns = history.to_dict()
    n = len(history)
    rows = np.unique(np.linspace(0, n - 1, min(n, _LINES)).astype(int)).tolist()
    if history.best_epoch:
        rows = sorted({*rows, history.best_epoch - 1})
    title = "Epochs" if len(rows) == n else f"{len(rows)} of {n:,} epochs"
    return table(title, list(columns), [_line(columns, row, history.best_epoch) for row in rows])


def _line(columns: dict[str, list[Any]], row: int, best: int | None) -> Sequence[Any]:
    epoch, *rest = (values[row] for values in columns.values())
    return [f"{epoch}, best" if epoch == best else str(epoch), *map(quantity, rest)]
