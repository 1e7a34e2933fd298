"""``chainrule explain`` and ``chainrule activations``: what there is to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chainrule.cli.console import ChainruleCommand, show_table

__all__ = ["activations", "explain"]


@click.command(cls=ChainruleCommand)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--notation",
    type=click.Choice(["000", "002"]),
    default="000",
    show_default=True,
    help="The lecture notes' symbols: (z, y, δ) or (s, h, Δ).",
)
@click.option("--latex", is_flag=True, help="The equations as LaTeX, nothing else.")
def explain(model: Path, notation: Any, latex: bool) -> None:  # fmt: skip
    """Print the network of MODEL: its equations, forward and backward, and its tape."""
    from chainrule.loading import load
    from chainrule.network import Network

    loaded = load(model)
    network = loaded if isinstance(loaded, Network) else loaded.network_
    text = network.explain(notation=notation, latex=latex)
    if latex:
        click.echo(text)
        return
    encoder = getattr(loaded, "encoder_", None)
    if encoder is not None:
        rows = [
            (c.name, c.kind, f"{c.mean:.4g}", f"{c.scale:.4g}", "yes" if c.gaps else "")
            if c.kind == "number"
            else (c.name, c.kind, ", ".join(c.levels), "", "")
            for c in encoder.columns_
        ]
        show_table("Inputs", ["column", "kind", "mean or levels", "scale", "gaps"], rows)
    click.echo("Equations\n")
    click.echo(text)
    click.echo("\nTape of one training step\n")
    click.echo(str(network.tape()))


@click.command(cls=ChainruleCommand)
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
