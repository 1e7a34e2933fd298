"""What several networks say together: averages, disagreement, rows held out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from chainrule.data.frames import Table
from chainrule.data.tables import TableEncoder
from chainrule.errors import HyperparameterError
from chainrule.estimators.members import (
    Encoded,
    Part,
    by_part,
    judge,
    learnt,
    refit,
    spaced_out,
    spread,
    train_members,
    watched,
)
from chainrule.estimators.opening import by_portions
from chainrule.estimators.rows import Rows, hidden_features, hidden_part
from chainrule.network import Network
from chainrule.training import History

__all__ = ["Ensemble"]


class Ensemble(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """An estimator of one network or several: twins of the estimator, with a network each."""

    network_: Network
    history_: History
    encoder_: TableEncoder
    refit: bool
    bag: int | None
    cv: Any
    _twins: list[Self]

    # -------------------------------------------------- what a subclass decides

    @abstractmethod
    def _encode(self, table: Table, rows: np.ndarray | None = None) -> np.ndarray:
        """Rows as the network reads them, (rows, encoded columns)."""

    @abstractmethod
    def _output(self, scores: Any) -> Any:
        """What is averaged over several networks, (n, …) or a list of such, from scores."""

    @abstractmethod
    def _scores_of(self, output: Any) -> Any:
        """Scores that mean the same as an average output: `_output` the other way round."""

    @abstractmethod
    def _decide(self, scores: Any) -> np.ndarray:
        """Predictions, (n,) or (n, outputs), from scores."""

    @abstractmethod
    def _score(self, y: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None) -> float:
        """The estimator's score of predictions, (n,) or (n, outputs), with weights (n,)."""

    # ----------------------------------------------------------------- training

    def _train_several(self, parts: list[Part], data: Encoded, rows: Rows, seed: int) -> None:
        """Train a twin for each part and keep what they are together."""
        twins = train_members(self, parts, data)
        self.histories_ = [twin.history_ for twin in twins]
        if self.cv is not None or self.bag is not None:
            means, scores, overall = judge(self, twins, parts, data)
            self.out_of_fold_ = spaced_out(means, rows.used, rows.table.rows)
            if self.bag is None:
                self.cv_scores_ = scores
            else:
                self.oob_score_ = overall
        kept = learnt(twins)
        self._twins = [refit(self, kept, data, seed)] if self.refit else kept
        self.network_, self.history_ = self._twins[0].network_, self._twins[0].history_

    def _judged_rows(
        self, parts: list[Part], data: Encoded, rows: Rows
    ) -> tuple[Callable[[], Any], np.ndarray, bool]:
        """Scores of rows, when asked for, for what is learnt after training.

        Returns
        -------
        (function, ndarray of int, bool)
            Scores of rows that the networks behind each score did not see, if there are such; the
            numbers of these rows among those that count; and whether they are such.
        """
        if self.cv is not None or self.bag is not None:
            means = by_part(lambda parts: parts[0][rows.used], [self.out_of_fold_])
            first = means[0] if isinstance(means, list) else means
            known = np.flatnonzero(np.isfinite(first.reshape(len(first), -1)).all(axis=1))
            return lambda: self._scores_of(by_part(lambda m: m[0][known], [means])), known, True
        held = watched(self, parts[0])
        known = parts[0].train if held is None else held
        return lambda: self._scores_of_encoded(data.X[known]), known, held is not None

    def _rate(self, data: Encoded, rows: np.ndarray, predicted: np.ndarray) -> float:
        """Score of predictions for some rows, (m,), of the data."""
        weights = None if data.given is None else data.given[rows]
        return self._score(data.y[rows], predicted, weights)

    # --------------------------------------------------------------- prediction

    @property
    def _each(self) -> list[Self]:
        """The twins that predict together; the estimator itself if it has one network."""
        return self.__dict__.get("_twins", [self])

    @property
    def members_(self) -> list[Network]:
        """The networks whose predictions are averaged; the first is `network_`."""
        check_is_fitted(self, "network_")
        return [twin.network_ for twin in self._each]

    def _each_output(self, encoded: np.ndarray) -> list[Any]:
        """What each network puts out, (n, …) or a list of such."""
        return [twin._output(twin.network_.scores(encoded)) for twin in self._each]

    def _scores(self, X: Any) -> Any:
        """Scores of the network, or those that mean the average of several."""
        if "network_" not in self.__dict__:  # for the message; asking costs more than encoding
            check_is_fitted(self, "network_")
        return by_portions(self._scores_of_table, X)

    def _scores_of_table(self, X: Any) -> Any:
        encoded = self.encoder_.transform_numbers(X) if isinstance(X, np.ndarray) else None
        return self._scores_of_encoded(self._encode(Table.read(X)) if encoded is None else encoded)

    def _scores_of_encoded(self, encoded: np.ndarray) -> Any:
        if "_twins" not in self.__dict__:
            return self.network_.scores(encoded)
        return self._scores_of(by_part(lambda parts: np.mean(parts, axis=0, dtype=np.float64),
                                       self._each_output(encoded)))  # fmt: skip

    def spread(self, X: Any) -> Any:
        """How much the networks disagree: the standard deviation of what they say of a row.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)

        Returns
        -------
        ndarray
            √(Σₖ (yₖ − ȳ)²/(K − 1)), of the shape of `predict` for numbers and of `predict_proba`
            for classes. Rows unlike those of the training table often have a larger one; it is no
            interval that holds the truth with a known probability.

        Raises
        ------
        HyperparameterError
            If there is one network.
        """
        if len(self.members_) < 2:
            raise HyperparameterError(
                "there is one network, which agrees with itself: give members, cv (without refit) "
                "or bag."
            )
        return by_portions(lambda X: spread(self._each_output(self._encode(Table.read(X)))), X)

    def transform(self, X: Any) -> np.ndarray:
        """What the last hidden layer puts out: the features that the network has learnt.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)

        Returns
        -------
        ndarray of shape (n, units)
            Those of several networks side by side. The encoded table if there is no hidden layer.
        """
        trunks = [hidden_features(network) for network in self.members_]
        if hidden_part(self.network_) is None:
            trunks = trunks[:1]

        def features(X: Any) -> np.ndarray:
            encoded = self._encode(Table.read(X))
            return np.hstack([trunk(encoded) for trunk in trunks])

        return by_portions(features, X)

    @property
    def _n_features_out(self) -> int:
        """Columns of `transform`, for scikit-learn's names of them."""
        trunk = hidden_part(self.network_)
        if trunk is None:
            return self.encoder_.width
        return len(self.members_) * int(np.prod(trunk.output_shape))
