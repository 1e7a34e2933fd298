"""SciPy's BLAS by address: the matrix products that the compiled engine calls."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["blas_threads", "product_address"]


def _cython_blas() -> Any:
    """SciPy's table of BLAS functions, without the rest of scipy.linalg where that is possible.

    `import scipy.linalg` takes a quarter of a second, nearly all of it for things not needed here.
    """
    if "scipy.linalg" not in sys.modules:
        import scipy

        folder = str(Path(scipy.__file__).parent / "linalg")
        spec = PathFinder.find_spec("cython_blas", [folder])
        if spec is not None and spec.loader is not None:
            with suppress(ImportError):  # then the ordinary import below must do
                module = module_from_spec(spec)
                spec.loader.exec_module(module)
                return module
    from scipy.linalg import cython_blas

    return cython_blas


@cache
def product_address(dtype: np.dtype) -> int:
    """Address of `sgemm` or `dgemm`."""
    capsule = _cython_blas().__pyx_capi__["sgemm" if dtype == np.float32 else "dgemm"]
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(pointer(capsule, name(capsule)))


@cache
def _controller() -> Any:
    product_address(np.dtype(np.float32))  # the library must be loaded to be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


# The number of threads belongs to the process, not to a thread of it. Trainings at the same time
# would undo each other's limits, and the last one would leave its own behind.
_lock = threading.Lock()
_wanted: list[int] = []  # by every context that is open
_before: list[Any] = []  # how it was when the first one opened


@contextmanager
def blas_threads(count: int | None) -> Iterator[None]:
    """Limit the threads of one matrix product; None leaves them as they are.

    Contexts may overlap in several threads: the smallest limit holds for all of them, and the last
    to close restores what was there before the first.
    """
    if count is None:
        yield
        return
    _change(_wanted.append, count)
    try:
        yield
    finally:
        _change(_wanted.remove, count)


def _change(change: Callable[[int], None], count: int) -> None:
    """Open or close a context, and set the limit that follows."""
    with _lock:
        before = min(_wanted, default=0)
        change(count)
        now = min(_wanted, default=0)
        _take_control()
        if now and now != before:
            limiter = _controller().limit(limits=now, user_api="blas")
            if not before:
                _before.append(limiter)
        elif not now:
            _before.pop().restore_original_limits()
        _take_control()


def _take_control() -> None:
    """Let any thread set OpenBLAS's limit: recent threadpoolctl heeds only the first that did."""
    import threadpoolctl

    controller = getattr(threadpoolctl, "OpenBLASController", None)
    if hasattr(controller, "clear_controlling_thread"):
        controller.clear_controlling_thread(force=True)
