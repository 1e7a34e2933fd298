"""Presets: what the estimators do where their arguments say nothing.

"plain" is the network of the textbook: dense layers, Adam, early stopping. "tabular" is what won on
real tables of a thousand to a few hundred thousand rows: benchmarks/TABLES.md has the runs and
benchmarks/ABLATION.md what each part is worth. It builds on RealMLP (Holzmüller, Grinsztajn &
Steinwart, NeurIPS 2024, arXiv 2407.04491) and on the encodings of numbers of Gorishniy, Rubachev &
Babenko (NeurIPS 2022, arXiv 2203.05556):

- numbers scaled by quartiles and smoothly clipped, and as they are where their tails are long;
- beside each number what a small layer of its own makes of it: of cosine waves when classes are
  learnt, of ramps between quantiles when numbers are; categories of many levels as vectors;
- a trained factor for each column, activations that each unit may straighten;
- AdamW with steps by fan-in, a learning rate in four cosine cycles, dropout, weight decay (both
  fade where numbers are learnt), smoothed labels where classes are three or more; the epoch with
  the lowest loss on the held-out rows is kept;
- several networks from different first weights, whose predictions are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from chainrule.data.numbers import quantiles
from chainrule.data.tables import TableEncoder
from chainrule.errors import unknown_name
from chainrule.estimators.defaults import HIDDEN, default_activation, default_epochs
from chainrule.layers import (
    Columns,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    Parametric,
    PerColumn,
    PiecewiseLinear,
    Scale,
)
from chainrule.ops.activations import ActivationFunction
from chainrule.ops.hyperparameters import HYPERPARAMETERS
from chainrule.ops.optimizers import AdamW, Optimizer, optimizer
from chainrule.training import LBFGS

__all__ = ["PRESETS", "Choices", "Preset", "Tabular", "choices", "preset_of"]

_MOST_EMBEDDED = 48  # from more numbers than this, pixels say, a network makes its own features
_EPOCHS = 256
_ROWS, _MOST_UPDATES = 4000, 20_000
_STEPS = 8  # fewest updates in an epoch of more rows than one batch


@dataclass(frozen=True)
class Preset:
    """What an estimator does where its arguments say nothing; the base is "plain".

    Attributes
    ----------
    name, meaning : str
    hidden : tuple of int
        Widths of the hidden layers.
    optimizer : str or Optimizer
    schedule : str
        How the learning rate changes.
    patience : int or None
        Epochs without a better loss on the held-out rows; None is no end before the last.
    scaling : str
        Of numbers.
    embed_levels : int or None
        Categories of more levels become vectors.
    max_levels : int
        Columns of more different texts are refused.
    label_smoothing : float
        Share of each label that is given to all classes, where one of three or more is learnt.
    has_front : bool
        Whether there are layers before the hidden ones.
    """

    name: str = "plain"
    meaning: str = "dense layers, Adam and early stopping, as in a textbook"
    hidden: tuple[int, ...] = HIDDEN
    optimizer: str | Optimizer = "adam"
    schedule: str = "constant"
    patience: int | None = 20
    scaling: str = "standard"
    embed_levels: int | None = None
    max_levels: int = HYPERPARAMETERS["max_levels"].default
    label_smoothing: float = 0.0
    has_front: ClassVar[bool] = False

    def keep(self, rows: int, classes: bool) -> float:
        """Probability that dropout keeps a unit, for so many rows of classes or of numbers."""
        return 1.0

    def regularisation_schedule(self, classes: bool) -> str:
        """How dropout and weight decay change, for classes or numbers."""
        return "constant"

    def batch_size(self, rows: int) -> int:
        """32; up to 64 rows are one batch."""
        return max(32, rows) if rows <= 64 else 32

    def epochs(self, rows: int, batch_size: int) -> int:
        """Most passes over so many training rows."""
        return default_epochs(rows, batch_size)

    def members(self, rows: int) -> int:
        """How many networks."""
        return 1

    def front(
        self,
        encoder: TableEncoder,
        encoded: Callable[[], np.ndarray],
        weights: np.ndarray | None,
        classes: bool,
    ) -> list[Layer]:
        """Layers before the hidden ones; `encoded` gives training rows (n, inputs)."""
        return []

    def hidden_layers(
        self, hidden: Sequence[int], activation: str | ActivationFunction | None, keep: float
    ) -> list[Layer]:
        """The hidden layers."""
        activation = activation or default_activation(hidden)
        return _with_dropout([[Dense(int(units), activation)] for units in hidden], keep)


@dataclass(frozen=True)
class Tabular(Preset):
    """The preset for tables; its text is the module's.

    Attributes
    ----------
    numbers : {"waves", "ramps", "none"}, optional
        What each number is given beside itself; if None waves for classes and ramps for numbers.
    frequencies, bins, width : int
        Waves and ramps of each number, and to how many numbers its own layer brings them.
    deviation : float
        Standard deviation of the first frequencies, in waves for a unit of the scaled number.
    level_width : int
        Numbers that stand for a level.
    factors : bool
        Whether each input is multiplied by a trained factor.
    parametric : bool
        Whether each unit may straighten its activation.
    kept : float
        Probability that dropout keeps a unit, where there is dropout.
    updates : int
        For 4000 rows.
    fades : bool, optional
        Whether dropout and weight decay end at nothing; if None for numbers, not for classes.
    """

    numbers: Literal["waves", "ramps", "none"] | None = None
    frequencies: int = 16
    deviation: float = 0.1
    bins: int = 24
    width: int = 3
    level_width: int = 8
    factors: bool = True
    parametric: bool = True
    kept: float = 0.85
    updates: int = 3000
    fades: bool | None = None
    has_front: ClassVar[bool] = True

    def keep(self, rows: int, classes: bool) -> float:
        """Nothing is left to chance where all rows are one batch; many numbers need no dropout."""
        without = rows <= self.batch_size(rows) or (rows >= _ROWS / 2 and not classes)
        return 1.0 if without else self.kept

    def regularisation_schedule(self, classes: bool) -> str:
        """Flat, then a cosine down to 0, for numbers; constant for classes."""
        fades = not classes if self.fades is None else self.fades
        return "flat_cosine" if fades else "constant"

    def batch_size(self, rows: int) -> int:
        """128 or 256; fewer where an epoch would have fewer than 8 updates, but 32 or more."""
        size = 256 if rows > 5 * _ROWS else 128
        while rows > size > 32 and rows / size < _STEPS:
            size //= 2
        return size

    def epochs(self, rows: int, batch_size: int) -> int:
        """As many as make 3000 updates for 4000 rows, √n as many for n times the rows."""
        share = math.sqrt(max(1.0, rows / _ROWS))
        updates = min(self.updates * share, _MOST_UPDATES)
        return int(min(_EPOCHS, max(1, updates * batch_size / rows)))

    def members(self, rows: int) -> int:
        """Four networks, two for large tables."""
        return 4 if rows <= 25_000 else 2

    def front(
        self,
        encoder: TableEncoder,
        encoded: Callable[[], np.ndarray],
        weights: np.ndarray | None,
        classes: bool,
    ) -> list[Layer]:
        """Numbers and what is made of each, indicators, vectors of levels; a factor for each."""
        groups = encoder.groups()
        branches: list[list[Layer]] = []
        plain = [int(k) for k in (*groups.numbers, *groups.indicators)]
        if plain:
            everything = plain == list(range(encoder.width))
            branches.append([] if everything else [Columns(plain)])
        if self.numbers != "none" and 0 < len(groups.numbers) <= _MOST_EMBEDDED:
            numbers = [int(k) for k in groups.numbers]
            made = self._of_numbers(encoded()[:, numbers], weights, classes)
            branches.append([Columns(numbers), *made])
        for column, vocabulary in groups.levels.items():
            table = Embedding(vocabulary, self.level_width)
            branches.append([Columns([column]), table, Flatten()])
        return [Concatenate(branches), *([Scale()] if self.factors else [])]

    def _of_numbers(
        self, numbers: np.ndarray, weights: np.ndarray | None, classes: bool
    ) -> list[Layer]:
        mixed = PerColumn(self.width, groups=numbers.shape[1])
        waves = PerColumn(self.frequencies, "cosine", deviation=2 * math.pi * self.deviation)
        if (self.numbers or ("waves" if classes else "ramps")) == "waves":
            return [waves, mixed]
        edges = [_edges(column, self.bins, weights) for column in numbers.T]
        return [PiecewiseLinear(edges), mixed] if max(map(len, edges)) > 1 else [waves, mixed]

    def hidden_layers(
        self, hidden: Sequence[int], activation: str | ActivationFunction | None, keep: float
    ) -> list[Layer]:
        """Dense layers whose units may straighten their activation."""
        name = activation or "selu"
        if not isinstance(name, str) or not self.parametric:
            return super().hidden_layers(hidden, name, keep)
        parts = [[Dense(int(units), initializer="lecun"), Parametric(name)] for units in hidden]
        return _with_dropout(parts, keep)


def _with_dropout(parts: Sequence[Sequence[Layer]], keep: float) -> list[Layer]:
    last: list[Layer] = [Dropout(keep)] if keep < 1 else []
    return [layer for part in parts for layer in (*part, *last)]


def _edges(numbers: np.ndarray, bins: int, weights: np.ndarray | None) -> list[float]:
    """Quantiles of a column, (n,), each once, in rising order."""
    shares = np.linspace(0, 1, bins + 1).tolist()
    found = np.unique(quantiles(numbers.astype(np.float64), shares, weights))
    # Edges closer than this would make ramps that are steps, whose gradients are too large.
    least = 1e-3 * max(float(found[-1] - found[0]), 1e-6)
    kept = [float(found[0])]
    for edge in found[1:]:
        if edge - kept[-1] >= least:
            kept.append(float(edge))
    return kept


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Tabular(
            "tabular",
            "for the best first result on a table: numbers and categories embedded, AdamW in four "
            "cosine cycles, an average of networks",
            hidden=(128, 128, 128),
            optimizer=AdamW(
                0.04,
                beta2=0.95,
                weight_decay=0.02,
                layer_rates="fan_in",
                rates={
                    "bias": 0.1, "gain": 6.0, "alpha": 0.1, "column_weight": 0.1,
                    "column_bias": 0.1,
                },
            ),
            schedule="cosine_cycles",
            patience=None,
            scaling="robust",
            embed_levels=8,
            max_levels=10_000,
            label_smoothing=0.05,
        ),
        Preset(),
    )
}  # fmt: skip

# Somebody who says what the network or its training is wants that, and nothing besides.
_OF_ONES_OWN = ("hidden", "network", "activation", "keep", "optimizer", "learning_rate")


def preset_of(arguments: dict[str, Any]) -> Preset:
    """The preset that constructor arguments ask for.

    "tabular" if none is named, and "plain" if one of hidden, network, activation, keep, optimizer
    and learning_rate is given.

    Examples
    --------
    >>> preset_of({"preset": None}).name, preset_of({"preset": None, "hidden": (8,)}).name
    ('tabular', 'plain')
    """
    name = arguments.get("preset")
    if isinstance(name, Preset):
        return name
    if name is None:
        own = any(arguments.get(argument) is not None for argument in _OF_ONES_OWN)
        return PRESETS["plain" if own else "tabular"]
    if not isinstance(name, str) or name not in PRESETS:
        raise unknown_name("preset", name, PRESETS)
    return PRESETS[name]


@dataclass(frozen=True)
class Choices:
    """What is done in a fit: the arguments, and the preset where they say nothing.

    Attributes
    ----------
    preset : Preset
    hidden : tuple of int
    keep : float
    batch_size, patience, members, max_levels : int
    epochs : int or None
        As given.
    optimizer : Optimizer or LBFGS
    regularisation_schedule : str
    """

    preset: Preset
    hidden: tuple[int, ...]
    keep: float
    batch_size: int
    patience: int | None
    members: int
    max_levels: int
    epochs: int | None
    optimizer: Optimizer | LBFGS
    regularisation_schedule: str

    def epochs_of(self, rows: int) -> int:
        """Most passes over so many training rows."""
        return self.epochs or self.preset.epochs(rows, self.batch_size)

    def layers(self, network: Sequence[Layer] | None, activation: Any) -> list[Layer]:
        """The hidden layers."""
        if network is not None:
            return list(network)
        return self.preset.hidden_layers(self.hidden, activation, self.keep)


def choices(given: dict[str, Any], rows: int, classes: bool, portions: bool = False) -> Choices:
    """What to do with so many rows of classes or of numbers, from constructor arguments.

    Rows that come in portions have no last epoch known in advance, so unless a preset is named
    they are trained on by "plain". Callbacks and `warm_start` are about one network.
    """
    arguments = {"preset": "plain", **{k: v for k, v in given.items() if v is not None}}
    preset = preset_of(arguments if portions else given)

    def chosen(name: str, otherwise: Any) -> Any:
        return otherwise if given.get(name) is None else given[name]

    single = portions or given.get("warm_start") or len(given.get("callbacks") or ())
    rule = chosen("optimizer", preset.optimizer)
    rate = given.get("learning_rate")
    if not isinstance(rule, LBFGS):
        made: Any = optimizer(rule)
        rule = made if rate is None else replace(made, learning_rate=rate)
    return Choices(
        preset,
        tuple(chosen("hidden", preset.hidden)),
        chosen("keep", preset.keep(rows, classes)),
        chosen("batch_size", preset.batch_size(rows)),
        chosen("patience", preset.patience),
        chosen("members", 1 if single else preset.members(rows)),
        chosen("max_levels", preset.max_levels),
        given.get("epochs"),
        rule,
        preset.regularisation_schedule(classes),
    )
