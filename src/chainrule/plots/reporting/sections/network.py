"""The network: its layers in a row, as a table, and the equations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chainrule.errors import NetworkError
from chainrule.layers import config
from chainrule.network import Network
from chainrule.plots.reporting.evidence import Evidence
from chainrule.plots.reporting.markup import Cell, Markup, details, element, join, table

__all__ = ["section"]


@dataclass(frozen=True)
class _Stage:
    """A layer: its name, its settings, the shape of one row after it, its parameters."""

    name: str
    settings: str
    shape: tuple[int, ...]
    parameters: int


def section(evidence: Evidence) -> Markup | None:
    """The network of the model, if it is one network."""
    network = getattr(evidence.model, "network_", None)
    if not isinstance(network, Network):
        return None
    stages = list(_stages(network))
    width, columns = network.input_shape[0], len(evidence.names)
    text = (
        f"{len(network.layers)} layers, {network.n_parameters:,} parameters, "
        f"{network.engine.dtype.name}. The {columns:,} columns fill {width:,} inputs, encoded as "
        f"the table of columns says. The loss is the {network.loss.name.replace('_', ' ')}."
    )
    if (count := len(getattr(evidence.model, "members_", ()))) > 1:
        text += f" {count} such networks are averaged; the equations are those of each."
    rows = [(str(k), s.name, Cell(s.settings, "wide"), _shape(s.shape), f"{s.parameters:,}")
            for k, s in enumerate(stages)]  # fmt: skip
    head = ("number", "layer", "settings", "shape of one row", "parameters")
    return join(
        element("p", text),
        element("ol", [_box(stage) for stage in stages], class_="flow"),
        table("Layers", head, rows),
        _equations(network),
    )


def _stages(network: Network) -> Iterator[_Stage]:
    """The inputs, then every layer."""
    yield _Stage("input", "", network.input_shape, 0)
    sizes = {name: p.size for name, p in network.parameters.items()}
    for place, layer in enumerate(network.layers):
        until = replace(network.blueprint, layers=network.layers[: place + 1])
        own = [name for name in sizes if name.startswith(f"{place}.")]
        described = config(layer)
        name = described.pop("layer")
        given = ", ".join(f"{k} {_value(v)}" for k, v in described.items() if v is not None)
        yield _Stage(name, given, _only(until.heads), sum(sizes.pop(name) for name in own))


def _only(heads: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    return next(iter(heads.values()))


def _value(value: Any) -> str:
    """A setting as a reader would write it."""
    if isinstance(value, Mapping):
        inner = value.get("name", value.get("layer", ""))
        rest = ", ".join(f"{k} {_value(v)}" for k, v in value.items() if k not in ("name", "layer"))
        return f"{inner} ({rest})" if rest else str(inner)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    return str(value)


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{n:,}" for n in shape)


def _box(stage: _Stage) -> Markup:
    parameters = f"{stage.parameters:,} parameters" if stage.parameters else "no parameters"
    return element(
        "li",
        element("b", stage.name),
        element("span", _shape(stage.shape), class_="shape"),
        element("small", parameters),
    )


def _equations(network: Network) -> Markup | None:
    try:
        text = network.explain()
    except NetworkError:
        return None
    code = element("pre", text, tabindex=0, role="group", aria_label="Equations")
    return details("Equations, forward and backward", code)
