"""The page about outputs runs as written, and what it claims there holds."""

import re
from pathlib import Path

import matplotlib as mpl

from chainrule.estimators.heads import regression_loss

PAGE = (Path(__file__).parents[2] / "docs" / "outputs.md").read_text(encoding="utf-8")


def test_the_python_of_the_page_runs_as_written(capsys):
    mpl.use("Agg")
    namespace: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) >= 8
    for block in blocks:
        exec(compile(block, "outputs.md", "exec"), namespace)
    out = capsys.readouterr().out
    share = int(re.search(r"(\d+)% of \d+ new penguins lie inside", out)[1])
    assert 80 <= share <= 100
    sums = re.search(r"sum (\S+), difference (\S+)", out)
    whole = float(sums[2])
    assert abs(float(sums[1]) - whole) < 0.01 * abs(whole)


def test_every_loss_of_the_pages_table_exists():
    names = re.findall(r'^\| `"(\w+)"`', PAGE, flags=re.MULTILINE)
    assert len(names) == 8
    for name in names:
        assert regression_loss(name).targets in ("numbers", "counts", "positive")
