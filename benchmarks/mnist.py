"""Handwritten digits: ``python -m benchmarks.mnist --data FOLDER`` trains on MNIST and reports.

FOLDER holds mnist.npz with x_train, y_train, x_test and y_test. The settings were chosen on the
last 10,000 training images; the test images were looked at for the report alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

import chainrule as cr
from benchmarks.machine import processor_seconds
from benchmarks.markdown import paragraph, table
from benchmarks.process import cores
from chainrule.layers import Layer
from chainrule.ops.schedules import OneCycle

__all__ = ["Digits", "Recipe", "main", "read"]


@dataclass(frozen=True)
class Recipe:
    """How to train, and what to reach.

    Attributes
    ----------
    goal : float
        Share of test images that should be right.
    goal_seconds : float
        On two cores.
    """

    layers: list[Layer]
    input_shape: tuple[int, ...]
    learning_rate: float
    batch: int
    epochs: int
    goal: float
    goal_seconds: float


def dense() -> Recipe:
    """Two hidden layers with dropout."""
    layers = [
        cr.Dense(512, "relu"),
        cr.Dropout(keep=0.7),
        cr.Dense(256, "relu"),
        cr.Dropout(keep=0.7),
        cr.Dense(10),
    ]
    return Recipe(layers, (784,), 2e-3, batch=128, epochs=12, goal=0.983, goal_seconds=60)


def convolution() -> Recipe:
    """Two convolutions with pooling, one hidden layer."""
    from chainrule.layers import Conv2D, Flatten, MaxPool

    layers = [
        Conv2D(16, 3, "relu"),
        MaxPool(2),
        Conv2D(32, 4, "relu"),
        MaxPool(2),
        Flatten(),
        cr.Dense(64, "relu"),
        cr.Dropout(keep=0.7),
        cr.Dense(10),
    ]
    return Recipe(layers, (28, 28, 1), 3e-3, batch=64, epochs=8, goal=0.99, goal_seconds=240)


@dataclass(frozen=True)
class Digits:
    """Images as (n, 784) float32, labels as (n,) int64.

    The images are scaled to [0, 1]; the mean training image is subtracted from all.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def read(folder: Path) -> Digits:
    """The digits of a folder."""
    with np.load(folder / "mnist.npz") as file:
        x, x_test = (
            file[name].reshape(-1, 784).astype(np.float32) / 255 for name in ("x_train", "x_test")
        )
        y, y_test = (file[name].astype(np.int64) for name in ("y_train", "y_test"))
    mean = x.mean(axis=0)
    return Digits(x - mean, y, x_test - mean, y_test)


def held_out(digits: Digits, rows: int = 10_000) -> Digits:
    """The same task without the test images: the last training images are in their place."""
    x, y = digits.x_train, digits.y_train
    return Digits(x[:-rows], y[:-rows], x[-rows:], y[-rows:])


def run(
    recipe: Recipe, digits: Digits, seed: int, threads: int | None
) -> tuple[float, float, float]:
    """Train once: share of test images that are right, seconds, processor seconds."""
    shape = (-1, *recipe.input_shape)
    net = cr.Network(recipe.layers, "cross_entropy", input_shape=recipe.input_shape, seed=seed)
    begin, used = time.perf_counter(), processor_seconds()
    cr.train(
        net,
        digits.x_train.reshape(shape),
        digits.y_train,
        optimizer=cr.Adam(recipe.learning_rate),
        schedule=OneCycle(),
        batch_size=recipe.batch,
        epochs=recipe.epochs,
        seed=seed,
        threads=threads,
    )
    seconds, used = time.perf_counter() - begin, processor_seconds() - used
    guess = net.predict(digits.x_test.reshape(shape)).argmax(axis=1)
    return float(np.mean(guess == digits.y_test)), seconds, used


def report(recipe: Recipe, results: list[tuple[float, float, float]], where: str) -> str:
    """A table of the runs and whether the goals are met."""
    rows = [
        [str(seed), f"{right:.2%}", f"{seconds:.1f}", f"{used:.1f}"]
        for seed, (right, seconds, used) in enumerate(results)
    ]
    right, seconds, _ = np.median(results, axis=0)
    met = right >= recipe.goal and seconds <= recipe.goal_seconds
    text = (
        f"Goal: {recipe.goal:.1%} within {recipe.goal_seconds:g} seconds on 2 cores; here "
        f"{cores()}. Medians: {right:.2%}, {seconds:.1f} seconds: {'met' if met else 'not met'}. "
        f"{recipe.epochs} epochs, minibatches of {recipe.batch}, Adam({recipe.learning_rate:g}) "
        f"with one cycle of the learning rate."
    )
    return f"{paragraph(text)}\n\n{table(['seed', where, 'seconds', 'processor seconds'], rows)}"


@click.command()
@click.option(
    "--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--threads", type=click.IntRange(1), help="As `train` chooses if not given.")
@click.option("--convolution", "convolve", is_flag=True, help="Convolutions, not dense layers.")
@click.option(
    "--validate", is_flag=True, help="Leave the test images alone: hold out training images."
)
def main(data: Path, seeds: int, threads: int | None, convolve: bool, validate: bool) -> None:
    """Train on handwritten digits and report accuracy and time."""
    recipe, digits = convolution() if convolve else dense(), read(data)
    if validate:
        digits = held_out(digits)
    results = []
    for seed in range(seeds):
        results.append(run(recipe, digits, seed, threads))
        right, seconds, used = results[-1]
        click.echo(f"seed {seed}: {right:.2%}, {seconds:.1f} s, processors {used:.1f} s", err=True)
    click.echo(report(recipe, results, "validation" if validate else "test"))


if __name__ == "__main__":
    main()
