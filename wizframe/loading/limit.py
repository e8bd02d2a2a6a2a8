"""The first customers in an order, without reading the others: a look at an account, no proof about the rest."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from wizframe.api.validation import moment
from wizframe.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from wizframe.api.dialects import Record
    from wizframe.loading.reader import Reading

    Show = Callable[[int, int | None], None]

__all__ = ["cut", "first_customers"]


def first_customers(reading: Reading, *, sort_by: str, sort: str, limit: int, show: Show) -> list[Record]:
    """Read customers in the order asked for until there are enough.

    Parameters
    ----------
    reading : Reading
    sort_by, sort : str
        As in :func:`wizframe.load_customers`. Names are put in order here, as no service says how it does it: then
        everybody is read.
    limit : int
    show : callable

    Returns
    -------
    list of dict
        At least the first ``limit`` that the reading's filters let through, in no order; :func:`cut` does the rest.
    """
    if not sort_by.endswith("_at"):
        return reading.customers(show)

    def is_enough(listed: list[Record]) -> bool:
        _check_order(listed, sort_by, sort)
        found = sum(passes(record, reading.filters) for record in listed)
        show(min(found, limit), limit)
        return found >= limit

    try:
        return reading.customers_in_order(sort_by, sort, is_enough)
    except ProtocolError as error:
        if error.code != "order":
            raise
        reading.client.respell_queries()
        return reading.customers_in_order(sort_by, sort, is_enough)


def _check_order(records: Iterable[Record], sort_by: str, sort: str) -> None:
    times = [time for record in records if (time := _time(record, sort_by)) is not None]
    if any(later < earlier if sort == "asc" else later > earlier for earlier, later in pairwise(times)):
        error = ProtocolError(f"the service did not list customers by {sort_by}, as it was asked to")
        error.code = "order"
        raise error


def cut(records: Sequence[Record], filters: dict[str, Any], *, sort_by: str, sort: str, limit: int) -> list[Record]:
    """Keep the first records in an order.

    Parameters
    ----------
    records : sequence of dict
    filters : dict
        What a record must pass.
    sort_by, sort : str
        Blank comes last in either order, as in a frame.
    limit : int

    Returns
    -------
    list of dict
    """
    kept = [record for record in records if passes(record, filters)]
    read = _time if sort_by.endswith("_at") else _text
    values: list[tuple[Any, Record]] = [(read(record, sort_by), record) for record in kept]
    named = [pair for pair in values if pair[0] is not None]
    named.sort(key=lambda pair: pair[0], reverse=sort == "desc")
    return [record for _, record in [*named, *(pair for pair in values if pair[0] is None)]][:limit]


def passes(record: Record, filters: dict[str, Any]) -> bool:
    """Tell whether a record is what was asked for.

    Parameters
    ----------
    record : dict
    filters : dict
        ``status`` and the four times; both ends of a range are excluded.

    Returns
    -------
    bool
    """
    return all(_passes(record, name, value) for name, value in filters.items())


def _passes(record: Record, name: str, value: Any) -> bool:
    if name == "status":
        return bool(record.get("status") == value)
    column, side = name.rsplit("_", 1)
    time, bound = _time(record, f"{column}_at"), moment(value)
    return time is not None and (time > bound if side == "after" else time < bound)


def _time(record: Record, name: str) -> datetime | None:
    try:
        return moment(record[name])
    except (KeyError, ValueError, OverflowError):
        return None


def _text(record: Record, name: str) -> str | None:
    value = record.get(name)
    return str(value) if value not in (None, "") else None
