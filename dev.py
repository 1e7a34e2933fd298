#!/usr/bin/env python3
"""Everything a developer does with this checkout, with Python and pip alone.

    python3 dev.py setup    make .venv and install chainrule with its test tools
    python3 dev.py demo     train on real data and show the result
    python3 dev.py test     formatting, types, imports, tests   (more arguments go to pytest)
    python3 dev.py lint     formatting, types, imports
    python3 dev.py bench    benchmarks                          (more arguments go to the benchmark)

The install is skipped while pyproject.toml is unchanged.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
FOLDER = ROOT / ".venv"
BIN = FOLDER / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")


# A process for each core takes whole files of tests: half the time on two cores.
EVERYTHING = ("-n", "auto", "--maxprocesses", "8", "--dist", "loadfile")


def run(*command: object) -> None:
    """Run a command in the checkout; stop with its exit code if it fails."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def install(*extras: str) -> None:
    """Make .venv and install the package with some extras, unless that is done already."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    marks = {extra: FOLDER / f"installed-{extra or 'core'}" for extra in ("", *extras)}
    if all(m.is_file() and m.read_text() == wanted for m in marks.values()):
        return
    if not PYTHON.exists():
        print("making .venv …", flush=True)
        venv.create(FOLDER, with_pip=True)
    print("installing …", flush=True)
    target = f".[{','.join(extras)}]" if extras else "."
    run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", target)
    for mark in marks.values():
        mark.write_text(wanted)


def setup(arguments: list[str]) -> None:
    install("test")


def demo(arguments: list[str]) -> None:
    install()
    run(PYTHON, "-m", "chainrule", "demo", *arguments)


def lint(arguments: list[str]) -> None:
    install("test")
    run(BIN / "ruff", "check", ".")
    run(BIN / "ruff", "format", "--check", ".")
    run(BIN / "pyrefly", "check")
    run(BIN / "lint-imports")


def test(arguments: list[str]) -> None:
    lint([])
    run(PYTHON, "-m", "pytest", *(arguments or EVERYTHING))


def bench(arguments: list[str]) -> None:
    install("bench")
    run(PYTHON, "-m", "benchmarks", *arguments)


COMMANDS = {"setup": setup, "demo": demo, "test": test, "lint": lint, "bench": bench}


def main() -> None:
    if sys.version_info < (3, 11):
        sys.exit(f"chainrule needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit((__doc__ or "").strip())
    COMMANDS[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    main()
