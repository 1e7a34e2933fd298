"""What goes on layer by layer: the size of gradients, the spread of weights and activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from chainrule.errors import NetworkError
from chainrule.network import Network
from chainrule.plots.style import MARKERS, Display, drawing, look, panels

MOST_BINS = 40

__all__ = ["GradientSizesDisplay", "LayerHistogramsDisplay"]


@dataclass
class GradientSizesDisplay(Display):
    """Root mean square of ∂L/∂W for each layer: how gradients vanish or explode (000).

    Attributes
    ----------
    sizes : dict of str to ndarray, shape (layers,)
        By name of the network; the first entry is the layer next to the inputs.
    """

    sizes: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def from_networks(cls, networks: Mapping[str, Network] | Network, X: Any, y: Any) -> Self:
        """The gradients of one or several networks on the same rows.

        Parameters
        ----------
        networks : Network or mapping of str to Network
            A mapping gives each line its name.
        X : array-like of shape (n, inputs)
        y : array-like of shape (n,) or (n, outputs)

        Examples
        --------
        >>> import chainrule as cr, numpy as np
        >>> layers = [cr.Dense(4, "sigmoid")] * 3 + [cr.Dense(1)]
        >>> net = cr.Network(layers, input_shape=(2,), engine="reference")
        >>> sizes = GradientSizesDisplay.from_networks(net, np.eye(2), np.ones(2)).sizes["network"]
        >>> bool(sizes[0] < sizes[1] < sizes[2] < sizes[3])
        True
        """
        if isinstance(networks, Network):
            networks = {"network": networks}
        display = cls()
        for name, network in networks.items():
            _, gradients = network.loss_and_gradients(X, y, training=True)
            display.sizes[name] = np.array(
                [_root_mean_square(g) for key, g in gradients.items() if key.endswith(".weight")]
            )
        return display

    def plot(self, ax: Any = None) -> Self:
        """Draw a line for each network over a logarithmic axis."""
        with drawing(self, ax) as axes:
            for number, (name, sizes) in enumerate(self.sizes.items()):
                style = look(number) | {"marker": MARKERS[number % len(MARKERS)], "markersize": 5}
                axes.plot(np.arange(1, len(sizes) + 1), sizes, label=name, **style)
            axes.set_yscale("log")
            axes.set(xlabel="layer, 1 next to the inputs", ylabel="root mean square of ∂L/∂W")
            axes.set_title("Size of the gradient by layer")
            axes.xaxis.get_major_locator().set_params(integer=True)
            if len(self.sizes) > 1:
                axes.legend()
        return self


def _root_mean_square(a: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(a, dtype=float))))


@dataclass
class LayerHistogramsDisplay(Display):
    """Histograms of weights or of activations, one panel a layer.

    Attributes
    ----------
    values : dict of str to ndarray
        All numbers of a layer, flat, by the panel's title.
    quantity : str
        What the horizontal axes show.
    """

    values: dict[str, np.ndarray]
    quantity: str

    @classmethod
    def from_weights(cls, network: Network) -> Self:
        """The weights of each layer, biases left out.

        Examples
        --------
        >>> import chainrule as cr
        >>> net = cr.Network([cr.Dense(4, "relu"), cr.Dense(1)], input_shape=(2,))
        >>> list(LayerHistogramsDisplay.from_weights(net).values)
        ['0.weight (2 × 4)', '1.weight (4 × 1)']
        """
        return cls(
            {
                f"{name} ({' × '.join(map(str, p.shape))})": p.reshape(-1).astype(float)
                for name, p in network.parameters.items()
                if name.endswith(".weight")
            },
            "weight",
        )

    @classmethod
    def from_activations(cls, network: Network, X: Any) -> Self:
        """The outputs of each activation function for some rows, and the scores.

        Parameters
        ----------
        network : Network
        X : array-like of shape (n, inputs)
        """
        values, last = {}, None
        for last in network.steps(X):
            if last.instruction.operation == "activate":
                (name, y), record = *last.outputs.items(), last.instruction.attributes["activation"]
                values[f"{name}, {record.name}"] = y.reshape(-1)
        if last is None:
            raise NetworkError("the network has no layers: nothing to show.")
        if last.instruction.operation != "activate":
            name, y = next(iter(last.outputs.items()))
            values[f"{name}, scores"] = y.reshape(-1)
        return cls(values, "activation")

    def plot(self, ax: Any = None, bins: int | None = None) -> Self:
        """Draw a histogram for each layer, with mean and standard deviation.

        Parameters
        ----------
        ax : sequence of Axes, optional
            As many as there are layers.
        bins : int, optional
            By default the square root of how many numbers there are, at most 40.
        """
        with panels(self, ax, len(self.values)) as axes:
            for axis, (title, values) in zip(axes, self.values.items(), strict=True):
                count = bins or int(np.clip(np.sqrt(values.size), 5, MOST_BINS))
                axis.hist(values, bins=count, color=look(0)["color"])
                spread = f"mean {values.mean():.3g}, deviation {values.std():.3g}"
                axis.set_title(f"{title}\n{spread.replace('-', '−')}")
                axis.set_xlabel(self.quantity)
            axes[0].set_ylabel("count")
        return self
