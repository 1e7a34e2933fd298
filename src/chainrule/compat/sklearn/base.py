"""What the two estimators share: arguments, weights, the network and its training."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    check_is_fitted,
    validate_data,  # type: ignore[missing-module-attribute]  (scikit-learn ≥ 1.6)
)

from chainrule.compat.sklearn.arguments import check_arguments, hidden_sizes
from chainrule.compat.sklearn.descent import Descent
from chainrule.compat.sklearn.problem import (
    Loss,
    Rows,
    dense,
    first_weights,
    make_network,
)
from chainrule.compat.sklearn.quasi_newton import solve
from chainrule.compat.sklearn.stochastic import (
    Run,
    begin_curves,
    curves_begun,
    held_out,
    minibatch,
)
from chainrule.data.matrices import as_weights
from chainrule.errors import DataError, HyperparameterError
from chainrule.network import Network

__all__ = ["MultilayerPerceptron", "is_stochastic"]

_SPARSE = ["csr", "csc"]


def is_stochastic(model: Any) -> bool:
    """Whether the solver works on minibatches.

    Raises
    ------
    AttributeError
        If not, so that there is no `partial_fit`.
    """
    if model.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True


class MultilayerPerceptron(BaseEstimator):
    """Base of `MLPClassifier` and `MLPRegressor`: everything but what targets mean."""

    # Typed here, as the constructors of both set them one by one.
    hidden_layer_sizes: Any
    activation: str
    solver: str
    alpha: float
    batch_size: Any
    max_iter: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: Any
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: float
    max_fun: int
    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    loss_: float
    loss_curve_: list[float]
    # None where early stopping, or its absence, leaves no use for them
    best_loss_: Any
    validation_scores_: Any
    best_validation_score_: Any
    _no_improvement_count: int
    _best: list[np.ndarray]

    # -------------------------------------------------- what a subclass decides

    @abstractmethod
    def _targets(self, y: np.ndarray, incremental: bool) -> np.ndarray:
        """Targets as the network has outputs, (n, outputs)."""

    @abstractmethod
    def _loss_name(self) -> str:
        """Name of the loss in chainrule's registry."""

    @abstractmethod
    def _output_activation(self) -> str:
        """scikit-learn's name of what turns scores into predictions."""

    @abstractmethod
    def _score(self, y: np.ndarray, values: np.ndarray, weights: np.ndarray | None) -> float:
        """Score of predictions `values`, (n, outputs), where `y` (n, outputs) is right."""

    _stratifies, _predicts_numbers = False, False

    # ------------------------------------------------------------------ fitting

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from data, anew unless `warm_start`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, features)
        y : array-like of shape (n,) or (n, outputs)
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        self

        Raises
        ------
        HyperparameterError
            Naming an argument that is wrong.
        ValueError
            If the data cannot be used, or the weights did not stay finite.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` did not suffice.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def _fit(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> Self:
        check_arguments(self.get_params(deep=False))
        hidden = hidden_sizes(self.hidden_layer_sizes)
        if incremental and self.early_stopping:
            raise HyperparameterError(
                "partial_fit does not support early_stopping=True: it sees a part of the rows."
            )
        anew = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        rows = self._rows(X, y, sample_weight, incremental, anew)
        self._random_state = check_random_state(self.random_state)
        self.n_outputs_ = rows.y.shape[1]
        sizes = [rows.X.shape[1], *hidden, self.n_outputs_]
        if anew:
            self._begin(sizes, rows.X.dtype)
        self._use_network(sizes, self.alpha / rows.total, keep=incremental)
        self._solve(rows, incremental)
        if not all(np.isfinite(p).all() for p in self._parameters()):
            raise DataError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed."
            )
        return self

    def _rows(self, X: Any, y: Any, weights: Any, incremental: bool, anew: bool) -> Rows:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=_SPARSE,
            multi_output=True,
            y_numeric=self._predicts_numbers,
            dtype=(np.float64, np.float32),
            reset=anew,
        )
        targets = self._targets(y, incremental)
        weights = as_weights(weights, X.shape[0])
        return Rows(
            dense(X),
            targets if targets.ndim == 2 else targets[:, None],
            None if weights is None else weights[:, 0],
        )

    def _begin(self, sizes: list[int], dtype: Any) -> None:
        """Set the attributes of an estimator that has learnt nothing yet."""
        self.n_iter_, self.t_ = 0, 0
        self.n_layers_ = len(sizes)
        self.out_activation_ = self._output_activation()
        self.coefs_, self.intercepts_ = first_weights(
            sizes, self.activation, dtype, self._random_state
        )
        if self.solver != "lbfgs":
            begin_curves(self)

    def _solve(self, rows: Rows, incremental: bool) -> None:
        loss = Loss.of(self._loss_name(), rows.y)
        if self.solver == "lbfgs":
            self.n_iter_, self.loss_ = solve(
                self._network, rows, loss,
                max_iter=self.max_iter, max_fun=self.max_fun, tol=self.tol,
            )  # fmt: skip
            return
        if not curves_begun(self):
            begin_curves(self)
        if not (incremental and hasattr(self, "_optimizer")):
            self._optimizer = Descent.of(vars(self))
        watched = None
        if self.early_stopping:
            rows, watched = held_out(self, rows, self._stratifies and self.n_outputs_ == 1)
            loss = Loss.of(loss.name, rows.y)
        self._optimizer.bind(self._network, rows, minibatch(self.batch_size, len(rows)))
        run = Run(self, self._network, self._optimizer, rows, watched, loss)
        run.all_epochs(1 if incremental else self.max_iter, to_converge=not incremental)

    # -------------------------------------------------------------- the network

    def _parameters(self) -> list[np.ndarray]:
        """`coefs_` and `intercepts_` in the order of the network's parameters."""
        pairs = zip(self.coefs_, self.intercepts_, strict=True)
        return [np.asarray(p) for pair in pairs for p in pair]

    def _use_network(self, sizes: list[int], strength: float, keep: bool) -> None:
        """Make a network with the weights in `coefs_`, which are its own from then on."""
        number = np.float64 if self.solver == "lbfgs" else np.float32
        dtype = np.result_type(number, *self._parameters())
        made = make_network(sizes, self.activation, self._loss_name(), dtype, strength)
        old = getattr(self, "_network", None) if keep else None
        if old is not None and _alike(old, made):
            made = old
        self._network = self._loaded(made)
        own = list(made.parameters.values())
        self.coefs_, self.intercepts_ = own[::2], own[1::2]

    def _loaded(self, network: Network) -> Network:
        """A network with the weights in `coefs_` and `intercepts_`, which a user may have set."""
        for own, given in zip(network.parameters.values(), self._parameters(), strict=True):
            if own.shape != given.shape:
                raise DataError(
                    f"the estimator has weights of shape {given.shape} where its arguments and "
                    f"the data imply {own.shape}: call fit with warm_start=False."
                )
            if own is not given:
                own[...] = given
        return network

    def _values(self, X: Any) -> np.ndarray:
        """Predictions of the network, (n, outputs): probabilities, means or numbers."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=_SPARSE, reset=False)
        network = getattr(self, "_network", None)
        if network is None:
            sizes = [len(self.coefs_[0]), *(b.shape[0] for b in self.intercepts_)]
            dtype = np.result_type(np.float32, *self._parameters())
            network = make_network(sizes, self.activation, self._loss_name(), dtype, 0.0)
            self._network = network
        return self._loaded(network).predict_proba(dense(X))

    # -------------------------------------------------------------- scikit-learn

    def __getstate__(self) -> dict[str, Any]:
        """The weights are in `coefs_`; a copy makes its own network of them."""
        state = dict(super().__getstate__())
        state.pop("_network", None)
        return state

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that sparse matrices are welcome."""
        tags = super().__sklearn_tags__()  # type: ignore[missing-attribute]  (scikit-learn ≥ 1.6)
        tags.input_tags.sparse = True
        return tags


def _alike(a: Network, b: Network) -> bool:
    """Whether two networks differ in their weights at most."""
    return (a.layers, a.loss.name, a.input_shape, a.engine.dtype) == (
        b.layers, b.loss.name, b.input_shape, b.engine.dtype,
    )  # fmt: skip
