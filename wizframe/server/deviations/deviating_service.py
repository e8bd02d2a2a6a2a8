"""A service with deviations, which affect every request to one of its operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wizframe.server.deviations.points import respond_in_turn
from wizframe.server.routes import LOGIN, operation_of
from wizframe.server.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wizframe.server.deviations.points import Deviation
    from wizframe.server.http_messages import Request, Response
    from wizframe.server.spelling import Spelling
    from wizframe.server.store import Store

__all__ = ["DeviatingService"]


class DeviatingService(Service):
    """A service with deviations. The last one receives a request first, and alters a response last."""

    def __init__(
        self,
        store: Store,
        spelling: Spelling,
        page_size_cap: Callable[[], int | None],
        deviations: Sequence[Deviation] = (),
    ) -> None:
        super().__init__(store, spelling, page_size_cap, deviations)
        self._deviations = deviations
        for deviation in deviations:
            deviation.attach(store, spelling)

    def respond(self, request: Request) -> Response:
        """Apply a request with all deviations, and return the response."""
        if operation_of(request.method, request.path) in ("", LOGIN):
            return super().respond(request)
        return respond_in_turn(self._deviations, request, super().respond)
