"""What classifier and regressor share: encoding, the network, the held-out rows, files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from chainrule.data.frames import Table
from chainrule.data.tables import TableEncoder
from chainrule.engines import Engine
from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators.defaults import (
    FEWEST_HELD_OUT,
    HIDDEN,
    OPTIMIZER,
    default,
    default_activation,
    default_dtype,
    default_epochs,
)
from chainrule.estimators.incremental import Passes
from chainrule.estimators.parameters import check_arguments, from_data, to_data
from chainrule.estimators.rows import Rows, hidden_part
from chainrule.files.container import write_container
from chainrule.layers import Dense, Dropout, Layer, config
from chainrule.network import Network
from chainrule.ops.activations import ActivationFunction
from chainrule.ops.losses import Loss
from chainrule.ops.optimizers import Optimizer
from chainrule.ops.optimizers import optimizer as optimizer_record
from chainrule.training import LBFGS, Callback, History, train

__all__ = ["NetworkEstimator"]


class NetworkEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of the estimators: everything but what the target means."""

    def __init__(
        self,
        hidden: Sequence[int] = HIDDEN,
        *,
        activation: str | ActivationFunction | None = None,
        keep: float = default("keep"),
        network: Sequence[Layer] | None = None,
        optimizer: str | Optimizer | LBFGS = OPTIMIZER,
        learning_rate: float | None = default("learning_rate"),
        batch_size: int = default("batch_size"),
        epochs: int | None = default("epochs"),
        early_stopping: bool = True,
        validation_fraction: float = default("validation_fraction"),
        patience: int = default("patience"),
        time_limit: float | None = default("time_limit"),
        max_levels: int = default("max_levels"),
        callbacks: Sequence[Callback] = (),
        warm_start: bool = False,
        engine: str | Engine = "compiled",
        dtype: Literal["float32", "float64"] | None = None,
        threads: int | None = default("threads"),
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | Literal["always"] = False,
    ) -> None:
        self.hidden = hidden
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
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.engine = engine
        self.dtype = dtype
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose

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
        self, X: np.ndarray, y: Any, weights: np.ndarray | None, held_out: bool
    ) -> None:
        """Learn what needs a trained network: from encoded rows, held out if there are such."""

    # ------------------------------------------------------------------ fitting

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Encode the table, build the network, train it.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)
            Texts are categories; gaps (None, NaN, null) are filled in.
        y : array-like of shape (n,) or (n, outputs)
        sample_weight : array-like of shape (n,), optional
            A row of weight 0 counts as absent, one of weight 2 as two rows.

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
        check_arguments(self.get_params(deep=False))
        seed = self._seed()
        continues = self.warm_start and hasattr(self, "network_")
        rows = Rows.read(X, y, sample_weight)
        self.target_name_ = rows.name
        if continues:
            self._refuse_other_layers()
        else:
            self._learn_targets(rows.y[rows.used])
        weights = self._weigh(rows.y, rows.used, rows.weights)
        held = self._choose_held_out(rows.y[rows.used], seed)
        chosen, watched = rows.used[~held], rows.used[held]
        if not continues:
            self._prepare(rows, chosen, weights, seed)

        def part(chosen: np.ndarray) -> tuple[np.ndarray, Any, np.ndarray | None]:
            encoded = self._encode(rows.table, chosen), self._encode_targets(rows.y[chosen])
            return *encoded, None if weights is None else weights[chosen]

        training, validation = part(chosen), part(watched) if len(watched) else None
        self.__dict__.pop("_passes", None)
        self._train(seed, *training, validation=validation)
        self._after_training(*(validation or training), held_out=validation is not None)
        return self

    def _prepare(self, rows: Rows, chosen: np.ndarray, given: np.ndarray | None, seed: int) -> None:
        """Learn the encoding from the chosen rows, (m,), and weights (n, 1); make the network."""
        weights = None if given is None else given[:, 0]
        self.encoder_ = TableEncoder(self.max_levels).fit(rows.table, chosen, weights)
        self._keep_names()
        self._scale_targets(rows.y[chosen], None if weights is None else weights[chosen])
        self.network_ = self._make_network(len(chosen), seed)

    def _pass(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> Self:
        """Learn once from one portion of rows."""
        check_arguments(self.get_params(deep=False))
        rows, first = Rows.read(X, y, sample_weight), not hasattr(self, "network_")
        self.target_name_ = rows.name
        if not hasattr(self, "_passes"):
            passes = Passes(self._make_optimizer(), self.batch_size, self._seed())
        else:
            passes = self._passes
        if first:
            self._learn_targets(rows.y[rows.used], classes)
        weights = self._weigh(rows.y, rows.used, rows.weights)
        if first:
            self._prepare(rows, rows.used, weights, passes.seed)
        encoded = self._encode(rows.table, rows.used), self._encode_targets(rows.y[rows.used])
        if not hasattr(self, "_passes"):
            self._passes, self.history_ = passes, History(self.network_.loss.metric_name)
        weights = None if weights is None else weights[rows.used]
        passes.run(self.network_, *encoded, weights, self.history_, self.threads)
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
        seed: int,
        X: np.ndarray,
        y: Any,
        weights: np.ndarray | None,
        validation: tuple[Any, ...] | None,
    ) -> None:
        self.history_ = train(
            self.network_,
            X,
            y,
            sample_weight=weights,
            validation=validation,
            optimizer=self._make_optimizer(),
            batch_size=self.batch_size,
            epochs=self.epochs or default_epochs(len(X), self.batch_size),
            early_stopping=self.early_stopping,
            patience=self.patience,
            callbacks=self.callbacks,
            seed=seed,
            time_limit=self.time_limit,
            threads=self.threads,
            progress=self.verbose,
        )

    def _make_network(self, rows: int, seed: int) -> Network:
        dtype = self.dtype
        if dtype is None and isinstance(self.engine, str) and self.engine == "compiled":
            dtype = default_dtype(rows, self.encoder_.width)
        return Network(
            [*self._hidden_layers(), self._head],
            self._loss,
            input_shape=(self.encoder_.width,),
            seed=seed,
            engine=self.engine,
            dtype=dtype,
        )

    def _hidden_layers(self) -> list[Layer]:
        if self.network is not None:
            return list(self.network)
        activation = self.activation or default_activation(self.hidden)
        layers: list[Layer] = [Dense(int(units), activation) for units in self.hidden]
        if self.keep < 1:
            return [part for layer in layers for part in (layer, Dropout(self.keep))]
        return layers

    def _refuse_other_layers(self) -> None:
        """What goes on with a network cannot ask for another one."""
        there = self.network_.layers[:-1]
        if [config(layer) for layer in self._hidden_layers()] != [config(layer) for layer in there]:
            raise HyperparameterError(
                "warm_start = True goes on with the network there is, but hidden, activation, keep "
                "or network now ask for another: give warm_start=False."
            )

    def _make_optimizer(self) -> Optimizer | LBFGS:
        if isinstance(self.optimizer, LBFGS):
            return self.optimizer
        if self.learning_rate is None:
            return optimizer_record(self.optimizer)
        return optimizer_record(self.optimizer, learning_rate=self.learning_rate)

    # --------------------------------------------------------------- prediction

    def _scores(self, X: Any) -> Any:
        check_is_fitted(self, "network_")
        return self.network_.predict(self._encode(Table.read(X)))

    def _encode(self, table: Table, rows: np.ndarray | None = None) -> np.ndarray:
        """Rows as the network reads them, (rows, encoded columns)."""
        by_name = table.named and self.encoder_.named_
        if not by_name and len(table.columns) != self.n_features_in_:
            raise DataError(
                f"X has {len(table.columns)} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input: it was trained on {self.n_features_in_}."
            )
        return self.encoder_.transform(table, rows)

    def transform(self, X: Any) -> np.ndarray:
        """What the last hidden layer puts out: the features that the network has learnt.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)

        Returns
        -------
        ndarray of shape (n, units)
            The encoded table if there is no hidden layer.
        """
        check_is_fitted(self, "network_")
        encoded, trunk = self._encode(Table.read(X)), hidden_part(self.network_)
        return encoded if trunk is None else trunk.predict(encoded).reshape(len(encoded), -1)

    @property
    def _n_features_out(self) -> int:
        """Columns of `transform`, for scikit-learn's names of them."""
        trunk = hidden_part(self.network_)
        return self.encoder_.width if trunk is None else int(np.prod(trunk.output_shape))

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

    # ------------------------------------------------------------------ keeping

    def _config(self) -> dict[str, Any]:
        """What a subclass learnt from the targets, as data that JSON can hold."""
        return {}

    def save(self, path: str | Path) -> None:
        """Write network and preprocessing to a safetensors file; `chainrule.load` reads it.

        The constructor's arguments are kept as well, but callbacks, optimizers and engines of
        one's own, and generators of random numbers. The history is not kept.

        Raises
        ------
        ModelFileError
            If the file cannot be written.
        """
        check_is_fitted(self, "network_")
        contents = {
            "arguments": to_data(self.get_params(deep=False)),
            "network": self.network_.config(),
            "encoder": self.encoder_.config(),
            "targets": self._config(),
            "target_name": self.target_name_,
        }
        write_container(Path(path), self._kind, contents, self.network_.parameters)

    @property
    @abstractmethod
    def _kind(self) -> str:
        """Name of the estimator in model files."""

    @abstractmethod
    def _restore(self, targets: Mapping[str, Any]) -> None:
        """Take back what `_config` wrote."""

    @classmethod
    def from_config(cls, data: Mapping[str, Any], parameters: Mapping[str, np.ndarray]) -> Self:
        """The fitted estimator that a model file describes."""
        estimator = cls(**from_data(data["arguments"]))
        network = Network.from_config(data["network"], parameters)
        same = estimator.engine == network.engine.name
        estimator.network_ = network if same else network.with_engine(estimator.engine)
        estimator.encoder_ = TableEncoder.from_config(data["encoder"])
        estimator._keep_names()
        estimator.target_name_ = data["target_name"]
        estimator._restore(data["targets"])
        return estimator
