"""Progress of long work: a bar on a terminal, lines elsewhere, nothing for short work."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Literal, Self

__all__ = ["Progress", "progress_for"]

_QUIET_SECONDS = 1.0  # shorter work shows nothing
_LINE_SECONDS = 5.0  # between plain lines
_BAR_SECONDS = 0.05  # between drawings of a bar


class Progress:
    """Shows how far a training run is; this one shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def update(self, done: float, status: Callable[[], str]) -> None:
        """Show that the share `done` (0 to 1) is complete, and what `status` says if it is asked.

        It may be called thousands of times a second.
        """

    def close(self) -> None:
        """Leave the terminal as it was."""


class _Lines(Progress):
    """Plain lines on standard error, at most one every few seconds."""

    def __init__(self, title: str, at_once: bool) -> None:
        self.title = title
        self.next = time.perf_counter() + (0 if at_once else _LINE_SECONDS)
        self.shown = False
        self.latest: tuple[float, Callable[[], str]] | None = None  # not yet shown

    def update(self, done: float, status: Callable[[], str]) -> None:
        self.latest = done, status
        if time.perf_counter() >= self.next:
            self.next = time.perf_counter() + _LINE_SECONDS
            self.print()

    def print(self) -> None:
        """A line on the latest."""
        if self.latest is not None:
            done, status = self.latest
            print(f"{self.title}: {done:4.0%}  {status()}", file=sys.stderr, flush=True)
            self.shown, self.latest = True, None

    def close(self) -> None:
        """End with the last line, if lines were shown at all."""
        if self.shown:
            self.print()


class _Bar(Progress):
    """A bar that appears when the work has taken a second."""

    def __init__(self, title: str, at_once: bool) -> None:
        self.title = title
        self.next = time.perf_counter() + (0 if at_once else _QUIET_SECONDS)
        self.latest: tuple[float, Callable[[], str]] | None = None  # not yet shown
        self.bar: Any = None  # rich's, imported when it is first needed
        self.task: Any = None

    def update(self, done: float, status: Callable[[], str]) -> None:
        self.latest = done, status
        if time.perf_counter() >= self.next:
            self.next = time.perf_counter() + _BAR_SECONDS
            self.bar = self.bar or self._show()
            self._draw()

    def _draw(self) -> None:
        if self.latest is not None:
            done, status = self.latest
            self.bar.update(self.task, completed=done, status=status())
            self.latest = None

    def _show(self) -> Any:
        from rich import progress
        from rich.console import Console

        bar = progress.Progress(
            progress.TextColumn(self.title),
            progress.BarColumn(),
            progress.TextColumn("{task.percentage:>3.0f}%"),
            progress.TextColumn("{task.fields[status]}"),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        bar.start()
        self.task = bar.add_task("", total=1.0, status="")
        return bar

    def close(self) -> None:
        if self.bar is not None:
            self._draw()
            self.bar.stop()


def progress_for(shown: bool | Literal["always"], title: str) -> Progress:
    """The way to show progress here: nothing, a bar on a terminal, plain lines elsewhere.

    "always" shows short work too.
    """
    if not shown or sys.stderr is None:
        return Progress()
    return (_Bar if sys.stderr.isatty() else _Lines)(title, shown == "always")
