"""`Network`: layers, a loss and parameters; a tape compiled from them runs on an engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.assembly import TargetForm, gradient_names, memory_shapes, of_task, weights_of
from chainrule.blueprints import (
    blueprint,
    blueprint_arguments,
    blueprint_config,
    loss_argument,
)
from chainrule.data.matrices import as_rows, as_targets, as_tokens, as_weights
from chainrule.engines import Batches, Engine, Session, Totals, allocate, make_engine
from chainrule.errors import DataError, NetworkError
from chainrule.files.container import write_container
from chainrule.layers import Layer
from chainrule.ops.hyperparameters import check
from chainrule.ops.losses import Loss
from chainrule.ops.optimizers import Optimizer
from chainrule.ops.penalties import WeightPenalty
from chainrule.predictor import PREDICTION_ROWS, Predictor, Scorer
from chainrule.stepping import Step, steps
from chainrule.tape import Plan, Tape, plan
from chainrule.tape.equations import Notation, equations
from chainrule.tape.instruction import concrete

__all__ = ["Network"]


class Network:
    """A feed-forward network: a list of layers, a loss, and the parameters.

    Parameters
    ----------
    layers : sequence of Layer
        From the input to the scores, such as ``[Dense(64, "relu"), Dense(10)]``.
    loss : str, Loss or mapping
        "cross_entropy" (scores are logits, targets class indices or probabilities),
        "squared_error", "huber" …; `ops.LOSSES` has them all. With settings:
        ``{"name": "huber", "delta": 2.0}``. With `Heads` a mapping from task to loss.
    input_shape : tuple of int
        Shape of one row, such as ``(784,)``, ``(28, 28, 1)`` for images or ``(steps,)`` for tokens.
    seed : int
        Start of the initial weights.
    engine : {"compiled", "reference"} or Engine
    dtype : {"float32", "float64"}, optional
        float32 for the compiled engine, float64 for the reference.
    penalties : sequence of WeightPenalty
        Such as ``[L2(1e-4)]``, added to what training makes small. The loss that is reported is
        that of the data, without them.

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
        penalties: Sequence[WeightPenalty] = (),
    ) -> None:
        check(seed=seed)
        self.blueprint = blueprint(layers, loss, input_shape, penalties)
        self.layers, self.losses = self.blueprint.layers, self.blueprint.losses
        self.loss = next(iter(self.losses.values()))
        self.input_shape = self.blueprint.input_shape
        self.seed = seed
        self.engine = make_engine(engine, dtype)
        tape, builder = self.blueprint.outline
        kept = tape.with_role("parameter", "statistic")
        self._names, self._builder = {v.key: v.name for v in kept}, builder
        shapes = {v.name: concrete(v.shape, 1) for v in kept}
        self.memory = allocate(shapes, self.engine.dtype)
        for key, values in self.blueprint.initial(seed).items():
            self.memory[self._names[key]][...] = values
        for key, start in builder.statistics.items():
            self.memory[self._names[key]][...] = start
        self._evaluations: dict[tuple[TargetForm, str | None], Plan] = {}
        self._scorer = self._new_scorer()

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one row's scores, such as (10,); of the first task if there are several."""
        return next(iter(self.blueprint.heads.values()))

    @property
    def outputs(self) -> int:
        """Scores of one row, or of each of its steps."""
        return self.output_shape[-1]

    # ------------------------------------------------------------- parameters

    @cached_property
    def parameters(self) -> dict[str, np.ndarray]:
        """Name -> array in layer order: "0.weight" (fan_in, fan_out), "0.bias" (fan_out,).

        The arrays are the network's own memory: writing into them changes the network.
        """
        _, builder = self.blueprint.outline
        return {key: self._public(key, self.memory[self._names[key]]) for key in builder.initial}

    @cached_property
    def statistics(self) -> dict[str, np.ndarray]:
        """Name -> running means that training keeps but no gradient changes, (units,) each."""
        _, builder = self.blueprint.outline
        return {key: self.memory[self._names[key]].reshape(-1) for key in builder.statistics}

    def _public(self, key: str, array: np.ndarray) -> np.ndarray:
        shape = self._builder.public.get(key)
        return array if shape is None else array.reshape(shape)

    @property
    def n_parameters(self) -> int:
        """How many numbers are trained."""
        return sum(p.size for p in self.parameters.values())

    # -------------------------------------------------------------- prediction

    def predict(self, X: Any) -> Any:
        """Scores, the last layer's output.

        Parameters
        ----------
        X : array-like of shape (n, inputs)
            Or (n, *input_shape).

        Returns
        -------
        ndarray of shape (n, outputs)
            Logits for the cross entropies, numbers for the squared error; (n, steps, outputs) for
            a sequence. With several tasks a dict from task to scores.

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
        return self.scores(self._inputs(X))

    def scores(self, inputs: np.ndarray) -> Any:
        """What `predict` returns, of a matrix (n, inputs) that needs no more checks.

        Parameters
        ----------
        inputs : ndarray of shape (n, inputs)
            Of numbers that are known to be finite and, where they are tokens, in the vocabulary:
            what was encoded for this network.

        Returns
        -------
        ndarray of shape (n, outputs), or dict

        Examples
        --------
        >>> import chainrule as cr, numpy as np
        >>> net = cr.Network([cr.Dense(2)], input_shape=(3,))
        >>> net.scores(np.zeros((5, 3))).shape
        (5, 2)
        """
        found = self._scorer(inputs, self._predicting)
        scores = {
            task: found[of_task("out", task)].reshape(-1, *shape)
            for task, shape in self.blueprint.heads.items()
        }
        return scores.get("", scores)

    def _new_scorer(self) -> Scorer:
        heads = self.blueprint.heads
        widths = {of_task("out", task): prod(shape) for task, shape in heads.items()}
        return Scorer(widths, self.engine)

    def _predicting(self, data: Mapping[str, np.ndarray], rows: Batches | None = None) -> Session:
        """A session that writes the scores of rows, all in minibatches of some if not told."""
        rows = self.batches(np.arange(len(data["inputs"]))) if rows is None else rows
        session = self.session(self._prediction_plan, data, rows)
        session.start_epoch(0, shuffle=False)
        return session

    def predictor(self) -> Predictor:
        """What predicts one row at a time in microseconds, for programs that answer requests.

        Examples
        --------
        >>> import chainrule as cr
        >>> predict = cr.Network([cr.Dense(2)], input_shape=(3,)).predictor()
        >>> predict([0.0, 1.0, 2.0]).shape
        (2,)
        """
        heads = self.blueprint.heads
        if "" not in heads:
            raise NetworkError(
                f"a predictor has one output, the network has {', '.join(heads)}: use predict."
            )
        shapes = self.input_shape, heads[""]
        return Predictor(self._predicting, *shapes, self.tokens, self.engine.dtype)

    def batches(self, rows: np.ndarray) -> Batches:
        """Minibatches of some rows (n,) for reading; all in one when a state would be handed on."""
        carries = bool(self.blueprint.outline[0].with_role("carry"))
        return Batches(len(rows) if carries else min(PREDICTION_ROWS, len(rows)), rows)

    @property
    def tokens(self) -> dict[int, int]:
        """Which columns of the input are tokens, and how many different ones there are."""
        return self._builder.tokens

    def _inputs(self, X: Any) -> np.ndarray:
        if self.tokens:
            return as_tokens(X, self.input_shape[0], self.tokens)
        return as_rows(X, self.input_shape)

    def session(
        self,
        plan: Plan,
        data: Mapping[str, np.ndarray],
        rows: Batches,
        more: Mapping[str, np.ndarray] | None = None,
    ) -> Session:
        """A session of a plan on this network's parameters.

        `data` has matrices, (n, columns) each, `more` arrays by tape name for what else the plan
        keeps; whatever of it is missing is made.
        """
        shapes = memory_shapes(plan.tape, rows.size)
        missing = {name: shape for name, shape in shapes.items() if name not in (more or {})}
        memory = {**self.memory, **allocate(missing, self.engine.dtype), **(more or {})}
        for name, values in plan.tape.constants.items():
            memory[name][...] = values
        return self.engine.session(plan, memory, data, rows)

    @cached_property
    def _prediction_plan(self) -> Plan:
        return plan(self.blueprint.prediction())

    def predict_proba(self, X: Any) -> Any:
        """What the scores mean under the loss: class probabilities, or numbers as they are.

        Parameters
        ----------
        X : array-like of shape (n, inputs)

        Returns
        -------
        ndarray of shape (n, outputs)
            softmax(scores) for "cross_entropy", σ(scores) for "binary_cross_entropy"; a dict with
            several tasks.
        """
        scores = self.predict(X)
        if not isinstance(scores, dict):
            return self.loss.predictions(scores)
        return {task: self.losses[task].predictions(z) for task, z in scores.items()}

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
            "loss", and the loss's metric by its name, such as "accuracy"; with penalties also
            their sum, "penalty", which "loss" does not contain. With several tasks the sum of the
            losses, then each task's loss and metric, such as "size loss".
        """
        data, form = self.bind(X, y, sample_weight)
        result = self.summary(self._totals(form, data))
        if "" in self.losses:
            return result
        result = {name: value for name, value in result.items() if name in ("loss", "penalty")}
        for task, record in self.losses.items():
            totals = self._totals(form, data, task)
            own = _summary(record, totals)
            result |= {f"{task} {name}": value for name, value in own.items()}
        return result

    def _totals(
        self, form: TargetForm, data: Mapping[str, np.ndarray], task: str | None = None
    ) -> Totals:
        """Sums over all rows, of everything or of one task."""
        key = (form, task)
        if key not in self._evaluations:
            self._evaluations[key] = plan(self.blueprint.evaluation(form, task=task))
        rows = self.batches(np.arange(len(data["inputs"])))
        session = self.session(self._evaluations[key], data, rows)
        session.start_epoch(0, shuffle=False)
        session.run(rows.per_epoch)
        return session.totals

    def loss_and_gradients(
        self, X: Any, y: Any, sample_weight: Any = None, *, training: bool = False
    ) -> tuple[float, dict[str, np.ndarray]]:
        """The mean loss over all rows and the penalties, and the gradient of their sum.

        Parameters
        ----------
        X : array-like of shape (n, inputs)
        y : array-like of shape (n,) or (n, outputs)
        sample_weight : array-like of shape (n,), optional
        training : bool
            Whether layers do as in training: dropout drops, BatchNorm takes mean and variance of
            these rows instead of the running ones.

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
        tape = self.blueprint.gradients(form, training)
        n, (memory, gradients) = len(data["inputs"]), self.gradient_memory(tape)
        session = self.session(plan(tape), data, Batches(n, np.arange(n)), memory)
        session.start_epoch(0, shuffle=False)
        session.run(1)
        return session.totals.objective, gradients

    def gradient_memory(self, tape: Tape) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Where a tape's gradients go: by their names on it, and as `parameters` has them."""
        names = gradient_names(tape)
        shapes = {name: concrete(tape.shape(name), 1) for name in names.values()}
        memory = allocate(shapes, self.engine.dtype)
        return memory, {key: self._public(key, memory[name]) for key, name in names.items()}

    def bind(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> tuple[dict[str, np.ndarray], TargetForm]:
        """Checked matrices, (n, columns) each, by the names that tapes use; form of the targets."""
        inputs, heads = self._inputs(X), self.blueprint.heads
        data, indices = {"inputs": inputs}, []
        for task, given in self._targets(y).items():
            shape, record = heads[task], self.losses[task]
            weights = as_weights(sample_weight, len(inputs), shape[:-1])
            name = f"y['{task}']" if task else "y"
            data[of_task("targets", task)], index = as_targets(
                given, record, shape, len(inputs), name, weights
            )
            indices.append(index)
            if weights is not None:
                data[weights_of(shape[:-1])] = weights
        return data, TargetForm(tuple(indices), sample_weight is not None)

    def _targets(self, y: Any) -> Mapping[str, Any]:
        """Targets by task."""
        if "" in self.losses:
            return {"": y}
        if not isinstance(y, Mapping) or set(y) != set(self.losses):
            given = ", ".join(map(repr, y)) if isinstance(y, Mapping) else type(y).__name__
            raise DataError(
                f"y is {given}: the network has tasks {', '.join(map(repr, self.losses))}, give a "
                f"mapping from each to its targets."
            )
        return {task: y[task] for task in self.losses}

    def evaluation_session(
        self, data: Mapping[str, np.ndarray], form: TargetForm, rows: Batches
    ) -> Session:
        """A session over rows of `data`, (n, columns) each, that changes nothing."""
        return self.session(plan(self.blueprint.evaluation(form)), data, rows)

    def summary(self, totals: Totals) -> dict[str, float]:
        """Mean loss, metric (of the first task) and, if there are any, penalties from sums."""
        result = _summary(self.loss, totals)
        penalised = self.blueprint.penalties or self._builder.objective
        return result | ({"penalty": totals.mean_penalty} if penalised else {})

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
        form = self._usual_form()
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
            tape = self.blueprint.evaluation(self._usual_form(), training=True)
        return equations(tape, notation, latex)

    def _usual_form(self) -> TargetForm:
        return TargetForm(tuple(loss.targets == "classes" for loss in self.losses.values()))

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
        δ¹ = ∂Err/∂y¹ ⊙ sigmoid′(z¹)
        ∂Err/∂b¹ = Σₙ δ¹
        ∂Err/∂W¹ = δ¹ (y⁰)ᵀ
        """
        if y is None:
            data = {"inputs": self._inputs(X)}
            return steps(self.blueprint.forward(training=False)[0], self.memory, data)
        data, form = self.bind(X, y, sample_weight)
        return steps(self.blueprint.gradients(form), self.memory, data)

    def __repr__(self) -> str:
        layers = ", ".join(map(repr, self.layers))
        return f"Network([{layers}], loss={self.loss.name!r}, input_shape={self.input_shape})"

    # ------------------------------------------------------------------ keeping

    def config(self) -> dict[str, Any]:
        """Layers, loss and input shape as data that JSON can hold; no parameters."""
        kept = {"seed": self.seed, "dtype": self.engine.dtype.name}
        return blueprint_config(self.blueprint) | kept

    @classmethod
    def from_config(cls, data: Mapping[str, Any], parameters: Mapping[str, np.ndarray]) -> Network:
        """The network that `config` described, with parameters of the shapes it implies.

        Raises
        ------
        NetworkError
            If the parameters do not fit the layers.
        """
        net = cls(**blueprint_arguments(data), seed=data["seed"], dtype=data["dtype"])
        net.set_parameters(parameters)
        return net

    def set_parameters(self, values: Mapping[str, np.ndarray]) -> None:
        """Copy values into parameters and statistics, each of the same name and shape.

        Raises
        ------
        NetworkError
            If a name or a shape differs.
        """
        for name, own in self.everything.items():
            if name not in values or values[name].shape != own.shape:
                given = values[name].shape if name in values else "missing"
                raise NetworkError(f"parameter '{name}' is {given}, expected {own.shape}.")
        for name, own in self.everything.items():
            own[...] = values[name]

    @property
    def everything(self) -> dict[str, np.ndarray]:
        """Parameters and statistics by name: what a file holds, each of its public shape."""
        return {**self.parameters, **self.statistics}

    def with_engine(self, engine: str | Engine, dtype: Any = None) -> Network:
        """The same network, same shapes and parameters, on another engine."""
        twin = Network(**self._arguments, seed=self.seed, engine=engine, dtype=dtype)
        twin.set_parameters(self.everything)
        return twin

    def sharing(
        self, layers: int | None = None, input_shape: Sequence[int] | None = None
    ) -> Network:
        """A network of the first layers on this one's parameters: what a hidden layer puts out.

        Parameters
        ----------
        layers : int, optional
            How many; all by default.
        input_shape : tuple of int, optional
            Another one that the parameters fit, such as one step of a sequence.

        Returns
        -------
        Network
            It shares the memory of the parameters: training one changes the other.

        Examples
        --------
        >>> import chainrule as cr, numpy as np
        >>> net = cr.Network([cr.Dense(3, "relu"), cr.Dense(2)], input_shape=(4,))
        >>> net.sharing(1).predict(np.ones((5, 4))).shape
        (5, 3)
        """
        count = len(self.layers) if layers is None else layers
        if not 1 <= count <= len(self.layers):
            raise NetworkError(f"layers = {layers!r}: expected 1 to {len(self.layers)} of them.")
        whole = count == len(self.layers)
        twin = Network(
            self.layers[:count],
            loss_argument(self.blueprint) if whole else "squared_error",
            input_shape=self.input_shape if input_shape is None else input_shape,
            engine=self.engine,
        )
        twin.memory = {twin._names[key]: self.memory[self._names[key]] for key in twin._names}
        return twin

    @property
    def _arguments(self) -> dict[str, Any]:
        return {
            "layers": self.layers,
            "loss": loss_argument(self.blueprint),
            "input_shape": self.input_shape,
            "penalties": self.blueprint.penalties,
        }

    def save(self, path: str | Path) -> None:
        """Write the network to a safetensors file; `chainrule.load` reads it back."""
        write_container(Path(path), "network", self.config(), self.everything)

    def __copy__(self) -> Network:
        """A network with parameters of its own; plans are shared, for nothing changes them."""
        shapes = {name: array.shape for name, array in self.memory.items()}
        twin = object.__new__(type(self))
        kept = {"_prediction_plan": self._prediction_plan}
        vars(twin).update(vars(self), memory=allocate(shapes, self.engine.dtype), **kept)
        for name, array in self.memory.items():
            twin.memory[name][...] = array
        for name in ("parameters", "statistics"):  # views into the memory
            vars(twin).pop(name, None)
        twin._scorer = twin._new_scorer()
        return twin

    def __getstate__(self) -> dict[str, Any]:
        """Sessions hold addresses and locks: a copy makes its own."""
        return {
            "arguments": self._arguments | {"seed": self.seed, "dtype": self.engine.dtype.name},
            "engine": self.engine.name,
            "parameters": {k: p.copy() for k, p in self.everything.items()},
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        Network.__init__(self, **state["arguments"], engine=state["engine"])
        self.set_parameters(state["parameters"])


def _summary(loss: Loss, totals: Totals) -> dict[str, float]:
    """Mean loss and metric of one task."""
    metric = totals.mean_metric
    if loss.metric_root:
        metric = float(np.sqrt(metric))
    return {"loss": totals.mean_loss, loss.metric_name: metric}
