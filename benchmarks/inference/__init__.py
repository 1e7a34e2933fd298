"""Inference: who predicts, a registry, and one module for each library.

A way to predict is a function that takes a `Task`, prepares everything, and returns a function
without arguments that predicts all of its rows: from a NumPy array of float32 to a NumPy array of
scores or labels. To add one, write such a function and enter it in `WAYS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from benchmarks.inference.task import Task

__all__ = ["PEERS", "ROWS", "WAYS", "Call", "Way", "chosen", "libraries"]

Call = Callable[[], np.ndarray]

ROWS = (1, 100, 100_000)


@dataclass(frozen=True)
class Way:
    """One way to predict.

    Attributes
    ----------
    label : str
        For tables.
    home : str
        "module:function", loaded only in the process that runs it.
    peer : str
        The choice of ``--peers`` that brings it, empty for what is always there.
    libraries : tuple of str
        What must be installed besides what chainrule needs.
    own_threads : bool
        Whether it limits its threads itself; others are told by environment variables.
    one_row : bool
        Whether it takes a single row only.
    """

    label: str
    home: str
    peer: str = ""
    libraries: tuple[str, ...] = ()
    own_threads: bool = False
    one_row: bool = False

    def build(self, task: Task) -> Call:
        """Prepare it for its task."""
        module, function = self.home.split(":")
        return getattr(import_module(f"benchmarks.inference.{module}"), function)(task)


_ONNX = ("onnx", "onnxruntime")
WAYS = {
    "predictor": Way(
        "chainrule, `Network.predictor()`", "own:predictor", own_threads=True, one_row=True
    ),
    "network": Way("chainrule, `Network.predict`", "own:network", own_threads=True),
    "estimator": Way("chainrule, `NetworkClassifier`", "own:estimator", own_threads=True),
    "sklearn": Way("scikit-learn, `MLPClassifier`", "scikit:labels", "sklearn"),
    "numpy": Way("NumPy by hand", "by_hand:scores", "numpy"),
    "onnx": Way("onnxruntime, `run`", "onnx_runtime:run", "onnx", _ONNX),
    "onnx_bound": Way("onnxruntime, bound arrays", "onnx_runtime:bound", "onnx", _ONNX),
    "torch": Way("PyTorch eager", "pytorch:eager", "torch", ("torch",)),
    "jax": Way("JAX", "xla:jitted", "jax", ("jax",)),
}
PEERS = tuple(dict.fromkeys(way.peer for way in WAYS.values() if way.peer))


def chosen(peers: Iterable[str]) -> list[str]:
    """Names of the ways for some peers, chainrule's own first."""
    wanted = {"", *peers}
    return [name for name, way in WAYS.items() if way.peer in wanted]


def libraries(names: Iterable[str]) -> list[str]:
    """What some ways need besides what chainrule needs."""
    return list(dict.fromkeys(library for name in names for library in WAYS[name].libraries))
