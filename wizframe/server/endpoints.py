"""The common parts of all operations: pages of lists, checks of bodies, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from wizframe.server.http_messages import ApiError, Response, validation_error
from wizframe.server.list_parameters import Query
from wizframe.server.rules import check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wizframe.server.deviations.points import Deviation
    from wizframe.server.http_messages import Request
    from wizframe.server.list_parameters import Page
    from wizframe.server.resources import Record, Resource
    from wizframe.server.rules import Path, Problem
    from wizframe.server.spelling import Spelling
    from wizframe.server.store import Store

__all__ = ["Endpoint", "changed"]


class Endpoint:
    """The operations of one resource in one dialect; `page_size_cap` returns the current cap, or None."""

    resource: ClassVar[Resource]

    def __init__(
        self,
        store: Store,
        spelling: Spelling,
        page_size_cap: Callable[[], int | None],
        deviations: Sequence[Deviation] = (),
    ) -> None:
        self._store = store
        self._spelling = spelling
        self._page_size_cap = page_size_cap
        self._deviations = deviations

    def _requested_page(self, request: Request) -> Page:
        page = Query(request.query, self._spelling).page(self.resource, self._page_size_cap())
        for deviation in self._deviations:
            page = deviation.page(page)
        return page

    def _list_response(self, rows: bytes, page: Page, total: int) -> Response:
        return Response(200, self._spelling.list_body(rows, page=page.number, page_size=page.size, total=total))

    def _found_customer(self, customer_id: str) -> Record:
        customer = self._store.get("customers", customer_id)
        if customer is None:
            raise ApiError(404, "not_found", f"customer {customer_id!r} does not exist")
        return customer

    def _checked(self, body: Record, current: Record | None = None) -> Record:
        """Return the values to store by column, for a new record or for an update of the current one.

        Raises a 422 that lists everything that is wrong.
        """
        creating = current is None
        sent = self._spelling.read(self.resource, body, creating=creating)
        values, problems = check(self.resource, sent, complete=creating)
        self._refuse(problems, creating=creating)
        for deviation in self._deviations:
            values = deviation.stored(values, self.resource, current)
        return values

    def _refuse(self, problems: Sequence[Problem], *, creating: bool = False) -> None:
        """Raise a 422 if there are problems."""
        if problems:
            raise validation_error([(self._spelling.path(path, creating=creating), why) for path, why in problems])

    def _require_free_reference(
        self, values: Record, *, at: Path = (), customer_id: str | None = None, own_id: str = ""
    ) -> None:
        """Raise a 409 if another record has the reference in the values, whatever its status."""
        reference = values.get("reference_id")
        if reference and self._store.reference_taken(self.resource.name, reference, customer_id, own_id):
            details = [{"field": self._spelling.path((*at, "reference_id"), creating=False), "reason": "is taken"}]
            message = f"another {self.resource.entity} has the reference {reference!r}"
            raise ApiError(409, "conflict", message, details)


def changed(before: Record, wanted: Record) -> Record:
    """Return the values that differ from the earlier ones. Another kind of blank is not a change."""
    return {name: value for name, value in wanted.items() if (before[name] or None) != (value or None)}
