"""A frame, its baseline and the service's answers become a plan. Reads only; changes nothing."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson

from wizframe.errors import Hint, PlanError, UnmatchedRowsError, WrongAccountError
from wizframe.fields import CONTACT, CUSTOMER, violation
from wizframe.frames.arrow import are_among
from wizframe.frames.baselines import attached
from wizframe.frames.build import is_blank, record_values, to_record_value
from wizframe.planning.changes import COMMAND, DELETE, Cell, Change, Problem, contacts_too
from wizframe.planning.diff import compare, given_cells
from wizframe.planning.match import match_rows
from wizframe.planning.typed_frame import CUSTOMER_REFERENCE, take_in, which_table
from wizframe.planning.uniqueness import likely_duplicates, taken_references, two_defaults
from wizframe.pushing.plan import Plan
from wizframe.text import option

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    from wizframe.account import Account
    from wizframe.fields import Table
    from wizframe.planning.diff import Comparison
    from wizframe.planning.match import Lookups, Mask, Matched, Service
    from wizframe.planning.typed_frame import Intake

__all__ = ["Options", "plan_deletes", "plan_edits"]

#: Columns that say which record a row is: a number among them may name another one.
_KEYS = ("id", "customer_id", CUSTOMER_REFERENCE)
#: Columns that name a record in words of its own.
_NAMES = {CUSTOMER: ("display_name", "company_name"), CONTACT: ("first_name", "last_name", "email")}


@dataclass(frozen=True)
class Options:
    """What the caller of :func:`wizframe.plan` decided."""

    match: Literal["id", "reference_id"] = "id"
    new: Literal["report", "create"] = "report"
    only: Collection[str] | None = None
    clear: Collection[str] = ()
    baseline: Literal["loaded", "service"] = "loaded"
    duplicates: Literal["report", "create"] = "report"


def plan_edits(
    frame: pd.DataFrame,
    service: Service,
    *,
    contacts: pd.DataFrame | None = None,
    table: str | None = None,
    options: Options,
) -> Plan:
    """Plan the edits of a frame; see :func:`wizframe.plan` for the parameters.

    Parameters
    ----------
    frame : DataFrame
    service : Service
        Where the plan goes.
    contacts : DataFrame, optional
        Planned after a frame of customers; new ones may belong to customers that the plan creates.
    table : {'customers', 'contacts'}, optional
        As in :func:`wizframe.plan`.
    options : Options

    Returns
    -------
    Plan
    """
    kind = which_table(frame, table, attached(frame))
    if contacts is None:
        _check_columns((kind,), options)
        return _plan_table(frame, kind, service, options)
    _check_pair(kind, contacts)
    _check_columns((CUSTOMER, CONTACT), options)
    customers = _plan_table(frame, CUSTOMER, service, options)
    created = {str(change.reference_id) for change in customers.changes_list if change.action == "create"}
    return replace(customers, contacts=_plan_table(contacts, CONTACT, service, options, created))


def _check_pair(kind: Table, contacts: pd.DataFrame) -> None:
    own = attached(contacts)
    if kind is not CUSTOMER or which_table(contacts, own.table.name if own else CONTACT.name, own) is not CONTACT:
        raise PlanError("contacts= takes a frame of contacts, beside a frame of customers: plan(customers, contacts=…)")


def _plan_table(
    frame: pd.DataFrame, kind: Table, service: Service, options: Options, created: Collection[str] = ()
) -> Plan:
    own = attached(frame)
    own = own if own is not None and own.table is kind else None
    was = frame.copy(deep=False)  # what is edited while this looks around is not planned, and makes the plan stale
    intake = take_in(was, kind, known=own.columns if own is not None else None)
    matched = match_rows(
        intake,
        own=own,
        service=service,
        by_reference=options.match == "reference_id",
        new=options.new,
        trust_rows=options.baseline == "service",
        created=created,
    )
    compared_with = _compared_with(matched)
    deletes, undeleted, gone = _commanded(intake, matched, service, own.gone if own is not None else ())
    found = compare(intake, matched, only=options.only, clear=options.clear)
    _doubt(found, intake, matched)
    updates = _updates(found, intake, matched)
    creates, problems, notices = _creates(intake, matched, service.account)
    changes = [*updates, *creates, *deletes]
    problems = [
        *_misfits(intake, found, matched),
        *matched.problems,
        *undeleted,
        *found.problems,
        *problems,
        *_clashes([*updates, *creates], kind, service, options),
    ]
    return Plan(
        table=kind,
        account=service.account,
        frame=frame,
        _as_planned=was,
        changes_list=tuple(sorted(changes, key=lambda change: change.position)),
        problems_list=tuple({repr(problem): problem for problem in problems}.values()),
        blanked=found.blanked,
        own_columns=tuple(intake.own_columns),
        notices=(*intake.notices, *matched.notices, *gone, *notices, *_old_dirt(updates, matched, intake)),
        compared_rows=int(matched.is_known.sum()) + len(deletes),
        compared_columns=tuple(found.columns),
        compared_with=compared_with,
        decisions=dict(vars(options)),
    )


def plan_deletes(frame: pd.DataFrame, service: Service, *, table: str | None = None) -> Plan:
    """Plan to delete the records of all rows of a frame.

    Parameters
    ----------
    frame : DataFrame
        Rows with ids.
    service, table
        As in :func:`plan_edits`.

    Returns
    -------
    Plan
        One delete per record; a notice says how many contacts go with the customers.
    """
    own = attached(frame)
    kind = which_table(frame, table, own)
    own = own if own is not None and own.table is kind else None
    was = frame.copy(deep=False)  # what is edited while this looks around is not planned, and makes the plan stale
    intake = take_in(was, kind)
    if own is not None and own.account != service.account:
        raise WrongAccountError(f"the rows were loaded from {own.account}, but the plan is for {service.account}")
    if "id" not in intake.typed or intake.typed["id"].isna().any():
        raise UnmatchedRowsError("to delete rows, each needs an id")
    matched = match_rows(
        intake,
        own=own,
        service=service,
        by_reference=False,
        new="report",
        trust_rows=True,
    )
    changes = _deletes(intake, matched, np.flatnonzero(matched.is_known))
    if kind is CUSTOMER:
        changes = _with_contacts(changes, service.lookups)
    return Plan(
        table=kind,
        account=service.account,
        frame=frame,
        _as_planned=was,
        changes_list=tuple(changes),
        problems_list=(*(problem for problem in intake.problems if problem.column in _KEYS), *matched.problems),
        notices=(contacts_too(changes),) if kind is CUSTOMER and changes else (),
        compared_rows=len(changes),
        compared_with=_compared_with(matched),
    )


def _commanded(
    intake: Intake, matched: Matched, service: Service, deleted: Collection[str]
) -> tuple[list[Change], list[Problem], list[str]]:
    """Plan the deletes that the column of commands asks for, and take their rows out of everything else."""
    asked = intake.deletes
    if not asked.any():
        return [], [], []
    matched.is_known &= ~(asked & are_among(matched.ids, deleted))
    is_seen = ~np.logical_or.reduce([np.zeros_like(asked), *matched.unsure.values()])
    chosen = np.flatnonzero(asked & matched.is_known & is_seen)
    changes = _deletes(intake, matched, chosen)
    problems = [
        *_undeletable(asked & matched.is_new, "has no id, so there is nothing to delete: remove the row"),
        *_undeletable(
            asked & matched.is_known & ~is_seen,
            "is asked for, but nothing says that the record is still as it was seen: load again, or plan with "
            + option("baseline", "service"),
        ),
    ]
    notices = _gone_already(asked & ~matched.is_known, matched)
    matched.is_known, matched.is_new = matched.is_known & ~asked, matched.is_new & ~asked
    if intake.table is CUSTOMER and changes:
        changes = _with_contacts(changes, service.lookups)
        notices.append(contacts_too(changes))
    return changes, problems, notices


def _undeletable(rows: Mask, rule: str) -> Iterator[Problem]:
    yield from (Problem(int(position), COMMAND, DELETE, rule) for position in np.flatnonzero(rows))


def _gone_already(rows: Mask, matched: Matched) -> list[str]:
    """Count the records that are to be deleted and are not there: that is as it should be."""
    reported = {problem.position for problem in matched.problems}
    ids = matched.ids[rows].dropna()
    gone = len({identifier for position, identifier in ids.items() if position not in reported})
    return [f"{gone} record{'s'[: gone != 1]} to delete {'is' if gone == 1 else 'are'} gone already"] if gone else []


def _clashes(changes: Sequence[Change], table: Table, service: Service, options: Options) -> Iterator[Problem]:
    owners = {change.customer_id for change in changes if change.customer_id and "reference_id" in change.new_values}
    contacts = service.lookups.contacts_of(owners) if owners else {}
    yield from taken_references(changes, table, contacts, service)
    yield from two_defaults(changes)
    if options.duplicates == "report":
        yield from likely_duplicates(changes, table, contacts, service)


def _check_columns(tables: Sequence[Table], options: Options) -> None:
    for parameter, names in (("only", options.only or ()), ("clear", options.clear)):
        if isinstance(names, str):
            raise PlanError(f"{parameter}={names!r} must be a list: {parameter}=[{names!r}]")
        for name in names:
            if not any(name in table and table[name].writable for table in tables):
                kinds = " or ".join(table.name for table in tables)
                flag = Hint(parameter, f"--{parameter}")
                raise PlanError(f"{flag}: {name!r} is not a column of {kinds} that can be edited")


def _doubt(found: Comparison, intake: Intake, matched: Matched) -> None:
    """Say of read-only cells that may be older than the service's that nobody knows; they may be no edits."""
    for number, problem in enumerate(found.problems):
        position, name = problem.position, problem.column
        if position is None or intake.table[name].writable or not _is_unsure(matched, position, name):
            continue
        old = to_record_value(matched.base[name].iat[position], intake.table[name])
        found.problems[number] = problem._replace(rule=_doubtful(old, "load again"))


def _is_unsure(matched: Matched, position: int, name: str) -> bool:
    return name in matched.unsure and bool(matched.unsure[name][position])


def _doubtful(old: Any, advice: str) -> str:
    return f"differs from WizCommerce ({old!r}), and nothing says which of them is newer: {advice}"


def _updates(found: Comparison, intake: Intake, matched: Matched) -> list[Change]:
    changes = []
    for who in _identities(matched.base, intake, matched, sorted(found.cells)):
        position = who[0]
        cells = found.cells[position]
        unsure = [cell for cell in cells if _is_unsure(matched, position, cell.column)] if matched.unsure else ()
        for cell in unsure:
            again = Hint("load again and repeat the edit", "export again and repeat the edit, or use --original FILE")
            rule = _doubtful(cell.old, f"{again}, or plan with {option('baseline', 'service')} to send yours")
            found.problems.append(Problem(position, cell.column, cell.new, rule))
        sure = tuple(cell for cell in cells if cell not in unsure) if unsure else tuple(cells)
        if sure:
            changes.append(Change("update", *who, sure, matched.new_customers.get(position)))
    return changes


def _identities(
    source: pd.DataFrame, intake: Intake, matched: Matched, positions: Sequence[int]
) -> Iterator[tuple[int, Any, str, str | None, str | None, str | None]]:
    """Say which records some rows are, as a change does: position, label, name, id, customer's id and reference."""
    if not positions:
        return iter(())
    names = _NAMES[intake.table]
    columns = _columns(source, intake, matched, positions, [*names, "reference_id"])
    nothing = [None] * len(positions)
    texts = zip(*(columns.get(name, nothing) for name in names), strict=True)
    keys = (columns.get(name, nothing) for name in ("id", "customer_id", "reference_id"))
    labels = intake.labels.take(np.array(positions))
    name = _customer_name if intake.table is CUSTOMER else _contact_name
    return zip(positions, labels, itertools.starmap(name, texts), *keys, strict=True)


def _customer_name(display: str | None, company: str | None) -> str:
    return display or company or ""


def _contact_name(first: str | None, last: str | None, email: str | None) -> str:
    return " ".join(filter(None, (first, last))) or email or ""


def _columns(
    source: pd.DataFrame, intake: Intake, matched: Matched, positions: Sequence[int], names: Iterable[str]
) -> dict[str, list[Any]]:
    """Read some rows, and whose they are, by column: cell by cell, pandas would take ten times as long."""
    columns = {name: source[name] for name in names if name in source}
    columns |= {"id": matched.ids, "customer_id": matched.customer_ids}
    places = np.array(positions, dtype=np.intp)
    return {
        name: record_values(values, intake.table[name], places)
        for name, values in columns.items()
        if name in intake.table
    }


def _rows(intake: Intake, matched: Matched, positions: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Read whole rows as they were."""
    columns = _columns(matched.base, intake, matched, positions, map(str, matched.base))
    yield from (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _text(value: Any) -> str | None:
    return None if is_blank(value) else str(value)


def _deletes(intake: Intake, matched: Matched, positions: npt.NDArray[np.intp]) -> list[Change]:
    chosen: list[int] = positions.tolist()
    identities = _identities(matched.base, intake, matched, chosen)
    rows = _rows(intake, matched, chosen)
    return [
        Change("delete", *who, _deleted(intake, row), matched.new_customers.get(who[0]))
        for who, row in zip(identities, rows, strict=True)
    ]


def _deleted(intake: Intake, row: Mapping[str, Any]) -> tuple[Cell, ...]:
    cells = [Cell(name, value, None) for name, value in row.items() if intake.table[name].writable]
    if row.get("updated_at") is not None:  # it tells of changes in what a load does not show
        cells.append(Cell("updated_at", row["updated_at"].isoformat(), None))
    return tuple(cells)


def _with_contacts(changes: Sequence[Change], lookups: Lookups) -> list[Change]:
    listed = lookups.contacts_of({change.id for change in changes if change.id})
    return [change._replace(contacts=len(listed.get(str(change.id), ()))) for change in changes]


def _creates(intake: Intake, matched: Matched, account: Account) -> tuple[list[Change], list[Problem], list[str]]:
    changes: list[Change] = []
    problems: list[Problem] = []
    ignored: set[str] = set()
    ordinals: Counter[str] = Counter()
    for who in _identities(intake.typed, intake, matched, np.flatnonzero(matched.is_new).tolist()):
        position = who[0]
        cells, wrong, skipped = given_cells(intake, position)
        problems += [*wrong, *_lacking(intake, matched, position, cells, wrong)]
        ignored.update(skipped)
        if cells:
            cells = _with_reference(cells, intake, matched, position, account, ordinals)
            change = Change("create", *who, tuple(cells), matched.new_customers.get(position))
            changes.append(change._replace(reference_id=change.new_values["reference_id"]))
    notices = [f"new rows: {', '.join(sorted(ignored))} are the service's own and not sent"] if ignored else []
    return changes, problems, notices


def _lacking(
    intake: Intake, matched: Matched, position: int, cells: Iterable[Cell], wrong: Iterable[Problem]
) -> list[Problem]:
    given = {cell.column for cell in cells} | {problem.column for problem in wrong}
    needed = [name for name in intake.table.required if name != "reference_id" and name not in given]
    is_of_nobody = is_blank(matched.customer_ids.iat[position]) and position not in matched.new_customers
    if intake.table is not CUSTOMER and is_of_nobody:
        needed.append("customer_id")
    if not given:
        return [Problem(position, "id", None, "is blank, and so is the rest of the row")]
    return [Problem(position, name, None, "is required for a new row") for name in needed]


def _with_reference(
    cells: list[Cell],
    intake: Intake,
    matched: Matched,
    position: int,
    account: Account,
    ordinals: Counter[str],
) -> list[Cell]:
    """Give a new row its reference before anything is sent: it is what makes a create safe to repeat.

    The same row gets the same reference on another machine; a second identical row gets another.
    """
    if any(cell.column == "reference_id" for cell in cells):
        return cells
    parent = matched.new_customers.get(position) or _text(matched.customer_ids.iat[position]) or ""
    content = orjson.dumps([str(account), intake.table.name, parent, sorted(map(list, cells))]).decode()
    ordinal = ordinals[content]
    ordinals[content] += 1
    digest = hashlib.sha256(f"{content}{ordinal}".encode()).digest()
    given = {cell.column: cell.new for cell in cells}
    name = str(given.get("company_name") or given.get("first_name") or intake.table.singular)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper()
    word = re.sub(r"[^A-Z0-9]+", "-", plain).strip("-")[:16].strip("-")
    reference = f"{word or 'NEW'}-{base64.b32encode(digest).decode()[:10]}"
    return [Cell("reference_id", None, reference), *cells]


def _misfits(intake: Intake, found: Comparison, matched: Matched) -> list[Problem]:
    """Keep the values that fit no column where they matter: in edited cells, new rows and keys."""
    untouched = matched.is_known
    return [
        problem
        for problem in intake.problems
        if problem.position is None
        or problem.column in (*_KEYS, COMMAND)
        or not (untouched[problem.position] or intake.deletes[problem.position])
        or any(cell.column == problem.column for cell in found.cells.get(problem.position, ()))
        or (_is_blanked(intake, matched, problem) and not intake.deletes[problem.position])
    ]


def _is_blanked(intake: Intake, matched: Matched, problem: Problem) -> bool:
    """Tell whether a value that fits no column stands where there was one: it reads as blank, but is an edit."""
    position, name = problem.position or 0, problem.column
    if name not in intake.typed or name not in matched.base:
        return True
    return is_blank(intake.typed[name].iat[position]) and bool(matched.shown[name][position])


def _old_dirt(updates: Sequence[Change], matched: Matched, intake: Intake) -> Iterator[str]:
    """Name old values that the service may refuse: a contact is written whole, so they go along with the edit."""
    if intake.table is CUSTOMER:
        return
    rows = _rows(intake, matched, [change.position for change in updates])
    for change, row in zip(updates, rows, strict=True):
        for name, value in row.items():
            field = intake.table[name]
            rule = violation(field, value) if field.writable and name not in change.new_values else None
            if rule:
                yield f"row {change.label}: a contact is sent whole, and its {name} {value!r} {rule}: correct it too"


def _compared_with(matched: Matched) -> str:
    sources = [str(baseline) for baseline in matched.used]
    if bool((matched.against_service & matched.is_known).any()):
        sources.append("the service's present records")
    return " and ".join(sources)
