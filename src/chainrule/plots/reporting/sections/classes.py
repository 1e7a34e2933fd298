"""For classes: what is taken for what, how honest the probabilities are, each class by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.plots.reporting.evidence import Evidence
from chainrule.plots.reporting.markup import Cell, Markup, element, join, quantity, table
from chainrule.plots.reporting.pictures import figure
from chainrule.plots.style import GREY, look

__all__ = ["section"]

_BINS = 10
_CLASSES = 30  # a larger matrix is not read
_THIN = {"linewidth": 1.0}


def section(evidence: Evidence) -> Markup | None:
    """Confusion, each class, calibration, and for two classes ROC and precision against recall."""
    if not evidence.classifies:
        return None
    curves = _two_classes(evidence) if len(evidence.labels) == 2 else []
    return join(
        element("h3", "What is taken for what"),
        _confusion(evidence),
        element("h3", "Each class"),
        _each(evidence),
        element("h3", "Probabilities"),
        element("div", _calibration(evidence), curves, class_="figures"),
    )


# ------------------------------------------------------------------- confusion


def _confusion(evidence: Evidence) -> Markup:
    from sklearn.metrics import confusion_matrix

    labels = evidence.labels
    if len(labels) > _CLASSES:
        return element("p", f"{len(labels)} classes: too many for a matrix.", class_="note")
    counts = confusion_matrix(evidence.y, evidence.predicted, labels=labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = [
        (
            str(label),
            *(_count(counts[row, k], shares[row, k], k == row) for k in range(len(labels))),
        )
        for row, label in enumerate(labels.tolist())
    ]
    head = ("true class", *(f"predicted {label}" for label in labels.tolist()))
    caption = "Test rows by true and predicted class, coloured by the share of the true class"
    return table(caption, head, rows)


def _count(count: int, share: float, right: bool) -> Cell:
    kind = "share right" if right else "share wrong"
    return Cell(quantity(int(count), ",d"), kind, f"--share:{share:.3f}")


def _each(evidence: Evidence) -> Markup:
    from sklearn.metrics import precision_recall_fscore_support

    found: Any = precision_recall_fscore_support(
        evidence.y, evidence.predicted, labels=evidence.labels, zero_division=0
    )
    rows = [
        (str(label), *(quantity(float(x), ".3f") for x in scores[:3]), f"{scores[3]:,}")
        for label, *scores in zip(evidence.labels.tolist(), *found, strict=True)
    ]
    caption = "Precision: right among those predicted; recall: found among those there are"
    return table(caption, ("class", "precision", "recall", "F₁", "support"), rows)


# ----------------------------------------------------------------- calibration


def _calibration(evidence: Evidence) -> Markup:
    """Probability against the share that is right, with counts.

    Of the second class where there are two, else of the class that was predicted.
    """
    labels, chances = evidence.labels, evidence.probabilities
    if len(labels) == 2:
        what, p, right = f"the class {labels[1]}", chances[:, 1], evidence.y == labels[1]
    else:
        what, p = "the predicted class", chances.max(axis=1)
        right = labels[chances.argmax(axis=1)] == evidence.y
    rows = _bins(p, right)

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="honest")
        _, mean, share, counts = zip(*rows, strict=True)
        axes.plot(mean, share, marker="o", markersize=5, label="this model", **look(0) | _THIN)
        for x, y, n in zip(mean, share, counts, strict=True):
            below = y > 0.5
            place = {"xytext": (0, -6 if below else 6), "va": "top" if below else "bottom"}
            axes.annotate(f"{n:,}", (x, y), textcoords="offset points", ha="center", **place,
                          fontsize=8)  # fmt: skip
        axes.set(xlabel="probability given", ylabel="share that is so", title="Calibration")
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        axes.legend()

    off = float(np.average([abs(m - s) for _, m, s, _ in rows], weights=[n for *_, n in rows]))
    caption = join(
        f"Probability of {what}, in {_BINS} bins of one width. On average it is off by ",
        quantity(off, ".3f"),
        " (expected calibration error). The numbers in the picture count the rows of a bin.",
    )
    numbers = [(name, quantity(m, ".3f"), quantity(s, ".3f"), f"{n:,}") for name, m, s, n in rows]
    head = ("bin", "mean probability", "share that is so", "rows")
    label = f"Calibration: probability of {what} against the share that is so"
    return figure("calibration", label, draw, caption, data=(head, numbers))


def _bins(p: np.ndarray, right: np.ndarray) -> list[tuple[str, float, float, int]]:
    """Bins that are not empty: name, mean probability, share, rows."""
    places = np.minimum((p * _BINS).astype(int), _BINS - 1)
    return [
        (f"{k / _BINS:g} to {(k + 1) / _BINS:g}", float(p[own].mean(dtype=float)),
         float(right[own].mean()), int(own.sum()))
        for k in range(_BINS)
        if (own := places == k).any()
    ]  # fmt: skip


# ----------------------------------------------------------------- two classes


def _two_classes(evidence: Evidence) -> list[Markup]:
    """ROC, and precision against recall, of the second class."""
    from sklearn import metrics

    positive, p = evidence.y == evidence.labels[1], evidence.probabilities[:, 1]
    name = str(evidence.labels[1])
    if positive.all() or not positive.any():
        return []
    false, true, _ = metrics.roc_curve(positive, p)
    precision, recall, _ = metrics.precision_recall_curve(positive, p)
    area, average = metrics.roc_auc_score(positive, p), metrics.average_precision_score(positive, p)

    def draw_roc(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="by chance")
        axes.plot(false, true, label="this model", **look(0))
        axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC curve")
        axes.legend()

    def draw_precision(axes: Any) -> None:
        axes.axhline(positive.mean(), color=GREY, linestyle=":", label="by chance")
        axes.plot(recall, precision, drawstyle="steps-post", label="this model", **look(1))
        axes.set(xlabel="recall", ylabel="precision", title="Precision against recall")
        axes.set(ylim=(-0.03, 1.03))
        axes.legend()

    return [
        figure(
            "roc",
            f"ROC curve of the class {name}, area {area:.3f}",
            draw_roc,
            join(f"Class {name}: area under the curve ", quantity(float(area), ".4f"),
                 ", 0.5 by chance."),
            data=(("false positive rate", "true positive rate"), _thinned(false, true)),
        ),
        figure(
            "precision-recall",
            f"Precision against recall of the class {name}, average precision {average:.3f}",
            draw_precision,
            join(f"Class {name}: average precision ", quantity(float(average), ".4f"), ", ",
                 quantity(float(positive.mean()), ".3f"), " by chance."),
            data=(("recall", "precision"), _thinned(recall, precision)),
        ),
    ]  # fmt: skip


def _thinned(x: np.ndarray, y: np.ndarray, most: int = 25) -> list[tuple[Markup, Markup]]:
    rows = np.unique(np.linspace(0, len(x) - 1, most).astype(int))
    return [(quantity(float(x[k]), ".3f"), quantity(float(y[k]), ".3f")) for k in rows]
