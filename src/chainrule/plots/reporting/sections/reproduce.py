"""What it takes to get the same result again."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from inspect import signature
from typing import Any

from chainrule.estimators.parameters import to_data
from chainrule.plots.reporting.evidence import Evidence
from chainrule.plots.reporting.markup import Cell, Markup, element, join, table
from chainrule.training.log import versions

__all__ = ["section"]


def section(evidence: Evidence) -> Markup:
    """Command, versions, settings and machine; no names of people, machines or folders."""
    settings = to_data(evidence.model.get_params(deep=False))
    now = datetime.now(UTC)
    date = now.strftime("%d %B %Y, %H:%M UTC").lstrip("0")
    when = element("time", date, datetime=now.isoformat(timespec="seconds"))
    machine = f"{os.cpu_count()} CPU cores, {platform.machine()}, {platform.system()}"
    facts = [*versions().items(), ("machine", machine), ("date", when)]
    return join(
        element("h3", "Command" if evidence.command else "Model"),
        element(
            "pre",
            evidence.command or _as_python(evidence.model, settings),
            tabindex=0, role="group", aria_label="Command",
        ),
        element("p", "The same data, versions, machine and threads give the same bits. The seed, "
                "random_state, is among the settings."),
        element("div", table("Versions and machine", ("name", "value"), facts),
                table("Settings", ("name", "value"), _settings(evidence.model, settings)),
                class_="beside"),
    )  # fmt: skip


def _settings(model: Any, settings: dict[str, Any]) -> list[tuple[str, Cell]]:
    changed = _changed(model, settings)
    return [
        (name, Cell(_written(value), "given" if name in changed else ""))
        for name, value in settings.items()
    ]


def _written(value: Any) -> str:
    return "not given" if value is None else str(value)


def _changed(model: Any, settings: dict[str, Any]) -> list[str]:
    """The settings that are not the default."""
    defaults = to_data({n: p.default for n, p in signature(type(model)).parameters.items()})
    return [name for name, value in settings.items() if value != defaults.get(name)]


def _as_python(model: Any, settings: dict[str, Any]) -> str:
    given = ", ".join(f"{name}={settings[name]!r}" for name in _changed(model, settings))
    return f"{type(model).__name__}({given})"
