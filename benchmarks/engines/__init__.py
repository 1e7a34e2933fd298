"""The engines that are timed: a registry, and one module for each library.

An engine is a function that takes a `Work`, prepares everything, and returns a function
``run(epochs)`` that trains for so many whole shuffled epochs and returns the mean loss of the last.
To add one, write such a function and enter it in `ENGINES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from benchmarks.workload import Work

__all__ = ["ENGINES", "PEERS", "Engine", "Run", "chosen", "missing"]

Run = Callable[[int], float]


@dataclass(frozen=True)
class Engine:
    """One way to train.

    Attributes
    ----------
    label : str
        For tables.
    home : str
        "module:function", loaded only in the process that runs it: no engine pays for another.
    peer : str
        The choice of ``--peers`` that brings it, empty for what is always there.
    library : str
        What must be installed, empty for what chainrule needs anyway.
    own_threads : bool
        Whether it limits its threads itself; others are told by environment variables.
    """

    label: str
    home: str
    peer: str = ""
    library: str = ""
    own_threads: bool = False

    def build(self, work: Work) -> Run:
        """Prepare the engine for its task."""
        module, function = self.home.split(":")
        return getattr(import_module(f"benchmarks.engines.{module}"), function)(work)


ENGINES = {
    "chainrule": Engine("chainrule", "own:session", own_threads=True),
    "train": Engine("chainrule, whole `train` calls", "own:train", own_threads=True),
    "chainrule64": Engine("chainrule float64", "own:session64", "sklearn", own_threads=True),
    "floor": Engine("floor: bare matrix products", "own:floor", own_threads=True),
    "sklearn32": Engine("scikit-learn, float32 input", "scikit:float32", "sklearn"),
    "sklearn64": Engine("scikit-learn, float64 input", "scikit:float64", "sklearn"),
    "numpy": Engine("NumPy by hand", "by_hand:train", "numpy"),
    "torch": Engine("PyTorch eager", "pytorch:eager", "torch", "torch"),
    "jax": Engine("JAX scan", "xla:scan", "jax", "jax"),
}
PEERS = tuple(dict.fromkeys(engine.peer for engine in ENGINES.values() if engine.peer))


def chosen(peers: Iterable[str]) -> list[str]:
    """Names of the engines for some peers, chainrule's own first."""
    wanted = {"", *peers}
    return [name for name, engine in ENGINES.items() if engine.peer in wanted]


def missing(names: Iterable[str]) -> list[str]:
    """Libraries that some engines need and that are not installed."""
    libraries = (ENGINES[name].library for name in names)
    return [library for library in libraries if library and find_spec(library) is None]
