"""Lists that deviate: ignored filters, wrong totals, unusual ends and orders."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from wizframe.server.deviations.points import Deviation, Listing, Proceed, rows_of, with_body, with_page
from wizframe.server.http_messages import ApiError, Request, Response, validation_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.server.list_parameters import Page, Selection

__all__ = [
    "EndOfList",
    "IgnoredOrder",
    "OtherSelection",
    "PageSizeCap",
    "PageSizeLimit",
    "PagesTwice",
    "Totals",
    "all_statuses",
    "always_active",
    "any_case",
    "any_reference",
    "one_text",
    "only_active_references",
    "parts_of_references",
]

#: No record has this reference.
_NO_REFERENCE = ("\0",)


class OtherSelection(Deviation):
    """A list of other records than the request selects."""

    def __init__(self, select: Callable[[Selection, list[str]], Selection]) -> None:
        self._select = select

    def page(self, page: Page) -> Page:
        """Select other records; `select` also receives the references of all customers."""
        is_search = page.selection.references is not None
        known = [record["reference_id"] for record in self.store.records("customers")] if is_search else []
        return dataclasses.replace(page, selection=self._select(page.selection, known))


def all_statuses(selection: Selection, _known: list[str]) -> Selection:
    """Ignore the status."""
    return dataclasses.replace(selection, status=None)


def always_active(selection: Selection, _known: list[str]) -> Selection:
    """Treat every status as the default status."""
    return dataclasses.replace(selection, status="active")


def any_reference(selection: Selection, _known: list[str]) -> Selection:
    """Ignore the references."""
    return dataclasses.replace(selection, references=None)


def one_text(selection: Selection, _known: list[str]) -> Selection:
    """Treat several references as one reference that contains commas."""
    several = selection.references is not None and len(selection.references) > 1
    return dataclasses.replace(selection, references=_NO_REFERENCE) if several else selection


def only_active_references(selection: Selection, _known: list[str]) -> Selection:
    """Find references among active records only."""
    is_lost = selection.references is not None and selection.status != "active"
    return dataclasses.replace(selection, references=_NO_REFERENCE) if is_lost else selection


def any_case(selection: Selection, known: list[str]) -> Selection:
    """Find references that differ in case."""
    wanted = {reference.casefold() for reference in selection.references or ()}
    return _found(selection, [reference for reference in known if reference.casefold() in wanted])


def parts_of_references(selection: Selection, known: list[str]) -> Selection:
    """Find references that contain one of the given texts."""
    return _found(selection, [name for name in known if any(part in name for part in selection.references or ())])


def _found(selection: Selection, references: list[str]) -> Selection:
    if selection.references is None:
        return selection
    return dataclasses.replace(selection, references=tuple(sorted(set(references))) or _NO_REFERENCE)


class IgnoredOrder(Deviation):
    """A list that is ordered by the given column, whatever the request says."""

    def __init__(self, column: str, *, has_direction: bool = False) -> None:
        self._column = column
        self._has_direction = has_direction

    def page(self, page: Page) -> Page:
        """Order by the column."""
        descending = page.descending and self._has_direction
        selection = dataclasses.replace(page.selection, sort_by=self._column)
        return dataclasses.replace(page, selection=selection, descending=descending)


class PageSizeCap(Deviation):
    """A list with at most this many records per page; the service does not report the cap."""

    def __init__(self, most: int) -> None:
        self._most = most

    def page(self, page: Page) -> Page:
        """Cap the size."""
        return dataclasses.replace(page, size=min(page.size, self._most))


class PageSizeLimit(PageSizeCap):
    """A request for a larger page is refused."""

    def page(self, page: Page) -> Page:
        """Refuse a larger page."""
        if page.size > self._most:
            raise validation_error([("page_size", f"must be a whole number from 1 to {self._most}")])
        return page


class Totals(Listing):
    """A list that reports a wrong total. Only `rest` lists have totals."""

    def __init__(self, shown: Callable[[int, int], int | None], *, is_text: bool = False) -> None:
        self._shown = shown
        self._is_text = is_text

    def listing(self, _request: Request, response: Response, _proceed: Proceed) -> Response:
        """Replace the total by one that is computed from the true total and the number of rows on the page."""
        body = orjson.loads(response.body)
        if isinstance(body, list):
            return response
        truth = body["pagination"]
        total = self._shown(truth["total_records"], len(body["data"]))
        return with_body(response, body | {"pagination": self._pagination(truth, total)})

    def _pagination(self, truth: dict[str, Any], total: int | None) -> dict[str, Any]:
        if total is None:
            return {name: value for name, value in truth.items() if not name.startswith("total")}
        pages, number = -(-total // truth["page_size"]), truth["current_page"]
        texts: Any = str if self._is_text else int
        following = number + 1 if number < pages else None
        return truth | {"total_records": texts(total), "total_pages": texts(pages), "next_page": following}


class EndOfList(Listing):
    """A list that responds to a page after the last one with a status or a page instead of an empty list."""

    def __init__(self, status: int) -> None:
        self._status = status

    def listing(self, request: Request, response: Response, proceed: Proceed) -> Response:
        """Respond with the status; with status 200, respond with the last page again."""
        number = int(dict(parse_qsl(request.query)).get("page", "1"))
        if number == 1 or rows_of(response):
            return response
        if self._status >= 400:  # noqa: PLR2004 - an error
            raise ApiError(self._status, "no_such_page", f"page {number} does not exist")
        if self._status == 200:  # noqa: PLR2004 - OK
            return self.listing(with_page(request, number - 1), proceed(with_page(request, number - 1)), proceed)
        return Response(self._status)


class PagesTwice(Deviation):
    """A list that sends each page twice."""

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Send pages 1 and 2 as the first page, 3 and 4 as the second one, and so on."""
        number = dict(parse_qsl(request.query)).get("page", "1")
        if request.method != "GET" or not number.isdecimal():
            return proceed(request)
        return proceed(with_page(request, (int(number) + 1) // 2)) if "page=" in request.query else proceed(request)
