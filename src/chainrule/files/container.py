"""Model files: safetensors with the configuration as JSON in its metadata. Loading runs no code.

The configuration carries a checksum of itself and of every tensor, so a file that was altered is
noticed, not used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import ModelFileError, closest
from chainrule.files.atomic import write_atomically

__all__ = ["FORMAT", "read_container", "write_container"]

FORMAT = 1


def write_container(
    path: Path, kind: str, config: Mapping[str, Any], tensors: Mapping[str, np.ndarray]
) -> None:
    """Write a model file atomically.

    Parameters
    ----------
    path : Path
    kind : str
        What `load` should make of it: "network", "classifier", "regressor".
    config : mapping
        Anything JSON can hold.
    tensors : mapping of str to ndarray
        Any shapes.

    Raises
    ------
    ModelFileError
        If the folder does not exist or cannot be written.
    """
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    text = json.dumps(config, ensure_ascii=False, sort_keys=True, allow_nan=False)
    metadata = {
        "chainrule": str(FORMAT),
        "kind": kind,
        "config": text,
        "checksum": _checksum(kind, text, arrays),
    }
    try:
        write_atomically(path, save(arrays, metadata))
    except OSError as error:
        raise ModelFileError(
            f"cannot write {path}: {error.strerror or error}. Is there such a folder?"
        ) from None


def read_container(path: Path) -> tuple[str, dict[str, Any], dict[str, np.ndarray]]:
    """Read a model file: kind, configuration, tensors.

    Raises
    ------
    ModelFileError
        If it does not exist, is no model, or was truncated or altered.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        others = [other.name for other in path.parent.glob("*.safetensors")]
        raise ModelFileError(f"there is no model file {path}.{closest(path.name, others)}")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError):
        raise ModelFileError(
            f"{path} is not a chainrule model, or it was truncated: give a file that `chainrule "
            f"train --model` or save() wrote."
        ) from None
    return _checked(path, metadata, tensors)


def _checked(
    path: Path, metadata: Mapping[str, str], tensors: dict[str, np.ndarray]
) -> tuple[str, dict[str, Any], dict[str, np.ndarray]]:
    if "chainrule" not in metadata:
        raise ModelFileError(
            f"{path} is a safetensors file, but not a chainrule model: give a file that `chainrule "
            f"train --model` or save() wrote."
        )
    if metadata["chainrule"] != str(FORMAT):
        raise ModelFileError(
            f"{path} has format {metadata['chainrule']}, this chainrule reads format {FORMAT}: "
            f"install the version that wrote it."
        )
    kind, text = metadata.get("kind", ""), metadata.get("config", "")
    if _checksum(kind, text, tensors) != metadata.get("checksum"):
        raise ModelFileError(
            f"{path} was altered: its checksum does not fit. Train or save the model again."
        )
    try:
        return kind, json.loads(text), tensors
    except ValueError:
        raise ModelFileError(f"{path} has a configuration that is no JSON.") from None


def _checksum(kind: str, text: str, tensors: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(f"{kind}\n{text}\n".encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name}\n{array.dtype.str}\n{array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
