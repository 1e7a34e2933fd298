"""What classifier and regressor share: encoding, the network, the held-out rows, files."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

from chainrule.data.frames import Table
from chainrule.data.streams import Stream
from chainrule.data.tables import TableEncoder
from chainrule.engines import Engine
from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators.defaults import (
    FEWEST_HELD_OUT,
    LOOKED_AT,
    default,
    default_dtype,
)
from chainrule.estimators.ensemble import Ensemble
from chainrule.estimators.incremental import Passes
from chainrule.estimators.keeping import Keeping
from chainrule.estimators.members import (
    Encoded,
    Part,
    refuse_streamed,
    refuse_together,
    refuse_twins,
    several,
    watched,
    way_to_divide,
)
from chainrule.estimators.opening import opened
from chainrule.estimators.parameters import check_arguments
from chainrule.estimators.presets import Preset, choices
from chainrule.estimators.rows import Rows
from chainrule.estimators.sklearn_callbacks import CallbackSupportMixin, Learnt, fit_tasks
from chainrule.estimators.streaming import fit_stream
from chainrule.layers import Layer, config
from chainrule.network import Network
from chainrule.ops.activations import ActivationFunction
from chainrule.ops.losses import Loss
from chainrule.ops.optimizers import Optimizer
from chainrule.training import LBFGS, Callback, History, train
from chainrule.training.parallel import time_share

__all__ = ["NetworkEstimator"]

_LEARNT_BEFORE = (
    "_passes",
    "_twins",
    "conformal_",
    "histories_",
    "out_of_fold_",
    "cv_scores_",
    "oob_score_",
    "survey_",
)


class NetworkEstimator(CallbackSupportMixin, Ensemble, Keeping):
    """Base of the estimators: everything but what the target means."""

    def __init__(
        self,
        hidden: Sequence[int] | None = None,
        *,
        preset: str | Preset | None = None,
        activation: str | ActivationFunction | None = None,
        keep: float | None = default("keep"),
        network: Sequence[Layer] | None = None,
        optimizer: str | Optimizer | LBFGS | None = None,
        learning_rate: float | None = default("learning_rate"),
        batch_size: int | None = default("batch_size"),
        epochs: int | None = default("epochs"),
        early_stopping: bool = True,
        validation_fraction: float = default("validation_fraction"),
        patience: int | None = default("patience"),
        time_limit: float | None = default("time_limit"),
        max_levels: int | None = default("max_levels"),
        memory_limit: float = default("memory_limit"),
        callbacks: Sequence[Callback] = (),
        warm_start: bool = False,
        engine: str | Engine = "compiled",
        dtype: Literal["float32", "float64"] | None = None,
        threads: int | None = default("threads"),
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | Literal["always"] = False,
        members: int | None = default("members"),
        cv: Any = None,
        bag: int | None = default("bag"),
        refit: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.hidden = hidden
        self.preset = preset
        self.activation = activation
        self.keep = keep
        self.network = network
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.time_limit = time_limit
        self.max_levels = max_levels
        self.memory_limit = memory_limit
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.engine = engine
        self.dtype = dtype
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose
        self.members = members
        self.cv = cv
        self.bag = bag
        self.refit = refit
        self.n_jobs = n_jobs

    # -------------------------------------------------- what a subclass decides

    @property
    @abstractmethod
    def _loss(self) -> str | Loss | dict[str, str]:
        """The loss or its name, or the name of that of each task."""

    @property
    @abstractmethod
    def _head(self) -> Layer:
        """The last layer, which gives the scores."""

    @abstractmethod
    def _learn_targets(self, y: np.ndarray, classes: Any = None) -> None:
        """Look at all targets, (n,) or (n, outputs); `classes` are all labels if y may lack some.

        On later portions of rows they need only be possible: `_encode_targets` refuses others.
        """

    @abstractmethod
    def _scale_targets(self, y: np.ndarray, weights: np.ndarray | None) -> None:
        """Learn what may depend on training rows only; weights are (n,) or None."""

    @abstractmethod
    def _encode_targets(self, y: np.ndarray) -> Any:
        """Targets as the loss wants them; DataError if the model cannot have them."""

    def _weigh(self, y: np.ndarray, used: np.ndarray, weights: np.ndarray | None) -> Any:
        """Weights of all rows, (n, 1) or None, from those given; `used` are the rows that count."""
        return weights

    @abstractmethod
    def _held_out(self, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Which rows to validate on, (n,) bool."""

    def _after_training(
        self, scores: Callable[[], Any], y: Any, weights: np.ndarray | None, held_out: bool
    ) -> None:
        """Learn what needs trained networks: from scores and encoded targets of some rows."""

    # ------------------------------------------------------------------ fitting

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Encode the table, build the network, or several, and train.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns), path or Stream
            Texts are categories; gaps (None, NaN, null) are filled in. A path is that of a file or
            folder as `data.readers.read_table` takes it; where the table would exceed
            `memory_limit` its rows are streamed, see `estimators.streaming.fit_stream`.
        y : array-like of shape (n,) or (n, outputs), or str
            Or the name of the target's column in X; rows without a target are left out.
        sample_weight : array-like of shape (n,), optional
            A row of weight 0 counts as absent, one of weight 2 as two rows.
        groups : array-like of shape (n,), optional
            Rows that a splitter such as ``cv=GroupKFold(5)`` keeps together.

        Returns
        -------
        self

        Raises
        ------
        DataError
            Naming the column and what is wrong with it.
        HyperparameterError, UnknownNameError
            Naming the argument that is wrong.
        """
        begin = time.perf_counter()
        check_arguments(self.get_params(deep=False))
        refuse_together(self, groups)
        given = opened(X, y, sample_weight, self.memory_limit)
        if isinstance(given, Stream):
            refuse_streamed(self)
            self._forget()
            fit_stream(self, given, y)
            return self
        X, y, sample_weight = given
        seed = self._seed()
        continues = self.warm_start and hasattr(self, "network_")
        rows = Rows.read(X, y, sample_weight, groups)
        self.target_name_ = rows.name
        self._choices = choices(self.get_params(deep=False), len(rows.used), is_classifier(self))
        if continues:
            refuse_twins(self)
            self._refuse_other_layers()
        else:
            self._learn_targets(rows.y[rows.used])
        weights = self._weigh(rows.y, rows.used, rows.weights)
        parts = way_to_divide(self, rows, seed)
        if not continues:
            folds = self.cv is not None or self.bag is not None
            known = rows.used if folds else rows.used[parts[0].train]
            self._prepare(rows, known, weights, seed)
        deadline = None if self.time_limit is None else begin + self.time_limit
        self._forget()
        together = len(parts) > 1 or several(self)
        with fit_tasks(self, Learnt(X, rows, rows.known), parts, together) as tasks:
            X = self._encode(rows.table, rows.used)
            data = Encoded.of(rows, X, weights, deadline, tasks)
            if together:
                self._train_several(parts, data, rows, seed)
            else:
                self._train(parts[0], data, time_share(deadline, 0, 1, 1), progress=self.verbose)
            scores, known, held_out = self._judged_rows(parts, data, rows)
            own = None if data.weights is None else data.weights[known]
            self._after_training(scores, self._encode_targets(data.y[known]), own, held_out)
        return self

    def _forget(self) -> None:
        """Drop what an earlier fit has left behind and this one may not replace."""
        for name in _LEARNT_BEFORE:
            self.__dict__.pop(name, None)

    def _prepare(self, rows: Rows, chosen: np.ndarray, given: np.ndarray | None, seed: int) -> None:
        """Learn the encoding from the chosen rows, (m,), and weights (n, 1); make the network."""
        weights = None if given is None else given[:, 0]
        preset = self._choices.preset
        self.encoder_ = TableEncoder(
            self._choices.max_levels, scaling=preset.scaling, embed_levels=preset.embed_levels
        ).fit(rows.table, chosen, weights)
        self._keep_names()
        seen = chosen[:: -(-len(chosen) // LOOKED_AT)]
        own = None if weights is None else weights[seen]
        self._front = preset.front(
            self.encoder_, lambda: self._encode(rows.table, seen), own, is_classifier(self)
        )
        self._scale_targets(rows.y[chosen], None if weights is None else weights[chosen])
        self.network_ = self._make_network(len(chosen), seed)

    def _pass(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> Self:
        """Learn once from one portion of rows."""
        check_arguments(self.get_params(deep=False))
        if self.cv is not None or self.bag is not None:
            raise HyperparameterError(
                "partial_fit goes on with networks that saw the same rows, those of cv and bag saw "
                "rows of their own: clone the model with cv=None and bag=None."
            )
        rows, first = Rows.read(X, y, sample_weight), not hasattr(self, "network_")
        self.target_name_ = rows.name
        if not hasattr(self, "_passes"):
            own = self._choices = choices(
                self.get_params(deep=False), len(rows.used), is_classifier(self), portions=True
            )
            seed, count = self._seed(), 1 if first else len(self.members_)
            passes = [Passes(own.optimizer, own.batch_size, seed + k) for k in range(count)]
        else:
            passes = self._passes
        if first:
            self._learn_targets(rows.y[rows.used], classes)
        weights = self._weigh(rows.y, rows.used, rows.weights)
        if first:
            self._prepare(rows, rows.used, weights, passes[0].seed)
        encoded = self._encode(rows.table, rows.used), self._encode_targets(rows.y[rows.used])
        if not hasattr(self, "_passes"):
            self._passes, self.history_ = passes, History(self.network_.loss.metric_name)
        weights = None if weights is None else weights[rows.used]
        for own, twin in zip(passes, self._each, strict=True):
            history = self.history_ if twin is self._each[0] else History(self.history_.metric_name)
            own.run(twin.network_, *encoded, weights, history, self.threads)
        return self

    def _seed(self) -> int:
        try:
            return int(check_random_state(self.random_state).randint(2**31 - 1))
        except ValueError:
            raise HyperparameterError(
                f"random_state = {self.random_state!r} is not possible: give a whole number in "
                f"[0, {2**32}), a numpy.random.RandomState or None."
            ) from None

    def _keep_names(self) -> None:
        """Set the attributes about columns that scikit-learn asks for."""
        columns = self.encoder_.columns_
        self.n_features_in_ = len(columns)
        if self.encoder_.named_:
            self.feature_names_in_ = np.array([c.name for c in columns], dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _choose_held_out(self, y: np.ndarray, seed: int) -> np.ndarray:
        if not self.early_stopping:
            return np.zeros(len(y), bool)
        held = self._held_out(y, np.random.default_rng([seed, 2]))
        return held if FEWEST_HELD_OUT <= held.sum() < len(y) else np.zeros(len(y), bool)

    def _train(
        self,
        part: Part,
        data: Encoded,
        limit: float | None,
        *,
        epochs: int | None = None,
        progress: bool | Literal["always"] = False,
    ) -> None:
        """Train the network on a part of the rows, at most so many seconds."""
        own = self._choices
        most = epochs or own.epochs_of(len(part.train))
        self.history_ = train(
            self.network_,
            data.X,
            self._encode_targets(data.y),
            sample_weight=part.weights(data.weights),
            rows=part.train,
            validation_rows=watched(self, part),
            optimizer=own.optimizer,
            schedule=own.preset.schedule,
            regularisation_schedule=own.regularisation_schedule,
            batch_size=own.batch_size,
            epochs=most,
            early_stopping=self.early_stopping,
            patience=own.patience or most,
            callbacks=[*self.callbacks, *data.tasks.reporters(self, part)],
            seed=part.seed,
            time_limit=limit,
            threads=self.threads,
            progress=progress,
        )

    def _make_network(self, rows: int, seed: int) -> Network:
        dtype = self.dtype
        if dtype is None and isinstance(self.engine, str) and self.engine == "compiled":
            dtype = default_dtype(rows, self.encoder_.width)
        return Network(
            [
                *self._front,
                *self._choices.layers(self.network, self.activation),
                self._head,
            ],
            self._loss,
            input_shape=(self.encoder_.width,),
            seed=seed,
            engine=self.engine,
            dtype=dtype,
        )

    def _refuse_other_layers(self) -> None:
        """What goes on with a network cannot ask for another one."""
        wanted = self._choices.layers(self.network, self.activation)
        there = self.network_.layers[:-1]
        front = there[: len(there) - len(wanted)]
        if [*map(config, there[len(front) :])] != [*map(config, wanted)] or (
            front and not self._choices.preset.has_front
        ):
            raise HyperparameterError(
                "warm_start = True goes on with the network there is, but preset, hidden, "
                "activation, keep or network now ask for another: give warm_start=False."
            )

    # --------------------------------------------------------------- prediction

    def _encode(self, table: Table, rows: np.ndarray | None = None) -> np.ndarray:
        """Rows as the network reads them, (rows, encoded columns)."""
        by_name = table.named and self.encoder_.named_
        if not by_name and len(table.columns) != self.n_features_in_:
            raise DataError(
                f"X has {len(table.columns)} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input: it was trained on {self.n_features_in_}."
            )
        return self.encoder_.transform(table, rows)

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that gaps, texts, sparse matrices and several targets are welcome."""
        tags = super().__sklearn_tags__()  # type: ignore[missing-attribute]  (scikit-learn ≥ 1.6)
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = []  # it is the network's
        return tags
