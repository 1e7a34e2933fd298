"""`MLPRegressor`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from chainrule.compat.sklearn.arguments import HIDDEN, default
from chainrule.compat.sklearn.base import MultilayerPerceptron, is_stochastic

__all__ = ["MLPRegressor"]


class MLPRegressor(RegressorMixin, MultilayerPerceptron):
    """A network that predicts numbers, in place of `sklearn.neural_network.MLPRegressor`.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}
        Half of the squared error, or of the Poisson deviance of means e^z; for that no target may
        be negative.
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
    coefs_ : list of ndarray of shape (fan_in, fan_out)
    intercepts_ : list of ndarray of shape (fan_out,)
    loss_ : float
        Of the last epoch.
    loss_curve_ : list of float
    best_loss_ : float or None
        None with early stopping.
    validation_scores_ : list of float or None
        Coefficients of determination, with early stopping.
    best_validation_score_ : float or None
    n_iter_, t_ : int
        Epochs or iterations of the last `fit`; rows seen.
    n_layers_, n_outputs_, n_features_in_ : int
    feature_names_in_ : ndarray of shape (features,)
        If the columns have names.
    out_activation_ : {"identity", "exp"}

    Notes
    -----
    With several targets scikit-learn reports the mean of their squared errors, and follows the
    gradient of the sum; so does this class. A sparse matrix is written out in full for training.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.compat.sklearn import MLPRegressor
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0)
    >>> model.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.99
    True
    """

    _predicts_numbers = True

    def __init__(
        self, loss: str = default("loss"), hidden_layer_sizes: Any = HIDDEN,
        activation: str = default("activation"), *, solver: str = default("solver"),
        alpha: float = default("alpha"), batch_size: Any = "auto",
        learning_rate: str = default("learning_rate"),
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
        self.loss = loss
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

    def _targets(self, y: np.ndarray, incremental: bool) -> np.ndarray:
        return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _output_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _loss_name(self) -> str:
        return self.loss

    def _score(self, y: np.ndarray, values: np.ndarray, weights: np.ndarray | None) -> float:
        return float(r2_score(y, values, sample_weight=weights))

    @available_if(is_stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch on these rows, from the weights there are.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, features)
        y : array-like of shape (n,) or (n, targets)
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predicted numbers, (n,) or (n, targets).

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, features)
        """
        values = self._values(X)
        return values.ravel() if values.shape[1] == 1 else values
