"""`Descent`: minibatch steps whose state outlives a call, for `partial_fit` and warm starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.assembly import TargetForm, memory_shapes
from chainrule.compat.sklearn.problem import Loss, Rows
from chainrule.engines import Batches, Session, allocate
from chainrule.network import Network
from chainrule.ops.optimizers import Adam, Momentum, Nesterov, Optimizer
from chainrule.tape import plan

__all__ = ["Descent"]

_AT_ONCE = 512  # minibatches of one call to the engine
_SLOWEST, _SLOWER = 1e-6, 5.0  # "adaptive" ends below the one and divides by the other


class Descent:
    """An optimizer of the registry with what it remembers, and sessions of its steps.

    Parameters
    ----------
    rule : Optimizer
    schedule : {"constant", "invscaling", "adaptive"}
    power_t : float
        Exponent of "invscaling".

    Attributes
    ----------
    learning_rate : float
        Of the last update; "invscaling" and "adaptive" change it between epochs.
    updates : int
        Made so far.
    """

    def __init__(self, rule: Optimizer, schedule: str = "constant", power_t: float = 0.5) -> None:
        self.rule, self.schedule, self.power_t = rule, schedule, power_t
        self.first_rate = self.learning_rate = float(rule.learning_rate)  # type: ignore[missing-attribute]
        self.updates = 0
        self._state: dict[str, np.ndarray] = {}
        self._bound: _Bound | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Descent:
        """For the arguments of an estimator."""
        rate, momentum = arguments["learning_rate_init"], arguments["momentum"]
        if arguments["solver"] == "adam":
            # Sessions come and go while the number of updates goes on, so the corrections for
            # the start at 0 are in the rates (Kingma & Ba 2015, end of section 2).
            betas = arguments["beta_1"], arguments["beta_2"]
            return cls(Adam(rate, *betas, arguments["epsilon"], bias_correction="none"))
        rule = Nesterov if arguments["nesterovs_momentum"] else Momentum
        return cls(rule(rate, momentum), arguments["learning_rate"], arguments["power_t"])

    def bind(self, network: Network, rows: Rows, size: int) -> None:
        """Go on with these rows, in minibatches of a size; the optimizer's memory stays."""
        data, form = rows.bind(network)
        if self._bound is not None and self._bound.fits(network, form, len(rows), size):
            self._bound.session.bind(**data)
        else:
            self._bound = _Bound(network, form, data, size, self)

    def release(self) -> None:
        """Let go of the data."""
        if self._bound is not None:
            self._bound.session.data.clear()

    def state(self, shapes: Mapping[str, tuple[int, ...]], dtype: Any) -> dict[str, np.ndarray]:
        """What the optimizer remembers, by tape name; zeros where it knows nothing yet."""
        fresh = {n: s for n, s in shapes.items() if n not in self._state}
        self._state |= allocate(fresh, dtype)
        return {name: self._state[name] for name in shapes}

    def epoch(self, order: np.ndarray, rows: Rows, alpha: float, loss: Loss) -> float:
        """Steps through the rows in an order, (n,); the mean loss, minibatches by their rows.

        A minibatch's penalty is α/2 ‖W‖² over the sum of its weights. NaN, here and in all
        parameters, once the loss is no finite number.
        """
        bound = self._bound
        assert bound is not None
        session, size = bound.session, bound.size
        bound.order[:] = order
        session.start_epoch(0, shuffle=False, rates=self._rates(session.batches.per_epoch))
        total, start = 0.0, 0
        with session.limits(None):
            for count, length, weight in rows.batches(order, size, _AT_ONCE):
                before = session.totals
                bound.penalise(alpha / weight if weight else 0.0)
                if session.run(count) < count:
                    bound.lose()
                    return float("nan")
                after, end = session.totals, start + count * length
                each = loss.sum(after.loss - before.loss, order[start:end], rows.weights)
                mean = each / weight if weight else 0.0
                total += length * (mean + after.penalty - before.penalty)
                start = end
        return total / len(order)

    def _rates(self, count: int) -> np.ndarray:
        """Factors of the learning rate for the next updates, (count,)."""
        t = np.arange(self.updates + 1, self.updates + count + 1)
        self.updates += count
        if isinstance(self.rule, Adam):
            factors = np.sqrt(1 - self.rule.beta2**t) / (1 - self.rule.beta1**t)
            self.learning_rate = self.first_rate * float(factors[-1])
            return factors
        return np.full(count, self.learning_rate / self.first_rate)

    def after_epoch(self, rows_seen: int) -> None:
        """Lower the learning rate of "invscaling": that of the start over (t + 1)ᵖ."""
        if self.schedule == "invscaling":
            self.learning_rate = self.first_rate / (rows_seen + 1) ** self.power_t

    def on_plateau(self) -> tuple[bool, str]:
        """Without an improvement: whether to stop, and what to say; "adaptive" first slows down."""
        if self.schedule != "adaptive":
            return True, "Stopping."
        if self.learning_rate <= _SLOWEST:
            return True, "Learning rate too small. Stopping."
        self.learning_rate /= _SLOWER
        return False, f"Setting learning rate to {self.learning_rate:f}"

    def __getstate__(self) -> dict[str, Any]:
        """Sessions hold addresses: a copy makes its own."""
        return self.__dict__ | {"_bound": None}


class _Bound:
    """A session of training steps on the memory of a `Descent`."""

    def __init__(
        self,
        network: Network,
        form: TargetForm,
        data: dict[str, np.ndarray],
        size: int,
        descent: Descent,
    ) -> None:
        self.network, self.form, self.size = network, form, size
        self.order = np.arange(len(data["inputs"]))
        steps = plan(network.blueprint.step(form, descent.rule))
        tape = steps.tape
        remembered = {value.name for value in tape.with_role("state")}
        shapes = memory_shapes(tape, size)
        dtype = network.engine.dtype
        memory = descent.state({n: s for n, s in shapes.items() if n in remembered}, dtype)
        memory |= allocate({n: s for n, s in shapes.items() if n not in remembered}, dtype)
        self.strengths = [memory[name] for name in tape.constants]
        # The session takes its rows where they lie: `order` is written anew for each epoch.
        self.session: Session = network.session(steps, data, Batches(size, self.order), memory)

    def fits(self, network: Network, form: TargetForm, rows: int, size: int) -> bool:
        """Whether other data can take this session."""
        return (network, form, rows, size) == (self.network, self.form, len(self.order), self.size)

    def penalise(self, strength: float) -> None:
        """Set θ of the L2 penalty."""
        if self.strengths and self.strengths[0].flat[0] != strength:
            for array in self.strengths:
                array.fill(strength)

    def lose(self) -> None:
        """Fill the parameters with NaN: so they end once an update follows a loss of no number."""
        for values in self.network.parameters.values():
            values.fill(np.nan)
