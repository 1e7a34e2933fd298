"""What ``chainrule train`` leaves for people: a report as HTML, a log as JSON lines."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from chainrule.cli.console import note
from chainrule.cli.job import Job
from chainrule.errors import ChainruleError, DataError

__all__ = ["Records"]


@dataclass(frozen=True)
class Records:
    """Where to write a report and a log, if at all; checked before any work is done."""

    report: Path | None
    log: Path | None
    others: tuple[Path, ...]  # the command's other files, which stay as they are

    def check(self, test_fraction: float) -> None:
        """Refuse what could not be written in the end.

        Raises
        ------
        ChainruleError
            If a file cannot be written, matplotlib is missing or no rows are held out.
        """
        given = [path for path in (self.report, self.log) if path is not None]
        for place, path in enumerate(given):
            if path.resolve() in [other.resolve() for other in (*self.others, *given[:place])]:
                raise DataError(f"{path} is given twice: choose another name for one of them.")
        if self.log is not None:
            from chainrule.training import JSONLog

            JSONLog(self.log)
        if self.report is not None:
            self._check_report(self.report, test_fraction)

    def _check_report(self, report: Path, test_fraction: float) -> None:
        from chainrule.plots.reporting import check_report
        from chainrule.plots.style import pyplot

        if not test_fraction:
            raise DataError("--report is about rows held out: give a --test-fraction above 0.")
        try:
            pyplot()
        except ImportError as error:
            raise ChainruleError(f"--report cannot be written: {error}") from None
        check_report(report)

    def callbacks(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The argument of the estimator that writes the log."""
        if self.log is None:
            return {}
        from chainrule.training import JSONLog

        return {"callbacks": [JSONLog(self.log, {"command": command_line(), **settings})]}

    def write(self, estimator: Any, job: Job, data: Path) -> None:
        """Write the report."""
        if self.log is not None:
            note(f"log written to {self.log}")
        if self.report is None:
            return
        from chainrule.plots import report

        note("writing the report …")
        report(
            estimator,
            job.part(job.test),
            job.y[job.test],
            self.report,
            training=(job.part(job.rest), job.y[job.rest]),
            row_numbers=None if job.numbers is None else job.numbers[job.test],
            left_out=job.dropped,
            source=data.name,
            command=command_line(),
        )
        note(f"report written to {self.report}")


def command_line() -> str:
    """What was typed, with the names of files but not their folders.

    Folders are somebody's own, and a report is passed on.
    """
    context = click.get_current_context()
    words = ["chainrule", str(context.info_name)]
    for parameter in context.command.params:
        name = str(parameter.name)
        value = context.params.get(name)
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and value is not None:
            words += _words(parameter, value)
    return shlex.join(words)


def _words(parameter: click.Parameter, value: Any) -> list[str]:
    if isinstance(parameter, click.Argument):
        return [_word(value)]
    option = max(parameter.opts, key=len)
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return [option]
    if parameter.multiple:
        return [word for item in value for word in (option, _word(item))]
    return [option, _word(value)]


def _word(value: Any) -> str:
    if isinstance(value, Path):
        return value.name
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)
