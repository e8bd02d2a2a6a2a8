"""What the tests of transport and client share: a server that answers whatever it is told, and a clock that jumps."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from wizframe.api.dialects import decode_page
from wizframe.api.pages import Page
from wizframe.connections.client import Client
from wizframe.http.rate_limit import RateLimiter
from wizframe.http.transport import Transport

#: Looks like a key, so that whatever shows it is found out.
CANARY = "api_prod_canary_7f3e91c2d4b85a60"


@dataclass(frozen=True)
class Reply:
    """One answer. ``missing`` bytes of the body are announced and never sent; ``hangs_up`` answers nothing at all.

    ``raw`` is sent as it is, before the connection is closed.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    missing: int = 0
    hangs_up: bool = False
    reason: str = "Whatever"
    raw: bytes = b""

    @classmethod
    def json(cls, content, status=200, **headers):
        return cls(status, json.dumps(content).encode(), headers)


HANG_UP = Reply(hangs_up=True)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Stub:
    """A server that gives prepared answers in order, the last one again and again, and keeps the requests."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.requests = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.005,), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    @property
    def methods(self):
        return [request.method for request in self.requests]

    def _handler(stub):  # noqa: N805 - the handler's own self stands inside
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                stub.requests.append(Request(self.command, self.path, dict(self.headers), body))
                reply = stub.replies.pop(0) if len(stub.replies) > 1 else stub.replies[0]
                self.close_connection = reply.hangs_up or reply.missing > 0 or bool(reply.raw)
                with contextlib.suppress(OSError):  # a client that has heard enough
                    if not reply.hangs_up:
                        self.send(reply)

            def send(self, reply):
                head = {"Content-Length": str(len(reply.body) + reply.missing), **reply.headers}
                lines = [f"HTTP/1.1 {reply.status} {reply.reason}"]
                lines += [f"{name}: {value}" for name, value in head.items() if value]
                self.wfile.write(reply.raw or "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body)
                self.wfile.flush()

            def log_message(self, *_):
                pass

        for verb in ("GET", "POST", "PATCH", "PUT", "DELETE"):
            setattr(Handler, f"do_{verb}", Handler.answer)
        return Handler


class Clock:
    """Time that passes only during sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def transport_to(url, clock=None, **options):
    """Make a transport with pauses that take no time."""
    clock = clock or Clock()
    transport = Transport(url, CANARY, **options)
    transport.rate_limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    return transport


def client_of(url, dialect="rest", **options):
    return Client(transport_to(url, **options), dialect=dialect)


def closed_port():
    """Find a closed port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def snake(name):
    """Spell a camelCase name of the documents in snake_case, in a way of its own."""
    return re.sub(r"(?<=[a-z])([A-Z0-9])", r"_\1", name.replace("ListID", "ListId")).lower()


def snaked(value):
    """Spell all keys of a JSON value in snake_case."""
    if isinstance(value, dict):
        return {snake(key): snaked(item) for key, item in value.items()}
    return [snaked(item) for item in value] if isinstance(value, list) else value


def page_of(body, table):
    """Read a page from the JSON of a response."""
    return Page.of(decode_page(body, table))
