"""Changes that get in each other's way: taken references, two defaults, new rows that look like a record."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from wizframe.frames import baselines
from wizframe.planning.changes import Problem
from wizframe.text import option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from wizframe.api.dialects import Record
    from wizframe.fields import Likeness, Table
    from wizframe.planning.changes import Change
    from wizframe.planning.match import Service

    Siblings = Mapping[str, list[Record]]
    Alike = tuple[Any, ...]

__all__ = ["likely_duplicates", "taken_references", "two_defaults"]


def taken_references(
    changes: Sequence[Change], table: Table, siblings: Siblings, service: Service
) -> Iterator[Problem]:
    """Find references that occur twice in a plan or that another record has, and parents that do not exist.

    ``siblings`` are the records that the parents have; unknown parents are absent.
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
    """Tell which record has a reference: (parent's id, reference) to id."""
    if table.parent is not None:
        return {(parent, row.get("reference_id", "")): row["id"] for parent, rows in siblings.items() for row in rows}
    found = service.lookups.by_reference(table, {(None, reference) for _, reference in wanted}) if wanted else {}
    return {key: record["id"] for key, record in found.items()}


def two_defaults(changes: Sequence[Change], table: Table, value_of: Callable[[Change, str], Any]) -> Iterator[Problem]:
    """Refuse two new defaults in one group: which of them stays would depend on the order of sending."""
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


def likely_duplicates(
    changes: Sequence[Change], table: Table, siblings: Siblings, service: Service
) -> Iterator[Problem]:
    """Find new rows that look like a record, or like another new row, under another reference.

    The service is asked for all records of a table without parents only if a new one has what is needed to compare,
    and then for as few as this session's loads allow.
    """
    rule = table.likeness
    if rule is None:
        return
    alike: dict[Alike, list[Change]] = defaultdict(list)
    for change in changes:
        if change.action == "create" and (key := _key(change.new_values, change.owner, rule)):
            alike[key].append(change)
    if not alike:
        return
    known = _existing(alike, rule, table, siblings, service)
    for key, several in alike.items():
        for number, change in enumerate(several):
            what = known.get(key) or (f"row {several[0].label}" if number else None)
            # A reference that is taken is a problem already, and the surer one.
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
    alike: Mapping[Alike, Any], rule: Likeness, table: Table, siblings: Siblings, service: Service
) -> dict[Any, str]:
    """Name the records that are alike, and those that have a reference, by id."""
    records: Iterable[tuple[Any, Record]]
    if table.parent is None:
        records = (((None, None), record) for record in _roots(alike, rule, table, service))
    else:
        records = (((parent, None), row) for parent, rows in siblings.items() for row in rows)
    found: dict[Any, str] = {}
    for owner, record in records:
        key = _key(record, owner, rule)
        if key in alike:
            found[key] = record["id"]
            found[owner, record.get("reference_id")] = record["id"]
    return found


def _roots(alike: Mapping[Alike, Any], rule: Likeness, table: Table, service: Service) -> Iterator[Record]:
    """Give the records that may be alike: from a load of all of them, and those created since."""
    loads = baselines.live(table, service.account, service.connection)
    whole = next((load for load in loads if load.is_whole), None)
    since = None
    if whole is not None and len(whole.frame):
        # By the service's own clock: what it created after the newest record of the load is not older than that.
        since = whole.frame["created_at"].max().to_pydatetime()
        column = rule.needed[-1]
        wanted = {key[1 + rule.columns.index(column)] for key in alike}
        loaded = set(whole.frame["id"][whole.frame[column].map(_folded).isin(wanted)])
        yield from service.lookups.by_id(table, {(None, one) for one in loaded}).values() if loaded else ()
    yield from service.lookups.created_since(table, since)


def _key(record: Mapping[str, Any], owner: tuple[str | None, str | None], rule: Likeness) -> Alike | None:
    """Give what two records that look alike have in common; None if too little is known."""
    values = {name: _folded(record.get(name)) for name in rule.columns}
    return (owner, *values.values()) if all(values[name] for name in rule.needed) else None


def _folded(text: Any) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()) if isinstance(text, str) else ""
