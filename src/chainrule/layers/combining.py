"""Layers made of layers: residual blocks, shared weights, several tasks on one trunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chainrule.errors import NetworkError
from chainrule.layers.base import Builder, Layer, check_layer, check_layers, layer, row_shape

__all__ = ["Heads", "Residual", "Shared"]


@layer
@dataclass(frozen=True)
class Residual:
    """y = x + f(x), f being layers that keep the shape (arXiv 1512.03385).

    Parameters
    ----------
    layers : sequence of Layer

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([Residual([cr.Dense(8, "relu"), cr.Dense(4)])], input_shape=(4,))
    >>> list(net.parameters)
    ['0.0.weight', '0.0.bias', '0.1.weight', '0.1.bias']
    """

    layers: Sequence[Layer]

    def __post_init__(self) -> None:
        check_layers(self.layers, " of a Residual")

    def emit(self, builder: Builder, x: str) -> str:
        """Write f, then the sum: (n, …, units) to the same shape."""
        y = builder.run(self.layers, x)
        if builder.shape(y) != builder.shape(x):
            raise NetworkError(
                f"the layers of a Residual turn {row_shape(builder.shape(x))} into "
                f"{row_shape(builder.shape(y))}: the sum x + f(x) needs both to be the same."
            )
        return builder.tape.emit("add", [x, y], [f"r{builder.number}"])


@layer
@dataclass(frozen=True)
class Shared:
    """A layer whose parameters other places use too: give them the same name (001).

    Parameters
    ----------
    name : str
        Parameters are called "name.weight" …
    inner : Layer

    Examples
    --------
    >>> import chainrule as cr
    >>> again = Shared("step", cr.Dense(4, "tanh"))
    >>> net = cr.Network([again, again, again], input_shape=(4,))
    >>> list(net.parameters)
    ['step.weight', 'step.bias']
    """

    name: str
    inner: Layer  # "layer" is the key that names the kind of a layer in files

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise NetworkError(
                f"Shared is called {self.name!r}: give a name of letters, such as 'step'; numbers "
                f"are the places of other layers."
            )
        check_layer(self.inner, f"the layer of Shared('{self.name}')")

    def emit(self, builder: Builder, x: str) -> str:
        """Write the layer with the shared parameters: shapes as the layer's own."""
        with builder.at(self.name):
            return self.inner.emit(builder, x)


@layer
@dataclass(frozen=True)
class Heads:
    """Several tasks on one trunk, as the last layer (001's multi-task learning).

    The network then takes a loss for each task, targets as a mapping from task to targets, and
    predicts such a mapping. Its loss is the sum of the tasks' losses.

    Parameters
    ----------
    tasks : mapping of str to sequence of Layer

    Examples
    --------
    >>> import chainrule as cr, numpy as np
    >>> net = cr.Network(
    ...     [cr.Dense(8, "tanh"), Heads({"kind": [cr.Dense(3)], "size": [cr.Dense(1)]})],
    ...     loss={"kind": "cross_entropy", "size": "squared_error"}, input_shape=(4,))
    >>> {task: scores.shape for task, scores in net.predict(np.ones((5, 4))).items()}
    {'kind': (5, 3), 'size': (5, 1)}
    """

    tasks: Mapping[str, Sequence[Layer]]

    def __post_init__(self) -> None:
        named = isinstance(self.tasks, Mapping) and self.tasks
        if not named or not all(isinstance(task, str) and task for task in self.tasks):
            raise NetworkError(
                f"tasks is {self.tasks!r}: expected task names with their layers, such as "
                f"{{'kind': [Dense(3)]}}."
            )
        for task, layers in self.tasks.items():
            check_layers(layers, f" of task '{task}'")

    def emit(self, builder: Builder, x: str) -> str:
        """Write each task's layers: (n, units) to its scores (n, outputs)."""
        place = builder.place
        if not place.isdigit():
            raise NetworkError(
                "Heads stands inside another layer: it must be the last layer of the network."
            )
        for task, layers in self.tasks.items():
            with builder.at(f"{place}.{task}"):
                builder.heads[task] = builder.run(layers, x)
        return next(iter(builder.heads.values()))
