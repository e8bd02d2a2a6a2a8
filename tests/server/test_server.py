from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from support.server import Api, example, keys_of, without_options

from wizframe.server import SANDBOX_API_KEY, SandboxServer


@pytest.fixture(params=["rest", "sdk"])
def api(request):
    with Api(request.param, customers=60) as running:
        yield running


def raw(server, text):
    """Send bytes as they are and read the response."""
    port = int(server.base_url.rsplit(":", 1)[1].partition("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text.encode())
        response = b""
        while chunk := connection.recv(65536):
            response += chunk
    return response.decode()


class TestKeys:
    def test_a_request_without_key_gets_401(self, api):
        response = requests.get(api.server.base_url + "/customers", timeout=10)
        assert response.status_code == 401
        assert set(response.json()) == {"code", "message"}

    def test_a_wrong_key_gets_401_and_is_not_repeated(self, api):
        api.session.headers["X-API-Key"] = "api_prod_canary"
        response = api.call("GET", "/customers")
        assert response.status_code == 401
        assert "canary" not in response.text

    def test_a_login_with_the_sandbox_password_hands_out_a_key_that_works(self, api):
        url = api.server.base_url.removesuffix("/v1") + "/auth/token"
        response = requests.post(url, json={"email": "me@example.com", "password": "sandbox"}, timeout=10)
        assert response.status_code == 200
        body = response.json()
        assert set(body) == {"token_id", "token_type", "expires_at", "user", "access_token"}
        assert set(body["user"]) == {"id", "email", "first_name", "last_name", "tenant_id"}
        api.session.headers["X-API-Key"] = body["access_token"]
        assert api.rows()

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"email": "me@example.com", "password": "wrong"}, 401),
            ({"email": "me", "password": "sandbox"}, 401),
            ({}, 401),
            ([], 400),
        ],
    )
    def test_a_failed_login_hands_out_nothing(self, api, body, status):
        url = api.server.base_url.removesuffix("/v1") + "/auth/token"
        response = requests.post(url, json=body, timeout=10)
        assert response.status_code == status
        assert "access_token" not in response.text

    def test_the_login_is_not_below_v1(self, api):
        assert api.call("POST", "/auth/token", body={}).status_code == 404


class TestTransport:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/products", 404),
            ("GET", "/customers/", 404),
            ("GET", "/customers/nobody", 404),
            ("PATCH", "/customers/nobody", 404),
            ("DELETE", "/customers/nobody", 404),
            ("GET", "/customers/nobody/contacts", 404),
            ("POST", "/customers/nobody/contacts", 404),
            ("GET", "/customers/nobody/contacts/nobody", 404),
            ("PUT", "/customers/nobody/contacts/nobody", 404),
            ("DELETE", "/customers/nobody/contacts/nobody", 404),
            ("DELETE", "/customers", 405),
            ("PUT", "/customers", 405),
            ("PUT", "/customers/nobody", 405),
            ("POST", "/customers/nobody", 405),
            ("PATCH", "/customers/nobody/contacts/nobody", 405),
            ("BREW", "/customers", 405),
        ],
    )
    def test_an_unknown_address_is_404_and_a_wrong_verb_405(self, api, method, path, status):
        response = api.call(method, path, body={})
        assert response.status_code == status
        assert set(response.json()) == {"code", "message"}

    def test_a_405_names_the_verbs_that_are_possible(self, api):
        assert api.call("PUT", "/customers").headers["Allow"] == "GET, POST"

    def test_a_head_request_gets_a_response_without_a_body(self, api):
        response = api.call("HEAD", "/customers")
        assert (response.status_code, response.content) == (405, b"")
        assert api.rows()

    def test_outside_of_v1_only_the_login_exists(self, api):
        url = api.server.base_url.removesuffix("/v1")
        assert api.session.get(url + "/customers", timeout=10).status_code == 404
        assert api.session.get(url + "/auth/token", timeout=10).status_code == 405

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff", b'{"a": NaN}'])
    def test_a_body_that_is_not_a_json_object_gets_400(self, api, body):
        url = api.server.base_url + "/customers"
        response = api.session.post(url, data=body, timeout=10)
        assert (response.status_code, response.json()["code"]) == (400, "invalid_json")

    def test_an_absurdly_large_body_is_refused_with_413(self, api):
        url = api.server.base_url + "/customers"
        response = api.session.post(url, data=b" " * 8_000_001, timeout=10)
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
        assert api.rows()

    def test_a_body_without_a_length_is_refused(self, api):
        response = api.session.post(api.server.base_url + "/customers", data=iter([b"{}"]), timeout=10)
        assert response.status_code == 411

    @pytest.mark.parametrize("length", ["-1", "ten"])
    def test_an_invalid_length_is_refused(self, api, length):
        response = raw(
            api.server, f"POST /v1/customers HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
        )
        assert response.startswith("HTTP/1.1 400 ")

    def test_a_request_that_is_not_http_is_refused_in_json(self, api):
        response = raw(api.server, "what\r\n\r\n")
        assert json.loads(response.partition("\r\n\r\n")[2])["code"] == "bad_request"

    def test_a_bare_question_mark_is_accepted(self, api):
        connection = http.client.HTTPConnection(*api.server.base_url.split("/")[2].split(":"))
        connection.request("GET", "/v1/customers?", headers={"X-API-Key": SANDBOX_API_KEY})
        assert connection.getresponse().status == 200
        connection.close()

    def test_ids_are_percent_decoded_after_the_path_was_split(self, api):
        customer = api.rows()[0]["id"]
        encoded = "".join(f"%{ord(letter):02x}" for letter in customer)
        connection = http.client.HTTPConnection(*api.server.base_url.split("/")[2].split(":"))
        for path, status in ((f"/v1/customers/{encoded}", 200), ("/v1/customers/a%2Fcontacts", 404)):
            connection.request("GET", path, headers={"X-API-Key": SANDBOX_API_KEY})
            response = connection.getresponse()
            response.read()
            assert response.status == status
        connection.close()

    def test_a_response_has_the_date_of_the_server(self, api):
        assert api.call("GET", "/customers").headers["Date"].endswith("GMT")

    def test_one_connection_serves_many_requests(self, api):
        connection = http.client.HTTPConnection(*api.server.base_url.split("/")[2].split(":"))
        for _ in range(3):
            connection.request("GET", "/v1/customers", headers={"X-API-Key": SANDBOX_API_KEY})
            connection.getresponse().read()
        used = connection.sock
        connection.request("GET", "/v1/nothing", headers={"X-API-Key": SANDBOX_API_KEY})
        connection.getresponse().read()
        assert connection.sock is used
        connection.close()

    def test_a_fault_of_the_server_itself_is_a_500_in_json(self, api):
        api.server._store.close()
        response = api.call("GET", "/customers")
        assert (response.status_code, response.json()["code"]) == (500, "internal_error")


class TestControls:
    def test_over_the_rate_limit_429_says_how_many_seconds_to_wait(self, api):
        api.server.rate_limit = 0.5
        responses = [api.call("GET", "/customers") for _ in range(3)]
        assert [response.status_code for response in responses] == [200, 429, 429]
        assert responses[-1].headers["Retry-After"] == "2"
        api.server.rate_limit = None
        assert api.rows()

    def test_the_rate_limit_lets_requests_pass_again_after_the_wait(self, api):
        api.server.rate_limit = 2
        while api.call("GET", "/customers").status_code == 200:
            pass
        time.sleep(0.6)
        assert api.call("GET", "/customers").status_code == 200

    def test_latency_can_be_set_while_running(self, api):
        api.server.latency_s = 0.2
        start = time.monotonic()
        api.rows()
        assert time.monotonic() - start >= 0.2

    def test_a_page_size_cap_is_silent(self, api):
        api.server.page_size_cap = 7
        assert len(api.rows(page_size=50)) == 7
        assert len(api.rows(page_size=3)) == 3
        if api.dialect == "rest":
            assert api.call("GET", "/customers", page_size=50).json()["pagination"]["page_size"] == 7

    def test_every_request_is_in_the_log(self, api):
        api.call("GET", "/customers", page=2)
        api.call("GET", "/nothing")
        assert [tuple(entry) for entry in api.server.requests] == [
            ("GET", "/v1/customers", "page=2", 200),
            ("GET", "/v1/nothing", "", 404),
        ]
        assert api.server.requests[0].params == {"page": "2"}
        assert "2 requests" in repr(api.server.requests)
        api.server.requests.clear()
        assert len(api.server.requests) == 0

    def test_records_and_overwrite_refuse_what_does_not_exist(self, api):
        customer = api.server.records("customers")[0]["id"]
        with pytest.raises(KeyError, match="no column"):
            api.server.overwrite("customers", customer, colour="red")
        with pytest.raises(KeyError, match="no column 'id'"):
            api.server.overwrite("customers", customer, id="other")
        with pytest.raises(KeyError, match="does not exist"):
            api.server.set_status("contacts", "nobody", "inactive")
        with pytest.raises(KeyError, match="unknown table"):
            api.server.records("orders")

    def test_overwriting_goes_past_the_rules_and_moves_updated_at(self, api):
        before = api.server.records("customers")[0]
        api.server.overwrite("customers", before["id"], email="not an e-mail", phone=None, attributes=[])
        after = api.server.records("customers")[0]
        assert (after["email"], after["phone"]) == ("not an e-mail", None)
        assert after["updated_at"] > before["updated_at"]
        api.server.overwrite("customers", before["id"], updated_at="2001-01-01T00:00:00Z")
        assert api.server.records("customers")[0]["updated_at"] == "2001-01-01T00:00:00Z"


class TestLifeCycle:
    def test_the_dialect_must_be_one_of_the_two(self):
        with pytest.raises(ValueError, match="'graphql'"):
            SandboxServer(dialect="graphql")

    def test_a_stopped_server_has_no_address_and_no_records(self):
        server = SandboxServer(customers=1)
        assert "stopped" in repr(server)
        with pytest.raises(RuntimeError, match="not running"):
            server.base_url  # noqa: B018 - reading it is the test
        with pytest.raises(RuntimeError, match="not running"):
            server.records("customers")

    def test_starting_and_stopping_twice_does_nothing(self):
        with SandboxServer(customers=1) as server:
            address = server.base_url
            assert server.start().base_url == address
        server.stop()

    def test_stopping_ends_idle_connections_and_all_threads(self):
        before = threading.active_count()
        server = SandboxServer(customers=1).start()
        connections = [http.client.HTTPConnection(*server.base_url.split("/")[2].split(":")) for _ in range(3)]
        for connection in connections:
            connection.request("GET", "/v1/customers", headers={"X-API-Key": SANDBOX_API_KEY})
            connection.getresponse().read()
        server.stop()
        assert threading.active_count() == before
        assert all(connection.sock.recv(1) == b"" for connection in connections)
        for connection in connections:
            connection.close()

    def test_a_port_that_is_taken_is_an_error_that_leaves_nothing_open(self):
        with SandboxServer(customers=1) as server:
            taken = int(server.base_url.rsplit(":", 1)[1].partition("/")[0])
            with pytest.raises(OSError, match=r"."):
                SandboxServer(customers=1, port=taken).start()

    def test_a_database_file_survives_the_server(self, tmp_path):
        path = tmp_path / "account.sqlite"
        with Api("rest", customers=5, database=path) as api:
            created = api.create_customer()
            api.call("DELETE", f"/customers/{created['id']}")
            api.create_customer("NEW-2", display_name="Kept")
            before = api.server.records("customers")
        with Api("sdk", customers=5, database=str(path)) as api:
            assert api.server.records("customers") == before
            assert api.create_customer("NEW-3")["id"] not in {created["id"], before[-1]["id"]}

    def test_time_does_not_run_backwards_where_the_account_is_ahead_of_the_clock(self, tmp_path):
        path = tmp_path / "account.sqlite"
        with SandboxServer(customers=1, database=path) as server:
            ahead = server.records("customers")[0]["id"]
            server.overwrite("customers", ahead, updated_at="2099-01-01T00:00:00Z")
        with Api("rest", database=path) as api:
            assert api.create_customer()["created_at"] == "2099-01-01T00:00:00Z"

    def test_an_empty_account_is_possible(self):
        with Api("rest", customers=0) as api:
            assert api.call("GET", "/customers").json()["pagination"] == {
                "total_records": 0,
                "total_pages": 0,
                "current_page": 1,
                "next_page": None,
                "prev_page": None,
                "page_size": 20,
            }
            assert api.create_customer()["display_id"] == "C00001"

    def test_nothing_is_written_to_the_console(self, capfd):
        with Api("rest", customers=1) as api:
            raw(api.server, "what\r\n\r\n")
            api.rows()
        assert capfd.readouterr() == ("", "")


class TestConcurrency:
    def test_many_threads_that_read_and_write_get_whole_and_true_responses(self, api):
        ids = [record["id"] for record in api.server.records("customers")]

        def write(number):
            return api.call(
                "PATCH", f"/customers/{ids[number % 60]}", body=api.spelled(display_name=f"n{number}")
            ).status_code

        def read(number):
            return len(api.rows(page_size=100, **{api.spell("sort_by"): "display_name"}, page=1 + number % 2))

        active = sum(record["status"] == "active" for record in api.server.records("customers"))
        with ThreadPoolExecutor(8) as pool:
            written = pool.map(write, range(120))
            sizes = set(pool.map(read, range(80)))
            assert set(written) == {201}
        assert sizes == {active, 0}
        assert {record["display_name"] for record in api.server.records("customers")} <= {
            f"n{number}" for number in range(120)
        }

    def test_of_many_simultaneous_creates_with_one_reference_one_succeeds(self, api):
        body = api.spelled(reference_id="ONE", company_name="One", display_name="One")
        with ThreadPoolExecutor(8) as pool:
            responses = list(pool.map(lambda _: api.call("POST", "/customers", body=body).status_code, range(16)))
        assert sorted(responses) == [201] + [409] * 15


class TestShapes:
    def test_sdk_responses_have_exactly_the_keys_of_the_documents(self):
        with Api("sdk", customers=40) as api:
            created = api.call("POST", "/customers", body=example("customer_create"))
            assert created.status_code == 201
            industry = {"attributes": [{"name": "Industry", "value": "Retail"}]}
            path = f"/customers/{created.json()['id']}"
            details = api.call("PATCH", path, body=industry | {"displayId": "C001"}).json()
            assert list(details) == list(example("customer"))
            assert without_options(keys_of(details)) == without_options(keys_of(example("customer")))
            assert {tuple(row) for row in api.rows(page_size=100)} == {tuple(example("customer_list")[0])}
            assert [list(row) for row in api.rows(path + "/contacts")] == [list(example("contact_list")[0])]
            contact = api.rows(path + "/contacts")[0]["id"]
            assert list(api.one("GET", f"{path}/contacts/{contact}", 200)) == list(example("contact"))

    def test_the_documents_own_customer_is_created_with_the_values_of_the_example(self):
        with Api("sdk", customers=0) as api:
            details = api.call("POST", "/customers", body=example("customer_create")).json()
            expected = example("customer")
            for key in set(expected) - {"id", "displayId", "createdAt", "updatedAt", "attributes"}:
                if key in {"addresses", "contacts"}:
                    given = {"id": details[key][0]["id"]} | (
                        {"customerId": details["id"]} if key == "addresses" else {}
                    )
                    assert details[key] == [expected[key][0] | given]
                else:
                    assert details[key] == expected[key]

    def test_the_documents_own_updates_are_accepted(self):
        with Api("sdk", customers=1) as api:
            customer = api.server.records("customers")[0]["id"]
            contact = api.server.records("contacts")[0]["id"]
            updated = api.call("PATCH", f"/customers/{customer}", body=example("customer_update"))
            assert updated.status_code == 201
            assert updated.json() | example("customer_update") == updated.json()
            path = f"/customers/{customer}/contacts"
            assert api.call("POST", path, body=example("contact_create")).status_code == 201
            updated = api.call("PUT", f"{path}/{contact}", body=example("contact_update"))
            assert updated.status_code == 200
            assert updated.json() | example("contact_update") == updated.json()
            assert updated.json()["email"] is None

    def test_rest_details_hold_more_than_the_documents_of_the_sdk(self):
        with Api("rest", customers=1) as api:
            details = api.create_customer(
                assigned_sales_rep_ids=["rep_123456"],
                assigned_price_list_id="plist_123456",
                attributes=[{"name": "Industry", "value": "Retail"}],
                addresses=[
                    {"reference_id": "A", "address_line_1": "1 Elm", "city": "Bath", "type": "billing"},
                ],
                contacts=[{"reference_id": "C", "first_name": "Ada", "email": "ada@example.com"}],
            )
            assert {"id", "email", "first_name", "last_name", "phone", "department", "status"} <= set(
                details["assigned_sales_reps"][0]
            )
            assert "name" not in details["assigned_sales_reps"][0]
            assert details["attributes"][0]["value"] == "Retail"
            assert details["addresses"][0]["customer_id"] == details["id"]
            assert {"address_line_2", "attributes", "created_at", "status"} <= set(details["addresses"][0])
            assert {"status", "attributes", "department", "created_at"} <= set(details["contacts"][0])
            assert {"status", "freight_term"} <= set(api.rows()[0])
