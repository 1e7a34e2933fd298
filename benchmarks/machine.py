"""What the numbers were measured on; never a path, a host or a user."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.process import cores

__all__ = ["machine", "package_versions", "processor_seconds", "versions"]

PACKAGES = ("chainrule", "numpy", "scipy", "numba", "scikit-learn")
WIDTHS = {"avx2": "AVX2", "fma": "FMA", "avx512f": "AVX-512", "asimd": "NEON"}


def _processor_file() -> dict[str, str]:
    """The first processor of /proc/cpuinfo."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    lines = path.read_text().split("\n\n")[0].splitlines()
    return {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in lines)}


def _instructions(flags: str) -> str:
    """Which of the wide instruction sets the processor has, and which it has not."""
    own = set(flags.split())
    return ", ".join(f"{name} {'yes' if flag in own else 'no'}" for flag, name in WIDTHS.items())


def machine() -> dict[str, str]:
    """Processor, cores, instruction sets, memory, system."""
    info = _processor_file()
    model = info.get("model name") or platform.processor() or platform.machine()
    facts = {"processor": model, "cores in use": str(cores())}
    if info:
        facts["instructions"] = _instructions(info.get("flags") or info.get("Features", ""))
        facts["cache"] = info.get("cache size", "unknown")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        facts["memory"] = f"{size / 2**30:.0f} GiB"
    facts["system"] = f"{platform.system()}, {platform.machine()}"
    return facts


def processor_seconds() -> float:
    """What this process has used of all processors; a busy machine does not lengthen it much."""
    used = os.times()
    return used.user + used.system


def _blas() -> str:
    """The BLAS libraries of NumPy and SciPy, and the processor they took this one for."""
    import numpy  # noqa: F401  loaded, so that it is listed
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    found = {
        f"{pool['internal_api']} {pool['version']} for {pool.get('architecture', 'unknown')}"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    }
    return ", ".join(sorted(found))


def package_versions(libraries: tuple[str, ...] = ()) -> dict[str, str]:
    """Versions of Python and the packages involved."""
    result = {"Python": platform.python_version()}
    for package in (*PACKAGES, *libraries):
        try:
            result[package] = version(package)
        except PackageNotFoundError:
            result[package] = "not installed"
    return result


def versions(libraries: tuple[str, ...] = ()) -> dict[str, str]:
    """Versions of Python, the packages involved and the BLAS libraries."""
    return package_versions(libraries) | {"BLAS": _blas()}
