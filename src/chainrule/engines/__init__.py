"""Ways to run a tape: `reference` for truth, `compiled` for speed; results agree to rounding."""

from __future__ import annotations

from typing import Any

from chainrule.engines.base import Batches, Engine, EpochsInARow, Session, Totals, allocate
from chainrule.engines.reference import ReferenceEngine
from chainrule.errors import HyperparameterError, unknown_name

__all__ = [
    "ENGINES", "Batches", "Engine", "EpochsInARow", "Session", "Totals", "allocate", "make_engine",
]  # fmt: skip

ENGINES = ("compiled", "reference")


def make_engine(given: str | Engine, dtype: Any = None) -> Engine:
    """The engine for a name, float32 for "compiled" and float64 for "reference" by default.

    Raises
    ------
    UnknownNameError
        Listing the engines there are.
    """
    if not isinstance(given, str):
        return given
    if dtype is not None and dtype not in ("float32", "float64"):
        raise HyperparameterError(f"dtype = {dtype!r} is not possible: give float32 or float64.")
    if given == "reference":
        return ReferenceEngine(dtype or "float64")
    if given == "compiled":
        from chainrule.engines.compiled import CompiledEngine  # loads LLVM: not before needed

        return CompiledEngine(dtype or "float32")
    raise unknown_name("engine", given, ENGINES)
