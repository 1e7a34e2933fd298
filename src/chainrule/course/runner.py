"""Running a story: prose and what the code prints, in order; pictures into a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainrule.course.library import Block, Story
from chainrule.errors import ChainruleError

__all__ = ["run"]


def run(
    story: Story,
    output: Path,
    *,
    show_prose: Callable[[str], None] = print,
    show_code: Callable[[str], None] | None = None,
    show_picture: Callable[[Path], None] | None = None,
) -> list[Path]:
    """Run a story from beginning to end.

    Parameters
    ----------
    story : Story
    output : Path
        Folder for the pictures, made if there is none: ``<name>-1.png`` and so on.
    show_prose, show_code : callable
        Called with each block's text before what follows runs; code is not shown by default.
    show_picture : callable, optional
        Called with the path of each picture when it is written.

    Returns
    -------
    list of Path
        The pictures.

    Raises
    ------
    ChainruleError
        If matplotlib is not installed, or the folder cannot be made.
    """
    plt = _pyplot()
    namespace: dict[str, Any] = {"__name__": "__main__", "__file__": str(story.path)}
    pictures: list[Path] = []
    for block in story.blocks:
        if block.kind == "prose":
            show_prose(block.text)
            continue
        if show_code is not None:
            show_code(block.text)
        _execute(block, story, namespace)
        for number in plt.get_fignums():
            pictures.append(_save(plt.figure(number), output, story.name, len(pictures) + 1))
            if show_picture is not None:
                show_picture(pictures[-1])
        plt.close("all")
    return pictures


def _execute(block: Block, story: Story, namespace: dict[str, Any]) -> None:
    source = "\n" * (block.line - 1) + block.text  # so that a traceback names the file's line
    exec(compile(source, str(story.path), "exec"), namespace)


def _pyplot() -> Any:
    try:
        import matplotlib as mpl
        from matplotlib import pyplot
    except ImportError:
        raise ChainruleError(
            "the course draws pictures with matplotlib, which is not installed: "
            "pip install matplotlib"
        ) from None
    mpl.use("Agg")
    pyplot.close("all")
    return pyplot


def _save(figure: Any, output: Path, name: str, number: int) -> Path:
    path = output / f"{name}-{number}.png"
    try:
        output.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise ChainruleError(f"cannot write {path}: {error.strerror or error}.") from None
    return path
