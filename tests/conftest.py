"""What several test files share: reproducible Hypothesis, the command line as real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("chainrule", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("chainrule")


class CommandLine:
    """``python -m chainrule`` as processes of their own, as many at once as there are cores."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool

    def run(self, *arguments: object, folder: Path, **environment: str) -> Any:
        """Run a command in a folder and wait for it; warnings are errors there too."""
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "chainrule", *map(str, arguments)],
            cwd=folder,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
            capture_output=True,
            encoding=environment.get("PYTHONIOENCODING", "utf-8"),
            timeout=120,
            check=False,
        )

    def start(self, commands: Mapping[str, Sequence[object]], folder: Path) -> dict[str, Future]:
        """Start many commands; each result is waited for when it is asked for."""
        return {
            name: self.pool.submit(self.run, *arguments, folder=folder)
            for name, arguments in commands.items()
        }


@pytest.fixture(scope="session")
def command_line() -> Iterator[CommandLine]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield CommandLine(pool)
        pool.shutdown(cancel_futures=True)
