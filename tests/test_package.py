"""What outsiders rely on: names, and that the README runs as written."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule as cr

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = {
    "Activation", "AdaGrad", "Adam", "AdamW", "Callback", "Dense", "Dropout", "History", "Momentum",
    "Nesterov", "Network", "NetworkClassifier", "NetworkRegressor", "Perceptron", "RMSprop", "SGD",
    "__version__", "check_gradients", "load", "local_linear_map", "ops", "train",
}  # fmt: skip


def test_the_public_names_are_pinned_and_few():
    assert set(cr.__all__) == NAMES
    assert len(NAMES) <= 30
    for name in NAMES:
        assert getattr(cr, name) is not None
    assert set(dir(cr)) == NAMES


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Netwrok'"):
        _ = cr.Netwrok


def test_the_readmes_python_runs_as_written(capsys):
    from chainrule.ops import ACTIVATIONS

    namespace: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) >= 3
    try:
        for block in blocks:
            exec(compile(block, "README.md", "exec"), namespace)
    finally:
        ACTIVATIONS.pop("arsinh", None)
    out = capsys.readouterr().out
    assert "gradient check passed" in out
    for line in re.findall(r"^ +[z∂y].* = .*$", README, flags=re.MULTILINE):
        assert line.strip() in out


def test_the_readmes_commands_exist():
    listed = subprocess.run(
        [sys.executable, "-m", "chainrule", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for command in re.findall(r"^chainrule (\w+)", README, flags=re.MULTILINE):
        assert f"  {command} " in listed
    usage = subprocess.run(
        [sys.executable, ROOT / "dev.py"], capture_output=True, text=True, check=False
    )
    assert usage.returncode == 1
    for command in re.findall(r"python3 dev.py\s(\w+)", README):
        assert f"dev.py {command} " in usage.stderr


def test_every_link_of_the_readme_leads_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
