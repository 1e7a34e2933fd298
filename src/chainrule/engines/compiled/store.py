"""Machine code on disk: a kernel is compiled once on a machine, later starts only load it.

A stored kernel is an object file under a name that holds everything it depends on: its source, the
sources of this package's native code, the versions of Numba and LLVM, the processor. Files are
written under another name and renamed, so processes may start at once; a damaged file is noticed by
its checksum and compiled again; if no folder can be written, kernels are compiled for the process.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

from chainrule.files.atomic import write_atomically

__all__ = ["KernelKey", "addresses", "cache_folder", "statistics"]

_MAGIC = b"chainrule kernel 1\n"
_NATIVE = Path(__file__).parent / "native"
_lock = threading.RLock()
_loaded: dict[KernelKey, tuple[int, Any]] = {}
statistics = {"compiled": 0, "loaded": 0}


@dataclass(frozen=True)
class KernelKey:
    """What identifies a kernel: name, floating type, and its text if it was generated."""

    name: str
    real_type: str
    text: str = ""


def cache_folder() -> Path:
    """Where kernels are stored: ``CHAINRULE_CACHE_DIR``, else the user's cache folder."""
    chosen = os.environ.get("CHAINRULE_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "chainrule"


def addresses(keys: Iterable[KernelKey]) -> dict[KernelKey, int]:
    """The address of each kernel, loaded or compiled."""
    wanted = list(dict.fromkeys(keys))
    with _lock:
        missing = [key for key in wanted if key not in _loaded and not _load_stored(key)]
        if missing:
            _compile(missing)
        return {key: _loaded[key][0] for key in wanted}


# ------------------------------------------------------------------- loading


@cache
def _machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    _define_symbols()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        codemodel="jitdefault",
        jit=True,
    )


def _define_symbols() -> None:
    """Make known what stored kernels name, in case Numba is not loaded, which would do so.

    LLVM turns loops that copy or fill into calls; and Numba's wrapper of a kernel names functions
    for an exception that no kernel raises. If one name is unknown, LLVM leaves out all of them.
    """
    known: dict[str, Any] = {name: getattr(ctypes.pythonapi, name) for name in _PYTHON}
    known |= dict.fromkeys(("numba_gil_ensure", "numba_gil_release"), _nothing)
    known |= {"memset": ctypes.memset, "memmove": ctypes.memmove, "memcpy": ctypes.memmove}
    known |= {name: ctypes.c_void_p.in_dll(ctypes.pythonapi, name) for name in _EXCEPTIONS}
    for name, item in known.items():
        if llvm.address_of_symbol(name) is None:
            is_data = isinstance(item, ctypes.c_void_p)
            address = (
                ctypes.addressof(item) if is_data else ctypes.cast(item, ctypes.c_void_p).value
            )
            llvm.add_symbol(name, address)


_PYTHON = (
    "PyErr_Clear", "PyErr_SetNone", "PyErr_SetString", "PyErr_WriteUnraisable",
    "PyUnicode_FromString", "Py_DecRef",
)  # fmt: skip
_EXCEPTIONS = ("PyExc_StopIteration", "PyExc_SystemError")
_nothing = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda state: None)


@cache
def _environment() -> bytes:
    """Everything besides its own text that machine code depends on."""
    digest = hashlib.sha256()
    for path in [*sorted(_NATIVE.glob("*.py")), Path(__file__).with_name("control.py")]:
        digest.update(path.read_bytes())
    for part in (
        version("numba"),
        version("llvmlite"),
        llvm.get_process_triple(),
        llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(),
    ):
        digest.update(part.encode() + b"\n")
    return digest.digest()


def _path(key: KernelKey) -> Path:
    text = f"{key.name}\n{key.real_type}\n{key.text}".encode()
    digest = hashlib.sha256(_environment() + text).hexdigest()[:32]
    return cache_folder() / f"{digest}.kernel"


def _load_stored(key: KernelKey) -> bool:
    try:
        content = _path(key).read_bytes()
    except (OSError, RuntimeError):  # RuntimeError: no home folder
        return False
    body = content[len(_MAGIC) + 32 :]
    checksum = content[len(_MAGIC) : len(_MAGIC) + 32]
    if not content.startswith(_MAGIC) or hashlib.sha256(body).digest() != checksum:
        return False
    symbol, _, code = body.partition(b"\0")
    _link(key, symbol.decode(), code)
    statistics["loaded"] += 1
    return True


def _link(key: KernelKey, symbol: str, code: bytes) -> None:
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    # The engine owns the code: it must live as long as the address.
    _loaded[key] = (engine.get_function_address(symbol), engine)


# ----------------------------------------------------------------- compiling


def _compile(missing: Sequence[KernelKey]) -> None:
    plural = "s" if len(missing) > 1 else ""
    _say(f"chainrule: compiling {len(missing)} kernel{plural} for this machine (kept for later) … ")
    from chainrule.engines.compiled.native.build import build  # imports Numba: not before needed

    for key in missing:
        symbol, code = build(key.name, key.text, key.real_type, _machine())
        _keep(_path_or_none(key), symbol, code)
        _link(key, symbol, code)
        statistics["compiled"] += 1
    _say("done.\n")


def _path_or_none(key: KernelKey) -> Path | None:
    try:
        return _path(key)
    except RuntimeError:
        return None


def _keep(path: Path | None, symbol: str, code: bytes) -> None:
    if path is None:
        return
    body = symbol.encode() + b"\0" + code
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, _MAGIC + hashlib.sha256(body).digest() + body)
    except OSError:
        pass  # a read-only or full disk costs time at the next start, nothing else


def _say(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(text)
        sys.stderr.flush()
