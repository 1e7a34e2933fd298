"""Families of generalised linear models: which distribution, which link, which loss (000)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chainrule.errors import unknown_name

__all__ = ["FAMILIES", "Family", "family"]

Task = Literal["regression", "classification"]


@dataclass(frozen=True)
class Family:
    """A distribution of the target, with its canonical link.

    Attributes
    ----------
    name : str
    task : {"regression", "classification"}
    loss : str
        Minus the log likelihood of a row, but for what does not depend on the weights.
    link : str
        g⁻¹ in 000: the score η from the mean μ.
    inverse_link : str
        g in 000, the activation: the mean μ from the score η.
    curvature : float
        The largest slope of g, so that no eigenvalue of the loss's Hessian exceeds it times the
        largest of the mean of x xᵀ; for exp, at the mean μ = 1.
    """

    name: str
    task: Task
    loss: str
    link: str
    inverse_link: str
    curvature: float


FAMILIES = {
    record.name: record
    for record in (
        Family("gaussian", "regression", "squared_error", "η = μ", "μ = η", 1.0),
        Family("poisson", "regression", "poisson", "η = log μ", "μ = exp(η)", 1.0),
        Family("binomial", "classification", "binary_cross_entropy",
               "η = log(μ/(1 − μ))", "μ = σ(η)", 0.25),
        Family("multinomial", "classification", "cross_entropy",
               "η = log μ − mean of log μ", "μ = softmax(η)", 0.5),
    )
}  # fmt: skip


def family(name: object, task: Task) -> Family:
    """The family of a name, for a task.

    Raises
    ------
    UnknownNameError
        Listing the families of this task.

    Examples
    --------
    >>> family("poisson", "regression").inverse_link
    'μ = exp(η)'
    """
    known = [record.name for record in FAMILIES.values() if record.task == task]
    if name not in known:
        raise unknown_name(f"family for {task}", name, known)
    return FAMILIES[str(name)]
