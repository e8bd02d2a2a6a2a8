"""Read the first records in an order, without the others. This is a preview, and proves nothing about the rest."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from wizframe.api.values import moment_of
from wizframe.errors import ProtocolError
from wizframe.loading.frame import passes
from wizframe.progress import bar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from wizframe.api.pages import Record
    from wizframe.loading.reader import Reader

__all__ = ["cut", "first_records"]


def first_records(reader: Reader, *, sort_by: str, sort: str, limit: int) -> list[Record]:
    """Read in an order until enough records match the filters; ``cut`` then picks the first of them."""
    if not sort_by.endswith("_at"):  # the documents do not say how names are sorted: read all, and let `cut` sort them
        return reader.records()
    with bar(reader.table.name, enabled=reader.progress) as show:
        return list(reader.adapting(partial(_first_of_each_status, reader, sort_by, sort, limit, show)))


def _first_of_each_status(reader: Reader, sort_by: str, sort: str, limit: int, show: Any) -> Iterator[Record]:
    if not reader.client.traits.is_ordered:
        yield from reader.records()
        return
    records: dict[str, Record] = {}
    for status in reader.statuses:
        passed: set[str] = set()
        last: datetime | None = None
        for page in reader.pages_until_known(status, sort_by=sort_by, sort=sort):
            last = _check_order([last, *(moment_of(record.get(sort_by)) for record in page.values())], sort_by, sort)
            records |= page
            passed.update(name for name, record in page.items() if passes(record, reader.filters))
            show(min(len(passed), limit), limit)
            if len(passed) >= limit:
                break
    yield from records.values()


def _check_order(times: Iterable[datetime | None], sort_by: str, sort: str) -> datetime | None:
    """Check that times are in the requested order, and return the last one."""
    known = [time for time in times if time is not None]
    if any(later < earlier if sort == "asc" else later > earlier for earlier, later in pairwise(known)):
        error = ProtocolError(f"the service did not sort the records by {sort_by}, as the request asked")
        error.code = "order"
        raise error
    return known[-1] if known else None


def cut(records: Iterable[Record], filters: dict[str, Any], *, sort_by: str, sort: str, limit: int) -> list[Record]:
    """Return the first records that match the filters. In both orders, blank values come last, as in a frame."""
    read = moment_of if sort_by.endswith("_at") else _text
    kept = (record for record in records if passes(record, filters))
    pairs: list[tuple[Any, Record]] = [(read(record.get(sort_by)), record) for record in kept]
    filled = [pair for pair in pairs if pair[0] is not None]
    filled.sort(key=lambda pair: pair[0], reverse=sort == "desc")
    return [record for _, record in [*filled, *(pair for pair in pairs if pair[0] is None)]][:limit]


def _text(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None
