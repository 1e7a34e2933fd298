"""What each column adds to a prediction: input × gradient and integrated gradients.

Both read the gradient of a score with respect to the network's inputs off the tape, by the same
backward rules that train it. What falls on the encoded columns (levels, indicators of gaps) is
added up for each column of the table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule.assembly import TargetForm
from chainrule.data.frames import Table
from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators.base import NetworkEstimator
from chainrule.estimators.class_targets import ClassTarget, Indicators, Labels
from chainrule.estimators.heads import middle
from chainrule.estimators.scores import _aligned as aligned
from chainrule.network import Network
from chainrule.ops.expression import row_sum
from chainrule.ops.hyperparameters import HYPERPARAMETERS, Choice, check
from chainrule.ops.losses import Loss
from chainrule.stepping import run_tape
from chainrule.tape import differentiate

__all__ = ["Attributions", "attribute", "input_gradients"]

_METHOD = Choice(
    "method", "integrated", ("integrated", "input_times_gradient"), "how gradients are read",
    "arXiv 1703.01365",
)  # fmt: skip
# Its gradient with respect to the scores z is t itself, for every row.
_SELECTED = Loss(
    "selected_scores", lambda z, t: row_sum(z * t), lambda z, t: t, lambda z: z, "numbers",
    "selected scores", lambda z, t: row_sum(z * t), "Σ t z", "t",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Attributions:
    """What each column adds to a score; `print` shows the mean size of it, the largest first.

    Attributes
    ----------
    names : tuple of str
        Columns of the table.
    values : ndarray of shape (n, columns)
    scores : ndarray of shape (n,)
        What is explained, f(x): the decision function of a class, or the prediction in the units
        of y (its logarithm where the loss works with logarithms; of quantiles the middle one,
        before they are sorted). Of several networks the mean of their scores.
    baseline_score : float
        f(x₀) of the row to which all are compared.
    method : str
    """

    names: tuple[str, ...]
    values: np.ndarray
    scores: np.ndarray
    baseline_score: float
    method: str

    @property
    def gap(self) -> float:
        """Largest |Σ values − (f(x) − f(x₀))|: 0 for integrated gradients but for their steps."""
        whole = self.scores - self.baseline_score
        return float(np.max(np.abs(self.values.sum(axis=1) - whole)))

    def __str__(self) -> str:
        size = np.abs(self.values).mean(axis=0)
        rows = [[self.names[k], f"{size[k]:.4g}"] for k in np.argsort(-size, kind="stable")]
        title = f"{self.method.replace('_', ' ')}: mean size of what a column adds to the score"
        return "\n".join([title, aligned([["column", "mean |value|"], *rows])])


def input_gradients(network: Network, X: Any, direction: Any) -> np.ndarray:
    """∂(Σₖ dₖ zₖ)/∂x for the scores z of each row, in float64 and without dropout.

    Parameters
    ----------
    network : Network
        With one task, whose inputs are rows of numbers.
    X : array-like of shape (n, inputs)
    direction : array-like of shape (outputs,) or (n, outputs)
        d, such as a single 1.

    Returns
    -------
    ndarray of shape (n, inputs)

    Raises
    ------
    NetworkError
        If an activation has no slope.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([cr.Dense(2)], input_shape=(3,), seed=0)
    >>> found = input_gradients(net, np.ones((1, 3)), [0, 1])
    >>> bool(np.allclose(found[0], net.parameters["0.weight"][:, 1]))
    True
    """
    inputs = np.asarray(X, dtype=np.float64)
    width = network.outputs
    blueprint = replace(network.blueprint, losses={"": _SELECTED}, penalties=())
    tape = blueprint.evaluation(TargetForm((False,)))
    backward = differentiate(tape, ("L",), wrt=["x"])
    weights = np.broadcast_to(np.asarray(direction, dtype=np.float64), (len(inputs), width))
    data = {"inputs": inputs, "targets": np.ascontiguousarray(weights)}
    done = run_tape(backward, network.memory, data)
    return done[backward.gradients["x"]] * len(inputs)  # the loss is a mean over the rows


def attribute(
    model: NetworkEstimator,
    X: Any,
    *,
    target: Any = None,
    baseline: Any = None,
    method: Literal["integrated", "input_times_gradient"] = "integrated",
    steps: int = HYPERPARAMETERS["path_steps"].default,
) -> Attributions:
    """What each column of a table adds to the prediction of each row.

    Integrated gradients (arXiv 1703.01365) go along the straight line from a baseline x₀ to x:
    aⱼ = (xⱼ − x₀ⱼ) ∫ ∂f/∂xⱼ(x₀ + s(x − x₀)) ds for s from 0 to 1. They add up to f(x) − f(x₀).
    Input × gradient is (xⱼ − x₀ⱼ) ∂f/∂xⱼ(x): one gradient, exact for a linear model.

    Parameters
    ----------
    model : NetworkClassifier or NetworkRegressor
        Fitted.
    X : data frame, array-like or sparse matrix of shape (n, columns)
    target : optional
        Whose score f is: a class by its label (by default the last one, as `decision_function`
        has it for two classes); the number of a label or of an output where y had several columns.
    baseline : data frame, array-like or sparse matrix of shape (rows, columns), optional
        Rows, the median of whose encodings is x₀; X itself by default.
    method : {"integrated", "input_times_gradient"}
    steps : int
        Points of Gauss and Legendre's rule on the line; `gap` of the result says whether they are
        enough.

    Returns
    -------
    Attributions

    Raises
    ------
    DataError
        If rows do not fit the model, or there is no such target.
    HyperparameterError
        If the model is none of these, or for another method.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.data.readers import load_penguins, split_target
    >>> X, y, _ = split_target(load_penguins(), "species")
    >>> model = cr.NetworkClassifier((16,), random_state=0).fit(X, y)
    >>> found = attribute(model, X, target="Gentoo")
    >>> found.values.shape, len(found.names)
    ((344, 7), 7)
    """
    if not isinstance(model, NetworkEstimator):
        raise HyperparameterError(
            f"model is {model!r}: attributions read the tape of a NetworkClassifier or a "
            f"NetworkRegressor; importance(model, X, y) takes every estimator."
        )
    check_is_fitted(model, "network_")
    _METHOD.check(method)
    check(path_steps=steps)
    x = model._encode(Table.read(X)).astype(np.float64)
    start = x if baseline is None else model._encode(Table.read(baseline)).astype(np.float64)
    x0 = np.median(start, axis=0)
    points, shares = _rule(int(steps)) if method == "integrated" else ([1.0], [1.0])
    values, scores, start_score = np.zeros_like(x), np.zeros(len(x)), 0.0
    for twin in model._each:
        direction, offset = _explained(model, twin, target)
        network = twin.network_.with_engine("reference")
        slopes = sum(
            share * input_gradients(network, x0 + point * (x - x0), direction)
            for point, share in zip(points, shares, strict=True)
        )
        values += (x - x0) * slopes / len(model._each)
        found = network.predict(np.vstack([x, x0])) @ direction + offset
        scores += found[:-1] / len(model._each)
        start_score += float(found[-1]) / len(model._each)
    names = tuple(column.name for column in model.encoder_.columns_)
    return Attributions(names, _by_column(model, values), scores, start_score, method)


def _rule(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of Gauss and Legendre's rule on [0, 1]."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    return (points + 1) / 2, weights / 2


def _by_column(model: Any, values: np.ndarray) -> np.ndarray:
    """Sums over the encoded columns of each column of the table, (n, columns)."""
    widths = [column.width for column in model.encoder_.columns_]
    ends = np.cumsum(widths)
    parts = [values[:, end - w : end].sum(axis=1) for w, end in zip(widths, ends, strict=True)]
    return np.stack(parts, axis=1)


# ------------------------------------------------------------------ what is explained


def _explained(model: Any, twin: Any, target: Any) -> tuple[np.ndarray, float]:
    """F(x) = scores · direction + offset: the direction (outputs,), and the offset."""
    kind = getattr(model, "target_", None)
    if isinstance(kind, ClassTarget):
        return _of_class(kind, target, model.temperature_), 0.0
    outputs = len(twin.target_mean_)
    place = _place(target, outputs, "output") if outputs > 1 else 0
    record = twin.network_.loss
    unit = np.arange(outputs * len(record.scores)) == place + outputs * middle(record)
    if record.targets != "numbers":
        return unit.astype(float), 0.0
    return unit * twin.target_scale_[place], float(twin.target_mean_[place])


def _of_class(kind: ClassTarget, target: Any, temperature: Any) -> np.ndarray:
    """The direction of a column of `decision_function`, (outputs,)."""
    if isinstance(kind, Indicators):
        place = _place(target, kind.outputs, "label")
        return (np.arange(kind.outputs) == place) / temperature[place]
    if not isinstance(kind, Labels):
        raise DataError(
            "attributions need one label for each row, or columns of 0 and 1: y had several "
            "columns of labels in training."
        )
    known = kind.values.tolist()
    label = known[-1] if target is None else target
    if label not in known:
        listed = ", ".join(map(repr, known[:8]))
        raise DataError(f"target = {target!r} is no class of the model: give one of {listed}.")
    direction = (np.arange(len(known)) == known.index(label)).astype(float)
    if len(known) == 2:
        direction = 2 * direction - 1  # the logarithm of the odds
    return direction / temperature


def _place(target: Any, count: int, what: str) -> int:
    if isinstance(target, bool) or not isinstance(target, int | np.integer):
        raise DataError(
            f"target = {target!r}: y had {count} columns, give the number of the {what} to "
            f"explain, from 0 to {count - 1}."
        )
    if not 0 <= target < count:
        raise DataError(f"target = {target} is no {what}: give a number from 0 to {count - 1}.")
    return int(target)
