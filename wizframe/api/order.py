"""Tell records apart, and which is older."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from wizframe.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wizframe.api.pages import Page, Record

__all__ = ["check_order", "created", "identities", "identity"]

_FORM = "0000-00-00T00:00:00Z"
_DIGITS = str.maketrans("123456789", "000000000")


def identity(record: Record) -> str:
    """Name a record: by its id, or by all of it where it has none.

    Parameters
    ----------
    record : dict

    Returns
    -------
    str
    """
    identifier = record.get("id")
    return identifier if identifier and isinstance(identifier, str) else json.dumps(record)


def identities(page: Page) -> list[str]:
    """Name the records of a page.

    Parameters
    ----------
    page : Page

    Returns
    -------
    list of str
    """
    if page.is_named:
        return list(page.values("id"))
    return [identity(record) for record in page.records]


def created(record: Record) -> datetime | None:
    """Tell when a record was created.

    Parameters
    ----------
    record : dict

    Returns
    -------
    datetime or None
        In its own zone, naive taken for UTC; None where it does not say.
    """
    return _moment(record.get("created_at"))


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def check_order(pages: Iterable[Page]) -> None:
    """Insist on what every walk rests on.

    Parameters
    ----------
    pages : iterable of Page
        One after the other.

    Raises
    ------
    ProtocolError
        With code ``"order"``, where a record is older than one before it.
    """
    times = list(chain.from_iterable(page.values("created_at") for page in pages))
    # Texts of this one form are in the order of what they mean.
    has_one_form = set(map(type, times)) <= {str} and "".join(times).translate(_DIGITS) == _FORM * len(times)
    if has_one_form and times == sorted(times):
        return
    known = [moment for time in times if (moment := _moment(time)) is not None]
    if any(later < earlier for earlier, later in pairwise(known)):
        error = ProtocolError("the service did not list records by created_at, oldest first, as it was asked to")
        error.code = "order"
        raise error
