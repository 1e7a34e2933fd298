"""Columns of texts and of yes/no: indicators, or level numbers for an embedding.

Levels of few rows share one column, where levels that training did not have go as well: an effect
that two rows show cannot be told from what else these rows have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.data.cells import Cells, Instants, Texts
from chainrule.data.columns import Column, Role
from chainrule.errors import DataError

__all__ = ["Category", "YesNo", "fit_levels"]

_SHARE = 20  # levels of a column of n rows are rare only below n / 20 of them
_SHOWN = 5
_ANSWERS = ["False", "True"]


@dataclass
class Category(Column):
    """A column of texts.

    Attributes
    ----------
    levels : list of str
        Levels with a column of their own, in alphabetical order.
    rare : int
        Other levels that training rows had: they share a column, with unseen ones.
    numbered : bool
        Whether the one encoded column holds numbers of levels, 0 … K − 1 in the order of
        `levels`, and K for a gap, a rare or an unseen level.
    """

    kind = "category"
    levels: list[str] = field(default_factory=list)
    rare: int = 0
    numbered: bool = False

    @property
    def labels(self) -> list[str]:
        if self.numbered:
            return [f"{self.name} level"]
        own = [f"{self.name} = {level}" for level in self.levels]
        return [*own, f"{self.name} rare"] if self.rare else own

    @property
    def width(self) -> int:
        return 1 if self.numbered else len(self.levels) + (self.rare > 0)

    @property
    def roles(self) -> list[Role]:
        return ["level"] if self.numbered else ["indicator"] * self.width

    @property
    def vocabulary(self) -> int:
        return len(self.levels) + 1 if self.numbered else 0

    @property
    def values(self) -> str:
        count = len(self.levels) + self.rare
        more = f"; {self.rare} of them rare" if self.rare else ""
        return f"{count} level{'s' if count > 1 else ''}: {_some(self.levels)}{more}"

    @property
    def encoding(self) -> str:
        if self.numbered:
            return f"level numbers 0 to {len(self.levels)}"
        shared = ", one of them for rare levels" if self.rare else ""
        return f"one-hot, {self.width} column{'s' if self.width > 1 else ''}{shared}"

    @property
    def formula(self) -> str:
        levels = ", ".join(self.levels)
        if self.numbered:
            return f"the number of its level: {levels}; {len(self.levels)} for any other"
        return f"1 in the column of its level: {levels}" + (", any other" if self.rare else "")

    def fill(self, part: np.ndarray, cells: Cells, rows: np.ndarray | None) -> None:
        """Set the column of each row's level, (n, levels), or write its number, (n, 1)."""
        found, unseen = _find(self.name, self.levels, cells)
        if self.numbered:
            part[:, 0] = np.where(found < 0, len(self.levels), found)
            return
        if self.rare:
            found[unseen] = len(self.levels)
        seen = np.flatnonzero(found >= 0)
        part[seen, found[seen]] = 1


@dataclass
class YesNo(Column):
    """A column of two levels, one of them −1 and the other +1; 0 is a gap or an unseen level.

    Attributes
    ----------
    levels : list of str
        The level of −1 and that of +1, in alphabetical order.
    """

    kind = "yes-no"
    levels: list[str] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        return [f"{self.name} = {self.levels[-1]}"]

    @property
    def roles(self) -> list[Role]:
        return ["indicator"]

    @property
    def values(self) -> str:
        return " or ".join(map(_shown, self.levels))

    @property
    def encoding(self) -> str:
        return "−1 or +1" + ("; gaps 0" if self.missing else "")

    @property
    def formula(self) -> str:
        no, yes = self.levels
        return f"−1 for {no}, +1 for {yes}, 0 for any other"

    def fill(self, part: np.ndarray, cells: Cells, rows: np.ndarray | None) -> None:
        """Write −1, 0 or +1, (n, 1)."""
        if isinstance(cells, np.ndarray) and self.levels == _ANSWERS:
            cells = _as_answers(cells)
        found, _ = _find(self.name, self.levels, cells)
        part[:, 0] = np.where(found < 0, 0, 2 * found - 1)


def _some(levels: list[str]) -> str:
    return ", ".join(map(_shown, levels[:_SHOWN])) + (" …" if len(levels) > _SHOWN else "")


def _shown(level: str) -> str:
    """A level in a list of levels: in quotes if it would not be seen there."""
    short = level if len(level) <= 24 else level[:23] + "…"
    return short if short and short == short.strip() else repr(short)


def _as_answers(numbers: np.ndarray) -> Texts:
    """Numbers, (n,), where training had yes/no: 1 is yes, 0 is no."""
    whole = np.isin(numbers, (0, 1))
    codes = np.where(whole, np.where(whole, numbers, 0), -1).astype(np.int64)
    return Texts.of_levels(codes, _ANSWERS, "yes-no")


def _find(name: str, levels: list[str], cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Places of each row in `levels`, (n,), −1 for others; and which others are no gaps, (n,)."""
    import pyarrow as pa
    from pyarrow import compute

    texts = as_texts(name, cells)
    call: Any = compute
    known = pa.array(levels, pa.string()).cast(texts.levels.type)
    places = call.index_in(texts.levels, value_set=known).fill_null(-1).to_numpy()
    found = np.append(places, -1)[texts.codes].astype(np.int64)  # code −1 is the last
    return found, (found < 0) & (texts.codes >= 0)


def as_texts(name: str, cells: Cells) -> Texts:
    """Cells as texts; numbers as they read, such as codes.

    Raises
    ------
    DataError
        If they are dates.
    """
    if isinstance(cells, Texts):
        return cells
    if isinstance(cells, Instants):
        gaps = np.full(len(cells.values), np.nan)
        if not np.isnat(cells.values).all():
            raise DataError(
                f"column '{name}' held texts in training and holds dates or times now: give texts."
            )
        return Texts.of_numbers(gaps)
    is_yes_no = cells.dtype.kind == "b"
    return Texts.of_booleans(cells) if is_yes_no else Texts.of_numbers(cells.astype(np.float64))


# ---------------------------------------------------------------------- fitting


def fit_levels(
    name: str, texts: Texts, max_levels: int, min_level_count: int, embed_levels: int | None
) -> Column:
    """Learn the levels of training rows, (n,), not all of them gaps.

    Raises
    ------
    DataError
        If more than `max_levels` of them have columns of their own.
    """
    counts = texts.counts
    rows, different = int(counts.sum()), int((counts > 0).sum())
    missing = len(texts.codes) - rows
    if different == 2 or texts.origin == "yes-no":
        return _fit_yes_no(name, texts, missing)
    own = counts >= max(1, min(min_level_count, rows / _SHARE))
    if not own.any():
        own = counts > 0
    if (kept := int(own.sum())) > max_levels:
        rare = "" if kept == different else f", {kept} of them in {min_level_count} rows or more"
        raise DataError(
            f"column '{name}' has {different} different texts in {len(texts.codes)} rows{rare}, "
            f"more than max_levels = {max_levels}: drop it if it is an identifier, else give a "
            f"larger max_levels."
        )
    levels = _named(texts, own)
    numbered = embed_levels is not None and kept > embed_levels
    constant = different == 1 and not missing
    return Category(name, levels, different - kept, numbered, missing=missing, constant=constant)


def _fit_yes_no(name: str, texts: Texts, missing: int) -> YesNo:
    there = texts.counts > 0
    constant = int(there.sum()) == 1 and not missing
    levels = _ANSWERS if texts.origin == "yes-no" else _named(texts, there)
    return YesNo(name, list(levels), missing=missing, constant=constant)


def _named(texts: Texts, which: np.ndarray) -> list[str]:
    """Some levels, (levels,) bool, in alphabetical order."""
    return sorted(texts.levels.to_numpy(zero_copy_only=False)[which].tolist())
