"""What would get in each other's way: references that are taken, two defaults, new rows that look like a record."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from wizframe.fields import CUSTOMER
from wizframe.frames import baselines
from wizframe.planning.changes import Problem
from wizframe.text import option

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from wizframe.api.dialects import Record
    from wizframe.fields import Table
    from wizframe.planning.changes import Change
    from wizframe.planning.match import Service

    Likeness = tuple[Any, ...]

__all__ = ["likely_duplicates", "taken_references", "two_defaults"]


def taken_references(
    changes: Sequence[Change], table: Table, contacts: Mapping[str, list[Record]], service: Service
) -> list[Problem]:
    """Find references that occur twice in a plan, or that another record has, and customers that are not there.

    Parameters
    ----------
    changes : sequence of Change
    table : Table
    contacts : mapping
        Customer id to the contacts that it has; unknown customers are absent.
    service : Service

    Returns
    -------
    list of Problem
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
    problems = [
        Problem(change.position, "reference_id", reference, "stands in several rows, but must be unique")
        for (_, reference), several in owners.items()
        if len(several) > 1
        for change in several
    ]
    known = _references(wanted, table, contacts, service)
    for change, reference in wanted:
        owner = known.get((change.customer_id, reference))
        if change.customer_id and change.customer_id not in contacts:
            problems.append(Problem(change.position, "customer_id", change.customer_id, "is unknown in this account"))
        elif owner is not None and owner != change.id:
            advice = f"; plan with {option('match', 'reference_id')} to update it" if change.action == "create" else ""
            problems.append(Problem(change.position, "reference_id", reference, f"exists as {owner}{advice}"))
    return problems


def _references(
    wanted: Sequence[tuple[Change, str]], table: Table, contacts: Mapping[str, list[Record]], service: Service
) -> dict[tuple[str | None, str], str]:
    """Tell which record has a reference: (customer id for a contact, reference) to id."""
    if table is CUSTOMER:
        found = service.lookups.customers_by_reference({reference for _, reference in wanted}) if wanted else {}
        return {(None, reference): record["id"] for reference, record in found.items()}
    return {(owner, row.get("reference_id", "")): row["id"] for owner, rows in contacts.items() for row in rows}


def two_defaults(changes: Sequence[Change]) -> list[Problem]:
    """Refuse two new defaults for one customer: which of them wins would be a matter of order.

    Parameters
    ----------
    changes : sequence of Change

    Returns
    -------
    list of Problem
    """
    defaults: dict[Any, list[Change]] = defaultdict(list)
    for change in changes:
        for cell in change.cells:
            if cell.column == "is_default" and cell.new is True:
                defaults[change.owner].append(change)
    rule = "several contacts of one customer become the default: keep one"
    return [
        Problem(change.position, "is_default", True, rule)
        for several in defaults.values()
        if len(several) > 1
        for change in several
    ]


def likely_duplicates(
    changes: Sequence[Change], table: Table, contacts: Mapping[str, list[Record]], service: Service
) -> Iterator[Problem]:
    """Find new rows that look like a record, or like another new row, under another reference.

    A customer is alike with the same company and e-mail, a contact with the same customer, names and e-mail; capitals
    and spaces do not tell apart. Without an e-mail nothing is alike.

    Parameters
    ----------
    changes : sequence of Change
    table : Table
    contacts : mapping
        Customer id to the contacts that it has.
    service : Service
        Asked for customers only where a new one has an e-mail, and then for as few as this session's loads allow.

    Yields
    ------
    Problem
    """
    new = [(change, _likeness(change.new_values, change.owner)) for change in changes if change.action == "create"]
    alike: dict[Likeness, list[Change]] = defaultdict(list)
    for change, likeness in new:
        if likeness:
            alike[likeness].append(change)
    if not alike:
        return
    known = _existing(alike, table, contacts, service)
    for likeness, several in alike.items():
        for number, change in enumerate(several):
            what = known.get(likeness) or (f"row {several[0].label}" if number else None)
            # A reference that is taken is a problem already, and the surer one.
            if what and what != known.get((change.owner, change.reference_id)):
                yield Problem(change.position, "email", change.new_values["email"], _rule(what, table))


def _rule(what: str, table: Table) -> str:
    same = "company and e-mail" if table is CUSTOMER else "names and e-mail"
    anyway = f"plan with {option('duplicates', 'create')} to create it anyway"
    return f"looks like {what} (same {same}): leave the row out, or {anyway}"


def _existing(
    alike: Mapping[Likeness, Any], table: Table, contacts: Mapping[str, list[Record]], service: Service
) -> dict[Any, str]:
    """Name the records that have one of the likenesses, and those that have a reference, by id."""
    found: dict[Any, str] = {}
    if table is CUSTOMER:
        records: Iterable[tuple[Any, Record]] = (((None, None), record) for record in _customers(alike, service))
    else:
        records = (((owner, None), row) for owner, rows in contacts.items() for row in rows)
    for owner, record in records:
        likeness = _likeness(record, owner)
        if likeness in alike:
            found[likeness] = record["id"]
            found[owner, record.get("reference_id")] = record["id"]
    return found


def _customers(alike: Mapping[Likeness, Any], service: Service) -> Iterator[Record]:
    """Give the customers that have one of the e-mails: from a load of all of them, and what was created since."""
    loads = baselines.live(CUSTOMER, service.account, service.connection)
    whole = next((load for load in loads if load.is_whole), None)
    since = None
    if whole is not None and len(whole.frame):
        # By the service's own clock: whatever it created after the newest record of the load is not older than that.
        since = whole.frame["created_at"].max().to_pydatetime()
        emails = {likeness[-1] for likeness in alike}
        loaded = set(whole.frame["id"][whole.frame["email"].map(_folded).isin(emails)])
        yield from service.lookups.customers_by_id(loaded).values() if loaded else ()
    yield from service.lookups.customers_created_since(since)


def _likeness(record: Mapping[str, Any], owner: tuple[str | None, str | None]) -> Likeness | None:
    """Give what makes two records look like one; None where that is too little to tell."""
    email = _folded(record.get("email"))
    if not email:
        return None
    if owner == (None, None):
        company = _folded(record.get("company_name"))
        return (company, email) if company else None
    return (owner, _folded(record.get("first_name")), _folded(record.get("last_name")), email)


def _folded(text: Any) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()) if isinstance(text, str) else ""
