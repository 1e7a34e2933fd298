"""Kernels to machine code: Numba writes LLVM's language, LLVM emits an object file."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from numba import types

from chainrule.engines.compiled.native import mathematics
from chainrule.engines.compiled.native.intrinsics import (
    choose,
    doubles,
    int64s,
    larger,
    real,
    smaller,
)
from chainrule.engines.compiled.native.kernels import KERNELS, PLAIN

__all__ = ["build"]

# error_model "numpy" drops the check for a zero divisor, which would keep loops with a division
# from becoming vector code. Sums are not reordered and infinities and NaN stay visible: the
# polynomials' reductions and the check for a finite loss depend on it.
_OPTIONS: dict[str, Any] = {"fastmath": {"contract", "nsz", "arcp"}, "error_model": "numpy"}
_NAMES = {name: getattr(mathematics, name) for name in mathematics.__all__} | {
    "np": np, "choose": choose, "real": real, "int64s": int64s, "doubles": doubles,
    "larger": larger, "smaller": smaller,
}  # fmt: skip


@dataclass(frozen=True)
class Built:
    """A compiled kernel.

    Attributes
    ----------
    symbol : str
        Its function.
    names : tuple of str
        Numba's own functions that it names.
    code : bytes
        The object file.
    """

    symbol: str
    names: tuple[str, ...]
    code: bytes


def build(name: str, text: str, real_type: str, machine: llvm.TargetMachine) -> Built:
    """Compile one kernel.

    Parameters
    ----------
    name : str
        A hand-written kernel when `text` is empty.
    text : str
        Source of a function called ``kernel``, else empty.
    real_type : {"float32", "float64"}
    machine : TargetMachine
        Must be the one that later loads the object.

    Returns
    -------
    Built
    """
    plain = PLAIN.get(name)
    if plain is not None:
        signature = types.void(types.CPointer(types.int64))
        return _emit(plain, signature, machine)
    number = types.float32 if real_type == "float32" else types.float64
    signature = types.void(
        types.CPointer(types.CPointer(number)),
        types.CPointer(types.int64),
        types.CPointer(types.float64),
    )
    return _emit(_function(name, text) if text else KERNELS[name], signature, machine)


def _function(name: str, text: str) -> Callable[..., None]:
    file = f"<chainrule kernel {name}>"
    # Numba reads the source for its messages.
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace = dict(_NAMES)
    exec(compile(text, file, "exec"), namespace)  # text comes from codegen, never from a file
    namespace["body"] = _without_overlap(namespace["body"])
    return namespace["kernel"]  # type: ignore[return-value]


def _without_overlap(function: Callable[..., None]) -> Any:
    """A function whose pointers do not overlap, which Numba has a flag but no option for.

    Else LLVM compares every two of them before each row, and leaves short rows scalar: the slope of
    an LSTM cell with 128 units took 5 times as long.
    """
    compiled = numba.njit(**_OPTIONS)(function)
    customise = compiled._compiler._customize_flags

    def flags(given: Any) -> Any:
        given = customise(given)
        given.noalias = True
        return given

    compiled._compiler._customize_flags = flags
    return compiled


def _emit(function: Callable[..., None], signature: Any, machine: llvm.TargetMachine) -> Built:
    compiled = numba.cfunc(signature, **_OPTIONS)(function)
    module = llvm.parse_assembly(compiled.inspect_llvm())
    defined = [f.name for f in module.functions if not f.is_declaration]
    symbol = next(name for name in defined if name.startswith("cfunc."))
    named = (f.name for f in module.functions if f.is_declaration)
    names = tuple(name for name in named if name.startswith(("numba_", "NRT_")))
    return Built(symbol, names, machine.emit_object(module))
