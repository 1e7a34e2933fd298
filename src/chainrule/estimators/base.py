"""What classifier and regressor share: encoding, the network, the held-out rows, files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import narwhals as nw
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from chainrule.data.matrices import as_weights
from chainrule.data.tables import TableEncoder, as_frame
from chainrule.engines import Engine
from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators.defaults import (
    ACTIVATION,
    DEFAULTS,
    HIDDEN,
    OPTIMIZER,
    default,
)
from chainrule.files.container import write_container
from chainrule.layers import Dense, Dropout, Layer
from chainrule.network import Network
from chainrule.ops.activations import ActivationFunction
from chainrule.ops.hyperparameters import check
from chainrule.ops.optimizers import Optimizer
from chainrule.ops.optimizers import optimizer as optimizer_record
from chainrule.training import Callback, train

__all__ = ["NetworkEstimator", "rows_of"]


def rows_of(X: Any, rows: np.ndarray) -> Any:
    """Some rows of an array or data frame, in the given order."""
    frame = as_frame(X)
    return np.asarray(X)[rows] if frame is None else frame[rows.tolist()]


def length(X: Any) -> int:
    """Rows of an array or data frame."""
    frame = as_frame(X)
    if frame is not None:
        return len(frame)
    shape = np.shape(X)
    if len(shape) != 2:
        raise DataError(
            f"X has shape {shape}: expected a table, (rows, columns). A single row is "
            f"X.reshape(1, -1), a single column X.reshape(-1, 1)."
        )
    return int(shape[0])


def column_of(y: Any) -> np.ndarray:
    """A target from a list, array or series as a NumPy array, (n,) or (n, outputs)."""
    series = nw.from_native(y, series_only=True, pass_through=True)
    array = np.asarray(series.to_list()) if isinstance(series, nw.Series) else np.asarray(y)
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


class NetworkEstimator(BaseEstimator):
    """Base of the estimators: everything but what the target means."""

    def __init__(
        self,
        hidden: Sequence[int] = HIDDEN,
        *,
        activation: str | ActivationFunction = ACTIVATION,
        keep: float = default("keep"),
        network: Sequence[Layer] | None = None,
        optimizer: str | Optimizer = OPTIMIZER,
        learning_rate: float | None = default("learning_rate"),
        batch_size: int = default("batch_size"),
        epochs: int = default("epochs"),
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
        self._check_arguments()
        n, targets = length(X), column_of(y)
        name = getattr(y, "name", None)
        self.target_name_ = name if isinstance(name, str) else None
        if len(targets) != n:
            raise DataError(f"X has {n} rows and y has {len(targets)}: they must agree.")
        if not n:
            raise DataError("X has no rows.")
        _no_gaps(targets)
        outputs = self._learn_targets(targets)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        held = self._choose_held_out(targets, seed)
        chosen, weights = np.flatnonzero(~held), as_weights(sample_weight, n)
        self.encoder_ = TableEncoder(self.max_levels).fit(rows_of(X, chosen))
        self._scale_targets(targets[chosen])
        self.network_ = self._make_network(outputs, seed)
        self.history_ = train(
            self.network_,
            *self._part(X, targets, chosen),
            sample_weight=None if weights is None else weights[chosen],
            validation=self._validation(X, targets, weights, np.flatnonzero(held)),
            optimizer=self._make_optimizer(),
            batch_size=self.batch_size,
            epochs=self.epochs,
            early_stopping=self.early_stopping,
            patience=self.patience,
            callbacks=self.callbacks,
            seed=seed,
            time_limit=self.time_limit,
            threads=self.threads,
            progress=self.verbose,
        )
        self.n_features_in_ = len(self.encoder_.columns_)
        if self.encoder_.named_:
            names = [column.name for column in self.encoder_.columns_]
            self.feature_names_in_ = np.array(names, dtype=object)
        return self

    def _check_arguments(self) -> None:
        for name in DEFAULTS:
            value = getattr(self, name)
            if value is not None:
                check(**{name: value})
        try:
            widths = list(self.hidden)
        except TypeError:
            raise HyperparameterError(
                f"hidden = {self.hidden!r} is not possible: give the widths of the hidden layers, "
                f"such as (64, 64)."
            ) from None
        for units in widths:
            check(units=units)

    def _part(self, X: Any, y: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.encoder_.transform(rows_of(X, rows)), self._encode_targets(y[rows])

    def _choose_held_out(self, y: np.ndarray, seed: int) -> np.ndarray:
        if not self.early_stopping:
            return np.zeros(len(y), bool)
        held = self._held_out(y, np.random.default_rng([seed, 2]))
        return held if 0 < held.sum() < len(y) else np.zeros(len(y), bool)

    def _validation(
        self, X: Any, y: np.ndarray, weights: np.ndarray | None, rows: np.ndarray
    ) -> tuple[Any, ...] | None:
        if not len(rows):
            return None
        part = self._part(X, y, rows)
        return part if weights is None else (*part, weights[rows])

    def _make_network(self, outputs: int, seed: int) -> Network:
        if self.network is not None:
            layers = list(self.network)
        else:
            layers = [Dense(int(units), self.activation) for units in self.hidden]
            if self.keep < 1:
                layers = [part for layer in layers for part in (layer, Dropout(self.keep))]
        return Network(
            [*layers, Dense(outputs)],
            self._loss,
            input_shape=(self.encoder_.width,),
            seed=seed,
            engine=self.engine,
        )

    def _make_optimizer(self) -> Optimizer:
        if self.learning_rate is None:
            return optimizer_record(self.optimizer)
        if not isinstance(self.optimizer, str):
            raise HyperparameterError(
                "learning_rate and an optimizer object were both given: put the rate into the "
                "object, such as optimizer=Adam(1e-3)."
            )
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

        Raises
        ------
        ModelFileError
            If the file cannot be written.
        """
        check_is_fitted(self, "network_")
        config = {
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
        estimator = cls()
        estimator.network_ = Network.from_config(data["network"], parameters)
        estimator.encoder_ = TableEncoder.from_config(data["encoder"])
        estimator.n_features_in_ = len(estimator.encoder_.columns_)
        estimator.target_name_ = data["target_name"]
        estimator._restore(data["targets"])
        return estimator


def _no_gaps(y: np.ndarray) -> None:
    """Refuse a target with gaps, naming the rows."""
    if y.dtype.kind == "f":
        gaps = np.isnan(y).reshape(len(y), -1).any(axis=1)
    elif y.dtype == object:
        gaps = np.array([v is None or v != v for v in y.tolist()])
    else:
        return
    if gaps.any():
        rows = ", ".join(str(r) for r in np.flatnonzero(gaps)[:5])
        raise DataError(
            f"the target is missing in {int(gaps.sum())} of {len(y)} rows (row {rows}"
            f"{' …' if gaps.sum() > 5 else ''}): leave these rows out."
        )
