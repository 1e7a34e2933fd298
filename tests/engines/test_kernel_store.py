"""Kernels on disk, through real processes: cold, warm, together, damaged, nowhere to write."""

import os
import subprocess
import sys

import pytest

STEP = """
import sys
import numpy as np
import chainrule as cr
net = cr.Network([cr.Dense(3, "tanh"), cr.Dense(2)], "cross_entropy", input_shape=(2,))
loss = cr.train(net, np.eye(2), [0, 1], epochs=2).loss[-1]
from chainrule.engines.compiled.store import statistics
print(f"{loss:.9f}", statistics["compiled"], statistics["loaded"], "numba" in sys.modules)
"""


def start(folder, code=STEP, **more):
    env = {**os.environ, "CHAINRULE_CACHE_DIR": str(folder), **more}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.split(), err


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A folder that two processes filled at the same time, and what they printed."""
    folder = tmp_path_factory.mktemp("kernels")
    both = [start(folder), start(folder)]
    return folder, [finish(process) for process in both]


def test_two_processes_may_start_at_once(warm):
    _, ((first, said), (second, _)) = warm
    assert first[0] == second[0]
    assert int(first[1]) > 5
    assert "compiling" in said
    assert "done" in said


def test_a_warm_start_compiles_nothing_and_needs_no_numba(warm):
    folder, cold = warm
    (loss, compiled, loaded, numba), said = finish(start(folder))
    assert (loss, compiled, numba) == (cold[0][0][0], "0", "False")
    assert int(loaded) > 5
    assert said == ""


def test_a_damaged_kernel_is_compiled_again(warm):
    folder, cold = warm
    damaged = sorted(folder.glob("*.kernel"))[:3]
    damaged[0].write_bytes(b"")
    damaged[1].write_bytes(damaged[1].read_bytes()[:-7])
    content = bytearray(damaged[2].read_bytes())
    content[-20] ^= 1
    damaged[2].write_bytes(bytes(content))
    (loss, compiled, _, _), _ = finish(start(folder))
    assert (loss, compiled) == (cold[0][0][0], "3")
    assert finish(start(folder))[0][1] == "0"


def test_no_temporary_file_stays(warm):
    folder, _ = warm
    assert {path.suffix for path in folder.iterdir()} == {".kernel"}


def test_without_a_writable_folder_it_still_works(warm, tmp_path):
    blocked = tmp_path / "a file"
    blocked.write_text("not a folder")
    (loss, compiled, _, _), _ = finish(start(blocked / "below"))
    assert loss == warm[1][0][0][0]
    assert int(compiled) > 5
    assert blocked.read_text() == "not a folder"


def test_importing_chainrule_loads_nothing_heavy():
    code = """
import sys
import chainrule as cr
heavy = {"numpy", "scipy", "sklearn", "numba", "llvmlite", "pyarrow", "rich", "pandas"}
print(sorted(heavy & set(sys.modules)))
cr.Network([cr.Dense(2)], input_shape=(2,))
print(sorted({"sklearn", "numba", "pyarrow", "rich", "pandas"} & set(sys.modules)))
"""
    process = start("unused", code)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.splitlines() == ["[]", "[]"]
