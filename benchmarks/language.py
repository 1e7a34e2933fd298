"""Characters of a novel: ``python -m benchmarks.language --data FOLDER`` measures n-gram models.

FOLDER holds persuasion.txt. The first 90 % of its lines are for training, the rest for the test.
A language model is judged by its perplexity on the test part; the recurrent network has to beat
the trigram model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks.markdown import paragraph, table
from benchmarks.ngram import NGram

__all__ = ["Text", "main", "perplexity", "read", "report"]

SHARE = 0.9
ORDERS = (1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class Text:
    """A text as whole numbers, cut in two.

    Attributes
    ----------
    train, test : ndarray of int64, (n,)
    symbols : str
        The character of each number.
    """

    train: np.ndarray
    test: np.ndarray
    symbols: str


def read(folder: Path) -> Text:
    """The novel, cut at the end of a line."""
    lines = (folder / "persuasion.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    symbols = "".join(sorted(set("".join(lines))))
    number = {character: k for k, character in enumerate(symbols)}
    cut = int(SHARE * len(lines))
    train, test = (
        np.array([number[c] for c in "".join(part)]) for part in (lines[:cut], lines[cut:])
    )
    return Text(train, test, symbols)


def perplexity(text: Text, order: int) -> float:
    """Of an n-gram model on the whole test part; its first contexts end the training part."""
    model = NGram(order, len(text.symbols)).fit(text.train)
    before = text.train[len(text.train) - order + 1 :]
    return model.perplexity(np.concatenate([before, text.test]))


def report(text: Text) -> str:
    """A table of perplexities."""
    rows = []
    for order in ORDERS:
        value = perplexity(text, order)
        rows.append([str(order), f"{value:.3f}", f"{np.log2(value):.3f}"])
    words = paragraph(
        f"Interpolated Kneser-Ney models of characters, fitted to {len(text.train):,} of them, on "
        f"the {len(text.test):,} that follow; {len(text.symbols)} symbols."
    )
    return f"{words}\n\n{table(['order', 'perplexity', 'bits per character'], rows)}"


@click.command()
@click.option(
    "--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
def main(data: Path) -> None:
    """Measure n-gram models of characters."""
    click.echo(report(read(data)))


if __name__ == "__main__":
    main()
