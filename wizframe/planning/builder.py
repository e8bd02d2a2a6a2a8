"""Build the parts of a plan from frames, their baselines and the service's records. This only reads."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson

from wizframe.errors import Hint, InvalidRequestError, PlanError, UnmatchedRowsError, WrongAccountError
from wizframe.fields import TABLES, violation
from wizframe.frames.arrow import are_among
from wizframe.frames.baselines import attached
from wizframe.frames.build import is_blank, record_values, to_record_value
from wizframe.planning.changes import COMMAND, DELETE, Cell, Change, PlanPart, Problem, children_too
from wizframe.planning.diff import compare, given_cells, words_for_blank
from wizframe.planning.match import match_rows
from wizframe.planning.typed_frame import type_frame
from wizframe.planning.uniqueness import likely_duplicates, taken_references, two_defaults, with_displaced
from wizframe.text import counted, option, plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    from wizframe.api.dialects import Record
    from wizframe.fields import Table
    from wizframe.frames.baselines import Baseline
    from wizframe.planning.diff import Comparison
    from wizframe.planning.match import Mask, Matched, Service
    from wizframe.planning.typed_frame import TypedFrame

__all__ = ["ChangeBuilder", "Options", "plan_deletes", "plan_edits"]


class ChangeBuilder:
    """Makes changes from the rows of one frame, and collects problems and notices."""

    def __init__(self, typed_frame: TypedFrame, matched: Matched, service: Service) -> None:
        self._frame = typed_frame
        self._matched = matched
        self._service = service
        self._table = typed_frame.table
        self.problems: list[Problem] = []
        self.notices: list[str] = []
        self.named: set[int] = set()  # positions of new rows with a reference that the user chose

    def deletes(self, positions: npt.NDArray[np.intp]) -> list[Change]:
        """Plan to delete the records of the given rows, and count the children that are deleted with them."""
        chosen: list[int] = positions.tolist()
        rows = self._old_rows(chosen)
        changes = [
            Change("delete", *who, self._deleted(row), self._matched.new_parents.get(who[0]))
            for who, row in zip(self._identities(self._matched.base, chosen), rows, strict=True)
        ]
        if not changes or not self._table.children:
            return changes
        ids = {change.id for change in changes if change.id}
        listed = {child.name: self._service.lookups.children(child, ids) for child in self._table.children}
        changes = [
            change._replace(
                children=tuple((name, len(of_each.get(str(change.id), ()))) for name, of_each in listed.items())
            )
            for change in changes
        ]
        self.notices += filter(None, [children_too(changes, self._table)])
        return changes

    def _deleted(self, row: Mapping[str, Any]) -> tuple[Cell, ...]:
        cells = [Cell(name, value, None) for name, value in row.items() if self._table[name].writable]
        if row.get("updated_at") is not None:  # a new time shows a change even of fields that the load does not have
            cells.append(Cell("updated_at", row["updated_at"].isoformat(), None))
        return tuple(cells)

    def commanded_deletes(self, already_deleted: Collection[str]) -> list[Change]:
        """Plan a delete for each row that the command column marks, and exclude these rows from all other changes."""
        matched, asked = self._matched, self._frame.deletes
        if not asked.any():
            return []
        matched.is_known &= ~(asked & are_among(matched.ids, already_deleted))
        is_seen = ~np.logical_or.reduce([np.zeros_like(asked), *matched.unsure.values()])
        self._refuse_delete(asked & matched.is_new, "has no id, so there is nothing to delete: remove the row")
        self._refuse_delete(
            asked & matched.is_known & ~is_seen,
            "is not possible, because the record may have changed after the row was made: load again, or plan with "
            f"{option('baseline', 'service')}",
        )
        self._note_gone(asked & ~matched.is_known)
        chosen = np.flatnonzero(asked & matched.is_known & is_seen)
        matched.is_known, matched.is_new = matched.is_known & ~asked, matched.is_new & ~asked
        return self.deletes(chosen)

    def _refuse_delete(self, rows: Mask, rule: str) -> None:
        self.problems += [Problem(int(position), COMMAND, DELETE, rule) for position in np.flatnonzero(rows)]

    def _note_gone(self, rows: Mask) -> None:
        """Note how many of the records to delete no longer exist. This is not a problem, because they are deleted."""
        reported = {problem.position for problem in self._matched.problems}
        ids = self._matched.ids[rows].dropna()
        gone = len({identifier for position, identifier in ids.items() if position not in reported})
        if gone:
            self.notices.append(f"{counted(gone, 'record')} to delete {plural(gone, 'is', 'are')} already gone")

    def compared(self, *, only: Collection[str] | None, clear: Collection[str]) -> Comparison:
        """Compare the rows with their loaded values. A read-only cell that may be outdated gets its own rule."""
        found = compare(self._frame, self._matched, only=only, clear=clear)
        for number, problem in enumerate(found.problems):
            position, name = problem.position, problem.column
            if position is None or self._table[name].writable or not self._is_unsure(position, name):
                continue
            old = to_record_value(self._matched.base[name].iat[position], self._table[name])
            found.problems[number] = problem._replace(rule=_doubtful(old, "load again"))
        return found

    def _is_unsure(self, position: int, name: str) -> bool:
        return name in self._matched.unsure and bool(self._matched.unsure[name][position])

    def updates(self, found: Comparison) -> list[Change]:
        """Plan the cells that differ. If the service may have the newer value, the cell becomes a problem."""
        changes = []
        again = Hint("load again and repeat the edit", "export again and repeat the edit, or use --original FILE")
        advice = f"{again}, or plan with {option('baseline', 'service')} to send your value"
        self.problems += found.problems
        for who in self._identities(self._matched.base, sorted(found.cells)):
            position = who[0]
            cells = found.cells[position]
            unsure = [one for one in cells if self._is_unsure(position, one.column)] if self._matched.unsure else ()
            for cell in unsure:
                self.problems.append(Problem(position, cell.column, cell.new, _doubtful(cell.old, advice)))
            sure = tuple(cell for cell in cells if cell not in unsure) if unsure else tuple(cells)
            if sure:
                changes.append(Change("update", *who, sure, self._matched.new_parents.get(position)))
        self.notices += self._old_violations(changes)
        return changes

    def _old_violations(self, updates: Sequence[Change]) -> Iterator[str]:
        """Describe old values that the service may refuse when they are sent together with the edit."""
        if not self._table.is_sent_whole:
            return
        rows = self._old_rows([change.position for change in updates])
        for change, row in zip(updates, rows, strict=True):
            for name, value in row.items():
                field = self._table[name]
                rule = violation(field, value) if field.writable and name not in change.new_values else None
                if rule:
                    yield (
                        f"row {change.label}: the whole {self._table.singular} is sent, and its {name} {value!r} "
                        f"{rule}: correct it, too"
                    )

    def creates(self) -> list[Change]:
        """Plan the new rows."""
        changes: list[Change] = []
        ignored: set[str] = set()
        ordinals: Counter[str] = Counter()
        matched = self._matched
        for who in self._identities(self._frame.cells, np.flatnonzero(matched.is_new).tolist()):
            position = who[0]
            cells, wrong, skipped = given_cells(self._frame, position)
            self.problems += [*wrong, *self._lacking(position, cells, wrong)]
            ignored.update(skipped)
            if cells:
                cells = self._with_reference(cells, position, ordinals)
                change = Change("create", *who, tuple(cells), matched.new_parents.get(position))
                changes.append(change._replace(reference_id=change.new_values["reference_id"]))
        if ignored:
            verb = plural(len(ignored), "is set by the service and not sent", "are set by the service and not sent")
            self.notices.append(f"new rows: {', '.join(sorted(ignored))} {verb}")
        return changes

    def _lacking(self, position: int, cells: Iterable[Cell], wrong: Iterable[Problem]) -> list[Problem]:
        table, typed_frame = self._table, self._frame
        given = {cell.column for cell in cells} | {problem.column for problem in wrong}
        if not given:
            return [Problem(position, "id", None, "is blank, and so is the rest of the row")]
        needed = [name for name in table.required if name != "reference_id" and name not in given]
        has_parent = position in self._matched.new_parents or not is_blank(self._matched.parent_ids.iat[position])
        misnamed = {problem.position for problem in self._matched.problems if problem.column == table.parent_reference}
        if table.parent is not None and not has_parent and position not in misnamed:
            is_by_reference = typed_frame.parent_references is not None and table.parent_id not in typed_frame.cells
            needed.append(table.parent_reference if is_by_reference else table.parent_id)
        return [Problem(position, name, None, "is required for a new row") for name in needed]

    def _with_reference(self, cells: list[Cell], position: int, ordinals: Counter[str]) -> list[Cell]:
        """Add a reference to a new row before anything is sent: with the reference, a create can be repeated safely.

        The same row gets the same reference on another machine. A second identical row gets a different reference.
        """
        if any(cell.column == "reference_id" for cell in cells):
            self.named.add(position)
            return cells
        parent = self._matched.new_parents.get(position) or self._matched.parent_ids.iat[position]
        known = "" if is_blank(parent) else str(parent)
        content = orjson.dumps([str(self._service.account), self._table.name, known, sorted(map(list, cells))]).decode()
        ordinal = ordinals[content]
        ordinals[content] += 1
        digest = hashlib.sha256(f"{content}{ordinal}".encode()).digest()
        given = {cell.column: cell.new for cell in cells}
        # Begins with a name that people know: the first required field, such as a customer's company.
        first = next(name for name in self._table.required if name != "reference_id")
        name = str(given.get(first) or self._table.singular)
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper()
        word = re.sub(r"[^A-Z0-9]+", "-", plain).strip("-")[:16].strip("-")
        reference = f"{word or 'NEW'}-{base64.b32encode(digest).decode()[:10]}"
        return [Cell("reference_id", None, reference), *cells]

    def misfits(self, found: Comparison) -> list[Problem]:
        """Return the problems of invalid values that matter: in edited cells, new rows and keys."""
        return [
            problem
            for problem in self._frame.problems
            if problem.position is None
            or problem.column in (*self._table.key_columns, COMMAND)
            or not (self._matched.is_known[problem.position] or self._frame.deletes[problem.position])
            or any(cell.column == problem.column for cell in found.cells.get(problem.position, ()))
            or (self._is_blanked(problem) and not self._frame.deletes[problem.position])
        ]

    def _is_blanked(self, problem: Problem) -> bool:
        """Return whether an invalid value replaces a loaded value: it was read as blank, but it is an edit."""
        position, name = problem.position or 0, problem.column
        if name not in self._frame.cells or name not in self._matched.base:
            return True
        return is_blank(self._frame.cells[name].iat[position]) and bool(self._matched.shown[name][position])

    def value_of(self, change: Change, name: str) -> Any:
        """Return the value of a record's field after a change, if it is known."""
        if name in change.new_values:
            return change.new_values[name]
        return next((row.get(name) for row in self._old_rows([change.position])), None)

    def _identities(
        self, source: pd.DataFrame, positions: Sequence[int]
    ) -> Iterator[tuple[int, Any, str, str | None, str | None, str | None]]:
        """Yield the identity of each row's record: position, label, name, id, parent's id, reference."""
        if not positions:
            return iter(())
        named_by = [name for group in self._table.named_by for name in group]
        columns = self._columns(source, positions, [*named_by, "reference_id"])
        nothing = [None] * len(positions)
        texts = zip(*(columns.get(name, nothing) for name in named_by), strict=True)
        names = (self._table.record_name(dict(zip(named_by, row, strict=True))) for row in texts)
        keys = (columns.get(name, nothing) for name in ("id", self._table.parent_id, "reference_id"))
        return zip(positions, self._frame.labels.take(np.array(positions)), names, *keys, strict=True)

    def _old_rows(self, positions: Sequence[int]) -> Iterator[dict[str, Any]]:
        """Yield whole rows with their old values."""
        columns = self._columns(self._matched.base, positions, map(str, self._matched.base))
        yield from (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))

    def _columns(self, source: pd.DataFrame, positions: Sequence[int], names: Iterable[str]) -> dict[str, list[Any]]:
        """Read the given rows and their keys column by column: in pandas, single cells take ten times as long."""
        columns = {name: source[name] for name in names if name in source}
        columns |= {"id": self._matched.ids, self._table.parent_id: self._matched.parent_ids}
        places = np.array(positions, dtype=np.intp)
        return {
            name: record_values(values, self._table[name], places)
            for name, values in columns.items()
            if name in self._table
        }


def _doubtful(old: Any, advice: str) -> str:
    return f"differs from WizCommerce ({old!r}), and it is unknown which of the two values is newer: {advice}"


_ALLOWED = {
    "match": ("id", "reference_id"),
    "new": ("report", "create"),
    "baseline": ("loaded", "service"),
    "duplicates": ("report", "create"),
}


@dataclass(frozen=True)
class Options:
    """The options of :func:`wizframe.plan`. The plan stores them, so that it can be made again."""

    match: Literal["id", "reference_id"] = "id"
    new: Literal["report", "create"] = "report"
    only: Collection[str] | None = None
    clear: Collection[str] = ()
    baseline: Literal["loaded", "service"] = "loaded"
    duplicates: Literal["report", "create"] = "report"

    def __post_init__(self) -> None:
        for name, allowed in _ALLOWED.items():
            if getattr(self, name) not in allowed:
                known = " or ".join(map(repr, allowed))
                raise InvalidRequestError(f"{option(name, getattr(self, name))} is not valid: use {known}")
        for name in ("only", "clear"):  # bool() of an Index or array raises an error; a str is rejected later
            given = getattr(self, name)
            if isinstance(given, Iterable) and not isinstance(given, str):
                object.__setattr__(self, name, tuple(given))

    def check_columns(self, tables: Sequence[Table]) -> None:
        """Reject names of columns that cannot be edited."""
        for name, columns in (("only", () if self.only is None else self.only), ("clear", self.clear)):
            if not isinstance(columns, tuple):
                raise PlanError(f"{name}={columns!r} is not a list", hint=f"Write {name}=[{columns!r}].")
            for column in columns:
                if not any(column in table and table[column].writable for table in tables):
                    kinds = " or ".join(table.name for table in tables)
                    flag = Hint(name, f"--{name}")
                    raise PlanError(f"{flag}: {column!r} is not a column of {kinds} that can be edited")


def plan_edits(frames: Mapping[str, pd.DataFrame], service: Service, options: Options) -> tuple[PlanPart, ...]:
    """Plan the edits of frames, one per table. New children may belong to parents that the same plan creates."""
    tables = [table for table in TABLES.values() if table.name in frames]
    options.check_columns(tables)
    parts: list[PlanPart] = []
    created: dict[str, set[str]] = {}
    for table in tables:
        parents = created.get(table.parent.name, set()) if table.parent else set()
        part = _plan_table(frames[table.name], table, service, options, parents)
        created[table.name] = {str(change.reference_id) for change in part.changes_list if change.action == "create"}
        parts.append(part)
    return tuple(parts)


def _plan_table(
    frame: pd.DataFrame, table: Table, service: Service, options: Options, created: Collection[str]
) -> PlanPart:
    own = _own_baseline(frame, table)
    was = frame.copy(deep=False)  # an edit during the look-ups below is not planned, but makes the plan stale
    typed_frame = type_frame(was, table, known=own.columns if own is not None else None)
    matched = match_rows(
        typed_frame,
        own=own,
        service=service,
        by_reference=options.match == "reference_id",
        new=options.new,
        trust_rows=options.baseline == "service",
        created=created,
    )
    compared_with = _compared_with(matched)
    builder = ChangeBuilder(typed_frame, matched, service)
    deletes = builder.commanded_deletes(own.gone if own is not None else ())
    found = builder.compared(only=options.only, clear=options.clear)
    updates = builder.updates(found)
    creates = builder.creates()
    builder.notices += words_for_blank([*updates, *creates])
    siblings = _siblings([*updates, *creates], table, service)
    edits = with_displaced([*updates, *creates], table, siblings, builder.value_of)
    problems = [
        *builder.misfits(found),
        *matched.problems,
        *builder.problems,
        *_clashes(edits, table, siblings, service, options, builder),
    ]
    return PlanPart(
        table=table,
        account=service.account,
        frame=frame,
        as_planned=was,
        changes_list=tuple(sorted([*edits, *deletes], key=lambda change: change.position)),
        problems_list=tuple({repr(problem): problem for problem in problems}.values()),
        blanked=found.blanked,
        own_columns=tuple(typed_frame.own_columns),
        notices=(*typed_frame.notices, *matched.notices, *builder.notices),
        compared_rows=int(matched.is_known.sum()) + len(deletes),
        compared_columns=tuple(found.columns),
        compared_with=compared_with,
    )


def plan_deletes(frame: pd.DataFrame, table: Table, service: Service) -> PlanPart:
    """Plan to delete the records of all rows of a frame."""
    own = _own_baseline(frame, table)
    was = frame.copy(deep=False)  # as in _plan_table
    typed_frame = type_frame(was, table)
    if own is not None and own.account != service.account:
        raise WrongAccountError(f"the rows were loaded from {own.account}, but the plan is for {service.account}")
    if "id" not in typed_frame.cells or typed_frame.cells["id"].isna().any():
        raise UnmatchedRowsError("rows can be deleted only by their ids, but some rows have no id")
    matched = match_rows(typed_frame, own=own, service=service, by_reference=False, new="report", trust_rows=True)
    builder = ChangeBuilder(typed_frame, matched, service)
    changes = builder.deletes(np.flatnonzero(matched.is_known))
    problems = (problem for problem in typed_frame.problems if problem.column in table.key_columns)
    return PlanPart(
        table=table,
        account=service.account,
        frame=frame,
        as_planned=was,
        changes_list=tuple(changes),
        problems_list=(*problems, *matched.problems),
        notices=tuple(builder.notices),
        compared_rows=len(changes),
        compared_with=_compared_with(matched),
    )


def _own_baseline(frame: pd.DataFrame, table: Table) -> Baseline | None:
    own = attached(frame)
    return own if own is not None and own.table is table else None


def _siblings(changes: Sequence[Change], table: Table, service: Service) -> dict[str, list[Record]]:
    """List the records next to new references and new defaults, by the parent's id."""
    column = table.default.column if table.default else ""
    parents = {
        change.customer_id
        for change in changes
        if change.customer_id and ("reference_id" in change.new_values or change.new_values.get(column) is True)
    }
    return service.lookups.children(table, parents) if parents else {}


def _clashes(
    changes: Sequence[Change],
    table: Table,
    siblings: Mapping[str, list[Record]],
    service: Service,
    options: Options,
    builder: ChangeBuilder,
) -> Iterator[Problem]:
    yield from taken_references(changes, table, siblings, service)
    yield from two_defaults(changes, table, builder.value_of)
    if options.duplicates == "report":
        yield from likely_duplicates(changes, builder.named, table, siblings, service)


def _compared_with(matched: Matched) -> str:
    sources = [str(baseline) for baseline in matched.used]
    if bool((matched.against_service & matched.is_known).any()):
        sources.append("the service's current records")
    return " and ".join(sources)
