"""How good the model is, next to always giving the same answer."""

from __future__ import annotations

from chainrule.plots.reporting.evidence import Evidence
from chainrule.plots.reporting.markup import Markup, element, join, quantity, table

__all__ = ["headline", "section"]

_BETTER = {"accuracy", "balanced accuracy", "R²"}  # the larger the better


def headline(evidence: Evidence) -> Markup:
    """The score of the title next to the dummy's, large."""
    first = evidence.scores[0]
    return element(
        "dl",
        _tile(f"test {first.name}", quantity(first.model, ".3f"), "this model"),
        _tile(f"test {first.name}", quantity(first.dummy, ".3f"), f"always {evidence.always}"),
        class_="tiles",
    )


def _tile(name: str, value: Markup, of: str) -> Markup:
    return element("div", element("dt", name), element("dd", value, element("small", of)))


def section(evidence: Evidence) -> Markup:
    """Every score of model and dummy; for classes how sure the accuracy is."""
    rows = [
        (score.name, quantity(score.model), quantity(score.dummy), _arrow(score.name))
        for score in evidence.scores
    ]
    head = ("score", "this model", f"always {evidence.always}", "better is")
    return join(
        element("p", _sentence(evidence)),
        table("Scores on the test rows", head, rows),
        None
        if evidence.training
        else element("p", "The dummy learnt from the test rows: no training rows were given.",
                     class_="note"),
    )  # fmt: skip


def _arrow(name: str) -> str:
    return "higher" if name in _BETTER else "lower"


def _sentence(evidence: Evidence) -> Markup:
    n = len(evidence.y)
    if not evidence.classifies:
        error = evidence.scores[2]
        return join(
            f"On {n:,} rows that it had not seen the model is off by ",
            quantity(error.model),
            " on average; always answering with the mean is off by ",
            quantity(error.dummy),
            ".",
        )
    from scipy.stats import binomtest

    right = int((evidence.predicted == evidence.y).sum())
    sure = binomtest(right, n).proportion_ci(method="wilson")
    return join(
        f"Of {n:,} rows that it had not seen the model gets {right:,} right. With so many rows the "
        f"accuracy is known to lie between ",
        quantity(float(sure.low), ".3f"),
        " and ",
        quantity(float(sure.high), ".3f"),
        " (Wilson’s interval, 95 %).",
    )
