"""A frame, its baseline and what the service says become the parts of a plan. Reads only; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from wizframe.errors import Hint, InvalidRequestError, PlanError, UnmatchedRowsError, WrongAccountError
from wizframe.fields import TABLES
from wizframe.frames.baselines import attached
from wizframe.planning.change_builder import ChangeBuilder
from wizframe.planning.match import match_rows
from wizframe.planning.parts import PlanPart
from wizframe.planning.typed_frame import type_frame
from wizframe.planning.uniqueness import likely_duplicates, taken_references, two_defaults
from wizframe.text import option

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    import pandas as pd

    from wizframe.fields import Table
    from wizframe.frames.baselines import Baseline
    from wizframe.planning.changes import Change, Problem
    from wizframe.planning.match import Matched, Service

__all__ = ["Options", "plan_deletes", "plan_edits"]

_ALLOWED = {
    "match": ("id", "reference_id"),
    "new": ("report", "create"),
    "baseline": ("loaded", "service"),
    "duplicates": ("report", "create"),
}


@dataclass(frozen=True)
class Options:
    """The options of :func:`wizframe.plan`. The plan keeps them, so that it can be made again."""

    match: Literal["id", "reference_id"] = "id"
    new: Literal["report", "create"] = "report"
    only: Collection[str] | None = None
    clear: Collection[str] = ()
    baseline: Literal["loaded", "service"] = "loaded"
    duplicates: Literal["report", "create"] = "report"

    def __post_init__(self) -> None:
        for name, allowed in _ALLOWED.items():
            if getattr(self, name) not in allowed:
                known = " and ".join(map(repr, allowed))
                raise InvalidRequestError(f"{option(name, getattr(self, name))}: allowed are {known}")

    def check_columns(self, tables: Sequence[Table]) -> None:
        """Refuse names that are not columns that can be edited."""
        for name, columns in (("only", self.only or ()), ("clear", self.clear)):
            if isinstance(columns, str):
                raise PlanError(f"{name}={columns!r} is not a list", hint=f"Write {name}=[{columns!r}].")
            for column in columns:
                if not any(column in table and table[column].writable for table in tables):
                    kinds = " or ".join(table.name for table in tables)
                    flag = Hint(name, f"--{name}")
                    raise PlanError(f"{flag}: {column!r} is not a column of {kinds} that can be edited")


def plan_edits(frames: Mapping[str, pd.DataFrame], service: Service, options: Options) -> tuple[PlanPart, ...]:
    """Plan the edits of frames, one for each table; new children may belong to parents that the same plan creates."""
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
    was = frame.copy(deep=False)  # an edit during the look-ups below is not planned, and makes the plan stale
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
    problems = [
        *builder.misfits(found),
        *matched.problems,
        *builder.problems,
        *_clashes([*updates, *creates], table, service, options, builder.value_of),
    ]
    return PlanPart(
        table=table,
        account=service.account,
        frame=frame,
        as_planned=was,
        changes_list=tuple(sorted([*updates, *creates, *deletes], key=lambda change: change.position)),
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
        raise UnmatchedRowsError("rows can only be deleted by their ids, but some have none")
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


def _clashes(
    changes: Sequence[Change],
    table: Table,
    service: Service,
    options: Options,
    value_of: Callable[[Change, str], Any],
) -> Iterator[Problem]:
    parents = {change.customer_id for change in changes if change.customer_id and "reference_id" in change.new_values}
    siblings = service.lookups.children(table, parents) if parents else {}
    yield from taken_references(changes, table, siblings, service)
    yield from two_defaults(changes, table, value_of)
    if options.duplicates == "report":
        yield from likely_duplicates(changes, table, siblings, service)


def _compared_with(matched: Matched) -> str:
    sources = [str(baseline) for baseline in matched.used]
    if bool((matched.against_service & matched.is_known).any()):
        sources.append("the service's present records")
    return " and ".join(sources)
