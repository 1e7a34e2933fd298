"""Leave-one-out without n trainings: one Newton step from the trained network to each left-out one.

Around its trained parameters θ a network is nearly linear in them: z(θ + d) ≈ z + J d. Leaving row
i out of the loss then gives a problem with a closed solution, and so the scores of row i that the
network would have given had it never seen it:

    z₍₋ᵢ₎ = zᵢ + (I − Sᵢ Λᵢ)⁻¹ Sᵢ δᵢ        Sᵢ = Jᵢ (Σⱼ Jⱼᵀ Λⱼ Jⱼ + n λ I)⁺ Jᵢᵀ

with δ = ∂loss/∂z and Λ = ∂²loss/∂z². For the squared error Λ = I, and this is the PRESS residual
e₍₋ᵢ₎ = (I − Hᵢᵢ)⁻¹ eᵢ with the hat matrix H, exact for a linear network at its minimum (Allen
1974); for others these are the leverages of Monari & Dreyfus (Neural Computation 14, 2002). For
other losses it is the approximate leave-one-out of Rad & Maleki (arXiv 1801.10243).
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from sklearn.base import clone

from chainrule.data.targets import read_known_targets
from chainrule.errors import LeftOutWarning, NetworkError, warn
from chainrule.estimators.base import NetworkEstimator
from chainrule.estimators.regressor import NetworkRegressor
from chainrule.estimators.scores import Scores
from chainrule.network import Network
from chainrule.ops.expression import evaluate
from chainrule.ops.hyperparameters import Hyperparameter, Interval

__all__ = ["jacobian", "left_out", "left_out_scores"]

_DAMPING = Hyperparameter("damping", None, Interval("[0, inf)"), "λ of the linearised problem")
_LARGEST = 125_000_000  # numbers in the Jacobian: a gigabyte
_STEP = 1e-5  # of the differences that give Λ
_FULL = 1 - 1e-9  # leverage of a row from which no model is left without it
_REFUSED, _DOUBTED = 0.9, 0.5  # mean leverage
_OUTSTANDING = 0.95  # leverage of one row


def left_out(model: Any, X: Any, y: Any, damping: float | None = None) -> Scores:
    """Approximate leave-one-out scores of a network.

    Parameters
    ----------
    model : NetworkClassifier, NetworkRegressor or Network
        An estimator is cloned and trained once on all rows, preprocessing included; a network is
        taken as it is, trained on these rows.
    X : array-like or data frame of shape (n, columns)
    y : array-like of shape (n,) or (n, outputs)
    damping : float, optional
        λ of a penalty λ/2‖θ‖² on all parameters. By default the one under which the trained
        parameters come closest to being a minimum, −gᵀθ/θᵀθ with the mean gradient g, or 0: it
        stands for weight decay, and for what early stopping held back.

    Returns
    -------
    Scores
        Marked as approximate: squared errors in the units of y, or the metric of the loss.

    Raises
    ------
    NetworkError
        If the model is no such network, or has too many parameters for its rows.

    Warns
    -----
    UserWarning
        If it has so many that the approximation is rough.

    Examples
    --------
    >>> import chainrule as cr
    >>> X = np.linspace(-1, 1, 30)[:, None]
    >>> y = 2 * X[:, 0] + np.random.default_rng(0).normal(size=30)
    >>> net = cr.Network([cr.Dense(1)], input_shape=1, engine="reference")
    >>> slope, bias = np.polyfit(X[:, 0], y, 1)
    >>> net.set_parameters({"0.weight": np.array([[slope]]), "0.bias": np.array([bias])})
    >>> print(left_out(net, X, y).title)
    approximate leave-one-out: mean squared error, lower is better
    """
    begin = time.perf_counter()
    network, inputs, targets, scale = _trained(model, X, y)
    scores = left_out_scores(network, inputs, targets, damping)
    _, t = _targets(network, inputs, targets)
    values = evaluate(network.loss.metric_expression, {"z": scores, "t": t})[:, 0]
    metric = network.loss.metric_name
    if network.loss.metric_root:
        values, metric = np.mean((scale * (scores - t)) ** 2, axis=1), "mean squared error"
    n = len(values)
    seconds = np.full(n, (time.perf_counter() - begin) / n)
    return Scores(
        "leave-one-out", metric, values, seconds, np.full(n, n - 1), np.ones(n, int),
        lower_is_better=metric != "accuracy", approximate=True,
    )  # fmt: skip


def _trained(model: Any, X: Any, y: Any) -> tuple[Network, Any, Any, np.ndarray]:
    """A trained network, its inputs and targets, and the unit of each target."""
    if isinstance(model, Network):
        return model, X, y, np.ones(model.outputs)
    if not isinstance(model, NetworkEstimator):
        raise NetworkError(
            f"model is {model!r}: approximate leave-one-out needs a NetworkClassifier, a "
            f"NetworkRegressor or a Network; leave approximate=True out for other estimators."
        )
    if isinstance(model, NetworkRegressor) and model._loss.name != "squared_error":
        raise NetworkError(
            f"approximate leave-one-out is for loss='squared_error', the model has "
            f"'{model._loss.name}': leave approximate=True out."
        )
    fitted = clone(model).fit(X, y)  # says which rows have no target
    scale = fitted.target_scale_ if isinstance(fitted, NetworkRegressor) else np.ones(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LeftOutWarning)
        targets, _, known = read_known_targets(y)
    chosen = targets if known is None else targets[known]
    inputs = fitted.encoder_.transform(X, known)
    return fitted.network_, inputs, fitted._encode_targets(chosen), scale


def _targets(network: Network, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Inputs as a matrix, and targets (n, outputs)."""
    data, form = network.bind(X, y)
    t = data["targets"]
    return data["inputs"], (t == np.arange(network.outputs) if form.indices[0] else t).astype(float)


def left_out_scores(network: Network, X: Any, y: Any, damping: float | None = None) -> np.ndarray:
    """Scores of each row, (n, outputs), by the network that had not seen it; see the module.

    Parameters
    ----------
    network : Network
    X : array-like of shape (n, inputs)
    y : array-like of shape (n,) or (n, outputs)
    damping : float, optional

    Returns
    -------
    ndarray of shape (n, outputs), float64

    Raises
    ------
    NetworkError
        If a row alone decides its own scores: no model is left without it.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([cr.Dense(1)], input_shape=1, engine="reference")
    >>> net.set_parameters({"0.weight": np.array([[0.6]]), "0.bias": np.array([0.8])})
    >>> X, y = np.arange(5.0)[:, None], np.array([0.0, 2.0, 2.0, 4.0, 2.0])
    >>> left_out_scores(net, X, y, damping=0).round(6).ravel().tolist()
    [2.0, 1.142857, 2.0, 2.0, 5.0]
    """
    if damping is not None:
        _DAMPING.check(damping)
    X, t = _targets(network, X, y)
    z, J = jacobian(network, X)
    delta, curvature = _slopes(network, z, t)
    if damping is None:
        damping = _damping(network, J, delta)
    values, vectors = np.linalg.eigh(curvature)
    root = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]  # Λ = root rootᵀ
    S = _influence(J, np.einsum("nab,nap->nbp", root, J), len(X) * damping)
    _check_leverage(np.swapaxes(root, 1, 2) @ S @ root)
    own = root @ np.swapaxes(root, 1, 2)
    change = np.linalg.solve(np.eye(z.shape[1]) - S @ own, S @ delta[:, :, None])
    return z + change[:, :, 0]


def jacobian(network: Network, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores z (n, outputs), and ∂z/∂θ (n, outputs, parameters), in float64.

    Row by row and score by score: with the squared error and targets z − eₖ the derivative of the
    loss by z is eₖ, so its gradient is that of the k-th score, exactly.

    Parameters
    ----------
    network : Network
    X : ndarray of shape (n, inputs)

    Returns
    -------
    (ndarray, ndarray)

    Raises
    ------
    NetworkError
        If it would not fit into a gigabyte.

    Examples
    --------
    >>> import chainrule as cr
    >>> z, J = jacobian(cr.Network([cr.Dense(2)], input_shape=3), np.ones((4, 3)))
    >>> z.shape, J.shape
    ((4, 2), (4, 2, 8))
    """
    n, outputs, count = len(X), network.outputs, network.n_parameters
    if n * outputs * count > _LARGEST:
        raise NetworkError(
            f"{n} rows, {outputs} outputs and {count} parameters: their Jacobian would take "
            f"{n * outputs * count * 8 / 1e9:.1f} GB, more than 1; use k_fold."
        )
    twin = Network(
        network.layers, "squared_error", input_shape=network.input_shape, engine="reference"
    )
    twin.set_parameters(network.everything)
    z = twin.predict(X)
    J = np.empty((n, outputs, count))
    for row in range(n):
        for k in range(outputs):
            target = z[row : row + 1] - np.eye(outputs)[k]
            _, gradients = twin.loss_and_gradients(X[row : row + 1], target)
            J[row, k] = np.concatenate([g.ravel() for g in gradients.values()])
    return z, J


def _slopes(network: Network, z: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """δ (n, outputs) and its derivative Λ (n, outputs, outputs), by centred differences."""
    loss = network.loss

    def slope(z: np.ndarray) -> np.ndarray:
        return evaluate(loss.slope_expressions[0], {"z": z, "t": t, **loss.all_settings})

    steps = _STEP * np.eye(z.shape[1])
    curvature = np.stack([(slope(z + e) - slope(z - e)) / (2 * _STEP) for e in steps], axis=2)
    if not curvature.any():
        raise NetworkError(
            f"loss '{loss.name}' has no curvature: approximate leave-one-out needs a smooth one, "
            f"such as 'squared_error'; use k_fold."
        )
    return slope(z), (curvature + np.swapaxes(curvature, 1, 2)) / 2


def _damping(network: Network, J: np.ndarray, delta: np.ndarray) -> float:
    """The λ ≥ 0 that makes ‖g + λθ‖ smallest, g the mean gradient."""
    theta = np.concatenate([p.ravel() for p in network.parameters.values()]).astype(float)
    g = np.einsum("nkp,nk->p", J, delta) / len(J)
    return max(0.0, -float(g @ theta) / max(float(theta @ theta), np.finfo(float).tiny))


def _influence(J: np.ndarray, A: np.ndarray, damping: float) -> np.ndarray:
    """Sᵢ = Jᵢ (AᵀA + damping I)⁺ Jᵢᵀ, (n, outputs, outputs), through the SVD of A."""
    _, s, directions = np.linalg.svd(A.reshape(-1, A.shape[2]), full_matrices=False)
    kept = s > s[0] * max(A.shape) * np.finfo(float).eps
    B = J @ directions[kept].T
    return (B / (s[kept] ** 2 + damping)) @ np.swapaxes(B, 1, 2)


def _check_leverage(H: np.ndarray) -> None:
    """Refuse, or warn of, rows that decide their own scores; H (n, k, k), the hat matrix's blocks.

    Its trace is the effective number of parameters. With half as many as scores the step from one
    network to the next is long, and the linear network no longer like the real one.
    """
    leverage = np.linalg.eigvalsh(H)[:, -1]
    share = float(np.trace(H, axis1=1, axis2=2).mean()) / H.shape[1]
    remedy = "give a larger damping, a smaller network or more rows, or use k_fold"
    if leverage.max() > _FULL or share > _REFUSED:
        row = int(np.argmax(leverage))
        raise NetworkError(
            f"rows decide their own scores, row {row} (counted from 0) to {leverage[row]:.2%} and "
            f"all of them to {share:.2%}: too many parameters for so few rows; {remedy}."
        )
    if leverage.max() > _OUTSTANDING:
        row = int(np.argmax(leverage))
        warn(
            f"row {row} (counted from 0) decides {leverage[row]:.0%} of its own score: what "
            f"approximate leave-one-out says of that row is rough; {remedy}.",
            UserWarning,
        )
    if share > _DOUBTED:
        warn(
            f"rows decide {share:.0%} of their own scores: approximate leave-one-out is rough here "
            f"and most likely too pessimistic; {remedy}.",
            UserWarning,
        )
