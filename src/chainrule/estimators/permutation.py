"""How much a model needs each column: permutation importance (Breiman 2001), by scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np

from chainrule.data.frames import as_frame
from chainrule.data.sparse import is_sparse
from chainrule.data.targets import read_target
from chainrule.errors import DataError
from chainrule.estimators.scores import _aligned as aligned
from chainrule.estimators.scoring import Job
from chainrule.ops.hyperparameters import HYPERPARAMETERS, check

__all__ = ["Importance", "importance"]


@dataclass(frozen=True, eq=False)
class Importance:
    """Importance of the columns of a table, the largest first; `print` shows them as a table.

    Attributes
    ----------
    names : tuple of str
    values : ndarray of shape (columns, repeats)
        By how much the score fell each time the column was shuffled.
    score : float
        With the table as it is.
    metric : str
        What is measured.
    lower_is_better : bool
        Whether that is an error, so that it rises where a column is missed; `score` is negative.
    """

    names: tuple[str, ...]
    values: np.ndarray
    score: float
    metric: str
    lower_is_better: bool = False

    @property
    def mean(self) -> np.ndarray:
        """Mean over the repeats, (columns,)."""
        return self.values.mean(axis=1)

    @property
    def std(self) -> np.ndarray:
        """Standard deviation over the repeats, (columns,)."""
        return self.values.std(axis=1)

    @property
    def title(self) -> str:
        """What the numbers are, in words."""
        change = "rise" if self.lower_is_better else "fall"
        return f"{change} of the {self.metric} when a column is shuffled"

    def __str__(self) -> str:
        score = -self.score if self.lower_is_better else self.score
        rows = [
            [name, f"{mean:.4g}", f"{std:.2g}"]
            for name, mean, std in zip(self.names, self.mean, self.std, strict=True)
        ]
        title = f"{self.title}; {score:.4g} as it is"
        return "\n".join([title, aligned([["column", "mean", "± std"], *rows])])


def importance(
    model: Any,
    X: Any,
    y: Any,
    *,
    repeats: int = HYPERPARAMETERS["repeats"].default,
    scoring: str | Callable[..., float] | None = None,
    sample_weight: Any = None,
    seed: int = HYPERPARAMETERS["seed"].default,
) -> Importance:
    """By how much a model's score falls when a column of the table is shuffled.

    Columns are shuffled as they are, texts and gaps included, so every column of the table has
    one number. Columns that say the same share their importance: each alone is missed little.

    Parameters
    ----------
    model : fitted scikit-learn estimator
    X : data frame or array-like of shape (n, columns)
        Best rows that were not trained on.
    y : array-like of shape (n,) or (n, outputs)
    repeats : int
        Times that each column is shuffled.
    scoring : str or callable, optional
        As scikit-learn has them, such as "neg_log_loss"; the model's own score by default.
    sample_weight : array-like of shape (n,), optional
    seed : int

    Returns
    -------
    Importance

    Raises
    ------
    DataError
        If X is sparse, no table, or has not as many rows as y.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.data.readers import load_penguins, split_target
    >>> X, y, _ = split_target(load_penguins(), "species")
    >>> model = cr.NetworkClassifier((16,), random_state=0).fit(X, y)
    >>> importance(model, X, y).names[0]
    'bill_length_mm'
    """
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import check_scoring

    check(repeats=repeats, seed=seed)
    names, mixed = _columns(X)
    job = Job(X, y, "permutation importance", [], scoring, None, False)
    job.metric(model)  # an unknown name is refused before any work is done
    targets, scorer = read_target(y)[0], check_scoring(model, scoring=scoring)
    if len(mixed.start) != len(targets):
        raise DataError(f"X has {len(mixed.start)} rows and y has {len(targets)}: they must agree.")

    def score(estimator: Any, numbers: np.ndarray, truth: Any, **weights: Any) -> float:
        return scorer(estimator, mixed(numbers), truth, **weights)

    numbers = np.tile(mixed.start[:, None], len(names))
    found: Any = permutation_importance(
        model, numbers, targets, scoring=score, n_repeats=int(repeats), random_state=seed,
        sample_weight=sample_weight,
    )  # fmt: skip
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    order = np.argsort(-found.importances_mean, kind="stable")
    return Importance(
        tuple(names[k] for k in order),
        found.importances[order],
        float(score(model, numbers, targets, **weights)),
        job.metric(model),
        job.negated,
    )


# ------------------------------------------------------------- tables of mixed rows


class _Mixed:
    """A table whose columns can each be in an order of rows of its own, whatever kind it is."""

    def __init__(self, rows: int, take: Callable[[np.ndarray], Any]) -> None:
        self.start, self.take = np.arange(rows), take

    def __call__(self, numbers: np.ndarray) -> Any:
        """The table of rows `numbers`, (n, columns)."""
        return self.take(numbers)


def _columns(X: Any) -> tuple[list[str], _Mixed]:
    if is_sparse(X):
        raise DataError("X is sparse: give X.toarray(), each of its columns is shuffled.")
    frame = as_frame(X)
    if frame is not None:
        names = [str(name) for name in frame.columns]
        return names, _Mixed(len(frame), lambda numbers: _of_frame(frame, numbers))
    array = X if isinstance(X, np.ndarray) else np.array(X, dtype=object)
    if array.ndim != 2:
        raise DataError(f"X has shape {array.shape}: expected a table, (rows, columns).")
    places = np.arange(array.shape[1])
    return [str(k) for k in places], _Mixed(len(array), lambda numbers: array[numbers, places])


def _of_frame(frame: nw.DataFrame[Any], numbers: np.ndarray) -> Any:
    """Only the columns that are in another order are made anew."""
    start, changed = np.arange(len(frame)), []
    for k, name in enumerate(frame.columns):
        if not np.array_equal(numbers[:, k], start):
            changed.append(frame.get_column(name)[numbers[:, k].tolist()])
    return frame.with_columns(*changed).to_native() if changed else frame.to_native()
