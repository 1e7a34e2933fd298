"""`McCullochPitts`: the neuron of 1943, its weights set by hand, and networks of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import NetworkError
from chainrule.layers import Dense
from chainrule.network import Network

__all__ = ["McCullochPitts", "threshold_network"]


@dataclass(frozen=True)
class McCullochPitts:
    """v = w·x + b, y = 1 if v ≥ 0 else −1 (000; McCulloch & Pitts 1943).

    Parameters
    ----------
    weights : sequence of float
        w, one for each input.
    bias : float
        b.

    Raises
    ------
    NetworkError
        If there is no weight, or a number is not finite.

    Examples
    --------
    Truth tables, with 1 for true and −1 for false:

    >>> corners = [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    >>> AND, OR = McCullochPitts([1, 1], -1), McCullochPitts([1, 1], 1)
    >>> NAND, NOT = McCullochPitts([-1, -1], 1), McCullochPitts([-1], 0)
    >>> AND(corners).tolist(), OR(corners).tolist()
    ([-1, -1, -1, 1], [-1, 1, 1, 1])
    >>> NAND(corners).tolist(), NOT([[-1], [1]]).tolist()
    ([1, 1, 1, -1], [1, -1])
    """

    weights: Sequence[float]
    bias: float = 0.0

    def __post_init__(self) -> None:
        try:
            numbers = np.array([*self.weights, self.bias], dtype=np.float64)
        except (TypeError, ValueError):
            numbers = np.array([np.nan])
        if numbers.ndim != 1 or len(numbers) < 2 or not np.isfinite(numbers).all():
            raise NetworkError(
                f"weights {self.weights!r} and bias {self.bias!r} make no neuron: give one finite "
                f"number for each input, and one for the bias."
            )

    @cached_property
    def network(self) -> Network:
        """The neuron as a network of one unit."""
        return threshold_network([[self]])

    def __call__(self, X: Any) -> np.ndarray:
        """Output for each row.

        Parameters
        ----------
        X : array-like of shape (n, inputs)

        Returns
        -------
        ndarray of int, shape (n,)
            1 or −1.
        """
        return self.network.predict(X)[:, 0].astype(int)


def threshold_network(layers: Sequence[Sequence[McCullochPitts]]) -> Network:
    """A network of McCulloch-Pitts neurons, layer by layer; each reads all of the layer before.

    Parameters
    ----------
    layers : sequence of sequences of McCullochPitts

    Returns
    -------
    Network
        Dense layers with the activation "sign"; `predict` gives 1 or −1 for each last neuron.

    Raises
    ------
    NetworkError
        If a neuron has not one weight for each neuron of the layer before.

    Examples
    --------
    XOR, which no single neuron computes, from three of them:

    >>> AND, OR = McCullochPitts([1, 1], -1), McCullochPitts([1, 1], 1)
    >>> NAND = McCullochPitts([-1, -1], 1)
    >>> XOR = threshold_network([[OR, NAND], [AND]])
    >>> XOR.predict([[-1, -1], [-1, 1], [1, -1], [1, 1]])[:, 0].tolist()
    [-1.0, 1.0, 1.0, -1.0]
    """
    if not layers or not all(len(neurons) for neurons in layers):
        raise NetworkError("a network needs one layer or more, and a neuron in each.")
    inputs = width = len(layers[0][0].weights)
    for position, neurons in enumerate(layers):
        for neuron in neurons:
            if len(neuron.weights) != width:
                raise NetworkError(
                    f"a neuron of layer {position} (counted from 0) has {len(neuron.weights)} "
                    f"weights, but {width} inputs: they must agree."
                )
        width = len(neurons)
    dense = [Dense(len(neurons), "sign") for neurons in layers]
    network = Network(dense, input_shape=(inputs,), dtype="float64")
    for position, neurons in enumerate(layers):
        weights = np.array([neuron.weights for neuron in neurons], dtype=np.float64)
        network.parameters[f"{position}.weight"][...] = weights.T
        network.parameters[f"{position}.bias"][...] = [neuron.bias for neuron in neurons]
    return network
