"""A service that can send false responses: it alters a request or its response before any byte is sent."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import orjson

from wizframe.server.deviations.deviating_service import DeviatingService
from wizframe.server.faults.kinds import KINDS
from wizframe.server.http_messages import ApiError, Response
from wizframe.server.routes import ids_of, operation_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.server.faults.schedule import Fault
    from wizframe.server.http_messages import Request

__all__ = ["FaultyService"]


class FaultyService(DeviatingService):
    """A service that alters its responses as a fault requires."""

    def respond_with(self, fault: Fault, request: Request) -> Response | None:
        """Respond to a request that a fault hits; return None without any effect if there is nothing to alter."""
        if KINDS[fault.kind].applied == "altered":
            return self._altered(fault, request)
        if fault.kind == "answer":
            return _replaced(Response(200), fault, request)
        if fault.action is not None:
            try:
                fault.action()
            except Exception as error:  # noqa: BLE001 - the author of the action sees it in the response
                return ApiError(500, "action_failed", f"{type(error).__name__}: {error}").response()
        truth = self.respond(request)
        return _replaced(truth, fault, request) if fault.kind == "answer_after" else truth

    def _altered(self, fault: Fault, request: Request) -> Response | None:
        match fault.kind:
            case "empty_page":
                return self._page(request, lambda _: [])
            case "short_page":
                return self._page(request, lambda rows: rows[: len(rows) // 2])
            case "repeated_page":
                return self._repeated_page(request)
            case "total_too_small":
                return self._page_with_total(request, lambda total: total // 2)
            case "total_too_large":
                return self._page_with_total(request, lambda total: 2 * total + 1)
            case _:
                return self._unstored_write(fault, request)

    # ------------------------------------------------------------------ writes: keep, lie

    def _unstored_write(self, fault: Fault, request: Request) -> Response | None:
        """Respond with success, but keep the old values (or the old value of one column) in the store."""
        table, _, verb = operation_of(request.method, request.path).partition(".")
        with self._store.reading():
            if fault.column is None or verb == "delete":
                with self._store.rehearsing():
                    response = self.respond(request)
            else:
                response = self._write_without(fault.column, table, verb, request)
            if not _is_success(response):
                return None
            if fault.kind == "lie" or verb == "delete" or (verb == "create" and fault.column is None):
                return response
            path = request.path if verb == "update" else f"{request.path}/{_id_in(response)}"
            stored = self.respond(dataclasses.replace(request, method="GET", path=path, query="", body=b""))
            return dataclasses.replace(response, body=stored.body)

    def _write_without(self, column: str, table: str, verb: str, request: Request) -> Response:
        record_id = "" if verb == "create" else ids_of(request.path)[-1]
        before = self._store.get(table, record_id) or {}
        response = self.respond(request)
        if _is_success(response):
            self._store.update(table, record_id or _id_in(response), {column: before.get(column)})
        return response

    # ------------------------------------------------------------------ lists

    def _page(self, request: Request, alter: Callable[[list[Any]], list[Any]]) -> Response | None:
        truth = self.respond(request)
        if not _is_success(truth):
            return None
        body = orjson.loads(truth.body)
        rows = _rows(body)
        altered = alter(rows)
        if altered == rows:
            return None
        return Response(200, orjson.dumps(altered if isinstance(body, list) else body | {"data": altered}))

    def _repeated_page(self, request: Request) -> Response | None:
        query = dict(parse_qsl(request.query))
        number = query.get("page", "1")
        if not number.isdecimal() or int(number) <= 1:
            return None
        before = dataclasses.replace(request, query=urlencode(query | {"page": str(int(number) - 1)}))
        return self._page(request, lambda _: _rows(orjson.loads(self.respond(before).body)))

    def _page_with_total(self, request: Request, alter: Callable[[int], int]) -> Response | None:
        truth = self.respond(request)
        body = orjson.loads(truth.body)
        if not _is_success(truth) or isinstance(body, list):
            return None
        pagination = body["pagination"]
        total, page = alter(pagination["total_records"]), pagination["current_page"]
        if total == pagination["total_records"]:
            return None
        pages = -(-total // pagination["page_size"])
        next_page = page + 1 if page < pages else None
        pagination |= {"total_records": total, "total_pages": pages, "next_page": next_page}
        return Response(200, orjson.dumps(body))


def _is_success(response: Response) -> bool:
    return response.status < 300  # noqa: PLR2004 - the service never redirects


def _replaced(truth: Response, fault: Fault, request: Request) -> Response:
    """Return the fault's response, which replaces the true response."""
    status = fault.status or truth.status
    body, content_type = _replaced_body(truth, fault, status)
    headers = {**truth.headers, "Content-Type": content_type, **fault.headers}
    with_key = {name: value and value.replace("{key}", request.key) for name, value in headers.items()}
    return Response(status, body.replace(b"{key}", request.key.encode("latin-1", "replace")), with_key)


def _replaced_body(truth: Response, fault: Fault, status: int) -> tuple[bytes, str]:
    match fault.body:
        case None if status >= 400 and fault.status:  # noqa: PLR2004 - an error
            body = ApiError(status, "injected_fault", "this fault was injected").response().body
        case None:
            body = truth.body
        case str(text):
            return text.encode(), "text/html; charset=utf-8"
        case bytes(content):
            body = content
        case dict() | list():
            body = orjson.dumps(fault.body)
        case alter:
            body = alter(truth.body)
    return body, "application/json"


def _rows(body: Any) -> list[Any]:
    rows: list[Any] = body if isinstance(body, list) else body["data"]
    return rows


def _id_in(response: Response) -> str:
    body = orjson.loads(response.body)
    record_id: str = body.get("data", body)["id"]
    return record_id
