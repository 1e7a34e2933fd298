"""Hyper-parameters: name, default, interval (or options) and meaning, each written once.

Estimators, optimizers, layers and the command line read the records here; none repeats a number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from chainrule.errors import HyperparameterError

__all__ = [
    "CHOICES",
    "HYPERPARAMETERS",
    "Choice",
    "Hyperparameter",
    "Interval",
    "check",
    "hyperparameter",
]


@dataclass(frozen=True)
class Interval:
    """An interval of numbers, written as in mathematics: "(0, 1]".

    Examples
    --------
    >>> 0 in Interval("(0, 1]"), 1 in Interval("(0, 1]")
    (False, True)
    """

    text: str

    def __contains__(self, x: float) -> bool:
        low, high = (float(part) for part in self.text[1:-1].split(","))
        above = x >= low if self.text[0] == "[" else x > low
        below = x <= high if self.text[-1] == "]" else x < high
        return above and below

    def __str__(self) -> str:
        return self.text.replace("inf", "∞")


@dataclass(frozen=True)
class Hyperparameter:
    """One hyper-parameter: its name, default, interval, meaning, unit and source."""

    name: str
    default: Any
    interval: Interval
    meaning: str
    unit: str = ""
    source: str = ""
    whole: bool = False

    def check(self, value: object) -> None:
        """Raise `HyperparameterError` naming the interval unless `value` lies in it."""
        number = isinstance(value, int | float) or hasattr(value, "__float__")
        fits = number and not isinstance(value, bool | str)
        if fits:
            x = float(value)  # type: ignore[arg-type]
            fits = not math.isnan(x) and x in self.interval and not (self.whole and x % 1)
        if not fits:
            kind = "a whole number" if self.whole else "a number"
            raise HyperparameterError(
                f"{self.name} = {value!r} is not possible: give {kind} in {self.interval} "
                f"({self.meaning}{'' if self.default is None else f'; default {self.default}'})."
            )


@dataclass(frozen=True)
class Choice:
    """A hyper-parameter that is one of a few words: its name, default, options and meaning."""

    name: str
    default: str
    options: tuple[str, ...]
    meaning: str
    source: str = ""

    def check(self, value: object) -> None:
        """Raise `HyperparameterError` listing the options unless `value` is one of them."""
        if not isinstance(value, str) or value not in self.options:
            raise HyperparameterError(
                f"{self.name} = {value!r} is not possible: give {_listed(self.options)} "
                f"({self.meaning}; default {self.default!r})."
            )


def _listed(options: tuple[str, ...]) -> str:
    """The options as a sentence has them: ``'a', 'b' or 'c'``."""
    *first, last = map(repr, options)
    return f"{', '.join(first)} or {last}"


def _table(*records: Hyperparameter) -> dict[str, Hyperparameter]:
    table = {record.name: record for record in records}
    assert len(table) == len(records), "two hyper-parameters have one name"
    return table


def _record(name: str, default: Any, interval: str, meaning: str, **more: Any) -> Hyperparameter:
    return Hyperparameter(name, default, Interval(interval), meaning, **more)


HYPERPARAMETERS = _table(
    _record("learning_rate", 1e-3, "(0, inf)", "size of one update", source="002"),
    _record("momentum", 0.9, "[0, 1)", "share of the last update that is kept", source="002"),
    _record("decay", 0.9, "[0, 1)", "memory of the mean squared gradient", source="002"),
    _record("beta1", 0.9, "[0, 1)", "memory of the mean gradient", source="arXiv 1412.6980"),
    _record("beta2", 0.999, "[0, 1)", "memory of the mean squared gradient",
            source="arXiv 1412.6980"),
    _record("epsilon", 1e-8, "(0, inf)", "keeps the update finite where gradients are 0"),
    _record("weight_decay", 0.0, "[0, inf)", "shrinks weights by this share of the learning rate",
            source="arXiv 1711.05101"),
    _record("penalty", 0.0, "[0, inf)", "strength θ of a penalty", source="001"),
    _record("clip", None, "(0, inf)", "longest gradient, over all parameters",
            source="arXiv 1211.5063"),
    _record("averaging", None, "[0, 1)", "memory of the mean of the weights"),
    _record("statistics_memory", 0.9, "[0, 1)", "memory of the running mean and variance",
            source="arXiv 1502.03167"),
    _record("keep", 0.8, "(0, 1]", "probability that dropout keeps a unit", source="001"),
    _record("deviation", 0.01, "(0, inf)", "standard deviation of small normal weights",
            source="003"),
    _record("batch_size", 32, "[1, inf)", "rows in one update", unit="rows", whole=True),
    _record("epochs", 10, "[1, inf)", "passes over the training rows", whole=True),
    _record("units", 64, "[1, inf)", "outputs of a layer", whole=True),
    _record("groups", None, "[1, inf)", "groups of columns with weights of their own", whole=True),
    _record("filters", 16, "[1, inf)", "channels that a convolution puts out", whole=True),
    _record("window", 3, "[1, inf)", "length of a kernel or a pool in each direction", whole=True),
    _record("stride", 1, "[1, inf)", "places from one window to the next", whole=True),
    _record("vocabulary", None, "[1, inf)", "different tokens", whole=True),
    _record("time_steps", 64, "[1, inf)", "characters through which a gradient goes back",
            whole=True),
    _record("streams", 32, "[1, inf)", "parts of a text that are read side by side", whole=True),
    _record("depth", 1, "[1, inf)", "recurrent layers", whole=True),
    _record("temperature", 1.0, "[0, inf)", "how freely characters are drawn"),
    _record("characters", None, "[1, inf)", "characters to write", whole=True),
    _record("width", 32, "[1, inf)", "numbers that stand for a token", whole=True),
    _record("max_epochs", 100, "[1, inf)",
            "passes with mistakes before a linear programme looks for a hyperplane", whole=True,
            source="000"),
    _record("max_sweeps", 100, "[1, inf)", "times that recall goes through all units", whole=True),
    _record("rank", None, "[1, inf)", "directions that whitening keeps", whole=True),
    _record("singular_tolerance", 1e-10, "[0, 1)",
            "singular values below this share of the largest are 0",
            source="003"),
    _record("seed", 0, "[0, inf)", "start of every random number", whole=True),
    _record("threads", None, "[1, inf)", "cores that share each minibatch", whole=True),
    _record("time_limit", None, "(0, inf)", "training stops after this long", unit="s"),
    _record("validation_fraction", 0.1, "(0, 1)", "share of the rows held out to choose the epoch"),
    _record("max_iterations", 1000, "[1, inf)", "most steps of a solver that runs to convergence",
            whole=True),
    _record("tolerance", 1e-8, "[0, inf)", "a solver stops below this largest gradient entry"),
    _record("memory", 10, "[1, inf)", "last steps that L-BFGS learns the curvature from",
            unit="steps", whole=True),
    _record("gradient_norm", 1e-8, "[0, inf)", "Euclidean norm of the gradient at convergence"),
    _record("relative_loss", 1e-12, "[0, inf)", "relative change of the loss at convergence"),
    _record("lowest_rate", 1e-7, "(0, inf)", "first learning rate of a sweep"),
    _record("highest_rate", 10.0, "(0, inf)", "last learning rate of a sweep"),
    _record("steps", 100, "[10, inf)", "updates of a sweep of learning rates", whole=True),
    _record("smoothing", 0.8, "[0, 1)", "share of the average that each loss of a sweep keeps"),
    _record("patience", 10, "[1, inf)", "epochs without a better validation loss before stopping",
            unit="epochs", whole=True),
    _record("coverage", 0.9, "(0, 1)", "share of new targets that an interval or a set holds",
            source="arXiv 1604.04173"),
    _record("repeats", 5, "[1, inf)", "times that a column is shuffled", whole=True),
    _record("path_steps", 64, "[1, inf)", "points on the line of integrated gradients", whole=True,
            source="arXiv 1703.01365"),
    _record("min_improvement", 0.0, "[0, inf)", "smallest drop in loss that counts as better"),
    _record("members", 1, "[1, inf)", "models whose predictions are averaged", whole=True),
    _record("bag", None, "[2, inf)", "members that are trained on bootstrap draws of the rows",
            whole=True, source="Breiman 1996"),
    _record("folds", 5, "[2, inf)", "parts of the rows", whole=True),
    _record("max_levels", 256, "[2, inf)", "most different texts in a column of categories",
            whole=True),
    _record("min_level_count", 3, "[1, inf)",
            "rows below which levels of a category share a column",
            unit="rows", whole=True),
    _record("embed_levels", None, "[2, inf)",
            "levels above which a category is kept as level numbers, for an embedding", whole=True),
    _record("memory_limit", 2**28, "[1, inf)",
            "tables in files that take more than this are not read whole but streamed",
            unit="bytes"),
    _record("portion_rows", 2**15, "[1, inf)", "rows of a stream that are read together",
            unit="rows", whole=True),
    _record("shuffle_rows", 2**17, "[1, inf)", "rows of a stream that are mixed with each other",
            unit="rows", whole=True),
    _record("sample_rows", 200_000, "[1, inf)",
            "rows of a stream from which scales and categories are learnt", unit="rows",
            whole=True),
    _record("held_out_rows", 2**16, "[1, inf)", "most rows of a stream that are held out",
            unit="rows", whole=True),
)  # fmt: skip

CHOICES = {
    choice.name: choice
    for choice in (
        Choice("epsilon_place", "outside", ("outside", "inside"),
               "ε added to the root, as published, or under it, as 002 prints", "002, 003"),
        Choice("bias_correction", "corrected", ("corrected", "none", "as printed"),
               "Adam's means divided by 1 − βᵗ, as they are (003), or by 1 − β (002)", "002, 003"),
        Choice("velocity", "subtracted", ("subtracted", "added"),
               "sign of momentum's v: w − v (002) or w + v (003)", "002, 003"),
        Choice("layer_rates", "equal", ("equal", "fan_in"),
               "one learning rate for all weights, or 1/√fan_in of it for each (Collobert)", "003"),
        Choice("scaling", "standard", ("standard", "robust"),
               "numbers by mean and standard deviation, or by median and quartiles, clipped",
               "arXiv 2407.04491"),
    )
}  # fmt: skip


def hyperparameter(key: str, /, **changes: Any) -> Hyperparameter:
    """The record called `key`, with another name, default or interval where a use differs."""
    return replace(HYPERPARAMETERS[key], **changes)


def check(**values: object) -> None:
    """Check each value against the record of its name.

    Raises
    ------
    HyperparameterError
        Naming the hyper-parameter, its interval and its meaning.
    """
    for name, value in values.items():
        HYPERPARAMETERS[name].check(value)
