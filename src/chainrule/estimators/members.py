"""Several networks from one table: from other seeds, from folds, from bootstrap draws.

All of them train side by side, each in a thread and on a core of its own, on one copy of the
encoded table: a member knows its rows by number. Of what is encoded, the inputs' statistics come
from all rows that any member trains on; the target's from a member's own training rows, so nothing
of the target of a row that is held out reaches the network that predicts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier

from chainrule.errors import DataError, HyperparameterError, warn
from chainrule.estimators.defaults import FEWEST_HELD_OUT
from chainrule.estimators.rows import Rows
from chainrule.estimators.scoring import Rows as Split
from chainrule.estimators.scoring import enough_rows, fold_splitter, split_rows
from chainrule.estimators.sklearn_callbacks import FitTasks
from chainrule.training.parallel import cores, parallel_map, time_share

__all__ = [
    "Encoded", "Part", "by_part", "judge", "learnt", "refit", "refuse_streamed", "refuse_together",
    "refuse_twins", "several", "spaced_out", "spread", "train_members", "watched", "way_to_divide",
]  # fmt: skip

Estimator = Any  # a NetworkEstimator, which is made of this module's parts

_DRAWS = 100  # attempts to draw rows of two classes
_PORTION = 1 << 14  # rows that are predicted at a time


@dataclass(frozen=True, eq=False)
class Part:
    """What one member learns from.

    Attributes
    ----------
    seed : int
    train, held : ndarray of int
        Row numbers, (m,), and those of the rows that it does not see.
    counts : ndarray of shape (n,), optional
        How often each row was drawn.
    """

    seed: int
    train: np.ndarray
    held: np.ndarray
    counts: np.ndarray | None = None

    def weights(self, given: np.ndarray | None) -> np.ndarray | None:
        """Weights (n, 1) of all rows from those given, (n, 1) or None; unseen rows keep theirs."""
        if self.counts is None:
            return given
        times = np.maximum(self.counts, 1.0)[:, None]
        return times if given is None else times * given


@dataclass(frozen=True, eq=False)
class Encoded:
    """The rows that count, as all members read them.

    Attributes
    ----------
    X : ndarray of shape (n, inputs)
    y : ndarray of shape (n,) or (n, outputs)
        As given: a member encodes them by its own training rows.
    weights : ndarray of shape (n, 1), or None
        Of the losses.
    given : ndarray of shape (n,), or None
        The user's weights, for scores.
    deadline : float or None
        When training must end, by `time.perf_counter`.
    tasks : FitTasks
        To which their training is reported.
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    given: np.ndarray | None
    deadline: float | None
    tasks: FitTasks

    @classmethod
    def of(
        cls, rows: Rows, X: np.ndarray, weights: Any, deadline: float | None, tasks: FitTasks
    ) -> Self:
        """Encoded inputs, (m, inputs), with what belongs to them; weights (n, 1) of all rows."""
        used = rows.used
        own = None if weights is None else weights[used]
        given = None if rows.weights is None else rows.weights[used, 0]
        return cls(X, rows.y[used], own, given, deadline, tasks)


# -------------------------------------------------------------------- dividing


def several(estimator: Estimator) -> bool:
    """Whether the arguments themselves ask for several networks."""
    asked = (estimator.members or 1) > 1
    return asked or estimator.cv is not None or estimator.bag is not None


def refuse_together(estimator: Estimator, groups: Any) -> None:
    """Refuse arguments that exclude each other."""
    ways = {"members": (estimator.members or 1) > 1, "cv": estimator.cv is not None}
    ways |= {"bag": estimator.bag is not None}
    given = [name for name, used in ways.items() if used]
    if len(given) > 1:
        raise HyperparameterError(
            f"{' and '.join(given)} were given: give one, each says by itself which networks to "
            f"train."
        )
    if given and estimator.warm_start:
        raise HyperparameterError(
            f"warm_start = True goes on with one network, {given[0]} asks for several: leave one "
            f"of them out."
        )
    if estimator.refit and given in ([], ["members"]):
        raise HyperparameterError("refit = True needs cv or bag, whose networks say how long.")
    if groups is not None and not hasattr(estimator.cv, "split"):
        raise HyperparameterError(
            "groups were given and cv does not read them: give a splitter that does, such as "
            "cv=GroupKFold(5)."
        )


def refuse_streamed(estimator: Estimator) -> None:
    """Refuse several networks on a table that is read in portions."""
    if several(estimator):
        raise HyperparameterError(
            "members, cv and bag need the table in memory, and it takes more than memory_limit: "
            "leave them out, or give a larger memory_limit."
        )


def refuse_twins(estimator: Estimator) -> None:
    """Refuse to go on with one of several networks, which would lose the others."""
    if (count := len(estimator.members_)) > 1:
        raise HyperparameterError(
            f"warm_start = True goes on with one network, and the model has {count}: fit it with "
            f"members=1 first, or give warm_start=False."
        )


def way_to_divide(estimator: Estimator, rows: Rows, seed: int) -> list[Part]:
    """What each network learns from, by numbers among the rows that count.

    Raises
    ------
    HyperparameterError, DataError
        If the rows cannot be divided so.
    """
    y = rows.y[rows.used]
    if estimator.cv is not None:
        splits = _splits(estimator, rows, y, seed)
        seeds = _seeds(seed, len(splits))
        return [Part(own, *split) for own, split in zip(seeds, splits, strict=True)]
    if estimator.bag is not None:
        return _draws(estimator, y, seed)
    held = estimator._choose_held_out(y, seed)
    divided = np.flatnonzero(~held), np.flatnonzero(held)
    return [Part(own, *divided) for own in _seeds(seed, estimator._choices.members)]


def _seeds(seed: int, count: int) -> list[int]:
    """One for each member; the first is that of a network alone."""
    others = np.random.default_rng([seed, 3]).integers(2**31 - 1, size=count - 1)
    return [seed, *others.tolist()]


def _splits(estimator: Estimator, rows: Rows, y: np.ndarray, seed: int) -> list[Split]:
    """Rows to train on and to hold out, of each fold."""
    cv, groups = estimator.cv, rows.used_groups
    if hasattr(cv, "split"):
        return split_rows(cv, y, groups, rows.name)
    if isinstance(cv, Iterable):
        return [_among(rows, train, held) for train, held in cv]
    enough_rows(cv, len(y), "cv")
    stratified = is_classifier(estimator) and y.ndim == 1
    return split_rows(fold_splitter(int(cv), stratified, seed), y, groups, rows.name)


def _among(rows: Rows, *given: Any) -> Split:
    """Rows of the table as numbers among those that count; those of weight 0 drop out."""
    place = np.full(rows.table.rows, -1)
    place[rows.used] = np.arange(len(rows.used))
    try:
        train, held = (place[np.asarray(k)] if len(k) else np.arange(0) for k in given)
    except IndexError as error:
        raise DataError(f"cv names rows that are not there: {error}.") from None
    if not (train >= 0).any():
        raise DataError("cv has a fold without a row to train on.")
    return train[train >= 0], held[held >= 0]


def _draws(estimator: Estimator, y: np.ndarray, seed: int) -> list[Part]:
    """Bootstrap draws of as many rows as there are; each is drawn again if it has one class."""
    classes = is_classifier(estimator) and y.ndim == 1
    return [_draw(y, own, classes) for own in _seeds(seed, int(estimator.bag or 0))]


def _draw(y: np.ndarray, seed: int, classes: bool) -> Part:
    rng, n = np.random.default_rng([seed, 4]), len(y)
    for _ in range(_DRAWS):
        counts = np.bincount(rng.integers(n, size=n), minlength=n)
        train, held = np.flatnonzero(counts), np.flatnonzero(counts == 0)
        if len(held) and not (classes and (y[train] == y[train[0]]).all()):
            return Part(seed, train, held, counts)
    raise DataError(
        f"{_DRAWS} draws of {n} rows held all rows or a single class each: give more rows, or "
        f"leave bag out."
    )


# -------------------------------------------------------------------- training


def train_members(estimator: Estimator, parts: Sequence[Part], data: Encoded) -> list[Estimator]:
    """A copy of the estimator for each part, with a network and target statistics of its own."""
    threads = min(cores(estimator.n_jobs), len(parts))
    simple = estimator.cv is None and estimator.bag is None
    rows = len(parts[0].train if simple else data.y)

    def one(number: int) -> Estimator:
        limit = time_share(data.deadline, number, len(parts), threads, after=int(estimator.refit))
        return _train(estimator, parts[number], data, rows, limit)

    twins = parallel_map(
        one, range(len(parts)), n_jobs=threads, title="training", progress=estimator.verbose,
        keep_interrupted=simple,
    )  # fmt: skip
    if any(twin.history_.stopped == "interrupted" for twin in twins):
        warn(
            f"training was interrupted: {len(twins)} of {len(parts)} networks have the "
            f"{'best' if estimator.early_stopping else 'latest'} weights so far, the others are "
            f"left out.",
            UserWarning,
        )
    return twins


def _train(
    estimator: Estimator,
    part: Part,
    data: Encoded,
    rows: int,
    limit: float | None,
    epochs: int | None = None,
) -> Estimator:
    """A twin with a network trained on one part; `rows` decide on the type of its numbers."""
    twin = copy(estimator)
    twin.callbacks = deepcopy(estimator.callbacks)
    weights = part.weights(data.weights)
    own = None if weights is None else weights[part.train, 0]
    twin._scale_targets(data.y[part.train], own)
    twin.network_ = estimator._make_network(rows, part.seed)
    twin._train(part, data, limit, epochs=epochs)
    return twin


def learnt(twins: list[Estimator]) -> list[Estimator]:
    """Those that completed an epoch; the first if none did.

    Warns
    -----
    UserWarning
        Saying how many are left out.
    """
    kept = [twin for twin in twins if twin.history_.best_epoch is not None]
    if kept and len(kept) < len(twins):
        why = next(t.history_.stopped for t in twins if t.history_.best_epoch is None)
        warn(
            f"{len(twins) - len(kept)} of {len(twins)} networks completed no epoch ({why}): they "
            f"are left out of the predictions.",
            UserWarning,
        )
    return kept or twins[:1]


def refit(estimator: Estimator, twins: Sequence[Estimator], data: Encoded, seed: int) -> Estimator:
    """One network on all rows, for the mean best number of epochs of the others."""
    best = [twin.history_.best_epoch or 1 for twin in twins]
    epochs = max(1, round(float(np.mean(best))))
    everything = Part(seed, np.arange(len(data.y)), np.arange(0))
    limit = time_share(data.deadline, 0, 1, 1)
    return parallel_map(
        lambda part: _train(estimator, part, data, len(data.y), limit, epochs), [everything],
        title="refit", progress=estimator.verbose,
    )[0]  # fmt: skip


def watched(estimator: Estimator, part: Part) -> np.ndarray | None:
    """The rows that choose the epoch, (m,), if any do."""
    enough = estimator.early_stopping and len(part.held) >= FEWEST_HELD_OUT
    return part.held if enough else None


# ------------------------------------------------------- what the members say


def by_part(function: Callable[..., Any], outputs: Sequence[Any]) -> Any:
    """`function` of the members' arrays; of each place of their lists where they give lists.

    Examples
    --------
    >>> by_part(sum, [1, 2]), by_part(sum, [[1, 10], [2, 20]])
    (3, [3, 30])
    """
    if isinstance(outputs[0], list):
        return [function(parts) for parts in zip(*outputs, strict=True)]
    return function(outputs)


def spread(outputs: Sequence[Any]) -> Any:
    """Standard deviation over the members, with K − 1, of the shape of one's output."""
    return by_part(lambda parts: np.std(parts, axis=0, ddof=1), outputs)


def judge(
    estimator: Estimator,
    twins: Sequence[Estimator],
    parts: Sequence[Part],
    data: Encoded,
) -> tuple[Any, np.ndarray, float]:
    """The members on the rows that they did not see.

    Returns
    -------
    out_of_fold : ndarray of shape (n, …), or list of such
        Means over the members that did not see a row; NaN where all did.
    scores : ndarray of shape (K,)
        Of each member; NaN for one that learnt nothing.
    overall : float
        Score of the means.
    """
    able = [pair for pair in zip(twins, parts, strict=True) if pair[0].history_.best_epoch]
    if not able:
        raise HyperparameterError(
            "no network completed an epoch, so there is nothing to say of rows that are held out: "
            "give more time, or leave cv and bag out."
        )
    raw = parallel_map(
        lambda pair: _held_scores(pair[0], data.X, pair[1].held), able,
        n_jobs=cores(estimator.n_jobs),
    )  # fmt: skip
    outputs = [twin._output(scores) for (twin, _), scores in zip(able, raw, strict=True)]
    means = by_part(
        lambda given: _means(given, [part.held for _, part in able], len(data.y)), outputs
    )
    found = {
        id(part): estimator._rate(data, part.held, twin._decide(scores))
        for (twin, part), scores in zip(able, raw, strict=True)
    }
    scores = np.array([found.get(id(part), np.nan) for part in parts])
    known = np.unique(np.concatenate([part.held for _, part in able]))
    best = estimator._decide(estimator._scores_of(by_part(lambda m: m[0][known], [means])))
    return means, scores, estimator._rate(data, known, best)


def _held_scores(twin: Estimator, X: np.ndarray, rows: np.ndarray) -> Any:
    """Scores of some rows of X, a few thousand rows at a time: no copy of all of them."""
    portions = np.array_split(rows, -(-len(rows) // _PORTION) or 1)
    return _joined([twin.network_.predict(X[portion]) for portion in portions])


def _joined(portions: Sequence[Any]) -> Any:
    if isinstance(portions[0], dict):
        return {task: np.concatenate([p[task] for p in portions]) for task in portions[0]}
    return np.concatenate(portions)


def _means(given: Sequence[np.ndarray], held: Sequence[np.ndarray], n: int) -> np.ndarray:
    """Means (n, …) of values (held, …) by row; NaN where there is none."""
    total, times = np.zeros((n, *given[0].shape[1:])), np.zeros(n)
    for rows, values in zip(held, given, strict=True):
        np.add.at(total, rows, values)
        np.add.at(times, rows, 1)
    times[times == 0] = np.nan
    return total / times.reshape(-1, *[1] * (total.ndim - 1))


def spaced_out(values: Any, used: np.ndarray, n: int) -> Any:
    """Values of the rows that count, (m, …), as values of all n rows: NaN for the others."""

    def one(given: Sequence[np.ndarray]) -> np.ndarray:
        result = np.full((n, *given[0].shape[1:]), np.nan)
        result[used] = given[0]
        return result

    return by_part(one, [values])
