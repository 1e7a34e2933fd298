"""Arguments of a model from the command line or a file."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["settings", "variants"]


def settings(text: str) -> dict[str, Any]:
    """Arguments as Python writes them, ``hidden=(64, 64), activation=gelu``.

    Values are literals; a bare name is a text. Tuples become lists, as in a JSON file.
    """
    try:
        call = ast.parse(f"dict({text})", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
            raise ValueError
        found = {str(k.arg): _value(k.value) for k in call.keywords if k.arg}
        if len(found) < len(call.keywords):
            raise ValueError
        return json.loads(json.dumps(found))
    except (SyntaxError, TypeError, ValueError):
        raise ValueError(
            f"{text!r} does not read as arguments: write key=value, …, where each value is a "
            "Python literal or a bare word."
        ) from None


def _value(node: ast.expr) -> Any:
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)


def variants(given: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Named variants: each is ``name=key=value, …`` or a JSON file, {name: {key: value}}."""
    result: dict[str, dict[str, Any]] = {}
    for text in given:
        new = _from_file(Path(text)) if text.endswith(".json") else _from_text(text)
        for name in new:
            if name in result:
                raise ValueError(f"two variants are called {name!r}.")
        result |= new
    return result


def _from_text(text: str) -> dict[str, dict[str, Any]]:
    name, equals, rest = text.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"{text!r} is no variant: write name=key=value, … or name= for none.")
    return {name.strip(): settings(rest)}


def _from_file(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"{path.name} cannot be read: {error}.") from None
    if not isinstance(found, Mapping) or not all(isinstance(v, dict) for v in found.values()):
        raise ValueError(f"{path.name} must hold {{name: {{key: value, …}}, …}}.")
    return dict(found)
