"""`Perceptron`: Rosenblatt's rule, and a proof when no hyperplane separates the classes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_is_fitted,
    validate_data,  # type: ignore[missing-module-attribute]  (scikit-learn ≥ 1.6)
)

from chainrule.data.hyperplane import Separability, separability
from chainrule.data.targets import refuse_numbers
from chainrule.engines import Engine
from chainrule.errors import DataError, NotSeparableWarning, warn
from chainrule.layers import Dense
from chainrule.network import Network
from chainrule.ops.hyperparameters import hyperparameter
from chainrule.ops.optimizers import SGD
from chainrule.training import Callback, TrainingState, train

__all__ = ["Perceptron"]

_MAX_EPOCHS = hyperparameter("max_epochs")
_TIME_LIMIT = hyperparameter("time_limit", default=60.0)
_ENDLESS = 2**31 - 1  # epochs: the callback ends the training


class Perceptron(ClassifierMixin, BaseEstimator):
    """Rosenblatt's perceptron: on a mistake add the row to the weights, or subtract it (000, 001).

    z = w·x + b from w = 0, b = 0. Row by row, where s z ≤ 0 (s = ±1 is the row's class):
    w ← w + s x and b ← b + s. Training ends with the first epoch without a mistake. More than two
    classes: one perceptron a class, against the rest.

    On separable classes the rule succeeds after finitely many mistakes (Novikoff 1962). After
    `max_epochs` epochs with mistakes a linear programme decides whether the classes are: if so
    training goes on, if not it ends with a `NotSeparableWarning` and a certificate.

    Parameters
    ----------
    max_epochs : int
        Epochs with mistakes after which the linear programme is asked; 1 asks at once.
        `chainrule.data.separability` asks without any training.
    shuffle : bool
        Whether each epoch takes the rows in a new order.
    time_limit : float or None
        Seconds; separable classes with a tiny margin may take millions of epochs.
    engine : {"compiled", "reference"} or Engine
    random_state : int, RandomState or None
        Start of the shuffling.

    Attributes
    ----------
    converged_ : bool
        Whether the last epoch had no mistake.
    mistakes_ : list of int
        Mistakes of each epoch.
    n_epochs_ : int
    certificate_ : Certificate or None
        Proof that the classes are not separable, if the linear programme found one.
    separability_ : Separability or None
        The whole answer of the linear programme, if it was asked.
    coef_ : ndarray of shape (1, columns), or (n_classes, columns)
    intercept_ : ndarray of shape (1,), or (n_classes,)
    classes_ : ndarray of shape (n_classes,)
    network_ : Network
        One dense layer with the loss "perceptron".
    history_ : History
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if X had names.

    Examples
    --------
    >>> import chainrule as cr
    >>> corners = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> both = cr.Perceptron().fit(corners, [0, 0, 0, 1])
    >>> both.converged_, both.mistakes_[-1], both.predict(corners).tolist()
    (True, 0, [0, 0, 0, 1])
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     either = cr.Perceptron().fit(corners, [0, 1, 1, 0])
    >>> either.converged_, caught[0].category.__name__, either.certificate_.point.tolist()
    (False, 'NotSeparableWarning', [0.5, 0.5])
    """

    def __init__(
        self,
        *,
        max_epochs: int = _MAX_EPOCHS.default,
        shuffle: bool = False,
        time_limit: float | None = _TIME_LIMIT.default,
        engine: str | Engine = "compiled",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.max_epochs = max_epochs
        self.shuffle = shuffle
        self.time_limit = time_limit
        self.engine = engine
        self.random_state = random_state

    # ------------------------------------------------------------------ fitting

    def fit(self, X: Any, y: Any) -> Self:
        """Train until an epoch passes without a mistake.

        Parameters
        ----------
        X : array-like of shape (n, columns)
        y : array-like of shape (n,)
            Labels.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If y has a single class.
        HyperparameterError
            Naming the argument and its interval.

        Warns
        -----
        NotSeparableWarning
            If no hyperplane exists: the weights are those of the last epoch, `certificate_` says
            why they cannot be right.
        ConvergenceWarning
            If one exists but the time was up.
        """
        _MAX_EPOCHS.check(self.max_epochs)
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        refuse_numbers(y)
        self.classes_, indices = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"y has one class only, '{self.classes_[0]}': a perceptron needs two or more."
            )
        units = 1 if len(self.classes_) == 2 else len(self.classes_)
        targets = indices[:, None] == (np.arange(units) if units > 1 else 1)
        self.network_ = self._make_network(X.shape[1], units)
        watch = _UntilNoMistake(X, y, self.max_epochs, targets.size)
        self._train(X, targets, watch)
        self.coef_ = self.network_.parameters["0.weight"].T.copy()
        self.intercept_ = self.network_.parameters["0.bias"].copy()
        self._conclude(X, y, watch)
        return self

    def _make_network(self, columns: int, units: int) -> Network:
        network = Network(
            [Dense(units)],
            "perceptron",
            input_shape=(columns,),
            engine=self.engine,
            dtype="float64",
        )
        for values in network.parameters.values():
            values[...] = 0
        return network

    def _train(self, X: np.ndarray, targets: np.ndarray, watch: _UntilNoMistake) -> None:
        self.history_ = train(
            self.network_,
            X,
            targets,
            optimizer=SGD(learning_rate=1.0),
            batch_size=1,
            epochs=_ENDLESS,
            callbacks=[watch],
            shuffle=self.shuffle,
            seed=int(check_random_state(self.random_state).randint(2**31 - 1)),
            time_limit=self.time_limit,
            progress=False,
        )

    # --------------------------------------------------------------- conclusion

    def _conclude(self, X: np.ndarray, y: np.ndarray, watch: _UntilNoMistake) -> None:
        """Set what training told us, and warn if it did not succeed."""
        self.mistakes_ = watch.mistakes
        self.n_epochs_ = len(self.mistakes_)
        self.converged_ = self.history_.stopped == _SUCCESS
        self.separability_ = watch.answer
        if self.history_.stopped == "time limit" and self.separability_ is None:
            self.separability_ = separability(X, y)
        certificates = self.separability_.certificates if self.separability_ else ()
        self.certificate_ = certificates[0] if certificates else None
        if self.certificate_:
            warn(self._not_separable(watch.decisions), NotSeparableWarning)
        elif self.history_.stopped == "time limit":
            warn(self._out_of_time(), ConvergenceWarning)

    def _not_separable(self, decisions: int) -> str:
        made = f"{self.mistakes_[-1]} of {decisions} decisions" if self.mistakes_ else "decisions"
        return (
            f"after {self.n_epochs_} epochs {made} are still mistakes, and no hyperplane does "
            f"without: {self.separability_}. Add a hidden layer: NetworkClassifier()."
        )

    def _out_of_time(self) -> str:
        most = self.separability_.most_mistakes if self.separability_ else np.inf
        return (
            f"the time limit of {self.time_limit:g} s was reached after {self.n_epochs_} epochs "
            f"and {sum(self.mistakes_)} mistakes, but a hyperplane exists and {most:.3g} mistakes "
            f"are enough to find one: scale the columns, make_pipeline(StandardScaler(), "
            f"Perceptron()), or give a larger time_limit."
        )

    # --------------------------------------------------------------- prediction

    def decision_function(self, X: Any) -> np.ndarray:
        """Score z = w·x + b.

        Parameters
        ----------
        X : array-like of shape (n, columns)

        Returns
        -------
        ndarray of shape (n,), or (n, n_classes) for more than two classes
        """
        check_is_fitted(self, "network_")
        scores = self.network_.predict(validate_data(self, X, dtype=np.float64, reset=False))
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """The second class where z ≥ 0, else the first; of several classes that of the largest z.

        Parameters
        ----------
        X : array-like of shape (n, columns)

        Returns
        -------
        ndarray of shape (n,)
        """
        scores = self.decision_function(X)
        chosen = scores.argmax(axis=1) if scores.ndim == 2 else (scores >= 0).astype(int)
        return self.classes_[chosen]


_SUCCESS, _FAILURE = "no mistake in an epoch", "no hyperplane separates the classes"


class _UntilNoMistake(Callback):
    """Counts mistakes; stops without one, or when the linear programme says there is no hope."""

    def __init__(self, X: np.ndarray, y: np.ndarray, max_epochs: int, decisions: int) -> None:
        self.X, self.y, self.max_epochs, self.decisions = X, y, max_epochs, decisions
        self.mistakes: list[int] = []
        self.answer: Separability | None = None

    def on_epoch_end(self, state: TrainingState) -> None:
        """Mistakes from the accuracy, which is taken before each row's update."""
        if state.stop_reason:  # the epoch was cut short
            return
        self.mistakes.append(round((1 - state.history.metric[-1]) * self.decisions))
        if not self.mistakes[-1]:
            state.stop(_SUCCESS)
        elif state.epoch == self.max_epochs:
            self.answer = separability(self.X, self.y)
            if not self.answer.separable:
                state.stop(_FAILURE)
