"""Bagging: members trained on resampled rows, their predictions averaged. Lecture notes 001, 2.5.

Each member sees n rows drawn with replacement from the n there are, about 63 % of them at least
once (Breiman 1996). The rows that it has not seen give an honest score: the out-of-bag score.
Rows are drawn by weight and not by copying, so no copy of a training row can end up among the rows
that choose a member's epoch, and data frames reach the members as they are.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    RegressorMixin,
    clone,
    is_classifier,
)
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from chainrule.data.matrices import as_weights
from chainrule.data.targets import read_known_targets
from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators.classifier import NetworkClassifier
from chainrule.estimators.regressor import NetworkRegressor
from chainrule.estimators.scoring import classifies
from chainrule.ops.hyperparameters import hyperparameter
from chainrule.training.parallel import parallel_map

__all__ = ["BaggingClassifier", "BaggingRegressor", "bag"]

_MEMBERS = hyperparameter("members", default=10)
_DRAWS = 100  # attempts to draw rows of two classes


def bag(estimator: Any, members: int = _MEMBERS.default, **more: Any) -> _Bagging:
    """The estimator, so many times over: a `BaggingClassifier` or a `BaggingRegressor`.

    Parameters
    ----------
    estimator : scikit-learn estimator
    members : int
    **more
        `n_jobs`, `random_state`, `verbose`.

    Returns
    -------
    BaggingClassifier or BaggingRegressor
        Not yet trained.

    Raises
    ------
    HyperparameterError
        If it is no estimator.

    Examples
    --------
    >>> import chainrule as cr
    >>> bag(cr.NetworkRegressor(), 5, random_state=0)
    BaggingRegressor(estimator=NetworkRegressor(), members=5, random_state=0)
    """
    kind = BaggingClassifier if classifies(estimator, "estimator") else BaggingRegressor
    return kind(estimator, members, **more)


class _Bagging(MetaEstimatorMixin, BaseEstimator):
    """What both kinds share: resampling, training side by side, out-of-bag predictions."""

    def __init__(
        self,
        estimator: Any = None,
        members: int = _MEMBERS.default,
        *,
        n_jobs: int | None = -1,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | Literal["always"] = False,
    ) -> None:
        self.estimator = estimator
        self.members = members
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @abstractmethod
    def _learn_targets(self, y: np.ndarray) -> None:
        """Look at all targets, (n,) or (n, outputs)."""

    @abstractmethod
    def _output(self, member: Any, X: Any) -> np.ndarray:
        """What is averaged over the members, (n, …)."""

    @abstractmethod
    def _score(self, y: np.ndarray, output: np.ndarray, weights: np.ndarray | None) -> float:
        """Score of averaged or single outputs, (n, …)."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the members, each on rows drawn anew, each in a thread of its own.

        Parameters
        ----------
        X : data frame or array-like of shape (n, columns)
        y : array-like of shape (n,)
            Rows without a target count as rows of weight 0.
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        self

        Raises
        ------
        HyperparameterError, DataError
            Naming the argument, or what is wrong with the data.

        Warns
        -----
        LeftOutWarning
            If the target is missing in some rows.
        """
        _MEMBERS.check(self.members)
        targets, _, known = read_known_targets(y)
        self._learn_targets(targets)
        given = _weights(sample_weight, len(targets), known)
        whole = y if known is None else targets
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        prototype = self._prototype()

        def train(number: int) -> tuple[Any, np.ndarray, np.ndarray]:
            rng = np.random.default_rng([seed, number])
            counts = self._draw(targets, given, rng)
            member = clone(prototype)
            if "random_state" in member.get_params():
                member.set_params(random_state=int(rng.integers(2**31 - 1)))
            member.fit(X, whole, sample_weight=counts if given is None else counts * given)
            return member, counts, self._output(member, X)

        trained = parallel_map(
            train, range(self.members),
            n_jobs=self.n_jobs, title="bagging", progress=self.verbose,
        )  # fmt: skip
        self.estimators_ = [member for member, *_ in trained]
        self._keep_names()
        self._score_out_of_bag(targets, given, trained)
        return self

    def _prototype(self) -> Any:
        """The estimator to clone: it must take weights."""
        default = NetworkClassifier if is_classifier(self) else NetworkRegressor
        estimator = default() if self.estimator is None else self.estimator
        if classifies(estimator, "estimator") != is_classifier(self):
            raise HyperparameterError(
                f"estimator = {estimator!r} is not possible in a {type(self).__name__}: let "
                f"bag(estimator) choose the kind."
            )
        if not has_fit_parameter(estimator, "sample_weight"):
            raise HyperparameterError(
                f"estimator = {estimator!r} takes no sample_weight, by which rows are drawn: use "
                f"sklearn.ensemble.{type(self).__name__}, which copies rows."
            )
        return estimator

    def _draw(
        self, y: np.ndarray, weights: np.ndarray | None, rng: np.random.Generator
    ) -> np.ndarray:
        """How often each row is drawn, (n,); again if there is but one class among them."""
        rows = np.arange(len(y)) if weights is None else np.flatnonzero(weights)
        for _ in range(_DRAWS):
            chosen = rng.choice(rows, len(rows))
            if not is_classifier(self) or len(np.unique(y[chosen])) > 1:
                return np.bincount(chosen, minlength=len(y))
        raise DataError(
            f"{_DRAWS} draws of {len(rows)} rows held a single class each: give more rows of the "
            f"rare classes."
        )

    def _keep_names(self) -> None:
        """What scikit-learn asks for about columns, as the members know it."""
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimators_[0], name):
                setattr(self, name, getattr(self.estimators_[0], name))

    def _score_out_of_bag(
        self,
        y: np.ndarray,
        weights: np.ndarray | None,
        trained: list[tuple[Any, np.ndarray, np.ndarray]],
    ) -> None:
        def score(output: np.ndarray, rows: np.ndarray) -> float:
            used = rows if weights is None else rows & (weights > 0)
            if used.sum() < 2:
                return float("nan")
            return self._score(y[used], output[used], None if weights is None else weights[used])

        unseen = np.array([counts == 0 for _, counts, _ in trained])
        outputs = np.array([output for *_, output in trained])
        times = unseen.sum(axis=0)
        shape = (-1, *[1] * (outputs.ndim - 2))
        total = np.where(unseen.reshape(*unseen.shape, *shape[1:]), outputs, 0).sum(axis=0)
        mean = total / np.where(times > 0, times, np.nan).reshape(shape)
        self._oob = mean
        self.oob_score_ = score(mean, times > 0)
        self.member_scores_ = np.array([score(*pair) for pair in zip(outputs, unseen, strict=True)])

    def _mean(self, X: Any) -> np.ndarray:
        """Average output of the members, summed in their order whatever the number of threads."""
        check_is_fitted(self, "estimators_")
        outputs = parallel_map(
            lambda member: self._output(member, X), self.estimators_, n_jobs=self.n_jobs
        )
        return np.mean(outputs, axis=0)

    def __sklearn_tags__(self) -> Any:
        """Gaps and texts are welcome where the members take them."""
        tags = super().__sklearn_tags__()  # type: ignore[missing-attribute]  (scikit-learn ≥ 1.6)
        member = NetworkRegressor() if self.estimator is None else self.estimator
        if hasattr(member, "__sklearn_tags__"):
            tags.input_tags = member.__sklearn_tags__().input_tags
        return tags


def _weights(given: Any, n: int, known: np.ndarray | None) -> np.ndarray | None:
    """Weights of the rows, (n,), 0 where there is no target; None if all weigh the same."""
    weights = as_weights(given, n)
    if known is None:
        return None if weights is None else weights[:, 0]
    result = np.zeros(n)
    result[known] = 1 if weights is None else weights[known, 0]
    if not result.any():
        raise DataError("every row that has a target weighs 0: there is nothing to learn from.")
    return result


class BaggingClassifier(ClassifierMixin, _Bagging):
    """Classifiers trained on resampled rows; their probabilities are averaged.

    Parameters
    ----------
    estimator : scikit-learn classifier, optional
        With `predict_proba` and `sample_weight`; `NetworkClassifier()` if None.
    members : int
    n_jobs : int or None
        Threads: so many, -1 for every core, None for one. Each member trains on one core; nothing
        that is learnt depends on the number.
    random_state : int, RandomState or None
        Of the draws and of the members.
    verbose : bool
        Whether to show progress.

    Attributes
    ----------
    estimators_ : list
    classes_ : ndarray of shape (n_classes,)
    oob_score_ : float
        Accuracy of the average over the members that had not seen a row, on such rows.
    member_scores_ : ndarray of shape (members,)
        Accuracy of each member alone on the rows that it had not seen.
    oob_decision_function_ : ndarray of shape (n, n_classes)
        Averages over the members that had not seen a row; NaN where all had.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = BaggingClassifier(cr.NetworkClassifier((32,)), 5, random_state=0).fit(X, y)
    >>> model.oob_score_ > 0.8, len(model.estimators_)
    (True, 5)
    """

    def _learn_targets(self, y: np.ndarray) -> None:
        if y.ndim != 1:
            raise DataError(f"y has shape {y.shape}: expected one label for each row, (n,).")
        self.classes_ = np.unique(y)

    def _output(self, member: Any, X: Any) -> np.ndarray:
        probabilities = member.predict_proba(X)
        result = np.zeros((len(probabilities), len(self.classes_)))
        result[:, np.searchsorted(self.classes_, member.classes_)] = probabilities
        return result

    def _score(self, y: np.ndarray, output: np.ndarray, weights: np.ndarray | None) -> float:
        best = self.classes_[np.argmax(output, axis=1)]
        return float(accuracy_score(y, best, sample_weight=weights))

    @property
    def oob_decision_function_(self) -> np.ndarray:
        """Out-of-bag probabilities, (n, n_classes)."""
        return self._oob

    def predict_proba(self, X: Any) -> np.ndarray:
        """Mean of the members' probabilities.

        Parameters
        ----------
        X : data frame or array-like of shape (n, columns)

        Returns
        -------
        ndarray of shape (n, n_classes)
            Columns in the order of `classes_`.
        """
        return self._mean(X)

    def predict(self, X: Any) -> np.ndarray:
        """The class that is most probable on average.

        Parameters
        ----------
        X : data frame or array-like of shape (n, columns)

        Returns
        -------
        ndarray of shape (n,)
        """
        best = np.argmax(self._mean(X), axis=1)
        return self.classes_[best]


class BaggingRegressor(RegressorMixin, _Bagging):
    """Regressors trained on resampled rows; their predictions are averaged.

    Parameters
    ----------
    estimator : scikit-learn regressor, optional
        With `sample_weight`; `NetworkRegressor()` if None.
    members, n_jobs, random_state, verbose
        As for `BaggingClassifier`.

    Attributes
    ----------
    estimators_ : list
    oob_score_ : float
        R² of the average over the members that had not seen a row, on such rows.
    member_scores_ : ndarray of shape (members,)
        R² of each member alone on the rows that it had not seen.
    oob_prediction_ : ndarray of shape (n,) or (n, outputs)
        Averages over the members that had not seen a row; NaN where all had.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = BaggingRegressor(cr.NetworkRegressor((8,), epochs=50), random_state=0).fit(X, y)
    >>> bool(model.oob_score_ > model.member_scores_.mean())
    True
    """

    def _learn_targets(self, y: np.ndarray) -> None:
        pass

    def _output(self, member: Any, X: Any) -> np.ndarray:
        return np.asarray(member.predict(X), dtype=np.float64)

    def _score(self, y: np.ndarray, output: np.ndarray, weights: np.ndarray | None) -> float:
        return float(r2_score(y, output, sample_weight=weights))

    @property
    def oob_prediction_(self) -> np.ndarray:
        """Out-of-bag predictions, (n,) or (n, outputs)."""
        return self._oob

    def predict(self, X: Any) -> np.ndarray:
        """Mean of the members' predictions.

        Parameters
        ----------
        X : data frame or array-like of shape (n, columns)

        Returns
        -------
        ndarray of shape (n,), or (n, outputs) if y had several columns
        """
        return self._mean(X)
