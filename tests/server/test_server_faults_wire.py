"""Faults on the wire, byte by byte: what arrives, when a request is applied, and that nothing outlives a stop."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from urllib.parse import urlsplit

import pytest
import requests
from support.server import Api, eventually

from wizframe.server import SANDBOX_API_KEY, Fault, FaultProxy

PLACES = [False, True]
CREATE = b'{"reference_id": "NEW-1", "company_name": "Kettle", "display_name": "Kettle"}'


@pytest.fixture(params=PLACES, ids=["server", "proxy"])
def api(request):
    with Api("rest", customers=1, proxied=request.param) as running:
        yield running


def request_bytes(method="GET", path="/v1/customers", body=b""):
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {SANDBOX_API_KEY}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@contextlib.contextmanager
def connected(base_url):
    parts = urlsplit(base_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        yield connection


def everything(api, sent):
    """Send bytes, and read until the connection is closed."""
    with connected(api.base_url) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def is_stored(api):
    return "NEW-1" in {record["reference_id"] for record in api.server.records("customers")}


class TestDelivery:
    @pytest.mark.parametrize("after_bytes", [0, 1, 40, 200])
    def test_a_response_is_cut_after_exactly_that_many_bytes(self, api, after_bytes):
        api.faults.add(Fault("truncate", "customers.create", after_bytes=after_bytes))
        response = everything(api, request_bytes("POST", body=CREATE))
        assert len(response) == after_bytes
        assert b"HTTP/1.1 201 Created".startswith(response[:20])
        assert is_stored(api)

    def test_without_a_number_the_body_is_cut_in_half(self, api):
        api.faults.add(Fault("truncate", "customers.create"))
        head, _, body = everything(api, request_bytes("POST", body=CREATE)).partition(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        assert len(body) == length // 2 > 0

    @pytest.mark.parametrize("kind", ["truncate", "truncate_chunk", "unended_chunks"])
    def test_a_response_without_a_body_is_cut_in_its_head(self, api, kind):
        customer = api.server.records("customers")[0]["id"]
        api.faults.add(Fault(kind, "customers.delete"))
        response = everything(api, request_bytes("DELETE", f"/v1/customers/{customer}"))
        assert response.startswith(b"HTTP/1.1 204")
        assert b"\r\n\r\n" not in response
        assert api.server.records("customers") == []

    @pytest.mark.parametrize("kind", ["truncate_chunk", "unended_chunks"])
    def test_chunks_end_too_early(self, api, kind):
        true = api.call("GET", "/customers").content
        api.faults.add(Fault(kind, "customers.list"))
        head, _, body = everything(api, request_bytes()).partition(b"\r\n\r\n")
        assert b"Transfer-Encoding: chunked" in head
        assert b"Content-Length" not in head
        size, _, rest = body.partition(b"\r\n")
        first = rest[: int(size, 16)]
        if kind == "unended_chunks":
            assert (first, rest) == (true, true + b"\r\n")
        else:
            size, _, second = rest[len(first) + 2 :].partition(b"\r\n")
            assert 0 < len(second) < int(size, 16)
            assert true.startswith(first + second)

    @pytest.mark.parametrize("status", [204, 304])
    def test_a_status_without_body_has_none(self, status):
        with Api("rest", customers=1, faults=[Fault("answer", status=status, body="text")]) as api:
            with connected(api.base_url) as connection:
                connection.sendall(2 * request_bytes())
                read = b""
                while b"pagination" not in read:
                    read += connection.recv(1 << 16)
            assert read.partition(b"\r\n\r\n")[2].startswith(b"HTTP/1.1 200 OK")

    def test_a_drip_is_complete_in_the_end(self, api):
        api.faults.add(Fault("drip", "customers.list"))
        assert api.call("GET", "/customers").json()["pagination"]
        assert len(api.faults.fired) == 1

    def test_a_drip_keeps_the_client_waiting_between_two_pieces(self, api):
        api.faults.add(Fault("drip", "customers.list", delay_s=60))
        with connected(api.base_url) as connection:
            connection.sendall(request_bytes())
            assert 0 < len(connection.recv(1 << 16)) < 100
            connection.settimeout(0.05)
            with pytest.raises(TimeoutError):
                connection.recv(1 << 16)

    @pytest.mark.parametrize("kind", ["drop", "drop_after", "late"])
    def test_a_closed_connection_ends_without_a_byte(self, api, kind):
        api.faults.add(Fault(kind, "customers.create"))
        assert everything(api, request_bytes("POST", body=CREATE)) == b""

    @pytest.mark.parametrize("kind", ["reset", "reset_after"])
    def test_a_reset_is_a_reset(self, api, kind):
        api.faults.add(Fault(kind, "customers.create"))
        with pytest.raises(ConnectionResetError):
            everything(api, request_bytes("POST", body=CREATE))
        assert is_stored(api) == (kind == "reset_after")

    def test_a_stale_connection_is_reset_at_its_next_use(self, api):
        api.faults.add(Fault("reset_reused", "customers.create"))
        with connected(api.base_url) as connection:
            connection.sendall(request_bytes("HEAD"))
            connection.recv(1 << 16)
            connection.sendall(request_bytes("POST", body=CREATE))
            with pytest.raises(ConnectionResetError):
                connection.recv(1 << 16)
        assert not is_stored(api)
        assert [fired.kind for fired in api.faults.fired] == ["reset_reused"]


class TestLateWrites:
    @pytest.mark.parametrize("kind", ["late", "late_stall"])
    def test_a_late_write_is_applied_after_the_client_is_gone(self, api, kind):
        api.faults.add(Fault(kind, "customers.create", delay_s=60))
        with pytest.raises((requests.ConnectionError, requests.ReadTimeout)):
            api.call("POST", "/customers", body=json.loads(CREATE), timeout=0.1)
        assert not is_stored(api)
        eventually(lambda: api.faults.fired)
        api.faults.apply_late()
        assert is_stored(api)

    def test_a_late_write_comes_by_itself(self, api):
        api.faults.add(Fault("late", "customers.create", delay_s=0.05))
        everything(api, request_bytes("POST", body=CREATE))
        eventually(lambda: is_stored(api))

    def test_a_late_create_is_refused_if_its_reference_was_taken_first(self, api):
        api.faults.add(Fault("late", "customers.create", delay_s=60))
        everything(api, request_bytes("POST", body=CREATE))
        api.create_customer("NEW-1")
        api.faults.apply_late()
        assert [r["reference_id"] for r in api.server.records("customers")].count("NEW-1") == 1


class TestLog:
    @pytest.mark.parametrize(
        ("kind", "status"), [("drop", 0), ("drop_after", 0), ("reset_after", 0), ("late", 0), ("truncate", 201)]
    )
    def test_a_request_without_a_response_is_logged_with_status_0(self, kind, status):
        with Api("rest", customers=0, faults=[Fault(kind, "customers.create")]) as api:
            with contextlib.suppress(ConnectionResetError):
                everything(api, request_bytes("POST", body=CREATE))
            api.faults.apply_late()
            assert [tuple(entry) for entry in api.server.requests] == [("POST", "/v1/customers", "", status)]


class TestStop:
    @pytest.mark.parametrize(
        "fault",
        [
            Fault("stall"),
            Fault("stall_after"),
            Fault("late", delay_s=60),
            Fault("late_stall", delay_s=60),
            Fault("delay", delay_s=60),
            Fault("drip", delay_s=60),
        ],
        ids=lambda fault: fault.kind,
    )
    @pytest.mark.parametrize("proxied", PLACES, ids=["server", "proxy"])
    def test_no_fault_outlives_the_stop(self, proxied, fault, capfd):
        before = threading.active_count()
        with Api("rest", customers=0, proxied=proxied) as api, connected(api.base_url) as connection:
            api.faults.add(fault)
            connection.sendall(request_bytes("POST", body=CREATE))
            eventually(lambda: api.faults.fired)
            api.__exit__()
            assert threading.active_count() == before
        assert capfd.readouterr() == ("", "")

    def test_a_proxy_stops_while_the_server_behind_it_is_silent(self):
        with Api("rest", customers=0, proxied=True) as api, connected(api.base_url) as connection:
            api.server.faults.add(Fault("stall"))
            connection.sendall(request_bytes())
            eventually(lambda: api.server.faults.fired)
            conversations = list(api.proxy._listener._open.values())
            api.proxy.stop()
            assert [thread.is_alive() for thread in conversations] == [False]

    @pytest.mark.parametrize("kind", ["delay", "late", "late_stall"])
    def test_a_write_that_a_stop_overtakes_is_never_applied(self, tmp_path, kind):
        path = tmp_path / "account.sqlite"
        with (
            Api("rest", customers=0, database=path, faults=[Fault(kind, delay_s=60)]) as api,
            connected(api.base_url) as connection,
        ):
            connection.sendall(request_bytes("POST", body=CREATE))
            eventually(lambda: api.faults.fired)
        with Api("rest", customers=0, database=path) as api:
            assert api.server.records("customers") == []


class TestProxy:
    def test_it_forwards_the_response_of_the_server_byte_by_byte(self):
        with Api("rest", customers=30, proxied=True) as api:
            port = urlsplit(api.server.base_url).port
            direct = http.client.HTTPConnection("127.0.0.1", port)
            direct.request("GET", "/v1/customers?page=2&page_size=7", headers={"X-API-Key": SANDBOX_API_KEY})
            response = direct.getresponse()
            proxied = api.call("GET", "/customers", page=2, page_size=7)
            assert proxied.content == response.read()
            assert list(proxied.headers) == [name for name, _ in response.getheaders()]
            direct.close()

    def test_it_reads_and_writes_like_the_server_itself_on_one_connection(self):
        with Api("sdk", customers=2, proxied=True) as api:
            made = api.create_customer("ΑΒΓ", display_name="é" * 300)
            assert api.one("GET", f"/customers/{made['id']}", 200) == made
            assert api.call("DELETE", f"/customers/{made['id']}").status_code == 204
            assert [entry.status for entry in api.server.requests] == [201, 200, 204]

    def test_it_forwards_a_faulty_response_of_the_server(self):
        with Api("rest", customers=1, proxied=True) as api:
            for kind, begins in (
                ("truncate", b"HTTP/1.1 200 OK"),
                ("unended_chunks", b"HTTP/1.1 200 OK"),
                ("drop", b""),
            ):
                api.server.faults.add(Fault(kind))
                assert everything(api, request_bytes())[:15] == begins
            assert api.rows()

    def test_stopped_it_refuses_and_started_again_it_is_where_it_was(self):
        with Api("rest", customers=1, proxied=True) as api:
            address = api.base_url
            api.rows()
            api.proxy.stop()
            with pytest.raises(requests.ConnectionError, match="refused"):
                api.call("GET", "/customers")
            assert api.proxy.start().base_url == address
            assert api.rows()

    def test_without_a_server_behind_it_it_closes_the_connection(self):
        with Api("rest", customers=1, proxied=True) as api:
            api.server.stop()
            assert everything(api, request_bytes()) == b""

    @pytest.mark.parametrize("kind", ["keep", "lie", "empty_page"])
    def test_it_refuses_faults_that_it_cannot_inject(self, kind):
        proxy = FaultProxy("http://127.0.0.1:9/v1")
        with pytest.raises(ValueError, match="a proxy cannot"):
            proxy.faults.add(Fault(kind))
        with pytest.raises(ValueError, match="a proxy cannot"):
            FaultProxy("http://127.0.0.1:9/v1", faults=[Fault("answer", status=500)])

    @pytest.mark.parametrize("upstream", ["https://127.0.0.1:9/v1", "http://api.wizcommerce.com:80/v1", "http://[::1]"])
    def test_it_accepts_only_servers_on_this_machine(self, upstream):
        with pytest.raises(ValueError, match="upstream"):
            FaultProxy(upstream)

    def test_never_started_it_has_no_address(self):
        proxy = FaultProxy("http://127.0.0.1:9/v1")
        assert "never started" in repr(proxy)
        with pytest.raises(RuntimeError, match="never started"):
            proxy.base_url  # noqa: B018 - reading it is the test
