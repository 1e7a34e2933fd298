"""`Network`: layers, a loss and parameters; a tape compiled from them runs on an engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.assembly import Blueprint, TargetForm, gradient_names
from chainrule.data.matrices import as_matrix, as_targets, as_weights
from chainrule.engines import Batches, Engine, Session, Totals, allocate, make_engine
from chainrule.errors import NetworkError
from chainrule.files.container import write_container
from chainrule.layers import Layer, config, from_config
from chainrule.ops.expression import evaluate
from chainrule.ops.hyperparameters import check
from chainrule.ops.losses import Loss
from chainrule.ops.losses import loss as loss_record
from chainrule.ops.optimizers import Optimizer
from chainrule.stepping import Step, steps
from chainrule.tape import Plan, Tape, plan
from chainrule.tape.equations import Notation, equations

__all__ = ["Network"]

PREDICTION_ROWS = 256  # rows of one minibatch of predictions: they fit the cache with their results


class Network:
    """A feed-forward network: a list of layers, a loss, and the parameters.

    Parameters
    ----------
    layers : sequence of Layer
        From the input to the scores, such as ``[Dense(64, "relu"), Dense(10)]``.
    loss : str, Loss or mapping
        "cross_entropy" (scores are logits, targets class indices or probabilities),
        "squared_error", "huber" …; `ops.LOSSES` has them all. With settings:
        ``{"name": "huber", "delta": 2.0}``.
    input_shape : tuple of int
        Shape of one row, such as ``(784,)``.
    seed : int
        Start of the initial weights.
    engine : {"compiled", "reference"} or Engine
    dtype : {"float32", "float64"}, optional
        float32 for the compiled engine, float64 for the reference.

    Raises
    ------
    NetworkError
        If the layers do not form a network.
    UnknownNameError
        For an unknown activation, loss or engine; the message lists them.

    Notes
    -----
    Samples are rows. A dense layer computes z = y W + b with W of shape (fan_in, fan_out).

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([cr.Dense(3, "relu"), cr.Dense(2)], loss="cross_entropy",
    ...                  input_shape=(4,), seed=0)
    >>> {name: p.shape for name, p in net.parameters.items()}
    {'0.weight': (4, 3), '0.bias': (3,), '1.weight': (3, 2), '1.bias': (2,)}
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        loss: str | Loss | Mapping[str, Any] = "squared_error",
        *,
        input_shape: Sequence[int] | int,
        seed: int = 0,
        engine: str | Engine = "compiled",
        dtype: Any = None,
    ) -> None:
        check(seed=seed)
        self.layers = _layers(layers)
        self.loss = loss_record(loss)
        self.input_shape = _shape(input_shape)
        self.seed = seed
        self.engine = make_engine(engine, dtype)
        self.blueprint = Blueprint(self.layers, self.loss, self.input_shape[0])
        tape, _ = self.blueprint.forward(training=False)
        self.outputs = tape.shape(tape.output)[1]
        shapes = {name: tape.shape(name) for name in tape.parameters.values()}
        self._names = tape.parameters
        self.memory = allocate({k: (int(r), c) for k, (r, c) in shapes.items()}, self.engine.dtype)
        for key, values in self.blueprint.initial(seed).items():
            self.memory[self._names[key]][...] = values
        self._sessions: dict[int, Session] = {}
        self._lock = threading.Lock()

    # ------------------------------------------------------------- parameters

    @cached_property
    def parameters(self) -> dict[str, np.ndarray]:
        """Name -> array in layer order: "0.weight" (fan_in, fan_out), "0.bias" (fan_out,).

        The arrays are the network's own memory: writing into them changes the network.
        """
        return {key: self._public(key, self.memory[name]) for key, name in self._names.items()}

    @staticmethod
    def _public(key: str, array: np.ndarray) -> np.ndarray:
        return array.reshape(-1) if key.endswith("bias") else array

    @property
    def n_parameters(self) -> int:
        """How many numbers are trained."""
        return sum(p.size for p in self.parameters.values())

    # -------------------------------------------------------------- prediction

    def predict(self, X: Any) -> np.ndarray:
        """Scores, the last layer's output.

        Parameters
        ----------
        X : array-like of shape (n, inputs)

        Returns
        -------
        ndarray of shape (n, outputs)
            Logits for the cross entropies, numbers for the squared error.

        Raises
        ------
        DataError
            If the shape is wrong or an entry is not finite.

        Examples
        --------
        >>> import chainrule as cr, numpy as np
        >>> net = cr.Network([cr.Dense(2)], input_shape=(3,))
        >>> net.predict(np.zeros((5, 3))).shape
        (5, 2)
        """
        X = as_matrix(X, self.input_shape[0])
        out = np.empty((len(X), self.outputs), self.engine.dtype)
        with self._lock:  # a session's buffers serve one call at a time
            session = self._prediction_session(X, out)
            session.start_epoch(0, shuffle=False)
            session.run(session.batches.per_epoch)
            session.data.clear()  # the session stays, the user's matrix must not stay with it
        return out

    def _prediction_session(self, X: np.ndarray, out: np.ndarray) -> Session:
        """The session of the last call if it had as many rows, else a new one."""
        session = self._sessions.get(len(X))
        if session is None:
            rows = Batches(min(PREDICTION_ROWS, len(X)), np.arange(len(X)))
            session = self.engine.session(
                self._prediction_plan, self.memory, {"inputs": X, "out": out}, rows
            )
            self._sessions = {len(X): session}
        else:
            session.bind(inputs=X, out=out)
        return session

    @cached_property
    def _prediction_plan(self) -> Plan:
        return plan(self.blueprint.prediction())

    def predict_proba(self, X: Any) -> np.ndarray:
        """What the scores mean under the loss: class probabilities, or numbers as they are.

        Parameters
        ----------
        X : array-like of shape (n, inputs)

        Returns
        -------
        ndarray of shape (n, outputs)
            softmax(scores) for "cross_entropy", σ(scores) for "binary_cross_entropy".
        """
        return evaluate(self.loss.link_expression, {"z": self.predict(X)})

    # ------------------------------------------------------ loss and gradients

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """Mean loss and metric on data, without dropout.

        Parameters
        ----------
        X : array-like of shape (n, inputs)
        y : array-like of shape (n,) or (n, outputs)
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        dict
            "loss", and the loss's metric by its name, such as "accuracy".
        """
        data, form = self.bind(X, y, sample_weight)
        rows = Batches(min(PREDICTION_ROWS, len(data["inputs"])), np.arange(len(data["inputs"])))
        session = self.evaluation_session(data, form, rows)
        session.start_epoch(0, shuffle=False)
        session.run(rows.per_epoch)
        return self.summary(session.totals)

    def loss_and_gradients(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> tuple[float, dict[str, np.ndarray]]:
        """The mean loss over all rows, and its gradient, without dropout.

        Parameters
        ----------
        X : array-like of shape (n, inputs)
        y : array-like of shape (n,) or (n, outputs)
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        (float, dict of str to ndarray)
            The gradients have the keys and shapes of `parameters`.

        Examples
        --------
        >>> import chainrule as cr, numpy as np
        >>> net = cr.Network([cr.Dense(1)], input_shape=(2,), seed=1)
        >>> loss, gradients = net.loss_and_gradients(np.eye(2), [0.0, 1.0])
        >>> gradients["0.weight"].shape
        (2, 1)
        """
        data, form = self.bind(X, y, sample_weight)
        tape = self.blueprint.gradients(form)
        names = gradient_names(tape)
        shapes = {g: (int(tape.shape(g)[0]), tape.shape(g)[1]) for g in names.values()}
        gradients = allocate(shapes, self.engine.dtype)
        n = len(data["inputs"])
        session = self.engine.session(
            plan(tape), {**self.memory, **gradients}, data, Batches(n, np.arange(n))
        )
        session.start_epoch(0, shuffle=False)
        session.run(1)
        public = {key: self._public(key, gradients[name]) for key, name in names.items()}
        return session.totals.mean_loss, public

    def bind(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> tuple[dict[str, np.ndarray], TargetForm]:
        """Checked matrices, (n, columns) each, by the names that tapes use; form of the targets."""
        inputs = as_matrix(X, self.input_shape[0])
        targets, indices = as_targets(y, self.loss, self.outputs, len(inputs))
        weights = as_weights(sample_weight, len(inputs))
        data = {"inputs": inputs, "targets": targets}
        if weights is not None:
            data["weights"] = weights
        return data, TargetForm(indices, weights is not None)

    def evaluation_session(
        self, data: Mapping[str, np.ndarray], form: TargetForm, rows: Batches
    ) -> Session:
        """A session over rows of `data`, (n, columns) each, that changes nothing."""
        return self.engine.session(plan(self.blueprint.evaluation(form)), self.memory, data, rows)

    def summary(self, totals: Totals) -> dict[str, float]:
        """Mean loss and metric from sums."""
        metric = totals.mean_metric
        if self.loss.metric_root:
            metric = float(np.sqrt(metric))
        return {"loss": totals.mean_loss, self.loss.metric_name: metric}

    # ------------------------------------------------------------------ reading

    def tape(self, optimizer: Optimizer | None = None) -> Tape:
        """The instructions of one training step.

        Parameters
        ----------
        optimizer : Optimizer, optional
            With it the updates follow the gradients.

        Returns
        -------
        Tape
            `print` shows it as a list.
        """
        form = TargetForm(indices=self.loss.targets == "classes")
        if optimizer is None:
            return self.blueprint.gradients(form, training=True)
        return self.blueprint.step(form, optimizer)

    def explain(self, notation: Notation = "000", latex: bool = False) -> str:
        """The equations of the forward and the backward pass as the lecture notes write them.

        Parameters
        ----------
        notation : {"000", "002"}
            (z, y, δ) or (s, h, D, Δ); samples are columns in both.
        latex : bool
            Whether to write LaTeX instead of plain text.

        Returns
        -------
        str
            The forward pass alone where no gradient exists, as for a threshold unit.
        """
        try:
            tape = self.tape()
        except NetworkError:
            form = TargetForm(indices=self.loss.targets == "classes")
            tape = self.blueprint.evaluation(form, training=True)
        return equations(tape, notation, latex)

    def steps(self, X: Any, y: Any = None, sample_weight: Any = None) -> Iterator[Step]:
        """The step debugger: each instruction on all rows with its numbers, in float64.

        Parameters
        ----------
        X : array-like of shape (n, inputs)
        y : array-like of shape (n,) or (n, outputs), optional
            Without targets there is the forward pass alone.
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        iterator of Step
            Forward, k = 1 … N, then backward, k = N … 1; `print` shows one (000, 002).

        Examples
        --------
        >>> import chainrule as cr, numpy as np
        >>> net = cr.Network([cr.Dense(1, "sigmoid")], input_shape=(2,))
        >>> for step in net.steps(np.eye(2), [0.0, 1.0]):
        ...     if step.half == "backward":
        ...         print(step.equation)
        ∂Err/∂y¹ = (y¹ − d) / n
        δ¹ = ∂Err/∂y¹ ⊙ sigmoid′(y¹)
        ∂Err/∂b¹ = Σₙ δ¹
        ∂Err/∂W¹ = δ¹ (y⁰)ᵀ
        """
        if y is None:
            data = {"inputs": as_matrix(X, self.input_shape[0])}
            return steps(self.blueprint.forward(training=False)[0], self.memory, data)
        data, form = self.bind(X, y, sample_weight)
        return steps(self.blueprint.gradients(form), self.memory, data)

    def __repr__(self) -> str:
        layers = ", ".join(map(repr, self.layers))
        return f"Network([{layers}], loss={self.loss.name!r}, input_shape={self.input_shape})"

    # ------------------------------------------------------------------ keeping

    def config(self) -> dict[str, Any]:
        """Layers, loss and input shape as data that JSON can hold; no parameters."""
        return {
            "layers": [config(item) for item in self.layers],
            "loss": self.loss.config(),
            "input_shape": list(self.input_shape),
            "seed": self.seed,
            "dtype": self.engine.dtype.name,
        }

    @classmethod
    def from_config(cls, data: Mapping[str, Any], parameters: Mapping[str, np.ndarray]) -> Network:
        """The network that `config` described, with parameters of the shapes it implies.

        Raises
        ------
        NetworkError
            If the parameters do not fit the layers.
        """
        layers = [from_config(item) for item in data["layers"]]
        net = cls(
            layers,
            data["loss"],
            input_shape=data["input_shape"],
            seed=data["seed"],
            dtype=data["dtype"],
        )
        net.set_parameters(parameters)
        return net

    def set_parameters(self, values: Mapping[str, np.ndarray]) -> None:
        """Copy values into the parameters, each of the same name and shape.

        Raises
        ------
        NetworkError
            If a name or a shape differs.
        """
        for name, own in self.parameters.items():
            if name not in values or values[name].shape != own.shape:
                given = values[name].shape if name in values else "missing"
                raise NetworkError(f"parameter '{name}' is {given}, expected {own.shape}.")
        for name, own in self.parameters.items():
            own[...] = values[name]

    def with_engine(self, engine: str | Engine, dtype: Any = None) -> Network:
        """The same network, same shapes and parameters, on another engine."""
        twin = Network(
            self.layers,
            self.loss,
            input_shape=self.input_shape,
            seed=self.seed,
            engine=engine,
            dtype=dtype,
        )
        twin.set_parameters(self.parameters)
        return twin

    def save(self, path: str | Path) -> None:
        """Write the network to a safetensors file; `chainrule.load` reads it back."""
        write_container(Path(path), "network", self.config(), self.parameters)

    def __getstate__(self) -> dict[str, Any]:
        """Sessions hold addresses and locks: a copy makes its own."""
        return {
            "config": self.config() | {"loss": self.loss, "layers": self.layers},
            "engine": self.engine.name,
            "parameters": {k: p.copy() for k, p in self.parameters.items()},
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        data = state["config"]
        Network.__init__(
            self,
            data["layers"],
            data["loss"],
            input_shape=data["input_shape"],
            seed=data["seed"],
            engine=state["engine"],
            dtype=data["dtype"],
        )
        self.set_parameters(state["parameters"])


def _shape(given: Sequence[int] | int) -> tuple[int, ...]:
    try:
        shape = tuple(int(n) for n in (given if isinstance(given, Sequence) else (given,)))
    except (TypeError, ValueError):
        shape = ()
    if len(shape) != 1 or shape[0] < 1:
        raise NetworkError(f"input_shape is {given!r}: expected (inputs,), such as (784,).")
    return shape


def _layers(given: Sequence[Layer]) -> tuple[Layer, ...]:
    if not isinstance(given, Sequence) or not given:
        raise NetworkError(
            f"layers is {given!r}: expected a list of at least one layer, such as [Dense(10)]."
        )
    for position, item in enumerate(given):
        if not isinstance(item, Layer) or isinstance(item, type):
            raise NetworkError(
                f"layer {position} is {item!r}: expected a layer such as Dense(64, 'relu')."
            )
    return tuple(given)
