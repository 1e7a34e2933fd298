"""Epochs of sgd and adam: the curves that an estimator keeps, and when it stops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import shuffle

from chainrule.compat.sklearn.descent import Descent
from chainrule.compat.sklearn.problem import Loss, Rows
from chainrule.errors import DataError, warn
from chainrule.network import Network

if TYPE_CHECKING:
    from chainrule.compat.sklearn.base import MultilayerPerceptron

__all__ = ["Run", "begin_curves", "held_out", "minibatch"]


def begin_curves(model: MultilayerPerceptron) -> None:
    """The attributes that epochs add to, empty."""
    watches_scores = model.early_stopping
    model.loss_curve_ = []
    model._no_improvement_count = 0
    model.validation_scores_ = [] if watches_scores else None
    model.best_validation_score_ = -np.inf if watches_scores else None
    model.best_loss_ = None if watches_scores else np.inf
    model._best = [p.copy() for p in model._parameters()]


def curves_begun(model: MultilayerPerceptron) -> bool:
    """Whether there are curves of the kind that this run adds to."""
    best = "best_validation_score_" if model.early_stopping else "best_loss_"
    return getattr(model, best, None) is not None


def held_out(model: MultilayerPerceptron, rows: Rows, stratified: bool) -> tuple[Rows, Rows]:
    """Rows to train on and rows to validate on, in scikit-learn's draw.

    Raises
    ------
    DataError
        If less than two rows would be left to validate on.
    """
    columns = [rows.X, rows.y] if rows.weights is None else [rows.X, rows.y, rows.weights]
    parts = train_test_split(
        *columns,
        test_size=model.validation_fraction,
        random_state=model._random_state,
        stratify=rows.y if stratified else None,
    )
    training, other = Rows(*parts[::2]), Rows(*parts[1::2])
    if len(other) < 2:
        raise DataError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            f"dataset: {model.validation_fraction:g} of {len(rows)} rows leaves {len(other)}."
        )
    return training, other


def minibatch(wanted: Any, rows: int) -> int:
    """Rows of a minibatch: "auto" is 200, or all where there are fewer."""
    if isinstance(wanted, str):
        return min(200, rows)
    if wanted > rows:
        warn("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped")
    return min(int(wanted), rows)


@dataclass
class Run:
    """One call of `fit` or `partial_fit`."""

    model: MultilayerPerceptron
    network: Network
    descent: Descent
    rows: Rows
    watched: Rows | None
    loss: Loss

    def __post_init__(self) -> None:
        self.order: Any = np.arange(len(self.rows))

    def all_epochs(self, most: int, to_converge: bool) -> None:
        """At most so many epochs; warn if they were `to_converge` and came to no reason to stop."""
        model = self.model
        model.n_iter_ = 0
        try:
            for _ in range(most):
                self.one_epoch()
                if self.should_stop():
                    break
            else:
                if to_converge:
                    self.not_converged()
        except KeyboardInterrupt:
            warn("Training interrupted by user.")
        finally:
            self.descent.release()
        if self.watched is not None:
            for own, best in zip(model._parameters(), model._best, strict=True):
                own[...] = best

    def one_epoch(self) -> None:
        """One pass over the rows, and what is to be noted of it."""
        model, n = self.model, len(self.rows)
        if model.shuffle:  # the last epoch's order, shuffled once more
            self.order = shuffle(self.order, random_state=model._random_state)
        model.loss_ = self.descent.epoch(self.order, self.rows, model.alpha, self.loss)
        model.n_iter_ += 1
        model.t_ += n
        model.loss_curve_.append(model.loss_)
        self.say(f"Iteration {model.n_iter_}, loss = {model.loss_:.8f}")
        self.note_improvement()
        self.descent.after_epoch(model.t_)

    def note_improvement(self) -> None:
        """Count epochs without one, and keep what is best."""
        model = self.model
        if self.watched is None:
            better = not model.loss_ > model.best_loss_ - model.tol
            model.best_loss_ = min(model.best_loss_, model.loss_)
        else:
            score = self.score(self.watched)
            model.validation_scores_.append(score)
            self.say(f"Validation score: {score:f}")
            better = not score < model.best_validation_score_ + model.tol
            if score > model.best_validation_score_:
                model.best_validation_score_ = score
                model._best = [p.copy() for p in model._parameters()]
        model._no_improvement_count = 0 if better else model._no_improvement_count + 1

    def score(self, watched: Rows) -> float:
        """The estimator's score on rows; NaN where its predictions are no finite numbers."""
        values = self.network.predict_proba(watched.X)
        if not np.isfinite(values).all():
            return float("nan")
        return self.model._score(watched.y, values, watched.weights)

    def should_stop(self) -> bool:
        """Whether there was no improvement for too long; speaks of it when verbose."""
        model = self.model
        if not model._no_improvement_count > model.n_iter_no_change:
            return False
        what = "Training loss" if self.watched is None else "Validation score"
        stop, note = self.descent.on_plateau()
        self.say(
            f"{what} did not improve more than tol={model.tol:f} for {model.n_iter_no_change} "
            f"consecutive epochs. {note}"
        )
        if not stop:
            model._no_improvement_count = 0
        return stop

    def say(self, text: str) -> None:
        if self.model.verbose:
            print(text)

    def not_converged(self) -> None:
        warn(
            f"Stochastic Optimizer: Maximum iterations ({self.model.max_iter}) reached and the "
            "optimization hasn't converged yet.",
            ConvergenceWarning,
        )
