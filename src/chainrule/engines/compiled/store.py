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
from typing import TYPE_CHECKING, Any

import llvmlite.binding as llvm

from chainrule.files.atomic import write_atomically

if TYPE_CHECKING:
    from chainrule.engines.compiled.native.build import Built

__all__ = ["KernelKey", "addresses", "cache_folder", "statistics"]

_MAGIC = b"chainrule kernel 2\n"
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
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        codemodel="jitdefault",
        jit=True,
    )


def _define(names: Iterable[str]) -> None:
    """Give a meaning to the functions of Numba's that a kernel names, in case it is not loaded.

    Its wrapper of a kernel names them for an exception that no kernel raises, so they are never
    called; but with one name unknown LLVM leaves out all addresses, that of `memset` too.
    """
    for name in names:
        if llvm.address_of_symbol(name) is None:
            llvm.add_symbol(name, ctypes.cast(_never_called, ctypes.c_void_p).value)


_never_called = ctypes.CFUNCTYPE(None)(lambda: None)


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
    symbol, names, code = body.split(b"\0", 2)
    _define(names.decode().split())
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
        made = build(key.name, key.text, key.real_type, _machine())
        _keep(_path_or_none(key), made)
        _link(key, made.symbol, made.code)
        statistics["compiled"] += 1
    _say("done.\n")


def _path_or_none(key: KernelKey) -> Path | None:
    try:
        return _path(key)
    except RuntimeError:
        return None


def _keep(path: Path | None, made: Built) -> None:
    if path is None:
        return
    body = b"\0".join((made.symbol.encode(), " ".join(made.names).encode(), made.code))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, _MAGIC + hashlib.sha256(body).digest() + body)
    except OSError:
        pass  # a read-only or full disk costs time at the next start, nothing else


def _say(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(text)
        sys.stderr.flush()
