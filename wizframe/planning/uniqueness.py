"""Find changes that conflict with others: references in use, two defaults, new rows that look like a record."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wizframe.frames import baselines
from wizframe.planning.changes import Problem
from wizframe.text import option

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from wizframe.api.dialects import Record
    from wizframe.fields import Likeness, Table
    from wizframe.planning.changes import Change
    from wizframe.planning.match import Service

    Siblings = Mapping[str, list[Record]]
    Alike = tuple[Any, ...]
    Known = tuple[tuple[str | None, str | None], Record]

__all__ = ["likely_duplicates", "taken_references", "two_defaults", "with_displaced"]


def taken_references(
    changes: Sequence[Change], table: Table, siblings: Siblings, service: Service
) -> Iterator[Problem]:
    """Find references that occur twice in a plan or that another record has, and parents that do not exist.

    ``siblings`` maps each parent's id to its records. Unknown parents are absent.
    """
    wanted = [
        (change, str(cell.new))
        for change in changes
        for cell in change.cells
        if cell.column == "reference_id" and cell.new
    ]
    owners: dict[tuple[Any, str], list[Change]] = defaultdict(list)
    for change, reference in wanted:
        owners[change.owner, reference].append(change)
    for (_, reference), several in owners.items():
        if len(several) > 1:
            rule = "is in several rows, but must be unique"
            yield from (Problem(change.position, "reference_id", reference, rule) for change in several)
    known = _ids_by_reference(wanted, table, siblings, service)
    for change, reference in wanted:
        owner = known.get((change.customer_id, reference))
        if change.customer_id and change.customer_id not in siblings:
            yield Problem(change.position, table.parent_id, change.customer_id, "is unknown in this account")
        elif owner is not None and owner != change.id:
            advice = f"; plan with {option('match', 'reference_id')} to update it" if change.action == "create" else ""
            yield Problem(change.position, "reference_id", reference, f"exists as {owner}{advice}")


def _ids_by_reference(
    wanted: Sequence[tuple[Change, str]], table: Table, siblings: Siblings, service: Service
) -> dict[tuple[str | None, str], str]:
    """Return the id of the record that has each wanted reference, keyed by (parent's id, reference)."""
    if table.parent is not None:
        return {(parent, row.get("reference_id", "")): row["id"] for parent, rows in siblings.items() for row in rows}
    found = service.lookups.by_reference(table, {(None, reference) for _, reference in wanted}) if wanted else {}
    return {key: record["id"] for key, record in found.items()}


def two_defaults(changes: Sequence[Change], table: Table, value_of: Callable[[Change, str], Any]) -> Iterator[Problem]:
    """Find two new defaults in one group, because the order of sending would decide which of them stays."""
    if table.default is None or table.parent is None:
        return
    column, per = table.default.column, table.default.per
    groups: dict[Any, list[Change]] = defaultdict(list)
    for change in changes:
        if change.new_values.get(column) is True:
            groups[change.owner, *(value_of(change, name) for name in per)].append(change)
    of_one = f"one {table.parent.singular}" + "".join(f" and {name}" for name in per)
    rule = f"several {table.name} of {of_one} become the default: keep one"
    for several in groups.values():
        if len(several) > 1:
            yield from (Problem(change.position, column, True, rule) for change in several)


def with_displaced(
    changes: Sequence[Change], table: Table, siblings: Siblings, value_of: Callable[[Change, str], Any]
) -> list[Change]:
    """Note in each new default from which records the service takes the flag: that is an effect of the plan, too."""
    if table.default is None:
        return list(changes)
    column, per = table.default.column, table.default.per
    losing = {change.id for change in changes if change.new_values.get(column) is False}

    def loses(record: Record, change: Change) -> bool:
        is_other = record["id"] != change.id and record["id"] not in losing
        return bool(is_other and record.get(column) is True) and all(
            record.get(name) == value_of(change, name) for name in per
        )

    return [
        change._replace(
            displaced=tuple(
                (record["id"], table.record_name(record))
                for record in siblings.get(str(change.customer_id), ())
                if loses(record, change)
            )
        )
        if change.new_values.get(column) is True
        else change
        for change in changes
    ]


def likely_duplicates(
    changes: Sequence[Change], named: Collection[int], table: Table, siblings: Siblings, service: Service
) -> Iterator[Problem]:
    """Find new rows that look like a record, or like another new row.

    Their references differ only in characters that people do not see, or they have the same content under different
    references. ``named`` are the positions of new rows with a reference that the user chose. For a table without
    parents, the service's records are read only if there is something to compare, and as few as this session's loads
    allow.
    """
    new = [change for change in changes if change.action == "create"]
    close: dict[Alike, list[Change]] = defaultdict(list)
    alike: dict[Alike, list[Change]] = defaultdict(list)
    for change in new:
        if change.position in named:
            close[change.owner, reference_key(change.reference_id)].append(change)
        if table.likeness and (key := _key(change.new_values, change.owner, table.likeness)):
            alike[key].append(change)
    if not (close or alike):
        return
    records = list(_existing(close, alike, table, siblings, service))
    yield from _close_references(close, records)
    if table.likeness:
        yield from _similar_content(alike, records, table.likeness)


def reference_key(text: Any) -> str:
    """Return a reference without what people do not notice: spaces, letter case and invisible characters."""
    if not isinstance(text, str) or (text.isascii() and text.isprintable()):
        return _folded(text)
    return _folded("".join(one for one in unicodedata.normalize("NFKC", text) if not _is_invisible(one)))


def _is_invisible(character: str) -> bool:
    if character.isspace():
        return False
    return unicodedata.category(character) in ("Cf", "Cc", "Cn") or character in _FILLERS


#: Letters and marks without a visible shape: Hangul fillers, the Braille blank, joiners and variation selectors.
_FILLERS = frozenset("\u115f\u1160\u3164\u2800\u034f\u180b\u180c\u180d" + "".join(map(chr, range(0xFE00, 0xFE10))))


def _close_references(close: Mapping[Alike, Sequence[Change]], records: Sequence[Known]) -> Iterator[Problem]:
    known: dict[Alike, list[tuple[str, str]]] = defaultdict(list)
    for owner, record in records:
        key = owner, reference_key(record.get("reference_id"))
        if key in close:
            known[key].append((str(record["reference_id"]), f"of {record['id']}"))
    for key, several in close.items():
        new = [(str(change.reference_id), f"of row {change.label}") for change in several]
        for change in several:
            others = [one for one in [*known[key], *new] if one[0] != change.reference_id]
            if others and change.reference_id not in [reference for reference, _ in known[key]]:
                other, whose = others[0]
                rule = (
                    f"differs from {other!r} {whose} only in spaces, letter case or invisible characters: use that "
                    f"one, or plan with {option('duplicates', 'create')} to create it anyway"
                )
                yield Problem(change.position, "reference_id", change.reference_id, rule)


def _similar_content(
    alike: Mapping[Alike, Sequence[Change]], records: Sequence[Known], rule: Likeness
) -> Iterator[Problem]:
    known: dict[Any, str] = {}
    for owner, record in records:
        key = _key(record, owner, rule)
        if key in alike:
            known[key] = record["id"]
            known[owner, record.get("reference_id")] = record["id"]
    for key, several in alike.items():
        for number, change in enumerate(several):
            what = known.get(key) or (f"row {several[0].label}" if number else None)
            # If the reference is already in use, another problem says so, and it is the more certain one.
            if what and what != known.get((change.owner, change.reference_id)):
                column = rule.needed[-1]
                yield Problem(
                    change.position,
                    column,
                    change.new_values[column],
                    f"looks like {what} (same {rule.words}): leave the row out, or plan with "
                    f"{option('duplicates', 'create')} to create it anyway",
                )


def _existing(
    close: Collection[Alike], alike: Collection[Alike], table: Table, siblings: Siblings, service: Service
) -> Iterator[Known]:
    """Yield records with their owners, including all that may look like a new row."""
    if table.parent is not None:
        yield from (((parent, None), row) for parent, rows in siblings.items() for row in rows)
        return
    rule = table.likeness
    wanted = {"reference_id": (reference_key, {key[1] for key in close})}
    if rule is not None and alike:
        column = rule.needed[-1]
        wanted[column] = (_folded, {key[1 + rule.columns.index(column)] for key in alike})
    yield from (((None, None), record) for record in _roots(wanted, table, service))


def _roots(
    wanted: Mapping[str, tuple[Callable[[Any], str], Collection[str]]], table: Table, service: Service
) -> Iterator[Record]:
    """Yield the records that may look like new rows: from a complete load, and those that were created after it."""
    loads = baselines.live(table, service.account, service.connection)
    whole = next((load for load in loads if load.is_whole), None)
    since = None
    if whole is not None and len(whole.frame):
        # By the service's own clock: a record that was created after this load is not older than its newest record.
        newest = whole.frame["created_at"].max()
        since = None if pd.isna(newest) else newest.to_pydatetime()
        chosen = [whole.frame[name].map(fold).isin(list(values)) for name, (fold, values) in wanted.items() if values]
        loaded = set(whole.frame["id"][np.logical_or.reduce(chosen)])
        yield from service.lookups.by_id(table, {(None, one) for one in loaded}).values() if loaded else ()
    yield from service.lookups.created_since(table, since)


def _key(record: Mapping[str, Any], owner: tuple[str | None, str | None], rule: Likeness) -> Alike | None:
    """Return the values that two similar records have in common; None if too little is known."""
    values = {name: _folded(record.get(name)) for name in rule.columns}
    return (owner, *values.values()) if all(values[name] for name in rule.needed) else None


def _folded(text: Any) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()) if isinstance(text, str) else ""
