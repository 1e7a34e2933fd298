"""``chainrule explain`` and ``chainrule activations``: what there is to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chainrule.cli.console import ChainruleCommand, show_pairs, show_table

__all__ = ["activations", "explain"]


@click.command(cls=ChainruleCommand, short_help="Print the equations and the tape of a model.")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--notation",
    type=click.Choice(["000", "002"]),
    default="000",
    help="The lecture notes' symbols: 000 is (z, y, δ), the default; 002 is (s, h, Δ).",
)
@click.option("--latex", is_flag=True, help="The equations as LaTeX, nothing else.")
def explain(model: Path, notation: Any, latex: bool) -> None:
    """Print the network of MODEL: its inputs, its equations forward and backward, and its tape."""
    from chainrule.loading import load
    from chainrule.network import Network

    loaded = load(model)
    network = loaded if isinstance(loaded, Network) else loaded.network_
    text = network.explain(notation=notation, latex=latex)
    if latex:
        click.echo(text)
        return
    if hasattr(loaded, "encoder_"):
        click.echo("Inputs: the columns of the table, side by side\n")
        show_pairs([(column.name, column.formula) for column in loaded.encoder_.columns_])
        click.echo(f"\nOutput: {_meaning(loaded)}\n")
    click.echo("Equations\n")
    click.echo(text)
    click.echo("\nTape of one training step\n")
    click.echo(str(network.tape()))


def _signed(x: float) -> str:
    return f"{'−' if x < 0 else '+'} {abs(x):.4g}"


def _meaning(fitted: Any) -> str:
    name = fitted.target_name_ or "target"
    if hasattr(fitted, "classes_"):
        return f"{name}, the class with the largest score: {', '.join(map(str, fitted.classes_))}"
    if len(fitted.target_mean_) > 1:
        return f"{len(fitted.target_mean_)} numbers"
    record = fitted.network_.loss
    if record.inverse_link is not None:
        return f"{name}, whose expected value has the logarithm score"
    mean, scale = fitted.target_mean_[0], fitted.target_scale_[0]
    score = "score" if len(record.scores) == 1 else f"score of each of {', '.join(record.scores)}"
    if record.name == "gaussian":
        score = "mean"
    return f"{name} = {scale:.4g} × {score} {_signed(mean)}"


@click.command(cls=ChainruleCommand, short_help="List the activations: value, slope, range, kinks.")
def activations() -> None:
    """List the activations: value, slope, range, kinks."""
    from chainrule.ops import ACTIVATIONS

    rows = [
        (
            a.name,
            a.formula,
            a.slope_formula if a.slope else "0: not trainable by gradients",
            f"{_number(a.range[0])} … {_number(a.range[1])}",
            ", ".join(_number(k) for k in a.kinks) or "none",
            ", ".join(f"{k} = {v:g}" for k, v in a.all_settings.items()),
            a.source,
        )
        for a in ACTIVATIONS.values()
    ]
    show_table("", ["name", "value", "slope", "range", "kinks", "settings", "source"], rows)


def _number(x: float) -> str:
    return f"{x:.4g}".replace("inf", "∞").replace("-", "−")
