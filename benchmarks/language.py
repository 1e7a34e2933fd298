"""Characters of a novel: ``python -m benchmarks.language --data FOLDER`` measures language models.

FOLDER holds persuasion.txt. The first 90 % of its lines are for training, the rest for the test.
A language model is judged by its perplexity on the test part; the recurrent network has to beat
the trigram model within five minutes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks.machine import processor_seconds
from benchmarks.markdown import paragraph, table
from benchmarks.ngram import NGram
from benchmarks.process import cores
from chainrule.estimators import LanguageModel

__all__ = ["Text", "main", "perplexity", "read", "report"]

SHARE = 0.9
GOAL_SECONDS = 300
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


def recurrent(text: Text, units: int, epochs: int, threads: int | None) -> str:
    """Train `LanguageModel` and say how it did, with a sample of what it writes."""
    train, test = (
        "".join(text.symbols[token] for token in part) for part in (text.train, text.test)
    )
    model = LanguageModel(units=units, epochs=epochs, alphabet=text.symbols, threads=threads)
    begin, used = time.perf_counter(), processor_seconds()
    model.fit(train)
    seconds, used = time.perf_counter() - begin, processor_seconds() - used
    value = model.perplexity(test)
    met = value < perplexity(text, 3) and seconds <= GOAL_SECONDS
    words = paragraph(
        f"`LanguageModel(units={units}, epochs={epochs})`, an LSTM: perplexity {value:.3f}, "
        f"{np.log2(value):.3f} bits per character, after {seconds:.0f} seconds of training "
        f"({used:.0f} of the processor) on {cores()}. Goal, below the trigram model within "
        f"{GOAL_SECONDS} seconds on 2 cores: {'met' if met else 'not met'}. It writes, at "
        f"temperature 0.7:"
    )
    sample = model.generate(300, prompt="She ", temperature=0.7)
    lines = "\n".join(f"> {line}" for line in f"She {sample}".splitlines())
    return f"{words}\n\n{lines}"


@click.command()
@click.option(
    "--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--units", default=256, show_default=True, type=click.IntRange(1))
@click.option("--epochs", default=6, show_default=True, type=click.IntRange(1))
@click.option("--threads", default=None, type=click.IntRange(1), help="As `train` has it.")
def main(data: Path, units: int, epochs: int, threads: int | None) -> None:
    """Measure n-gram models of characters and a recurrent network."""
    text = read(data)
    click.echo(f"{report(text)}\n\n{recurrent(text, units, epochs, threads)}")


if __name__ == "__main__":
    main()
