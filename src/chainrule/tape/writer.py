"""What each kind of instruction is as an equation, and which results have no name of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from chainrule.tape.instruction import Instruction, cells
from chainrule.tape.symbols import Symbols, in_latex, parts, substituted, wrapped
from chainrule.tape.tape import Tape

__all__ = ["SHOWN", "Line", "Writer"]

Text = Callable[[str], str]  # the time step that is meant, or "" -> the formula
SHOWN = 3  # steps of a sequence, or terms of a sum, that are written out


@dataclass(frozen=True)
class Line:
    """One equation: its sides, and the time step it belongs to, if any."""

    left: str
    right: str
    step: str = ""

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"


class Writer:
    """Writes each instruction, or keeps what it writes for where its result is used."""

    def __init__(self, tape: Tape, symbols: Symbols) -> None:
        self.tape, self.symbols = tape, symbols
        self.inline: dict[str, Text] = {}
        self.readers: dict[str, list[Instruction]] = defaultdict(list)
        for i in tape.instructions:
            for operand in dict.fromkeys(i.operands):
                self.readers[operand].append(i)
        totals = [
            k
            for k, i in enumerate(tape.instructions)
            if any(tape.values[r].role == "total" for r in i.results)
        ]
        self.end = totals[-1] if totals else len(tape.instructions)
        self.losses = [i for i in tape.instructions if i.operation == "loss"]
        self.sum = [tape.instructions[k].results[0] for k in totals]
        self.again = self._repeated()

    def _repeated(self) -> dict[str, int]:
        """How many values of the same symbol came before each value of the forward pass."""
        again: dict[str, int] = {}
        seen: dict[tuple[str, int, str], int] = defaultdict(int)
        hidden: set[str] = set()
        for i in self.tape.instructions[: self.end + 1]:
            hidden.update(r for r in i.results if self._is_inline(i, True, r))
            for name in (*i.operands, *i.results):
                found = parts(name)
                if found and name not in again and name not in hidden:
                    again[name] = seen[found[:3]]
                    seen[found[:3]] += 1
        return again

    # ---------------------------------------------------------------- the lines

    def lines(self, place: int, i: Instruction) -> list[Line]:
        """The equations that an instruction completes."""
        write = getattr(self, f"_{i.operation}", None)
        if write is None:
            return []
        texts = write(i)
        texts = texts if isinstance(texts, list) else [texts]
        forward, found = place <= self.end, []
        for result, text in zip(i.results, texts, strict=True):
            if self._is_inline(i, forward, result):
                self.inline[result] = text
            elif text is not None:
                found.append(self._line(i, result, text("")))
        if place == self.end and len(self.sum) > 1:
            total = " + ".join(map(self.symbol, self.sum))
            found.append(Line(self.symbols.error, total))
        return found

    def _line(self, i: Instruction, result: str, text: str) -> Line:
        left = self.symbol(result)
        if i.operation == "lookup_slope":
            left += "[k]"
        known = parts(self.tape.owners.get(result, result))
        step = known[2] if known and i.operation != "fill" else ""
        return Line(left, text, step)

    def _is_inline(self, i: Instruction, forward: bool, result: str = "") -> bool:
        """Whether a result is written where it is used."""
        result = result or i.results[0]
        if i.operation in ("reshape", "swap", "unstack", "patches", "max_pool", "mean_pool"):
            return i.operation != "unstack" or not forward or self._joins(result)
        if not forward:
            return self._unnamed(result)
        if i.operation == "add_bias":
            return [r.operation for r in self.readers[result]][:1] == ["unstack"]
        if i.operation == "formula" and i.attributes["formula"].name == "square":
            return True
        found = parts(result)
        return bool(found) and (found[0] == "p" or (found[0] == "q" and self._joins(result)))  # type: ignore[index]

    def _joins(self, name: str) -> bool:
        """Whether a part of a recurrent step goes into a sum at once."""
        return bool(self.readers[name]) and self.readers[name][0].operation == "add"

    def _unnamed(self, name: str) -> bool:
        """Whether a gradient is but a part of another, or of a value that has no name."""
        owner = self.tape.owners.get(name)
        if owner is None:
            return True
        into = [i for i in self.readers[name] if i.operation == "add"]
        if len(into) == len(self.readers[name]) == 1:
            return self.tape.owners.get(into[0].results[0]) == owner
        found = parts(owner)
        return owner in self.inline and not (found is not None and found[0] == "z")

    # ---------------------------------------------------------------- symbols

    def symbol(self, name: str, time: str = "") -> str:
        """How a notation writes a value, at a time step if one is meant."""
        if name in self.inline and name not in self.tape.owners:
            return self.inline[name](time)
        owner = self.tape.owners.get(name)
        if owner is not None:
            if name in self.inline:
                return self.inline[name](time)
            return self.symbols.gradient(self._value(owner, time))
        return self._value(name, time)

    def _value(self, name: str, time: str = "") -> str:
        known = {i.operands[1]: k for k, i in enumerate(self.losses, 1)}
        several = len(self.losses) > 1
        if name in known:
            own = "d" if self.symbols.notation == "000" else "Y"
            return self.symbols.numbered(own, known[name]) if several else own
        if name in (totals := [i.results[0] for i in self.losses]):
            own = self.symbols.error
            alone = len(self.sum) == 1
            return own if alone else self.symbols.numbered(own, totals.index(name) + 1)
        penalties = [r for r in self.sum if r not in totals]
        if name in penalties:
            alone = len(penalties) == 1
            return "R" if alone else self.symbols.numbered("R", penalties.index(name) + 1)
        if name == "x":
            name = "y0"
        found = parts(name)
        if found is None:
            return name
        letter, level, own_time, _ = found
        return self.symbols.value(letter, level, time or own_time, self.again.get(name, 0))

    def of(self, function: str) -> Callable[[str], Text]:
        """f(x) for a value x."""
        return lambda name: lambda t: f"{self.symbols.function(function)}({self.symbol(name, t)})"

    def _record(self, text: str, names: dict[str, str]) -> str:
        return substituted(in_latex(text) if self.symbols.latex else text, names)

    # ------------------------------------------------- formulas: moving numbers

    def _reshape(self, i: Instruction) -> Text:
        flat = len(self.tape.shape(i.results[0])) == 2
        return self.of("flat")(i.operands[0]) if flat else lambda t: self.symbol(i.operands[0], t)

    def _swap(self, i: Instruction) -> Text:
        return lambda t: self.symbol(i.operands[0], t)

    def _unstack(self, i: Instruction) -> list[Text]:
        def part(k: int) -> Text:
            return lambda t: self.symbol(i.operands[0], str(k))

        return [part(k) for k in range(1, len(i.results) + 1)]

    def _stack(self, i: Instruction) -> Text | None:
        whole = self.symbol(i.results[0])
        own = [self.symbol(part) for part in i.operands]
        if own == [f"{whole}[{k}]" for k in range(1, len(own) + 1)]:
            return None
        dots = self.symbols.choose("…", "\\dots")
        shown = own if len(own) <= SHOWN else [own[0], dots, own[-1]]
        return lambda t: f"({', '.join(shown)})"

    def _fill(self, i: Instruction) -> Text:
        return lambda t: f"{i.attributes['value']:g}"

    def _places(self, i: Instruction) -> str:
        """Some columns, counted from 1 as the notes do; the samples' columns are rows there."""
        places = [str(place + 1) for place in i.attributes["places"]]
        if len(places) > SHOWN + 1:
            places = [places[0], self.symbols.choose("…", "\\dots"), places[-1]]
        return ",".join(places)

    def _select(self, i: Instruction) -> Text:
        return lambda t: f"{wrapped(self.symbol(i.operands[0], t))}[{self._places(i)}]"

    def _place(self, i: Instruction) -> Text:
        given, places = self.symbol(i.operands[0]), self._places(i)
        name = self.symbols.choose("place", "\\operatorname{place}")
        return lambda t: f"{name}[{places}]({given})"

    def _join(self, i: Instruction) -> Text:
        own = [self.symbol(part) for part in i.operands]
        return lambda t: f"({'; '.join(own)})"  # one below the other: samples are columns

    def _lookup(self, i: Instruction) -> Text:
        tokens, table = i.operands
        return lambda t: f"{self.symbol(table)}[{self.symbol(tokens, t)}]"

    def _lookup_slope(self, i: Instruction) -> Text:
        tokens, given = map(self.symbol, i.operands)
        where = self.symbols.choose(f"Σ {given} where {tokens} = k",
                                    f"\\sum_{{{tokens} = k}} {given}")  # fmt: skip
        return lambda t: where

    def _patches(self, i: Instruction) -> Text:
        return self.of("patches")(i.operands[0])

    def _fold(self, i: Instruction) -> Text:
        return self.of("fold")(i.operands[0])

    def _max_pool(self, i: Instruction) -> Text:
        return self.of("maxpool")(i.operands[0])

    def _mean_pool(self, i: Instruction) -> Text:
        return self.of("meanpool")(i.operands[0])

    def _passed_back(self, i: Instruction, function: str) -> Text:
        source = self._value(self.tape.owners[i.results[0]])
        pool = f"{self.symbols.function(function)}({source})"
        given = wrapped(self.symbol(i.operands[0]))
        return lambda t: f"{self.symbols.jacobian(pool, source)} {given}"

    def _max_pool_slope(self, i: Instruction) -> Text:
        return self._passed_back(i, "maxpool")

    def _mean_pool_slope(self, i: Instruction) -> Text:
        return self._passed_back(i, "meanpool")

    # ------------------------------------------------ formulas: products, sums

    def _matmul(self, i: Instruction) -> Text:
        x, w = i.operands
        return lambda t: f"{self.symbol(w)} {wrapped(self.symbol(x, t))}"

    def _matmul_tn(self, i: Instruction) -> Text:
        x, dz = map(self.symbol, i.operands)
        return lambda t: f"{wrapped(dz)} {self.symbols.transposed(x)}"

    def _matmul_nt(self, i: Instruction) -> Text:
        dz, w = i.operands
        return lambda t: f"{self.symbols.transposed(self.symbol(w))} {wrapped(self.symbol(dz, t))}"

    def _blocks(self, weight: str) -> str:
        """The matrix with a block of weights for each group of columns, and 0 elsewhere."""
        name = self.symbols.choose("blocks", "\\operatorname{blocks}")
        return f"{name}({self.symbol(weight)})"

    def _block_matmul(self, i: Instruction) -> Text:
        x, w = i.operands
        return lambda t: f"{self._blocks(w)} {wrapped(self.symbol(x, t))}"

    def _block_matmul_tn(self, i: Instruction) -> Text:
        product = self._matmul_tn(i)
        of = self.symbols.choose("blocks of", "\\text{blocks of }")
        return lambda t: f"{of} {product(t)}"

    def _block_matmul_nt(self, i: Instruction) -> Text:
        dz, w = i.operands
        turned = self.symbols.transposed(self._blocks(w))
        return lambda t: f"{turned} {wrapped(self.symbol(dz, t))}"

    def _add_bias(self, i: Instruction) -> Text:
        z, b = i.operands
        return lambda t: f"{self.symbol(z, t)} + {self.symbol(b)}"

    def _add(self, i: Instruction) -> Text:
        def text(t: str) -> str:
            terms = [term for o in i.operands for term in self.symbol(o, t).split(" + ")]
            if len(terms) > SHOWN + 1 and i.results[0] in self.tape.owners:
                terms = [*terms[:2], self.symbols.choose("⋯", "\\cdots"), terms[-1]]
            return " + ".join(terms)

        return text

    def _indices(self, name: str) -> str:
        shape = self.tape.shape(name)
        return "n" if len(shape) == 2 else "np" if shape[0] == "n" else "nt"

    def _column_sum(self, i: Instruction) -> Text:
        total = self.symbols.total(self._indices(i.operands[0]))
        return lambda t: f"{total} {wrapped(self.symbol(i.operands[0]))}"

    def _column_mean(self, i: Instruction) -> Text:
        over = self._indices(i.operands[0])
        below = over.replace("n", "ₙ").replace("p", "ₚ").replace("t", "ₜ")
        mean = self.symbols.choose(f"mean{below}", f"\\operatorname{{mean}}_{{{over}}}")
        return lambda t: f"{mean} {wrapped(self.symbol(i.operands[0]))}"

    def _spread(self, i: Instruction) -> Text:
        given, count = self.symbol(i.operands[0]), self._count(i.operands[1])
        return lambda t: f"{given} / {count}"

    def _count(self, name: str) -> str:
        """How many rows a value has as a matrix of its last dimension."""
        each = cells(self.tape.shape(name)[:-1])
        return "n" if each == 1 else f"({each} n)"

    # --------------------------------------------- formulas: place by place

    def _activate(self, i: Instruction) -> Text:
        return self.of(i.attributes["activation"].name)(i.operands[0])

    def _slope(self, i: Instruction) -> Text:
        # f′ is taken at z, even where the record computes it from y.
        z = self.symbol(self.tape.owners[i.results[0]])
        slope = self.symbols.slope(i.attributes["activation"].name)
        given = wrapped(self.symbol(i.operands[0]))
        if self.symbols.notation == "002" and z.startswith("s"):  # 002 gives the slopes a name
            d = f"D{z[1:]}"
            return lambda t: f"{d} {self.symbols.odot} {given}, {d} = {slope}({z})"
        return lambda t: f"{given} {self.symbols.odot} {slope}({z})"

    def _dropout(self, i: Instruction) -> Text:
        found = parts(i.results[0])
        level = self.symbols.level(found[1]) if found else ""
        mask = self.symbols.choose(f"m{level}", "m")
        keep, x = i.attributes["keep"], wrapped(self.symbol(i.operands[0]))
        return lambda t: f"{mask} {self.symbols.odot} {x} / {keep:g}"

    def _formula(self, i: Instruction) -> list[Text]:
        record, names, blocks = i.attributes["formula"], {}, []
        for operand, value in zip(record.operands, i.operands, strict=True):
            symbol = self.symbol(value)
            if len(operand.names) > 1:
                blocks.append(f"({', '.join(operand.names)}) = {symbol}")
            else:
                names[_PRINTED.get(operand.names[0], operand.names[0])] = wrapped(symbol)
        results = dict(zip(record.outputs, map(self.symbol, i.results), strict=True))
        written = dict(_sides(part) for part in record.text.split(";"))
        texts: list[Text] = []
        for name in record.outputs:
            right = self._record(written.pop(name, "") or written[""], names | results)
            texts.append(lambda t, right=right: right)
        helpers = [f"{left} = {self._record(right, names)}" for left, right in written.items()
                   if left]  # fmt: skip
        more = "".join(f", {text}" for text in (*helpers, *blocks))
        if more:
            first = texts[0]
            texts[0] = lambda t: first(t) + more
        return texts

    def _formula_slope(self, i: Instruction) -> list[Text]:
        record, given = i.attributes["formula"], i.attributes["given"]
        operands = i.operands[len(given) : len(given) + len(record.operands)]
        outputs = dict(zip(record.outputs, self._results(record.name, operands), strict=True))

        def text(operand: str) -> Text:
            by = self.symbol(operand)
            terms = []
            for name, gradient in zip(given, i.operands, strict=False):
                owner = self.tape.owners.get(gradient, outputs[name])
                of = self.symbol(outputs[name]) if owner in self.inline else self._value(owner)
                terms.append(f"{self.symbols.jacobian(of, by)} {wrapped(self.symbol(gradient))}")
            return lambda t: " + ".join(terms)

        return [text(operands[k]) for k in i.attributes["wanted"]]

    def _results(self, name: str, operands: tuple[str, ...]) -> tuple[str, ...]:
        """What the formula wrote whose gradient is looked for."""
        return next(
            i.results
            for i in self.readers[operands[0]]
            if i.operation == "formula"
            and i.attributes["formula"].name == name
            and i.operands == operands
        )

    # ------------------------------------------------- formulas: the objective

    def _loss(self, i: Instruction) -> Text:
        name = self.symbols.function(i.attributes["loss"].name)
        return lambda t: f"{name}({', '.join(map(self.symbol, i.operands))})"

    def _loss_slope(self, i: Instruction) -> Text:
        record = i.attributes["loss"]
        z, t = map(self.symbol, i.operands[:2])
        names = {"t": t} | ({"z": z} if len(record.scores) == 1 else {})
        text = self._record(record.slope_formula, names)
        share = f"/ {self._count(i.operands[0])}"
        if len(i.operands) > 2:
            total = self.symbols.choose("Σ w", "\\sum w")
            share = f"{self.symbols.odot} w / {total}"
        blocks = f", (m, s) = {z}" if len(record.scores) > 1 else ""
        return lambda at: f"({text}) {share}{blocks}"

    def _strength(self, i: Instruction) -> str:
        """θ, which multiplies a sum or, when there is one for each weight, stands inside it."""
        if len(i.operands) > 1:
            return self.symbols.choose("θ ⊙", "\\theta \\odot")
        strength, rows = f"{i.attributes['strength']:g}", self._count(i.operands[0])
        return f"({strength} / {rows})" if i.attributes["by_row"] else strength

    def _penalty(self, i: Instruction) -> Text:
        total, strength = self.symbols.choose("Σ", "\\sum"), self._strength(i)
        lead = f"{total} {strength}" if len(i.operands) > 1 else f"{strength} {total}"
        text = self._record(i.attributes["penalty"].formula, {"v": self.symbol(i.operands[0])})
        return lambda t: f"{lead} {wrapped(text)}"

    def _penalty_slope(self, i: Instruction) -> Text:
        record = i.attributes["penalty"]
        text = self._record(record.slope_formula, {"v": self.symbol(i.operands[0])})
        return lambda t: f"{self._strength(i)} {wrapped(text)}"


# How the texts of formulas print variables that have other names in code.
_PRINTED = {"x": "z", "alpha": "α", "c0": "c₋₁", "h0": "h₋₁"}


def _sides(equation: str) -> tuple[str, str]:
    """Left and right side of one part of a formula's text; no left side for a bare formula."""
    left, sign, right = equation.partition(" = ")
    return (left.strip(), right.strip()) if sign else ("", equation.strip())
