"""`NetworkClassifier`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from chainrule.data.targets import called, class_weights
from chainrule.errors import DataError
from chainrule.estimators.base import NetworkEstimator
from chainrule.estimators.defaults import HIDDEN
from chainrule.estimators.splits import stratified_share

__all__ = ["NetworkClassifier"]


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """A neural network that learns classes from a table.

    Numbers are standardised, texts become one column a level, gaps are filled in and marked. A
    tenth of the rows, the same share of every class, chooses the epoch whose weights are kept.

    Parameters
    ----------
    hidden : sequence of int
        Widths of the hidden layers.
    activation : str or ActivationFunction, optional
        Of the hidden layers; if None rectifiers, and tanh where a layer has fewer than 8 units.
    keep : float
        Probability that dropout keeps a hidden unit; 1 is no dropout.
    network : sequence of Layer, optional
        Hidden layers of your own, instead of `hidden`, `activation` and `keep`; the output layer
        is added.
    optimizer : str, Optimizer or LBFGS
    learning_rate : float, optional
        The optimizer's own default if None.
    batch_size : int
    epochs : int, optional
        A maximum when `early_stopping` is on. If None 200, and more for a table so small that 200
        epochs make fewer than 2000 updates.
    early_stopping : bool
        Hold out `validation_fraction` of the rows, stop after `patience` epochs without a better
        loss on them, keep the best weights.
    validation_fraction : float
    patience : int
    time_limit : float, optional
        Seconds.
    max_levels : int
        Largest number of levels of a text column.
    callbacks : sequence of Callback
    engine : {"compiled", "reference"} or Engine
    threads : int, optional
        Threads of one matrix product; chosen by size if None.
    random_state : int, RandomState or None
    verbose : bool
        Whether to show progress.
    class_weight : "balanced", mapping or None
        Weight of each row by its class, beside `sample_weight`: a mapping from labels to weights,
        others weigh 1, or "balanced", by which all classes count the same in total.

    Attributes
    ----------
    network_ : Network
    encoder_ : TableEncoder
    history_ : History
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if X had names.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> cr.NetworkClassifier(random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    def __init__(
        self,
        hidden: Sequence[int] = HIDDEN,
        *,
        class_weight: str | Mapping[Any, float] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(hidden, **arguments)
        self.class_weight = class_weight

    @property
    def _loss(self) -> str:
        return "cross_entropy"

    @property
    def _kind(self) -> str:
        return "classifier"

    def _learn_targets(self, y: np.ndarray) -> int:
        if y.ndim != 1:
            raise DataError(f"y has shape {y.shape}: expected one label for each row, (n,).")
        target = called(self.target_name_)
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            raise DataError(f"{target} has infinite values: a class needs a name.")
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise DataError(
                f"{target} has a single class, {self.classes_[0].item()!r}: a classifier needs two "
                f"or more."
            )
        if y.dtype.kind == "f" and len(self.classes_) > 0.5 * len(y) and len(y) > 20:
            raise DataError(
                f"{target} has {len(self.classes_)} different numbers in {len(y)} rows: that is a "
                f"regression, use NetworkRegressor (--task regression)."
            )
        return len(self.classes_)

    def _weigh(self, y: np.ndarray, used: np.ndarray, weights: np.ndarray | None) -> Any:
        if self.class_weight is None:
            return weights
        by_class = np.zeros((len(y), 1))
        by_class[used, 0] = class_weights(self.class_weight, y[used])
        return by_class if weights is None else weights * by_class

    def _scale_targets(self, y: np.ndarray) -> None:
        pass

    def _encode_targets(self, y: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.classes_, y)

    def _held_out(self, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return stratified_share(y, self.validation_fraction, rng)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class.

        Parameters
        ----------
        X : data frame or array-like of shape (n, columns)

        Returns
        -------
        ndarray of shape (n, n_classes)
            Columns in the order of `classes_`.
        """
        scores = self._scores(X)
        return self.network_.loss.predictions(scores)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class.

        Parameters
        ----------
        X : data frame or array-like of shape (n, columns)

        Returns
        -------
        ndarray of shape (n,)
        """
        best = np.argmax(self._scores(X), axis=1)
        return self.classes_[best]

    def _config(self) -> dict[str, Any]:
        return {"classes": self.classes_.tolist(), "type": self.classes_.dtype.str}

    def _restore(self, targets: Mapping[str, Any]) -> None:
        self.classes_ = np.array(targets["classes"], dtype=np.dtype(targets["type"]))


def _full_signature() -> Any:
    """All arguments by name, the shared ones too: what help and scikit-learn's get_params read."""
    shared = signature(NetworkEstimator.__init__)
    own = signature(NetworkClassifier.__init__).parameters["class_weight"]
    return shared.replace(parameters=[*shared.parameters.values(), own])


NetworkClassifier.__init__.__signature__ = _full_signature()  # type: ignore[attr-defined]
