"""scikit-learn's callbacks, those of `set_callbacks`: a fit as the tree of its tasks.

One network, and several (members, folds, bootstrap draws):

    fit                 fit
    ├── epoch 0         ├── network 0
    ├── epoch 1         │   ├── epoch 0
    ┊                   ┊   ┊
                        └── refit
                            ├── epoch 0
                            ┊

X, y and the weights of a task are what is learnt from in it: of the fit all rows that have a
target, of a network and its epochs the rows that are not held out. The fitted estimator is that
task's network with weights of its own, as they are at that moment, and its history so far.

Networks that train side by side report from their threads, one at a time. A callback that asks to
stop after an epoch ends the training of that network; other answers have no effect, for networks
that others are averaged with, or compared to, are not left out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing  # type: ignore[missing-module-attribute]

from chainrule.training import LBFGS, Callback
from chainrule.training.callbacks import TrainingState

if TYPE_CHECKING:
    from chainrule.estimators.members import Part
    from chainrule.estimators.rows import Rows

__all__ = ["CallbackSupportMixin", "FitTasks", "Learnt", "fit_tasks"]

_OF_A_FIT = (  # what scikit-learn keeps on an estimator for as long as it trains, or is given it
    "_skl_callbacks", "_skl_callbacks_to_teardown", "_callback_fit_ctx", "_parent_callback_ctx",
)  # fmt: skip


class _Missing:
    """Says what is missing, where scikit-learn is older than its callbacks."""

    def set_callbacks(self, *callbacks: Any) -> Any:
        """Refuse.

        Raises
        ------
        ImportError
        """
        raise ImportError(
            f"set_callbacks needs scikit-learn 1.9 or newer, and this is {sklearn.__version__}: "
            f"install a newer one, or give callbacks=[…] with objects of type chainrule.Callback."
        )


if TYPE_CHECKING or find_spec("sklearn.callback"):
    from sklearn.callback import CallbackSupportMixin, with_callbacks

    _SUPPORTED = True
else:
    CallbackSupportMixin, _SUPPORTED = _Missing, False


@dataclass(frozen=True, eq=False)
class Learnt:
    """What a task learns from; rows are taken when a callback asks for them, once.

    Attributes
    ----------
    table : data frame, array-like or sparse matrix of shape (n, columns), or None
        As it was given.
    rows : Rows, or None
        The same, read.
    chosen : ndarray of int, or None
        Numbers of rows, repeated where one is drawn twice; None is all of them.
    """

    table: Any = None
    rows: Rows | None = None
    chosen: np.ndarray | None = None

    def of(self, part: Part) -> Learnt:
        """What the network of a part of the rows learns from."""
        if self.rows is None:
            return self
        numbers = part.train
        if part.counts is not None:
            numbers = np.repeat(numbers, part.counts[numbers])
        chosen = self.rows.used[numbers]
        everything = np.array_equal(chosen, np.arange(self.rows.table.rows))
        return Learnt(self.table, self.rows, None if everything else chosen)

    @cached_property
    def inputs(self) -> Any:
        """The rows, of the kind of the table."""
        if self.chosen is None:
            return self.table
        table = self.table.tocsr() if issparse(self.table) else self.table
        return _safe_indexing(table, self.chosen)

    @cached_property
    def targets(self) -> np.ndarray | None:
        """Their targets, (m,) or (m, outputs)."""
        return None if self.rows is None else self._taken(self.rows.y)

    @cached_property
    def metadata(self) -> dict[str, np.ndarray] | None:
        """Their weights, (m,), by the name of the argument of `fit`."""
        if self.rows is None or self.rows.weights is None:
            return None
        return {"sample_weight": self._taken(self.rows.weights[:, 0])}

    def _taken(self, values: np.ndarray) -> np.ndarray:
        return values if self.chosen is None else values[self.chosen]


@dataclass(eq=False)
class FitTasks:
    """Tells the callbacks of one fit about its tasks.

    Attributes
    ----------
    estimator : NetworkEstimator or LanguageModel
    root : CallbackContext, or None
        Of the whole fit; None if nobody listens.
    learnt : Learnt
        By the whole fit.
    parts : sequence of Part
        What each network learns from; empty if there is but one, whose epochs are the fit's own.
    taken : dict of int to Learnt
        What is learnt from, by the identity of the numbers of rows.
    lock : RLock
        Held while callbacks are called.
    settings : dict
        scikit-learn's, of the thread that called `fit`.
    """

    estimator: Any
    root: Any = None
    learnt: Learnt = field(default_factory=Learnt)
    parts: Sequence[Part] = ()
    taken: dict[int, Learnt] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.RLock)
    settings: dict[str, Any] = field(default_factory=sklearn.get_config)

    def reporters(self, twin: Any, part: Part | None = None) -> list[Callback]:
        """What trains the network of a twin of the estimator shall call after other callbacks."""
        if self.root is None:
            return []
        if part is None:
            return [_Reporter(self, twin, self.learnt, self.root)]
        # members of the same rows share what is taken of them
        own = self.taken.setdefault(id(part.train), self.learnt.of(part))
        if not self.parts:
            return [_Reporter(self, twin, own, self.root)]
        known = [*self.parts]
        number = known.index(part) if part in known else len(known)
        name = "network" if number < len(known) else "refit"
        return [_Reporter(self, twin, own, None, (name, number))]

    def begin(self, context: Any, learnt: Learnt, fitted: Callable[[], Any] | None = None) -> None:
        """A task begins."""
        with self.lock, sklearn.config_context(**self.settings):
            context.call_on_fit_task_begin(**self._told(learnt, fitted))

    def end(self, context: Any, learnt: Learnt, fitted: Callable[[], Any] | None = None) -> bool:
        """A task has ended: whether a callback asks to stop."""
        with self.lock, sklearn.config_context(**self.settings):
            return context.call_on_fit_task_end(**self._told(learnt, fitted))

    def _told(self, learnt: Learnt, fitted: Callable[[], Any] | None) -> dict[str, Any]:
        """Arguments of a hook; what a callback does not ask for is not made."""
        return {
            "estimator": self.estimator,
            "X": lambda: learnt.inputs,
            "y": lambda: learnt.targets,
            "metadata": lambda: learnt.metadata,
            "reconstruction_attributes": fitted,
        }


@dataclass(eq=False)
class _Reporter(Callback):
    """Reports the training of one network; `context` is the task that its epochs belong to."""

    tasks: FitTasks
    twin: Any
    learnt: Learnt
    context: Any = None
    own: tuple[str, int] | None = None  # name and number of the network's own task, if it has one
    epoch: Any = None  # the task of the epoch that has begun

    def on_train_start(self, state: TrainingState) -> None:
        """The network's task begins, if it has one, and its first epoch."""
        if self.own is not None:
            name, number = self.own
            with self.tasks.lock:
                self.context = self.tasks.root.subcontext(name, number, max_subtasks=state.epochs)
            self.tasks.begin(self.context, self.learnt, lambda: self._fitted(state))
        self._begin_epoch(state)

    def on_epoch_end(self, state: TrainingState) -> None:
        """One epoch ends and the next begins, unless there is a reason to stop."""
        epoch, self.epoch = self.epoch, None
        asked = self.tasks.end(epoch, self.learnt, lambda: self._fitted(state))
        if asked and not state.stop_reason:
            state.stop()
        if not state.stop_reason:
            self._begin_epoch(state)

    def on_train_end(self, state: TrainingState) -> None:
        """The network's task ends; what an exception ended has no end."""
        if not state.stop_reason:
            return
        if self.epoch is not None:  # it was broken off: an end without a result
            self.tasks.end(self.epoch, self.learnt)
        if self.own is not None:
            self.tasks.end(self.context, self.learnt, lambda: self._fitted(state))

    def _begin_epoch(self, state: TrainingState) -> None:
        with self.tasks.lock:
            self.epoch = self.context.subcontext("epoch")
        self.tasks.begin(self.epoch, self.learnt, lambda: self._fitted(state))

    def _fitted(self, state: TrainingState) -> dict[str, Any]:
        """Attributes that make a copy of the estimator predict with the network as it is now."""
        shared, own = vars(self.tasks.estimator), vars(self.twin)
        changed = {name: value for name, value in own.items() if shared.get(name) is not value}
        history = copy(state.history)
        for name, values in vars(state.history).items():
            if isinstance(values, list):
                setattr(history, name, [*values])
        return {**changed, "network_": copy(state.network), "history_": history}


@contextmanager
def fit_tasks(
    estimator: Any,
    learnt: Learnt | None = None,
    parts: Sequence[Part] = (),
    together: bool = False,
    *,
    epochs: int | None = None,
) -> Iterator[FitTasks]:
    """A fit as the task that the others belong to, with its callbacks set up and torn down.

    Parameters
    ----------
    estimator : NetworkEstimator or LanguageModel
    learnt : Learnt, optional
        What the whole fit learns from.
    parts : sequence of Part
        What each network learns from.
    together : bool
        Whether there are several networks, or one of a fold, which are tasks of their own.
    epochs : int, optional
        Most epochs of the one network there is, if it is known; else from its part of the rows.

    Yields
    ------
    FitTasks
    """
    if not _SUPPORTED:
        yield FitTasks(estimator)
        return
    learnt = learnt or Learnt()
    if together:
        count = len(parts) + estimator.refit
    elif epochs is None:
        count = _most_epochs(estimator, parts[0])
    else:
        count = epochs
    try:
        root = estimator._init_callback_context(
            max_subtasks=count, sequential_subtasks=not together
        )
        heard = hasattr(estimator, "_skl_callbacks")
        tasks = FitTasks(estimator, root if heard else None, learnt, parts if together else ())
        tasks.begin(root, learnt)
        yield tasks
        tasks.end(root, learnt, dict)
    finally:
        _forget_callbacks(estimator)


def _most_epochs(estimator: Any, part: Part) -> int:
    own = estimator._choices
    if isinstance(own.optimizer, LBFGS):
        return int(own.optimizer.max_iterations)
    return own.epochs_of(len(part.train))


def _forget_callbacks(estimator: Any) -> None:
    """Tear down what was set up; the twins of the estimator keep no callbacks."""
    for twin in getattr(estimator, "_each", ()):
        if twin is not estimator:
            for name in _OF_A_FIT:
                vars(twin).pop(name, None)
    with_callbacks(_nothing)(estimator)


def _nothing(estimator: Any) -> None:
    """The callbacks are torn down after it."""
