"""What classifier and regressor share: encoding, the network, the held-out rows, files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from chainrule.data.frames import Table
from chainrule.data.matrices import as_weights
from chainrule.data.tables import TableEncoder
from chainrule.data.targets import read_target
from chainrule.engines import Engine
from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators.defaults import (
    HIDDEN,
    OPTIMIZER,
    default,
    default_activation,
    default_epochs,
)
from chainrule.estimators.parameters import check_arguments, from_data, to_data
from chainrule.files.container import write_container
from chainrule.layers import Dense, Dropout, Layer
from chainrule.network import Network
from chainrule.ops.activations import ActivationFunction
from chainrule.ops.optimizers import Optimizer
from chainrule.ops.optimizers import optimizer as optimizer_record
from chainrule.training import LBFGS, Callback, train

__all__ = ["NetworkEstimator"]


class NetworkEstimator(BaseEstimator):
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
        engine: str | Engine = "compiled",
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
        self.engine = engine
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose

    # -------------------------------------------------- what a subclass decides

    @property
    @abstractmethod
    def _loss(self) -> str:
        """Name of the loss."""

    @abstractmethod
    def _learn_targets(self, y: np.ndarray) -> int:
        """Look at all targets, (n,) or (n, outputs); the number of the network's outputs."""

    @abstractmethod
    def _scale_targets(self, y: np.ndarray) -> None:
        """Learn what may depend on training rows only."""

    @abstractmethod
    def _encode_targets(self, y: np.ndarray) -> np.ndarray:
        """Targets as the loss wants them."""

    def _weigh(self, y: np.ndarray, used: np.ndarray, weights: np.ndarray | None) -> Any:
        """Weights of all rows, (n, 1) or None, from those given; `used` are the rows that count."""
        return weights

    @abstractmethod
    def _held_out(self, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Which rows to validate on, (n,) bool."""

    # ------------------------------------------------------------------ fitting

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Encode the table, build the network, train it.

        Parameters
        ----------
        X : data frame or array-like of shape (n, columns)
            Texts are categories; gaps (None, NaN, null) are filled in.
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional
            A row of weight 0 counts as absent.

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
        table, (targets, self.target_name_) = Table.read(X), read_target(y)
        if len(targets) != table.rows:
            raise DataError(f"X has {table.rows} rows and y has {len(targets)}: they must agree.")
        weights = as_weights(sample_weight, table.rows)
        used = np.arange(table.rows) if weights is None else np.flatnonzero(weights)
        outputs = self._learn_targets(targets[used])
        weights = self._weigh(targets, used, weights)
        held = self._choose_held_out(targets[used], seed)
        chosen, watched = used[~held], used[held]
        self.encoder_ = TableEncoder(self.max_levels).fit(table, chosen)
        self._keep_names()
        self._scale_targets(targets[chosen])

        def part(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
            encoded = self.encoder_.transform(table, rows), self._encode_targets(targets[rows])
            return *encoded, None if weights is None else weights[rows]

        self.network_ = self._make_network(outputs, seed)
        self._train(seed, *part(chosen), validation=part(watched) if len(watched) else None)
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
        return held if 0 < held.sum() < len(y) else np.zeros(len(y), bool)

    def _train(
        self,
        seed: int,
        X: np.ndarray,
        y: np.ndarray,
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

    def _make_network(self, outputs: int, seed: int) -> Network:
        if self.network is not None:
            layers = list(self.network)
        else:
            activation = self.activation or default_activation(self.hidden)
            layers = [Dense(int(units), activation) for units in self.hidden]
            if self.keep < 1:
                layers = [part for layer in layers for part in (layer, Dropout(self.keep))]
        return Network(
            [*layers, Dense(outputs)],
            self._loss,
            input_shape=(self.encoder_.width,),
            seed=seed,
            engine=self.engine,
        )

    def _make_optimizer(self) -> Optimizer | LBFGS:
        if isinstance(self.optimizer, LBFGS):
            return self.optimizer
        if self.learning_rate is None:
            return optimizer_record(self.optimizer)
        return optimizer_record(self.optimizer, learning_rate=self.learning_rate)

    # --------------------------------------------------------------- prediction

    def _scores(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "network_")
        return self.network_.predict(self.encoder_.transform(X))

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that gaps and texts are welcome."""
        tags = super().__sklearn_tags__()  # type: ignore[missing-attribute]  (scikit-learn ≥ 1.6)
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
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
        config = {
            "arguments": to_data(self.get_params(deep=False)),
            "network": self.network_.config(),
            "encoder": self.encoder_.config(),
            "targets": self._config(),
            "target_name": self.target_name_,
        }
        write_container(Path(path), self._kind, config, self.network_.parameters)

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
