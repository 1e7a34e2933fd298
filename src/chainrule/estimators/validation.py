"""Hold-out, K-fold and leave-one-out validation, and models compared on the same splits.

Any scikit-learn estimator will do; splits, clones and scores are scikit-learn's. The models of a
validation train side by side, each in a thread and on a core of its own. Lecture notes 001, 2.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sklearn.base import is_regressor
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators.leverage import left_out
from chainrule.estimators.scores import Comparison, Scores
from chainrule.estimators.scoring import (
    FOLDS,
    Job,
    LeaveOut,
    Targets,
    classifies,
    enough_rows,
    fold_splitter,
)
from chainrule.ops.hyperparameters import Hyperparameter, Interval, check

__all__ = ["compare", "hold_out", "k_fold", "leave_one_out"]

_REPEATS = Hyperparameter("repeats", 10, Interval("[1, inf)"), "random splits", whole=True)
_OF_SEVERAL = ("r2", "explained_variance", "d2_", "roc_auc")  # scores that compare rows
_TEST = Hyperparameter("test", 0.25, Interval("(0, 1)"), "share of the rows to test on")


def hold_out(
    model: Any,
    X: Any,
    y: Any,
    test: float = _TEST.default,
    repeats: int = _REPEATS.default,
    *,
    scoring: Any = None,
    seed: int = 0,
    n_jobs: int | None = -1,
    progress: bool | Literal["always"] = True,
) -> Scores:
    """Train on a random part of the rows, score on the rest, several times.

    Parameters
    ----------
    model : scikit-learn estimator
        Cloned for each split, never changed. Classes keep their shares in every split.
    X : array-like or data frame of shape (n, columns)
    y : array-like of shape (n,) or (n, outputs)
        Rows without a target are left out, with a warning that counts them.
    test : float
        Share of the rows to score on.
    repeats : int
        Number of random splits.
    scoring : str or callable, optional
        scikit-learn's; the estimator's own score if None. The errors that scikit-learn negates,
        such as "neg_mean_squared_error", are given as the errors they are.
    seed : int
        Start of the splits; the same seed gives the same splits for every model.
    n_jobs : int or None
        Threads: so many, -1 for every core, None for one. The scores do not depend on it.
    progress : bool or "always"
        Whether long work shows its progress on standard error.

    Returns
    -------
    Scores

    Raises
    ------
    HyperparameterError, DataError
        If the rows cannot be split so, or a model cannot be trained on a split.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> hold_out(cr.NetworkClassifier(epochs=40, random_state=0), X, y, repeats=3).mean > 0.8
    True
    """
    _TEST.check(test)
    _REPEATS.check(repeats)
    check(seed=seed)
    targets = Targets.read(X, y)
    kind = StratifiedShuffleSplit if classifies(model) else ShuffleSplit
    splitter = kind(n_splits=repeats, test_size=test, random_state=seed)
    method = f"hold-out of {test:.0%}, {repeats} times"
    job = Job(X, targets, method, targets.split(splitter), scoring, n_jobs, progress)
    return job.scores({"": model})[""]


def k_fold(
    model: Any,
    X: Any,
    y: Any,
    folds: int = FOLDS.default,
    *,
    scoring: Any = None,
    seed: int = 0,
    n_jobs: int | None = -1,
    progress: bool | Literal["always"] = True,
) -> Scores:
    """Split the rows into K folds; score on each a model that was trained on the others.

    MSE = 1/K Σ MSEᵢ with ``scoring="neg_mean_squared_error"``.

    Parameters
    ----------
    model : scikit-learn estimator
    X : array-like or data frame of shape (n, columns)
    y : array-like of shape (n,) or (n, outputs)
    folds : int
        K; rows are shuffled first, classes keep their shares in every fold.
    scoring, seed, n_jobs, progress
        As for `hold_out`.

    Returns
    -------
    Scores

    Raises
    ------
    HyperparameterError, DataError
        If there are fewer rows than folds, or a model cannot be trained on a split.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression
    >>> round(k_fold(LinearRegression(), *load_diabetes(return_X_y=True)).mean, 1)
    0.5
    """
    check(seed=seed)
    targets = Targets.read(X, y)
    enough_rows(folds, len(targets.known))
    splits = targets.split(fold_splitter(folds, classifies(model), seed))
    job = Job(X, targets, f"{folds}-fold cross-validation", splits, scoring, n_jobs, progress)
    return job.scores({"": model})[""]


def leave_one_out(
    model: Any,
    X: Any,
    y: Any,
    *,
    approximate: bool = False,
    damping: float | None = None,
    scoring: Any = None,
    n_jobs: int | None = -1,
    progress: bool | Literal["always"] = True,
) -> Scores:
    """Score each row by a model that was trained on all the others: n models, n scores.

    Parameters
    ----------
    model : scikit-learn estimator
        If approximate: `NetworkClassifier`, `NetworkRegressor`, or a trained `Network`.
    X : array-like or data frame of shape (n, columns)
    y : array-like of shape (n,) or (n, outputs)
    approximate : bool
        Train one model, and follow by one Newton step what it would be without each row;
        `leverage.left_out` has the formula. Exact for linear least squares.
    damping : float, optional
        For the approximation only: λ, see there.
    scoring : str or callable, optional
        scikit-learn's. By default the accuracy, or the mean squared error: R² of one row is not
        defined.
    n_jobs, progress
        As for `hold_out`.

    Returns
    -------
    Scores
        `mean` is the mean of the n squared errors MSEᵢ, or the share of right classes.

    Raises
    ------
    HyperparameterError, DataError, NetworkError
        If a model cannot be trained on a split, or the approximation does not apply.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 2.0, 2.0])
    >>> leave_one_out(LinearRegression(), X, y).scores.round(6).tolist()
    [4.0, 1.0, 4.0]
    """
    if approximate:
        if scoring is not None:
            raise HyperparameterError(
                "scoring and approximate=True were both given: the approximation measures the "
                "mean squared error or the accuracy."
            )
        return left_out(model, X, y, damping)
    if damping is not None:
        raise HyperparameterError("damping is for approximate=True: leave it out.")
    targets = Targets.read(X, y)
    if (n := len(targets.known)) < 2:
        raise DataError(f"y has {n} row: leaving one out needs 2 or more.")
    if isinstance(scoring, str) and scoring.startswith(_OF_SEVERAL):
        raise HyperparameterError(
            f"scoring = {scoring!r} is not possible: a single row that is left out has none. Leave "
            f"it out, give 'neg_mean_squared_error' or 'accuracy', or use k_fold."
        )
    if scoring is None and not classifies(model) and is_regressor(model):
        scoring = "neg_mean_squared_error"
    job = Job(X, targets, "leave-one-out", LeaveOut(targets.known), scoring, n_jobs, progress)
    return job.scores({"": model})[""]


def compare(
    models: Mapping[str, Any],
    X: Any,
    y: Any,
    folds: Any = FOLDS.default,
    *,
    scoring: Any = None,
    seed: int = 0,
    n_jobs: int | None = -1,
    progress: bool | Literal["always"] = True,
) -> Comparison:
    """Validate several models on the same splits, so that their scores differ by the model alone.

    Parameters
    ----------
    models : mapping of str to scikit-learn estimator
    X : array-like or data frame of shape (n, columns)
    y : array-like of shape (n,) or (n, outputs)
    folds : int or scikit-learn splitter
        K folds, or an object such as ``ShuffleSplit(20)`` or ``TimeSeriesSplit(5)``.
    scoring, seed, n_jobs, progress
        As for `hold_out`.

    Returns
    -------
    Comparison

    Raises
    ------
    HyperparameterError, DataError
        If `models` is no such mapping, their scores measure different things, or a model cannot be
        trained on a split.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklearn.linear_model import LinearRegression
    >>> models = {"mean": DummyRegressor(), "linear": LinearRegression()}
    >>> compare(models, *load_diabetes(return_X_y=True)).ranking
    ['linear', 'mean']
    """
    check(seed=seed)
    if not isinstance(models, Mapping) or not models:
        raise HyperparameterError(
            f"models = {models!r} is not possible: give names and estimators, such as "
            f"{{'small': NetworkRegressor(hidden=(8,)), 'default': NetworkRegressor()}}."
        )
    kinds = {name: classifies(model, f"models['{name}']") for name, model in models.items()}
    targets = Targets.read(X, y)
    method, splitter = type(folds).__name__, folds
    if not hasattr(folds, "split"):
        enough_rows(folds, len(targets.known))
        method = f"{folds}-fold cross-validation"
        splitter = fold_splitter(folds, all(kinds.values()), seed)
    job = Job(X, targets, method, targets.split(splitter), scoring, n_jobs, progress)
    return Comparison(job.scores(models))
