"""Model files: what is read is what was written, or a refusal; and nobody sees half a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ModelFileError
from chainrule.files.atomic import write_atomically
from chainrule.files.container import read_container, write_container

X = np.random.default_rng(0).normal(size=(50, 4))

NETWORKS = {
    "float32": cr.Network([cr.Dense(5, "relu"), cr.Dense(2)], "cross_entropy", input_shape=4),
    "float64": cr.Network([cr.Dense(5, "tanh"), cr.Dense(1)], input_shape=4, dtype="float64"),
    "settings of activations": cr.Network(
        [
            cr.Dense(5, {"name": "leaky_relu", "k": 0.3}, initializer="xavier", bias=False),
            cr.Dropout(0.7),
            cr.Activation(cr.ops.ACTIVATIONS["elu"](alpha=0.5)),
            cr.Dense(1, "sigmoid"),
        ],
        "binary_cross_entropy",
        input_shape=4,
        seed=7,
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_comes_back_to_the_bit(name, tmp_path):
    net = NETWORKS[name]
    net.parameters["0.weight"][0, 0] = np.pi  # not what the seed gave
    net.save(tmp_path / "net.safetensors")
    again = cr.load(tmp_path / "net.safetensors")
    assert isinstance(again, cr.Network)
    assert again.config() == net.config()
    for key, values in net.parameters.items():
        np.testing.assert_array_equal(again.parameters[key], values)
        assert again.parameters[key].dtype == values.dtype
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    assert again.predict(X).dtype == net.predict(X).dtype


def test_settings_of_activations_matter_after_loading(tmp_path):
    net = cr.Network([cr.Dense(1, {"name": "leaky_relu", "k": 0.25}, bias=False)], input_shape=1)
    net.parameters["0.weight"][...] = 1
    net.save(tmp_path / "net.safetensors")
    assert cr.load(tmp_path / "net.safetensors").predict([[-2.0], [3.0]]).tolist() == [[-0.5], [3]]


def test_a_file_can_be_read_by_any_safetensors_library(tmp_path):
    from safetensors.numpy import load_file

    net = NETWORKS["float32"]
    net.save(tmp_path / "net.safetensors")
    tensors = load_file(tmp_path / "net.safetensors")
    assert sorted(tensors) == sorted(net.parameters)
    np.testing.assert_array_equal(tensors["0.weight"], net.parameters["0.weight"])


def test_saving_over_a_model_replaces_it(tmp_path):
    path = tmp_path / "net.safetensors"
    NETWORKS["float32"].save(path)
    NETWORKS["float64"].save(path)
    assert cr.load(path).config() == NETWORKS["float64"].config()
    assert list(tmp_path.iterdir()) == [path]


# ---------------------------------------------------------------- whole or not at all


def fail(error: BaseException) -> Any:
    def failing(*_: object, **__: object) -> None:
        raise error

    return failing


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("pathlib.Path.replace", OSError(28, "No space left on device")),
        ("os.fsync", OSError(5, "Input/output error")),
        ("os.fsync", KeyboardInterrupt()),
        ("pathlib.Path.chmod", MemoryError()),
    ],
)
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(
    where, error, tmp_path, monkeypatch
):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(where, fail(error))
    with pytest.raises(type(error)):
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_while_saving_is_one_clear_error_and_the_old_model_stays(tmp_path, monkeypatch):
    path = tmp_path / "net.safetensors"
    NETWORKS["float32"].save(path)
    before = path.read_bytes()
    monkeypatch.setattr("pathlib.Path.replace", fail(OSError(28, "No space left on device")))
    with pytest.raises(ModelFileError, match=r"net\.safetensors: No space left on device"):
        NETWORKS["float64"].save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_new_file_is_complete_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    path, order, seen = tmp_path / "file", [], []
    path.write_bytes(b"old")
    fsync, replace = os.fsync, Path.replace

    def watched_fsync(handle: int) -> None:
        order.append("fsync")
        fsync(handle)

    def watched_replace(source: Path, target: Path) -> Path:
        order.append("rename")
        seen.extend([source.read_bytes(), target.read_bytes(), source.parent == target.parent])
        return replace(source, target)

    monkeypatch.setattr("os.fsync", watched_fsync)
    monkeypatch.setattr("pathlib.Path.replace", watched_replace)
    write_atomically(path, b"new")
    assert order == ["fsync", "rename"]
    assert seen == [b"new", b"old", True]
    assert path.read_bytes() == b"new"


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    write_atomically(tmp_path / "ours", b"")
    (tmp_path / "any").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_name_as_long_as_the_file_system_allows_can_be_written(tmp_path):
    path = tmp_path / ("n" * 255)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelFileError, match=r"missing/net\.safetensors.*Is there such a folder"):
        NETWORKS["float32"].save(tmp_path / "missing" / "net.safetensors")


# -------------------------------------------------------------------- altered files


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    NETWORKS["float32"].save(tmp_path / "whole.safetensors")
    return (tmp_path / "whole.safetensors").read_bytes()


def test_any_single_altered_byte_is_noticed(whole, tmp_path):
    path = tmp_path / "altered.safetensors"
    for place in range(0, len(whole), 7):
        altered = bytearray(whole)
        altered[place] ^= 0x20
        path.write_bytes(altered)
        if whole[8 : 8 + int.from_bytes(whole[:8], "little")][place - 8 : place - 7] == b" ":
            continue  # blanks that only fill the header
        with pytest.raises(ModelFileError):
            cr.load(path)


def test_any_truncation_is_noticed(whole, tmp_path):
    path = tmp_path / "cut.safetensors"
    for length in [*range(0, len(whole), 13), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            cr.load(path)


def test_bytes_after_the_end_are_noticed(whole, tmp_path):
    path = tmp_path / "longer.safetensors"
    path.write_bytes(whole + b"\0\0\0\0")
    with pytest.raises(ModelFileError):
        cr.load(path)


def test_a_container_holds_arrays_of_any_shape_and_type(tmp_path):
    tensors = {
        "empty": np.zeros((0, 3)),
        "strided": np.arange(12.0).reshape(3, 4)[::2, ::-1],
        "bytes": np.arange(5, dtype=np.uint8),
        "scalar": np.array(2.5, np.float32),
    }
    write_container(tmp_path / "c", "kind of mine", {"text": "δ", "list": [1, None]}, tensors)
    kind, config, read = read_container(tmp_path / "c")
    assert (kind, config) == ("kind of mine", {"text": "δ", "list": [1, None]})
    for name, array in tensors.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype


# ------------------------------------------------------------------------- no code

EVIL = "__import__('os').system('touch executed')"


def config_with(**changes: Any) -> dict[str, Any]:
    return NETWORKS["float32"].config() | changes


def dense(**changes: Any) -> dict[str, Any]:
    return {"layer": "dense", "units": 2, "activation": "relu", **changes}


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (EVIL, config_with()),
        ("os.system", config_with()),
        ("network", config_with(layers=[{"layer": EVIL}])),
        ("network", config_with(layers=[{"layer": "os.system", "command": "touch executed"}])),
        ("network", config_with(layers=[dense(activation=EVIL)])),
        ("network", config_with(layers=[dense(activation={"name": "relu", "__class__": EVIL})])),
        ("network", config_with(layers=[dense(units=EVIL)])),
        ("network", config_with(layers=[dense(initializer=EVIL)])),
        ("network", config_with(layers=EVIL)),
        ("network", config_with(loss=EVIL)),
        ("network", config_with(dtype=EVIL)),
        ("network", config_with(input_shape=EVIL)),
        ("network", {}),
        ("network", []),
        ("network", None),
        ("classifier", config_with()),
        ("classifier", {"arguments": {"hidden": [2], "engine": EVIL}}),
        ("regressor", {"arguments": {"hidden": [2], "optimizer": {"name": EVIL}}}),
    ],
)
def test_a_well_formed_file_with_a_strange_configuration_is_refused(
    kind, config, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write_container(tmp_path / "evil.safetensors", kind, config, NETWORKS["float32"].parameters)
    with pytest.raises(ModelFileError, match=r"evil\.safetensors"):
        cr.load(tmp_path / "evil.safetensors")
    assert not (tmp_path / "executed").exists()


WATCHED_LOAD = """
import sys
import chainrule as cr

cr.load("model.safetensors")  # imports what it needs
events = []
watching = False
sys.addaudithook(lambda event, _: events.append(event) if watching else None)
watching = True
model = cr.load("model.safetensors")
watching = False
print(type(model).__name__, *sorted(set(events)))
events.clear()
watching = True
eval("1")
watching = False
print(*events)
"""


def test_loading_runs_no_code_and_starts_nothing(tmp_path):
    model = cr.NetworkClassifier((3,), epochs=1, random_state=0)
    model.fit(X, np.where(X[:, 0] > 0, "a", "b")).save(tmp_path / "model.safetensors")
    process = subprocess.run(
        [sys.executable, "-c", WATCHED_LOAD],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    loading, evaluating = process.stdout.splitlines()
    assert "compile" in evaluating.split()  # the hook works
    name, *events = loading.split()
    assert name == "NetworkClassifier"
    code = ("compile", "exec", "import", "pickle", "marshal", "os.", "subprocess", "ctypes")
    assert [event for event in events if event.startswith(code)] == []
