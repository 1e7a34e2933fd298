"""A fitted estimator as a file, and back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from chainrule.data.tables import TableEncoder
from chainrule.engines import Engine
from chainrule.estimators.parameters import (
    from_data,
    join_parameters,
    parameters_of,
    to_data,
)
from chainrule.files.container import write_container
from chainrule.network import Network

__all__ = ["Keeping"]


class Keeping(BaseEstimator):
    """Saving and loading: arguments, encoding, networks, and what was learnt of the targets."""

    network_: Network
    encoder_: TableEncoder
    target_name_: str | None
    engine: str | Engine
    _twins: list[Any]

    @abstractmethod
    def _keep_names(self) -> None:
        """Set the attributes about columns that scikit-learn asks for."""

    def _config(self) -> dict[str, Any]:
        """What a subclass learnt from the targets, as data that JSON can hold."""
        return {}

    def save(self, path: str | Path) -> None:
        """Write network and preprocessing to a safetensors file; `chainrule.load` reads it.

        The constructor's arguments are kept as well, but callbacks, optimizers, splitters and
        engines of one's own, and generators of random numbers. History, out-of-fold predictions
        and scores are not kept. Parameters of further networks are called "members.1.0.weight".

        Raises
        ------
        ModelFileError
            If the file cannot be written.
        """
        check_is_fitted(self, "network_")
        contents: dict[str, Any] = {
            "arguments": to_data(self.get_params(deep=False)),
            "network": self.network_.config(),
            "encoder": self.encoder_.config(),
            "targets": self._config(),
            "target_name": self.target_name_,
        }
        if "_twins" in self.__dict__:
            contents["members"] = [twin._config() for twin in self._twins]
        networks = [twin.network_ for twin in self.__dict__.get("_twins", [self])]
        tensors = join_parameters([network.everything for network in networks])
        write_container(Path(path), self._kind, contents, tensors)

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
        estimator.network_ = estimator._network_of(data["network"], parameters)
        estimator.encoder_ = TableEncoder.from_config(data["encoder"])
        estimator._keep_names()
        estimator.target_name_ = data["target_name"]
        estimator._restore(data["targets"])
        if "members" in data:
            estimator._twins = [
                estimator._twin_of(k, data, parameters) for k in range(len(data["members"]))
            ]
        return estimator

    def _twin_of(self, number: int, data: Mapping[str, Any], parameters: Mapping[str, Any]) -> Self:
        """A copy that predicts with one of several networks from a file."""
        twin = copy(self)
        twin._restore(data["members"][number])
        if number:
            own = parameters_of(number, parameters)
            twin.network_ = self._network_of(data["network"], own)
        return twin

    def _network_of(self, config: Mapping[str, Any], parameters: Mapping[str, Any]) -> Network:
        """A network from a file, on this estimator's engine."""
        network = Network.from_config(config, parameters)
        same = self.engine == network.engine.name
        return network if same else network.with_engine(self.engine)
