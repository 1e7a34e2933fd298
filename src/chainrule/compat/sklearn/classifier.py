"""`MLPClassifier`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,  # type: ignore[missing-module-attribute]
    type_of_target,
    unique_labels,
)

from chainrule.compat.sklearn.arguments import HIDDEN, default
from chainrule.compat.sklearn.base import MultilayerPerceptron, is_stochastic
from chainrule.errors import DataError

__all__ = ["MLPClassifier"]


class MLPClassifier(ClassifierMixin, MultilayerPerceptron):
    """A network that tells classes apart, in place of `sklearn.neural_network.MLPClassifier`.

    It minimises the cross entropy: of softmax for several classes, of one logistic unit for two,
    of one for each label where a row may have several.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Widths of the hidden layers.
    activation : {"identity", "logistic", "tanh", "relu"}
        Of the hidden layers.
    solver : {"lbfgs", "sgd", "adam"}
    alpha : float
        Strength of the penalty α/2 ‖W‖², divided by the sum of a minibatch's weights.
    batch_size : int or "auto"
        "auto" is 200 rows, or all of them where there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}
        For sgd. "invscaling": η₀/(t + 1)ᵖ for t rows seen, after each epoch; "adaptive": a fifth
        whenever there was no improvement for `n_iter_no_change` epochs.
    learning_rate_init : float
        η₀.
    power_t : float
        p.
    max_iter : int
        Most epochs, for lbfgs most iterations.
    shuffle : bool
        Whether each epoch has an order of its own.
    random_state : int, RandomState or None
        First weights, validation rows and order of the rows follow from it as in scikit-learn.
    tol : float
        Smallest improvement of the loss, or of the validation score, that counts; for lbfgs the
        largest gradient entry at convergence.
    verbose : bool
        Whether to print the loss of each epoch.
    warm_start : bool
        Whether `fit` goes on from the weights there are.
    momentum : float
        For sgd; 1 is not possible.
    nesterovs_momentum : bool
    early_stopping : bool
        Whether to hold rows out, stop by their score and return to the best weights.
    validation_fraction : float
        Share of the rows to hold out.
    beta_1, beta_2, epsilon : float
        For adam.
    n_iter_no_change : int
        Epochs without an improvement before stopping; ∞ is possible.
    max_fun : int
        Most evaluations of lbfgs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coefs_ : list of ndarray of shape (fan_in, fan_out)
    intercepts_ : list of ndarray of shape (fan_out,)
    loss_ : float
        Of the last epoch.
    loss_curve_ : list of float
    best_loss_ : float or None
        None with early stopping.
    validation_scores_ : list of float or None
        Accuracies, with early stopping.
    best_validation_score_ : float or None
    n_iter_, t_ : int
        Epochs or iterations of the last `fit`; rows seen.
    n_layers_, n_outputs_, n_features_in_ : int
    feature_names_in_ : ndarray of shape (features,)
        If the columns have names.
    out_activation_ : {"softmax", "logistic"}

    Notes
    -----
    Weights agree with scikit-learn's to rounding, and so do losses. A sparse matrix is written out
    in full for training.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from chainrule.compat.sklearn import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95, [W.shape for W in model.coefs_]
    (True, [(4, 8), (8, 3)])
    """

    _stratifies = True
    _label_binarizer: Any

    def __init__(
        self, hidden_layer_sizes: Any = HIDDEN, activation: str = default("activation"), *,
        solver: str = default("solver"), alpha: float = default("alpha"),
        batch_size: Any = "auto", learning_rate: str = default("learning_rate"),
        learning_rate_init: float = default("learning_rate_init"),
        power_t: float = default("power_t"), max_iter: int = default("max_iter"),
        shuffle: bool = True, random_state: Any = None, tol: float = default("tol"),
        verbose: Any = False, warm_start: bool = False, momentum: float = default("momentum"),
        nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = default("validation_fraction"),
        beta_1: float = default("beta_1"), beta_2: float = default("beta_2"),
        epsilon: float = default("epsilon"),
        n_iter_no_change: float = default("n_iter_no_change"), max_fun: int = default("max_fun"),
    ) -> None:  # fmt: skip
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    # ------------------------------------------------------------------ targets

    def _targets(self, y: np.ndarray, incremental: bool) -> np.ndarray:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if hasattr(self, "classes_") and (self.warm_start or incremental):
            self._refuse_other_classes(y)
        else:
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        return self._label_binarizer.transform(y).astype(bool)

    def _refuse_other_classes(self, y: np.ndarray) -> None:
        classes = unique_labels(y)
        if self.warm_start and set(classes) != set(self.classes_):
            raise DataError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )
        if not set(classes) <= set(self.classes_):
            raise DataError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {classes}."
            )

    def _output_activation(self) -> str:
        several = self._label_binarizer.y_type_ == "multiclass"
        return "softmax" if several else "logistic"

    def _loss_name(self) -> str:
        softmax = self._output_activation() == "softmax"
        return "cross_entropy" if softmax else "binary_cross_entropy"

    def _labels(self, values: np.ndarray) -> np.ndarray:
        values = values.ravel() if values.shape[1] == 1 else values
        return self._label_binarizer.inverse_transform(values)

    def _score(self, y: np.ndarray, values: np.ndarray, weights: np.ndarray | None) -> float:
        right, given = self._labels(y), self._labels(values)
        return float(accuracy_score(right, given, sample_weight=weights))

    # ----------------------------------------------------------------- learning

    @available_if(is_stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """One epoch on these rows, from the weights there are.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, features)
        y : array-like of shape (n,) or (n, labels)
        sample_weight : array-like of shape (n,), optional
        classes : array-like of shape (n_classes,)
            All there will be; for the first call.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `classes` is missing in the first call or differs later, or a label is none of them.
        """
        if _check_partial_fit_first_call(self, classes):
            several = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if several else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    # --------------------------------------------------------------- prediction

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class, (n,); of several labels each that is likelier than not.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, features)
        """
        return self._labels(self._values(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class, (n, n_classes), in the order of `classes_`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, features)
        """
        values = self._values(X)
        return np.hstack([1 - values, values]) if values.shape[1] == 1 else values

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of `predict_proba`, (n, n_classes).

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, features)
        """
        return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that a row may have several labels."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
