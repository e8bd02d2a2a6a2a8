"""Compare cells, and decide what happens to each difference: set, cleared, blank and not sent, or not allowed."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from wizframe.errors import Hint
from wizframe.fields import violation
from wizframe.frames.baselines import differs
from wizframe.frames.build import record_values, to_record_value
from wizframe.planning.changes import CLEAR, Cell, Problem
from wizframe.planning.typed_frame import is_literal
from wizframe.text import plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import numpy.typing as npt
    import pandas as pd

    from wizframe.fields import Field, Table
    from wizframe.planning.changes import Change
    from wizframe.planning.match import Matched
    from wizframe.planning.typed_frame import TypedFrame

__all__ = ["Comparison", "compare", "given_cells", "rule_of_edit", "words_for_blank"]


@dataclass
class Comparison:
    """The result of a comparison."""

    cells: dict[int, list[Cell]] = field(default_factory=dict)  # row position to the cells to send
    blanked: dict[str, int] = field(default_factory=dict)  # column to the number of cells that became blank, not sent
    columns: list[str] = field(default_factory=list)  # the columns that were compared
    problems: list[Problem] = field(default_factory=list)


def compare(
    typed_frame: TypedFrame,
    matched: Matched,
    *,
    only: Collection[str] | None,
    clear: Collection[str],
) -> Comparison:
    """Compare rows with their loaded values.

    Changes outside ``only`` are problems. In the columns of ``clear``, a cell that became blank clears its field.
    """
    found = Comparison()
    base = matched.base
    for name in typed_frame.cells.columns:
        if name == "id" or name not in base:
            continue
        found.columns.append(name)
        changed = typed_frame.edited.get(name) if matched.is_in_place else None
        if changed is None:
            changed = differs(typed_frame.cells[name], base[name])
        if changed.any():
            positions = np.flatnonzero(changed & matched.is_known & matched.shown[name])
            if name in typed_frame.cleared:
                positions = positions[~is_literal(typed_frame, name, positions, base[name].iloc[positions])]
            _judge(found, typed_frame, base[name], positions, only=only, clear=clear)
    return found


def _judge(
    found: Comparison,
    typed_frame: TypedFrame,
    base: pd.Series[Any],
    positions: npt.NDArray[np.intp],
    *,
    only: Collection[str] | None,
    clear: Collection[str],
) -> None:
    """Decide about the cells of a column that differ from their loaded values."""
    name = str(base.name)
    field = typed_frame.table[name]
    blanked = 0
    cleared = set(np.flatnonzero(typed_frame.cleared.get(name, ())).tolist())
    forbidden = _forbidden(field, only)
    was, now = (record_values(values, field, positions) for values in (base, typed_frame.cells[name]))
    for position, old, new in zip(positions.tolist(), was, now, strict=True):
        if new is None and position not in cleared and name not in clear:
            blanked += 1
            continue
        rule = forbidden or _broken(typed_frame.table, field, new)
        if rule:
            found.problems.append(Problem(position, name, CLEAR if new is None else new, rule))
        else:
            found.cells.setdefault(position, []).append(Cell(name, old, _cleared(field) if new is None else new))
    if blanked and field.writable:
        found.blanked[name] = blanked


def rule_of_edit(table: Table, field: Field, new: Any, only: Collection[str] | None = None) -> str | None:
    """Return why an edit of a known record's cell cannot be sent, as the end of a sentence about the value."""
    return _forbidden(field, only) or _broken(table, field, new)


def _forbidden(field: Field, only: Collection[str] | None) -> str | None:
    if not field.writable:
        return "is read-only: restore it, or change it in WizCommerce itself"
    if only is not None and field.name not in only:
        return f"was edited, but is not in {Hint('only=', '--only')} (allowed: {', '.join(only)})"
    return None


def _broken(table: Table, field: Field, new: Any) -> str | None:
    """Return the rule that a new value breaks. None as value clears the cell."""
    if new is not None:
        return violation(field, new)
    if field.name in table.required:
        return "is required and cannot be cleared"
    return "is a flag: set it to False instead of clearing it" if field.kind == "flag" else None


def _cleared(field: Field) -> Any:
    return [] if field.kind == "ids" else ""


#: Words that programs write for a missing value: pandas, Python, SQL and spreadsheets.
_WORDS_FOR_BLANK = frozenset({"nan", "none", "null", "<na>", "nat", "\\n", "#n/a", "n/a", "nil"})


def words_for_blank(changes: Iterable[Change]) -> Iterator[str]:
    """Describe words such as nan in cells where a value is missing."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for change in changes:
        for cell in change.cells:
            if cell.old is None and isinstance(cell.new, str) and cell.new.strip().casefold() in _WORDS_FOR_BLANK:
                found[cell.new][cell.column] += 1
    for word, columns in found.items():
        count = columns.total()
        where = ", ".join(f"{name} {number}" for name, number in columns.items())
        verb = plural(count, "cell without a value has", "cells without a value have")
        yield f"{count:,} {verb} the text {word!r} ({where}): leave them blank if the text means a missing value"


def given_cells(typed_frame: TypedFrame, position: int) -> tuple[list[Cell], list[Problem], list[str]]:
    """Read a new row: the cells to write, the problems of its values, and the read-only columns with values."""
    cells, problems, ignored = [], [], []
    for name in typed_frame.cells.columns:
        field = typed_frame.table[name]
        value = to_record_value(typed_frame.cells[name].iat[position], field)
        if value is None or name in ("id", "customer_id"):
            continue
        if not field.writable:
            ignored.append(name)
            continue
        rule = violation(field, value)
        if rule:
            problems.append(Problem(position, name, value, rule))
        else:
            cells.append(Cell(name, None, value))
    return cells, problems, ignored
