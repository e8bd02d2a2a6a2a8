"""One request over real HTTP: which answers are believed, which are errors of which kind, what is sent again."""

from __future__ import annotations

import base64
import gzip
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote, urlsplit

import certifi
import orjson
import pytest
from support.client import HANG_UP, Clock, Reply, Stub, closed_port, transport_to
from support.security import everything_about

from wizframe.errors import (
    AuthenticationError,
    ConfigurationError,
    DeadlineError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    NotSentError,
    ProtocolError,
    RateLimitError,
    ReadOnlyError,
    RedirectError,
    RejectedError,
    ServiceError,
    TakenError,
    TransportError,
    UnavailableError,
)
from wizframe.http import responses
from wizframe.http.rate_limit import MAX_PAUSE_S
from wizframe.http.transport import MAX_ATTEMPTS, MAX_REFUSALS, Transport, check_base_url, is_loopback

WRITES = ("POST", "PATCH", "PUT", "DELETE")
OK = Reply.json({"id": "cust_1"})
EVIL = "\x1b[2J\x07\x9b31m" + "x" * 5000
TRUNCATED = Reply(body=b'{"id": "cust', missing=100)
TRUNCATED_CHUNK = Reply(body=b"ff\r\n[1, 2", headers={"Transfer-Encoding": "chunked", "Content-Length": ""}, missing=1)

#: Python's parsers read these, and nothing writes them again: no journal, no request.
NESTED = [b"[" * 500 + b"]" * 500, b'{"\\ud83d":' * 300 + b"1" + b"}" * 300]


def ask(stub, method="GET", *, clock=None, **options):
    payload = None if method in ("GET", "DELETE") else {"a": 1}
    return transport_to(stub.base_url, clock, **options).request(method, ["customers", "cust_1"], payload=payload)


class TestAnswers:
    def test_a_request_carries_key_path_query_and_json(self):
        with Stub(OK) as stub:
            transport = transport_to(stub.base_url)
            transport.request("POST", ["customers", "a:b~c"], query={"q": "ä,&"}, payload={"name": "Zoë"})
        sent = stub.requests[0]
        assert (sent.method, sent.path) == ("POST", "/v1/customers/a%3Ab~c?q=%C3%A4%2C%26")
        assert sent.json == {"name": "Zoë"}
        assert sent.headers["X-API-Key"].startswith("api_prod_canary")
        assert sent.headers["Content-Type"] == "application/json"
        assert "Cookie" not in sent.headers

    def test_odd_characters_in_the_base_url_reach_the_service_percent_encoded(self):
        with Stub(OK) as stub:
            transport_to(stub.base_url + "/a/ü~").request("GET", ["customers", "a:b"], query={"q": "1"})
        assert stub.requests[0].path == "/v1/a/%C3%BC~/customers/a%3Ab?q=1"

    def test_one_request_leaves_nothing_behind_for_the_next(self):
        with Stub(OK) as stub:
            transport = transport_to(stub.base_url)
            transport.request("POST", ["customers"], payload={"a": 1})
            transport.request("GET", ["customers", "cust_1"])
            transport.request("DELETE", ["customers", "cust_1"])
        lengths = [request.headers.get("Content-Length") for request in stub.requests]
        assert [(request.method, length) for request, length in zip(stub.requests, lengths, strict=True)] == [
            ("POST", "7"),
            ("GET", None),
            ("DELETE", "0"),
        ]

    def test_a_connection_that_was_closed_opens_again(self):
        with Stub(OK) as stub:
            transport = transport_to(stub.base_url)
            transport.request("GET", ["customers"])
            transport.close()
            assert transport.request("GET", ["customers"]).status == 200

    def test_cookies_are_not_kept(self):
        with Stub(Reply(headers={"Set-Cookie": "a=b"})) as stub:
            transport = transport_to(stub.base_url)
            transport.request("GET", ["customers"])
            transport.request("GET", ["customers"])
        assert "Cookie" not in stub.requests[1].headers

    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_any_2xx_is_success(self, status):
        body = b"" if status == 204 else b"{}"
        with Stub(Reply(status, body)) as stub:
            assert ask(stub, "DELETE").status == status

    @pytest.mark.parametrize(
        ("body", "parsed"),
        [
            (b"null", None),
            (b' {"a": 1.50}\n', {"a": 1.5}),
            ('{"a": "Zoë 🛍"}'.encode(), {"a": "Zoë 🛍"}),
            (rb'{"a": "half an emoji \ud83d"}', {"a": "half an emoji \ud83d"}),
        ],
    )
    def test_json_is_parsed(self, body, parsed):
        with Stub(Reply(body=body)) as stub:
            assert ask(stub).json() == parsed

    def test_json_is_parsed_as_deep_as_it_can_be_written_again(self):
        body = b"[" * 190 + b"{}," * 500 + b"{}" + b"]" * 190
        with Stub(Reply(body=body)) as stub:
            assert orjson.dumps(ask(stub).json()) == body

    def test_a_gzipped_response_is_unpacked(self):
        with Stub(Reply(body=gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip"})) as stub:
            assert ask(stub).json() == [1]

    @pytest.mark.parametrize("body", [b"", b"<html>Sign in</html>", b"{", b"\xff\xfe", b"[" * 100_000, *NESTED])
    def test_a_body_that_is_not_json_is_a_protocol_error_with_an_excerpt(self, body):
        with Stub(Reply(body=body)) as stub, pytest.raises(ProtocolError) as caught:
            ask(stub).json()
        assert caught.value.code == "protocol"
        assert len(str(caught.value)) < 400
        if body.startswith(b"<"):
            assert "Sign in" in str(caught.value)


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "kind", "builtin"),
        [
            (400, RejectedError, ValueError),
            (401, AuthenticationError, Exception),
            (403, ForbiddenError, PermissionError),
            (404, NotFoundError, LookupError),
            (409, TakenError, ValueError),
            (418, RejectedError, ValueError),
            (422, RejectedError, ValueError),
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_a_4xx_is_an_error_of_its_own_and_sent_once(self, status, kind, builtin, method):
        details = [{"field": "email", "reason": "is odd"}, "junk", {"field": None}]
        body = {"code": "odd", "message": "No.", "details": details}
        with Stub(Reply.json(body, status)) as stub, pytest.raises(kind) as caught:
            ask(stub, method)
        error = caught.value
        assert isinstance(error, builtin)
        assert (error.status, error.code, error.details) == (status, "odd", (("email", "is odd"), ("", "")))
        assert "No." in str(error)
        assert "email: is odd" in str(error)
        assert stub.methods == [method]

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>proxy says no</html>", b"[]", b"null", b'{"code": null, "message": null, "details": 7}', b"\xff"],
    )
    def test_an_error_without_the_documented_body_still_has_a_code(self, body):
        with Stub(Reply(403, body)) as stub, pytest.raises(ForbiddenError) as caught:
            ask(stub)
        assert (caught.value.code, caught.value.details) == ("http_403", ())
        assert "None" not in str(caught.value)
        if b"proxy" in body:
            assert "proxy says no" in str(caught.value)

    @pytest.mark.parametrize(
        "reply",
        [
            Reply.json({"code": EVIL, "message": EVIL, "details": [{"field": EVIL, "reason": EVIL}] * 1000}, 422),
            Reply(500, f"<html>{EVIL}".encode()),
            Reply(200, f"<html>{EVIL}".encode()),
            Reply(302, headers={"Location": EVIL}),
        ],
    )
    def test_texts_of_a_service_cannot_control_a_terminal_or_fill_a_disk(self, reply):
        with Stub(reply) as stub, pytest.raises((ServiceError, TransportError)) as caught:
            ask(stub, "PATCH").json()
        error = caught.value
        said = [str(error), error.code, *(text for detail in getattr(error, "details", ()) for text in detail)]
        assert all(text.isprintable() for text in said)
        assert "\\x1b[2J" in str(error)
        assert len("".join(said)) < 60_000

    @pytest.mark.fault(
        20,
        "a redirect to another host",
        "an error, because redirects are never followed; the key is not sent there",
        "E",
    )
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
    @pytest.mark.parametrize("method", ["GET", *WRITES])
    def test_a_redirect_is_never_followed_nor_the_key_sent_elsewhere(self, status, method):
        with Stub(OK) as elsewhere, Stub(Reply(status, headers={"Location": elsewhere.base_url})) as stub:
            with pytest.raises(RedirectError) as caught:
                ask(stub, method)
            assert (caught.value.code, stub.methods, elsewhere.requests) == ("redirect", [method], [])
            assert f"redirects to {elsewhere.base_url}, and redirects are never followed" in str(caught.value)

    @pytest.mark.parametrize("location", ["http://[bad", "", "\xff", "//", "http://x:y/"])
    def test_a_redirect_to_nowhere_is_the_same_error(self, location):
        reply = Reply(302, headers={"Location": location})
        with Stub(reply) as stub, pytest.raises(RedirectError):
            ask(stub)

    @pytest.mark.parametrize("status", [200, 302, 404])
    def test_a_response_that_is_too_large_is_refused(self, status, monkeypatch):
        monkeypatch.setattr(responses, "MAX_RESPONSE_BYTES", 1_000_000)
        bomb = Reply(status, gzip.compress(b" " * 50_000_000), {"Content-Encoding": "gzip", "Location": "/"})
        with Stub(bomb) as stub, pytest.raises(ProtocolError, match="too large"):
            ask(stub)
        assert len(stub.requests) == 1


class TestHeads:
    """What stands before a body."""

    @pytest.mark.parametrize(
        "head",
        [
            b"HTTP/1.1 200 Fine\r\nDate\r\nno header: at all\r\n: 1\r\n\xff: \xff\r\ncontent-length:2\r\n\r\n",
            b"HTTP/1.1 200\r\nX: begun\r\n and: goes on\r\nContent-Length: 2\r\n\r\n",
            b"HTTP/1.1 200 Fine\nContent-Length: 2\n\n",
            b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\n",
            b"HTTP/1.1 100 Go on\r\nX: 1\r\n\r\nHTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\n",
            b"HTTP/1.0 200 Fine\r\n\r\n",
            b"HTTP/1.1 200 Fine\r\nContent-Length: nonsense\r\n\r\n",
            b"HTTP/1.1 200 Fine\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 Fine\r\nContent-Length: %s\r\n\r\n" % (b"9" * 5000),
            b"HTTP/1.1 200 Fine\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        ],
    )
    def test_odd_headers_do_not_change_the_response(self, head):
        with Stub(Reply(raw=head + b"{}")) as stub:
            assert ask(stub).json() == {}
        assert len(stub.requests) == 1

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n",
            b"HTTP/1.1 200 Fine\r\nContent-Len",
            b"HTTP/1.1 204 Gone",
            b"HTTP/1.1 200 Fine\r\n" + b"X: 1\r\n" * 200 + b"\r\n{}",
            b"HTTP/1.1 200 Fine\r\nX: " + b"1" * 70_000 + b"\r\n\r\n{}",
            b"HTTP/2 200 Fine\r\nContent-Length: 2\r\n\r\n{}",
            b"SSH-2.0-OpenSSH_9.6\r\n",
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_incomplete_headers_are_a_lost_response(self, answer, method):
        with (
            Stub(Reply(raw=answer)) as stub,
            pytest.raises(TransportError, match="before the response was complete") as no,
        ):
            ask(stub, method)
        assert not isinstance(no.value, NotSentError)
        assert len(stub.requests) == (MAX_ATTEMPTS if method == "GET" else 1)


class TestLostAnswers:
    """The outcome is unknown: asking again is safe for a GET, and doubles a write."""

    LOST = (HANG_UP, TRUNCATED, TRUNCATED_CHUNK, Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"}))
    FAILED = (Reply(500), Reply(502, b"<html>"), Reply.json({"code": "down", "message": ""}, 503), Reply(504))

    @pytest.mark.parametrize("reply", LOST + FAILED)
    def test_a_get_is_repeated_until_it_gets_a_response(self, reply):
        with Stub(reply, reply, OK) as stub:
            assert ask(stub).json() == {"id": "cust_1"}
        assert len(stub.requests) == 3

    @pytest.mark.parametrize("method", WRITES)
    @pytest.mark.parametrize(("reply", "kind"), [*((r, TransportError) for r in LOST), (FAILED[2], UnavailableError)])
    def test_a_write_is_sent_exactly_once(self, method, reply, kind):
        with Stub(reply, OK) as stub, pytest.raises(kind) as caught:
            ask(stub, method)
        assert not isinstance(caught.value, NotSentError)
        assert caught.value.code == ("down" if kind is UnavailableError else "transport")
        assert stub.methods == [method]

    @pytest.mark.parametrize(("reply", "kind"), [(HANG_UP, TransportError), (Reply(500), UnavailableError)])
    def test_a_get_gives_up_in_the_end(self, reply, kind):
        clock = Clock()
        with Stub(reply) as stub, pytest.raises(kind):
            ask(stub, clock=clock)
        assert len(stub.requests) == MAX_ATTEMPTS
        assert clock.slept == sorted(clock.slept)
        assert 0 < sum(clock.slept) < 60

    @pytest.mark.parametrize("method", ["GET", *WRITES])
    def test_a_refused_connection_is_proven_unsent_and_tried_again(self, method):
        clock = Clock()
        transport = transport_to(f"http://127.0.0.1:{closed_port()}/v1", clock)
        with pytest.raises(NotSentError) as caught:
            transport.request(method, ["customers"])
        assert caught.value.code == "not_sent"
        assert len(clock.slept) == MAX_ATTEMPTS - 1

    def test_a_silent_server_meets_the_read_timeout(self, monkeypatch):
        monkeypatch.setattr("wizframe.http.transport.READ_TIMEOUT_S", 0.2)
        with Stub(Reply(body=b"[1", missing=1, headers={"Connection": "keep-alive"})) as stub:
            handler = stub.server.RequestHandlerClass
            monkeypatch.setattr(handler, "finish", lambda self: self.connection.recv(1))  # neither bytes nor an end
            with pytest.raises(DeadlineError) as caught:
                ask(stub, "POST")
        assert caught.value.code == "deadline"
        assert isinstance(caught.value, TimeoutError)

    def test_a_slow_drip_meets_the_total_deadline(self, monkeypatch):
        monkeypatch.setattr("wizframe.http.deadlines.DEADLINE_S", -1.0)
        with Stub(OK) as stub, pytest.raises(DeadlineError):
            ask(stub, "POST")


class TestTooManyRequests:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_a_429_is_not_acted_upon_so_anything_is_sent_again(self, method):
        clock = Clock()
        with Stub(Reply(429, headers={"Retry-After": "7"}), OK) as stub:
            ask(stub, method, clock=clock)
        assert stub.methods == [method] * 2
        assert clock.slept == [7.0]

    @pytest.mark.parametrize(
        ("headers", "least_s", "most_s"),
        [
            ({"Retry-After": "3"}, 3, 3),
            ({"Retry-After": "2.5"}, 2.5, 2.5),
            ({"Retry-After": formatdate(5_000_030, usegmt=True), "Date": formatdate(5_000_000, usegmt=True)}, 30, 30),
            ({"Retry-After": "Fri, 27 Feb 1970 20:53:50", "Date": formatdate(5_000_000, usegmt=True)}, 30, 30),
            ({"Retry-After": formatdate(5_000_000, usegmt=True), "Date": formatdate(5_000_030, usegmt=True)}, 0, 0),
            ({"Retry-After": "999999999"}, MAX_PAUSE_S, MAX_PAUSE_S),
            ({"Retry-After": "9" * 400}, 0.25, 0.5),
            ({"Retry-After": "-5"}, 0.25, 0.5),
            ({"Retry-After": "soon"}, 0.25, 0.5),
            ({"Retry-After": "Mon, 99 Foo 9999 99:99:99 GMT"}, 0.25, 0.5),
            ({}, 0.25, 0.5),
        ],
    )
    def test_the_wait_is_what_the_service_asks_for_within_reason(self, headers, least_s, most_s):
        clock = Clock()
        with Stub(Reply(429, headers=headers), OK) as stub:
            ask(stub, clock=clock)
        assert least_s <= sum(clock.slept) <= most_s + 1e-6

    def test_refusals_without_end_become_an_error_that_says_how_long_to_wait(self):
        with Stub(Reply(429, headers={"Retry-After": "7"})) as stub, pytest.raises(RateLimitError) as caught:
            ask(stub)
        assert (caught.value.status, caught.value.retry_after_s) == (429, 7.0)
        assert len(stub.requests) == MAX_REFUSALS

    def test_a_503_with_retry_after_pauses_a_get(self):
        clock = Clock()
        with Stub(Reply(503, headers={"Retry-After": "9"}), OK) as stub:
            ask(stub, clock=clock)
        assert clock.slept == [9.0]

    @pytest.mark.fault(13)
    @pytest.mark.parametrize(("headers", "least_s", "most_s"), [({"Retry-After": "9"}, 9, 9), ({}, 0.25, 0.5)])
    def test_a_503_pauses_all_requests_even_if_it_is_not_repeated(self, headers, least_s, most_s):
        clock = Clock()
        with Stub(Reply(503, headers=headers), OK) as stub:
            transport = transport_to(stub.base_url, clock)
            with pytest.raises(UnavailableError):
                transport.request("POST", ["customers"], payload={})
            assert clock.slept == []
            transport.request("GET", ["customers"])
        assert least_s <= sum(clock.slept) <= most_s + 1e-6
        assert stub.methods == ["POST", "GET"]

    def test_another_failure_of_the_service_concerns_only_that_request(self):
        clock = Clock()
        with Stub(Reply(502), OK) as stub:
            transport = transport_to(stub.base_url, clock)
            with pytest.raises(UnavailableError):
                transport.request("POST", ["customers"], payload={})
            transport.request("GET", ["customers"])
        assert clock.slept == []


class TestNeverSent:
    @pytest.mark.fault(
        40,
        "an id such as `..`, `a/b`, `?x`",
        "an error: not a valid id; no request is sent",
        "E",
    )
    @pytest.mark.parametrize(
        "segment", ["", ".", "..", "...", "a/b", "/", "?x", "a?b", "a#b", "a b", "%2e%2e", "a\n", "ä", "a\\b", None, 7]
    )
    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_an_id_that_would_alter_the_path_is_refused(self, segment, method):
        with Stub(OK) as stub:
            with pytest.raises(InvalidRequestError) as caught:
                transport_to(stub.base_url).request(method, ["customers", segment])
            assert caught.value.code == "invalid_request"
            assert f"{segment!r} is not a valid id" in str(caught.value)
            assert stub.requests == []

    @pytest.mark.parametrize("method", WRITES)
    def test_a_read_only_connection_writes_nothing(self, method):
        with Stub(OK) as stub:
            with pytest.raises(ReadOnlyError, match="read-only") as caught:
                ask(stub, method, read_only=True)
            assert caught.value.code == "read_only"
            assert isinstance(caught.value, PermissionError)
            assert stub.requests == []
            assert ask(stub, read_only=True).status == 200

    @pytest.mark.parametrize(
        "content", [{"payload": {"a": object()}}, {"payload": "\ud83d"}, {"query": {"a": "\ud83d"}}]
    )
    def test_what_cannot_be_written_as_json_is_refused(self, content):
        with Stub(OK) as stub:
            with pytest.raises(InvalidRequestError, match="nothing was sent"):
                transport_to(stub.base_url).request("POST", ["customers"], **content)
            assert stub.requests == []


class TestBaseUrl:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("https://api.wizcommerce.com/v1", "https://api.wizcommerce.com/v1"),
            (" HTTPS://API.WizCommerce.com/v1/ ", "https://api.wizcommerce.com/v1"),
            ("http://localhost:8080/v1", "http://localhost:8080/v1"),
            ("http://127.0.0.53", "http://127.0.0.53"),
            ("http://[::1]:80/v1", "http://[::1]:80/v1"),
        ],
    )
    def test_a_valid_address_is_brought_into_one_form(self, given, kept):
        assert check_base_url(given) == kept

    @pytest.mark.parametrize(
        "url",
        [
            "http://api.wizcommerce.com/v1",
            "http://127.0.0.1.example.com/v1",
            "http://localhost.example.com/v1",
            "http://0.0.0.0/v1",
            "http://127.1/v1",
            "http://localhost@example.com/v1",
            "http://example.com\\@localhost/v1",
            "https://user:secret@api.wizcommerce.com/v1",
            "https://@api.wizcommerce.com/v1",
            "https://api.wizcommerce.com/v1?x=1",
            "https://api.wizcommerce.com/v1#x",
            "https://api wizcommerce.com",
            "https://api.wizcommerce.com:port/v1",
            "https://[::1/v1",
            "https:///v1",
            "ftp://localhost/v1",
            "api.wizcommerce.com/v1",
            "",
        ],
    )
    def test_an_unsafe_or_invalid_address_is_refused(self, url):
        with pytest.raises(ConfigurationError) as caught:
            Transport(url, "key")
        assert "secret" not in str(caught.value)

    def test_only_this_machine_is_loopback(self):
        assert is_loopback("http://LOCALHOST:1/")
        assert not is_loopback("http://192.168.0.1/")

    @pytest.mark.parametrize("options", [{"rate": 0}, {"rate": -1.0}, {"rate": float("nan")}, {"workers": 0}])
    def test_options_that_would_hang_or_mean_nothing_are_refused(self, options):
        with pytest.raises(ConfigurationError):
            Transport("https://api.wizcommerce.com/v1", "key", **options)

    def test_proxies_of_the_environment_are_used_but_not_for_this_machine(self, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with Stub(OK) as stub:
            assert ask(stub).status == 200
        with pytest.raises(NotSentError):
            transport_to("https://api.example.com/v1").request("GET", ["customers"])

    @pytest.mark.parametrize("login", ["me:hush", "me:hu%73h"])
    def test_a_proxy_gets_its_password_and_nothing_shows_it(self, login, monkeypatch):
        with Stub(Reply(407)) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://{login}@127.0.0.1:{urlsplit(proxy.base_url).port}")
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            monkeypatch.setattr("wizframe.http.transport.MAX_ATTEMPTS", 1)
            transport = transport_to("https://api.example.com/v1")
            with pytest.raises(NotSentError) as caught:
                transport.request("GET", ["customers"])
        kept = [vars(transport), vars(transport._adapter), list(transport._adapter.proxy_manager)]
        assert "hush" not in f"{kept} {everything_about(caught.value)}"
        expected = base64.b64encode(unquote(login).encode()).decode()
        manager = transport._adapter.proxy_manager_for(transport._adapter.proxies["https"])
        assert manager.proxy_headers["Proxy-Authorization"] == f"Basic {expected}"

    @pytest.mark.parametrize(
        "proxy",
        [
            "http://user:hush@",
            "http://user:hush@:8080",
            "http://",
            "user:hush@",
            "http://h:port",
            "ftp://user:hush@h",
            "http://[::1",
            "http://user:hush@h:99999",
        ],
    )
    @pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
    def test_a_proxy_without_a_valid_address_is_refused_and_not_shown(self, name, proxy, monkeypatch):
        for other in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(other, raising=False)
        monkeypatch.setenv(name, proxy)
        with pytest.raises(ConfigurationError, match="the address of the proxy in the environment is not valid") as e:
            transport_to("https://api.example.com/v1")
        assert "hush" not in everything_about(e.value)

    def test_certificates_can_be_a_folder_of_files(self, tmp_path):
        with pytest.raises(ConfigurationError, match="contains no certificate"):
            transport_to("https://api.example.com/v1", ca_bundle=str(tmp_path))
        (tmp_path / "README").write_text("our certificates")
        (tmp_path / "company.pem").write_text(
            Path(certifi.where()).read_text("utf-8").split("-----END")[0] + "-----END CERTIFICATE-----\n"
        )
        transport_to("https://api.example.com/v1", ca_bundle=str(tmp_path))
        for path in ("nowhere.pem", str(tmp_path / "README"), "nul\0.pem"):
            with pytest.raises(ConfigurationError, match="ca_bundle"):
                transport_to("https://api.example.com/v1", ca_bundle=path)

    def test_netrc_is_not_read(self, monkeypatch, tmp_path):
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password hush\n")
        monkeypatch.setenv("NETRC", str(netrc))
        with Stub(OK) as stub:
            ask(stub)
        assert "Authorization" not in stub.requests[0].headers


def test_a_service_error_says_which_request_it_was():
    with (
        Stub(Reply.json({"code": "x", "message": "no"}, 422)) as stub,
        pytest.raises(ServiceError) as caught,
    ):
        ask(stub, "PATCH")
    assert f"PATCH {stub.base_url}/customers/cust_1" in str(caught.value)
