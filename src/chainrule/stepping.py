"""The step debugger: a tape run one instruction at a time, every number on the way kept.

The tape is the one before fusion, so each step is one equation of the notes; the numbers are the
reference engine's, float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from chainrule.engines import Batches
from chainrule.engines.reference import ReferenceEngine
from chainrule.tape import Instruction, Plan, Tape
from chainrule.tape.equations import lines
from chainrule.tape.render import call

__all__ = ["Step", "run_tape", "steps"]

Half = Literal["forward", "backward"]
_SHOWN = 64  # an array with more entries is summed up in one line


@dataclass(frozen=True, eq=False)
class Step:
    """One instruction with its numbers.

    Attributes
    ----------
    number : int
        Place on the tape, from 0: the number that ``print(net.tape())`` shows.
    instruction : Instruction
    half : {"forward", "backward"}
    formula : str
        The instruction as a call on rows of samples: ``z1 = add_bias(p1, b1)``.
    equation : str
        The equation that is complete with this step, as 000 writes it (samples are columns
        there): ``z¹ = W¹ y⁰ + b¹``; empty where the notes have no name for the result.
    inputs, outputs : dict of str to ndarray
        What is read and what is written, by name, each of its tape's shape.
    reads : dict of str to int
        For each input that an earlier step wrote, that step's number; the rest are data and
        parameters.

    Notes
    -----
    ``print(step)`` shows all of it, small arrays in full.
    """

    number: int
    instruction: Instruction
    half: Half
    formula: str
    equation: str
    inputs: Mapping[str, np.ndarray] = field(default_factory=dict)
    outputs: Mapping[str, np.ndarray] = field(default_factory=dict)
    reads: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        head = f"step {self.number}, {self.half}:  {self.formula}"
        if self.equation:
            head += f"    {self.equation}"
        values = {**self.inputs, **self.outputs}
        origins = {name: f"from step {number}" for name, number in self.reads.items()}
        columns = (values, [str(v.shape) for v in values.values()], ["", *origins.values()])
        widths = [max(map(len, column)) for column in columns]
        lines = [head]
        for name, value in values.items():
            cells = name, str(value.shape), origins.get(name, "")
            texts = (f"{cell:<{width}}  " for cell, width in zip(cells, widths, strict=True))
            lead = f"  {'=' if name in self.outputs else ' '} {''.join(texts)}"
            lines.append(lead + _numbers(value, len(lead)))
        return "\n".join(lines)


def _numbers(value: np.ndarray, indent: int) -> str:
    if value.size <= _SHOWN:
        text = np.array2string(value, precision=6, max_line_width=100)
        return text.replace("\n", "\n" + " " * indent)
    return f"from {value.min():.6g} to {value.max():.6g}, mean {value.mean():.6g}"


def steps(
    tape: Tape, memory: Mapping[str, np.ndarray], data: Mapping[str, np.ndarray]
) -> Iterator[Step]:
    """Every instruction of a tape, in order, with the numbers of one batch of all rows.

    Parameters
    ----------
    tape : Tape
        Before fusion and without updates, so that every value is written once.
    memory : mapping of str to ndarray
        Parameters by their names on the tape; they are copied, not changed.
    data : mapping of str to ndarray
        Inputs, targets and weights, (n, …) each, by their names on the tape.

    Yields
    ------
    Step
    """
    values = {**data, **run_tape(tape, memory, data)}
    last = max((k for k, i in enumerate(tape.instructions) if _total(tape, i)), default=len(tape))
    writers: dict[str, int] = {}
    for number, (i, equation) in enumerate(zip(tape.instructions, _equations(tape), strict=True)):
        yield Step(
            number,
            i,
            "forward" if number <= last else "backward",
            call(i),
            equation,
            {name: values[name] for name in i.operands},
            {name: values[name] for name in i.results},
            {name: writers[name] for name in i.operands if name in writers},
        )
        writers |= dict.fromkeys(i.results, number)


def run_tape(
    tape: Tape, memory: Mapping[str, np.ndarray], data: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Every value of a tape for one batch of all rows, in float64, by name."""
    n = len(next(iter(data.values())))
    own = {name: np.array(a, np.float64) for name, a in memory.items() if name in tape.values}
    session = ReferenceEngine().session(Plan(tape), own, data, Batches(n, np.arange(n)))
    session.start_epoch(0, shuffle=False)
    session.run(1)
    return session.values


def _total(tape: Tape, i: Instruction) -> bool:
    """Whether an instruction writes a part of the loss: with the last one the forward half ends."""
    return any(tape.values[name].role == "total" for name in i.results)


def _equations(tape: Tape) -> Iterator[str]:
    """For each instruction the equations that end with it, or an empty string."""
    return ("; ".join(map(str, own)) for own in lines(tape))
