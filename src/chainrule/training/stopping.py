"""When to stop: early, with the weights to return to, or at convergence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.errors import HyperparameterError, warn
from chainrule.ops.hyperparameters import check
from chainrule.training.callbacks import Callback, TrainingState

__all__ = ["BestWeights", "Convergence"]


@dataclass
class BestWeights:
    """Remembers the weights of the best epoch so far, in one copy that is written over.

    Attributes
    ----------
    parameters : dict
        The network's own arrays.
    by_validation : bool
        Whether a lower validation loss is what counts; otherwise the latest epoch does.
    min_improvement : float
        Smallest drop that counts as better.
    """

    parameters: dict[str, np.ndarray]
    by_validation: bool
    min_improvement: float = 0.0
    epoch: int | None = None
    waited: int = 0
    loss: float = np.inf
    _copies: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._copies = [(p.copy(), p) for p in self.parameters.values()]

    def see(self, epoch: int, loss: float, parameters: Iterable[np.ndarray] | None = None) -> None:
        """Take note of an epoch, its loss and its parameters, by default what they are now."""
        if self.by_validation and not loss < self.loss - self.min_improvement:
            self.waited += 1
            return
        self.loss, self.epoch, self.waited = min(loss, self.loss), epoch, 0
        now = self.parameters.values() if parameters is None else parameters
        for (copy, _), p in zip(self._copies, now, strict=True):
            copy[...] = p

    def restore(self) -> None:
        """Put the remembered weights back (the initial ones if no epoch was complete)."""
        for copy, p in self._copies:
            p[...] = copy

    def conclude(self, state: TrainingState) -> bool:
        """Leave the network with the weights that count, and enter into the history which.

        Returns
        -------
        bool
            Whether they are those of an earlier epoch than the last.
        """
        history = state.history
        history.stopped = state.stop_reason
        back = self.by_validation or state.stop_reason == "loss not finite"
        if back:
            self.restore()
        history.best_epoch = self.epoch if back else state.epoch or None
        return back


class Convergence(Callback):
    """Stop when training has converged, by the gradient or by the loss (000, 002).

    With ``batch_size=None`` this is gradient descent over all rows until it has converged, and
    `History.stopped` says so. On minibatches the gradient never vanishes, so only the loss of
    whole epochs can be a criterion there.

    Parameters
    ----------
    gradient_norm : float, optional
        Converged when the Euclidean norm of the whole gradient is at most this.
    relative_loss : float, optional
        Converged when the loss changes by at most this share of itself from one epoch to the next.
    patience : int
        For so many epochs in a row.

    Raises
    ------
    HyperparameterError
        If there is no criterion, or a number lies outside its interval.

    Warns
    -----
    UserWarning
        When training starts on minibatches with `gradient_norm` given.

    Examples
    --------
    >>> import chainrule as cr, numpy as np
    >>> from chainrule.training import Convergence
    >>> net = cr.Network([cr.Dense(1)], input_shape=(1,), dtype="float64")
    >>> history = cr.train(net, [[-1.0], [1.0]], [1.0, 5.0], optimizer=cr.SGD(0.5), epochs=1000,
    ...                    batch_size=None, callbacks=[Convergence(gradient_norm=1e-10)])
    >>> history.stopped
    'converged: gradient norm at most 1e-10'
    >>> len(history) < 1000, net.parameters["0.weight"].round(8), net.parameters["0.bias"].round(8)
    (True, array([[2.]]), array([3.]))
    """

    def __init__(
        self,
        gradient_norm: float | None = None,
        relative_loss: float | None = None,
        patience: int = 1,
    ) -> None:
        given = {"gradient_norm": gradient_norm, "relative_loss": relative_loss}
        criteria = {name: value for name, value in given.items() if value is not None}
        check(patience=patience, **criteria)
        if not criteria:
            raise HyperparameterError(
                "Convergence() has no criterion: give gradient_norm, such as 1e-8, or "
                "relative_loss, such as 1e-12."
            )
        self.gradient_norm, self.relative_loss = gradient_norm, relative_loss
        self.patience, self._met = patience, 0

    def on_train_start(self, state: TrainingState) -> None:
        """Count from 0 in every training run; warn where the gradient is a minibatch's."""
        self._met = 0
        if self.gradient_norm is not None and state.minibatches > 1:
            warn(
                f"Convergence(gradient_norm={self.gradient_norm:g}) sees the gradient of the last "
                f"of {state.minibatches} minibatches only: give batch_size=None, or take "
                f"relative_loss as the criterion.",
                UserWarning,
            )

    def on_epoch_end(self, state: TrainingState) -> None:
        """Stop when a criterion has been met often enough."""
        reason = self._reason(state)
        self._met = self._met + 1 if reason else 0
        if self._met >= self.patience:
            state.stop(f"converged: {reason}")

    def _reason(self, state: TrainingState) -> str:
        if self.gradient_norm is not None and _norm(state.gradients) <= self.gradient_norm:
            return f"gradient norm at most {self.gradient_norm:g}"
        if self.relative_loss is not None and _change(state.history.loss) <= self.relative_loss:
            return f"relative change of the loss at most {self.relative_loss:g}"
        return ""


def _norm(gradients: Mapping[str, np.ndarray]) -> float:
    """Euclidean norm of all entries together, without overflow."""
    return math.hypot(*(float(np.linalg.norm(g.astype(np.float64))) for g in gradients.values()))


def _change(losses: Sequence[float]) -> float:
    """Change of the last loss as a share of itself."""
    if len(losses) < 2:
        return math.inf
    before, now = losses[-2:]
    return abs(now - before) / max(abs(now), abs(before), math.ulp(0))
