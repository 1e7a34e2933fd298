"""The engines that are timed: a registry, and one module for each library.

An engine is a function that takes a `Work` or a `ModelWork`, prepares everything, and returns a
function ``run(epochs)`` that trains for so many whole shuffled epochs and returns the mean loss of
the last.
To add one, write such a function and enter it in `ENGINES`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module

from benchmarks.models import MODELS, ModelWork, make_model_work
from benchmarks.workload import GROWING, SHAPES, Work, make_work

__all__ = ["ENGINES", "PEERS", "Engine", "Run", "chosen", "make", "title"]

Run = Callable[[int], float]


@dataclass(frozen=True)
class Engine:
    """One way to train.

    Attributes
    ----------
    label : str
        For tables.
    home : str
        "module:function" for dense networks, loaded only in the process that runs it: no engine
        pays for another.
    models : str
        The same for convolutions and recurrent layers, empty where they are not timed.
    peer : str
        The choice of ``--peers`` that brings it, empty for what is always there.
    library : str
        What must be installed, empty for what chainrule needs anyway.
    own_threads : bool
        Whether it limits its threads itself; others are told by environment variables.
    compiler : bool
        Whether it calls a C++ compiler.
    """

    label: str
    home: str
    models: str = ""
    peer: str = ""
    library: str = ""
    own_threads: bool = False
    compiler: bool = False

    @property
    def able(self) -> bool:
        """Whether this machine has the compiler that it calls, as CXX or g++."""
        return not self.compiler or shutil.which(os.environ.get("CXX", "g++")) is not None

    def build(self, work: Work | ModelWork) -> Run:
        """Prepare the engine for its task."""
        home = self.home if isinstance(work, Work) else self.models
        module, function = home.split(":")
        return getattr(import_module(f"benchmarks.engines.{module}"), function)(work)


ENGINES = {
    "chainrule": Engine("chainrule", "own:session", "own:models", own_threads=True),
    "train": Engine("chainrule, whole `train` calls", "own:train", own_threads=True),
    "chainrule64": Engine("chainrule float64", "own:session64", peer="sklearn", own_threads=True),
    "floor": Engine("floor: bare matrix products", "own:floor", own_threads=True),
    "sklearn32": Engine("scikit-learn, float32 input", "scikit:float32", peer="sklearn"),
    "sklearn64": Engine("scikit-learn, float64 input", "scikit:float64", peer="sklearn"),
    "numpy": Engine("NumPy by hand", "by_hand:train", peer="numpy"),
    "torch": Engine("PyTorch eager", "pytorch:eager", "pytorch_models:eager", "torch", "torch"),
    "torch_compiled": Engine(
        "PyTorch compiled", "pytorch:compiled", peer="torch", library="torch", compiler=True
    ),
    "jax": Engine("JAX", "xla:scan", "xla_models:jitted", "jax", "jax"),
}
DENSE = SHAPES | GROWING
PEERS = tuple(dict.fromkeys(engine.peer for engine in ENGINES.values() if engine.peer))


def chosen(peers: Iterable[str]) -> list[str]:
    """Names of the engines for some peers, chainrule's own first; only what can run here."""
    wanted = {"", *peers}
    return [name for name, engine in ENGINES.items() if engine.peer in wanted and engine.able]


def make(name: str, threads: int) -> Work | ModelWork:
    """The work of a shape or a model."""
    if name in DENSE:
        return make_work(DENSE[name], threads)
    return make_model_work(MODELS[name], threads)


def title(name: str) -> str:
    """What tables call a shape or a model."""
    return (DENSE | MODELS)[name].title
