"""A service whose answers can be wrong: what a fault makes of a request and of its answer, before any byte is sent."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import orjson

from wizframe.server.faults.kinds import KINDS
from wizframe.server.messages import ApiError, Response
from wizframe.server.routes import ids_of, operation_of
from wizframe.server.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.server.account import Account
    from wizframe.server.faults.schedule import Fault
    from wizframe.server.messages import Record, Request

__all__ = ["FaultyService"]


class FaultyService(Service):
    """Answer as asked, or as a fault has it.

    Parameters
    ----------
    account : Account
        The data and the dialect.
    """

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._store = account.store
        self._alterations: dict[str, Callable[[Request, Fault], Response | None]] = {
            "keep": self._kept,
            "lie": self._kept,
            "empty_page": lambda request, _: self._page(request, lambda _: []),
            "short_page": lambda request, _: self._page(request, lambda rows: rows[: len(rows) // 2]),
            "repeated_page": self._repeated,
            "total_too_small": lambda request, _: self._counted(request, lambda total: total // 2),
            "total_too_large": lambda request, _: self._counted(request, lambda total: 2 * total + 1),
        }

    def answer_with(self, fault: Fault, request: Request) -> Response | None:
        """Answer a request that a fault hits.

        Parameters
        ----------
        fault : Fault
            Which one.
        request : Request
            The request.

        Returns
        -------
        Response or None
            The answer; None if there is nothing that the fault could alter, and then nothing was done.
        """
        if KINDS[fault.kind].applied == "altered":
            return self._alterations[fault.kind](request, fault)
        if fault.kind == "answer":
            return _instead(Response(200), fault, request)
        if fault.action is not None:
            try:
                fault.action()
            except Exception as error:  # noqa: BLE001 - whoever wrote the action reads it in the answer
                return ApiError(500, "action_failed", f"{type(error).__name__}: {error}").response()
        truth = self.answer(request)
        return _instead(truth, fault, request) if fault.kind == "answer_after" else truth

    # ------------------------------------------------------------------ writes

    def _kept(self, request: Request, fault: Fault) -> Response | None:
        """Leave the old value where it was, and answer with success."""
        table, _, verb = operation_of(request.method, request.path).partition(".")
        with self._store.reading():
            if fault.column is None or verb == "delete":
                with self._store.rehearsing():
                    answer = self.answer(request)
            else:
                answer = self._kept_column(request, table, verb, fault.column)
            if answer.status >= 300:  # noqa: PLR2004 - refused anyway
                return None
            if fault.kind == "lie" or verb == "delete" or (verb == "create" and fault.column is None):
                return answer
            path = request.path if verb == "update" else f"{request.path}/{_id_in(answer)}"
            shown = self.answer(dataclasses.replace(request, method="GET", path=path, query="", body=b""))
            return dataclasses.replace(answer, body=shown.body)

    def _kept_column(self, request: Request, table: str, verb: str, column: str) -> Response:
        record_id = "" if verb == "create" else ids_of(request.path)[-1]
        before = self._store.get(table, record_id) or {}
        answer = self.answer(request)
        if answer.status < 300:  # noqa: PLR2004 - otherwise there is nothing to put back
            self._store.update(table, record_id or _id_in(answer), {column: before.get(column)})
        return answer

    # ------------------------------------------------------------------ lists

    def _page(self, request: Request, alter: Callable[[list[Any]], list[Any]]) -> Response | None:
        truth = self.answer(request)
        if truth.status != 200:  # noqa: PLR2004 - no page at all
            return None
        body = orjson.loads(truth.body)
        rows = _rows(body)
        altered = alter(rows)
        if altered == rows:
            return None
        return Response(200, orjson.dumps(altered if isinstance(body, list) else body | {"data": altered}))

    def _repeated(self, request: Request, _: Fault) -> Response | None:
        query = dict(parse_qsl(request.query))
        number = query.get("page", "1")
        if not number.isdecimal() or int(number) < 2:  # noqa: PLR2004 - no page before it
            return None
        before = dataclasses.replace(request, query=urlencode(query | {"page": str(int(number) - 1)}))
        return self._page(request, lambda _: _rows(orjson.loads(self.answer(before).body)))

    def _counted(self, request: Request, alter: Callable[[int], int]) -> Response | None:
        truth = self.answer(request)
        body = orjson.loads(truth.body)
        if truth.status != 200 or isinstance(body, list):  # noqa: PLR2004 - no totals in it
            return None
        counts = body["pagination"]
        total, page = alter(counts["total_records"]), counts["current_page"]
        if total == counts["total_records"]:
            return None
        pages = -(-total // counts["page_size"])
        following = page + 1 if page < pages else None
        counts |= {"total_records": total, "total_pages": pages, "next_page": following}
        return Response(200, orjson.dumps(body))


def _instead(truth: Response, fault: Fault, request: Request) -> Response:
    """Make the answer of a fault's own choice."""
    status = fault.status or truth.status
    body, kind = _body(fault, status, truth)
    headers = {**truth.headers, "Content-Type": kind, **fault.headers}
    shown = {name: value and value.replace("{key}", request.key) for name, value in headers.items()}
    return Response(status, body.replace(b"{key}", request.key.encode("latin-1", "replace")), shown)


def _body(fault: Fault, status: int, truth: Response) -> tuple[bytes, str]:
    match fault.body:
        case None if status >= 400 and fault.status:  # noqa: PLR2004 - an error
            return ApiError(status, "injected_fault", "this fault was asked for").response().body, "application/json"
        case None:
            return truth.body, "application/json"
        case str(text):
            return text.encode(), "text/html; charset=utf-8"
        case bytes(content):
            return content, "application/json"
        case dict() | list():
            return orjson.dumps(fault.body), "application/json"
        case alter:
            return alter(truth.body), "application/json"


def _rows(body: Any) -> list[Any]:
    rows: list[Any] = body if isinstance(body, list) else body["data"]
    return rows


def _id_in(answer: Response) -> str:
    body: Record = orjson.loads(answer.body)
    record_id: str = body.get("data", body)["id"]
    return record_id
