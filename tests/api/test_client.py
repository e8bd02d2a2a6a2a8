"""The client against a service that answers oddly: what it tolerates, what it calls an error, what it is itself."""

from __future__ import annotations

import gc

import pytest
from support.client import CANARY, HANG_UP, Reply, Stub, client_of, page_of, snaked, transport_to
from support.display import html_of

from wizframe.account import Account
from wizframe.api.client import open_client
from wizframe.connections.client import Client
from wizframe.errors import (
    AuthenticationError,
    ConfigurationError,
    ProtocolError,
    RateLimitError,
    ReadOnlyError,
    RejectedError,
    TransportError,
    UnavailableError,
)
from wizframe.fields import CONTACT, CUSTOMER
from wizframe.http.transport import Transport

CONTACT_RECORD = {"reference_id": "A", "first_name": "B", "email": "c@d.de"}
CUSTOMER_RECORD = {"reference_id": "A", "company_name": "B", "display_name": "C"}


def page(rows):
    return {"data": rows, "pagination": {"total_records": len(rows), "total_pages": 1}}


class TestMixtures:
    """Envelope and spelling are two things, and each is read as it comes."""

    @pytest.mark.parametrize("dialect", ["rest", "sdk"])
    @pytest.mark.parametrize("envelope", [page, list, lambda rows: {"data": rows}], ids=["rest", "bare", "no totals"])
    @pytest.mark.parametrize("spell", [list, snaked], ids=["camel", "snake"])
    def test_a_list_in_any_mixture_of_spellings_reads_the_same(self, vendor, dialect, envelope, spell):
        with Stub(Reply.json(envelope(spell(vendor["customer_list"])))) as stub:
            [customer] = client_of(stub.base_url, dialect).customer.list()
        assert customer == page_of(vendor["customer_list"], CUSTOMER).records[0]
        assert customer["company_name"] == "Acme Inc."

    @pytest.mark.parametrize("dialect", ["rest", "sdk"])
    @pytest.mark.parametrize("envelope", [lambda record: {"data": record}, dict], ids=["rest", "bare"])
    @pytest.mark.parametrize("spell", [dict, snaked], ids=["camel", "snake"])
    def test_a_record_in_any_mixture_of_spellings_reads_the_same(self, vendor, dialect, envelope, spell):
        with Stub(Reply.json(envelope(spell(vendor["contact"])))) as stub:
            contact = client_of(stub.base_url, dialect).customer.contact.get("c", vendor["contact"]["id"])
        assert contact == snaked(vendor["contact"]) | {"customer_id": "c"}

    @pytest.mark.parametrize(
        ("spell", "envelope", "spoken"),
        [(list, page, "sdk"), (snaked, list, "rest"), (snaked, page, "rest"), (list, list, "sdk")],
    )
    def test_records_are_written_in_the_spelling_that_is_read(self, vendor, spell, envelope, spoken):
        listed = Reply.json(envelope(spell(vendor["customer_list"])))
        with Stub(listed, Reply.json(vendor["customer"])) as stub:
            client = client_of(stub.base_url, "auto")
            client.customer.update(vendor["customer"]["id"], {"display_name": "New"})
        assert client.dialect == spoken
        assert stub.requests[1].json == {"displayName" if spoken == "sdk" else "display_name": "New"}

    def test_unknown_missing_null_and_mistyped_fields_are_left_to_the_caller(self):
        row = {"id": "c", "phone": None, "firstName": [7], "brandNew": {"a": [1]}, "contacts": "none", "addresses": [3]}
        with Stub(Reply.json([row, {"id": None}, {}])) as stub:
            found = client_of(stub.base_url).customer.list()
        assert found == [
            {"id": "c", "phone": None, "first_name": [7], "brandNew": {"a": [1]}, "contacts": "none", "addresses": [3]},
            {"id": None},
            {},
        ]

    @pytest.mark.parametrize("body", [b"null", b'{"data": null}', b"[]", b'{"data": [], "pagination": null}'])
    def test_an_empty_list_may_be_null(self, body):
        with Stub(Reply(body=body)) as stub:
            assert client_of(stub.base_url).customer.list() == []


class TestNoAnswerOfTheContract:
    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>Sign in</html>", b"[", b"7", b'"x"', b"{}", b'{"data": {}}', b"[1]", b'{"data": [null]}'],
    )
    @pytest.mark.parametrize("dialect", ["auto", "rest"])
    def test_an_invalid_list_is_a_protocol_error_and_requested_once(self, body, dialect):
        with Stub(Reply(body=body)) as stub:
            with pytest.raises(ProtocolError) as caught:
                client_of(stub.base_url, dialect).customer.list()
            assert caught.value.code == "protocol"
            assert len(stub.requests) == 1

    @pytest.mark.parametrize(
        "body", [b"", b"null", b"<html>", b"[]", b"{}", b'{"id": ""}', b'{"id": [7]}', b'{"data": []}', b'{"data": {}}']
    )
    def test_an_invalid_record_is_a_protocol_error_and_nothing_is_sent_twice(self, body):
        with Stub(Reply(201, body)) as stub:
            client = client_of(stub.base_url)
            for ask in (lambda: client.customer.create(CUSTOMER_RECORD), lambda: client.customer.get("c")):
                with pytest.raises(ProtocolError):
                    ask()
        assert stub.methods == ["POST", "GET"]

    def test_a_dialect_is_not_learned_from_an_invalid_response(self, vendor):
        listed = Reply.json(vendor["customer_list"])
        with Stub(Reply(body=b"<html>"), listed) as stub:
            client = client_of(stub.base_url, "auto")
            with pytest.raises(ProtocolError):
                _ = client.dialect
            assert client.dialect == "sdk"

    def test_a_delete_needs_no_body(self):
        with Stub(Reply(204)) as stub:
            assert client_of(stub.base_url).customer.delete("c") is None


class TestOutcomes:
    @pytest.mark.parametrize("dialect", ["rest", "sdk"])
    def test_details_of_a_refusal_name_wizframe_s_fields(self, dialect):
        wire = ["firstName", "first_name", "contacts[0].zipCode", "addresses[12].zipCode", "assignedPriceListID",
                "name", "assignedSalesRepIds[1]", "sortBy", "odd.fieldName", "", "contacts[0]"]  # fmt: skip
        ours = ["first_name", "first_name", "contacts[0].zipCode", "addresses[12].zip_code", "assigned_price_list_id",
                "company_name", "assigned_sales_rep_ids[1]", "sort_by", "odd.fieldName", "", "contacts[0]"]  # fmt: skip
        body = {"code": "c", "message": "m", "details": [{"field": name, "reason": "r"} for name in wire]}
        with Stub(Reply.json(body, 422)) as stub:
            client = client_of(stub.base_url, dialect)
            for ask in (lambda: client.customer.update("c", {"phone": ""}), client.customer.list):
                with pytest.raises(RejectedError) as caught:
                    ask()
                assert [name for name, _ in caught.value.details] == ours

    @pytest.mark.parametrize(
        ("reply", "kind"), [(HANG_UP, TransportError), (Reply(500), UnavailableError), (Reply(504), UnavailableError)]
    )
    @pytest.mark.parametrize("operation", ["create", "update", "delete", "contact create", "contact delete"])
    def test_a_write_with_an_unknown_outcome_is_sent_exactly_once(self, reply, kind, operation):
        with Stub(reply) as stub:
            customer = client_of(stub.base_url).customer
            ask = {
                "create": lambda: customer.create(CUSTOMER_RECORD),
                "update": lambda: customer.update("c", {"phone": ""}),
                "delete": lambda: customer.delete("c"),
                "contact create": lambda: customer.contact.create("c", CONTACT_RECORD),
                "contact delete": lambda: customer.contact.delete("c", "k"),
            }[operation]
            with pytest.raises(kind):
                ask()
        assert len(stub.requests) == 1

    def test_a_contact_update_with_a_lost_response_sends_one_put(self, vendor):
        with Stub(Reply.json(vendor["contact"]), HANG_UP) as stub, pytest.raises(TransportError):
            client_of(stub.base_url).customer.contact.update("c", vendor["contact"]["id"], {"phone": ""})
        assert stub.methods == ["GET", "PUT"]

    def test_an_expired_key_is_reported(self):
        expired = Reply.json({"code": "expired", "message": ""}, 401)
        with Stub(expired) as stub, pytest.raises(AuthenticationError, match="connect\\(\\) again") as caught:
            client_of(stub.base_url).customer.list()
        assert caught.value.code == "expired"

    def test_repeated_refusals_of_a_sandbox_end_in_a_rate_limit_error(self, wiz):
        wiz.server.rate_limit = 0.001
        wiz.transport.rate_limiter = transport_to(wiz.base_url).rate_limiter  # its pauses take no time
        assert wiz.dialect  # uses up the one request that is allowed
        with pytest.raises(RateLimitError) as caught:
            wiz.customer.list(page_size=1)
        assert caught.value.retry_after_s > 60
        wiz.server.rate_limit = None
        assert wiz.customer.list(page_size=1)

    def test_a_wrong_key_is_refused_by_the_sandbox(self, wiz):
        with pytest.raises(AuthenticationError):
            Client(transport_to(wiz.base_url)).customer.list()

    def test_a_read_only_client_reads_and_writes_nothing(self, wiz):
        transport = Transport(wiz.base_url, wiz.server.api_key, read_only=True)
        with Client(transport) as client:
            [customer, *_] = client.customer.list()
            [contact, *_] = client.customer.get(customer["id"])["contacts"]
            before = wiz.server.records("customers"), wiz.server.records("contacts")
            for write in (
                lambda: client.customer.create(CUSTOMER_RECORD),
                lambda: client.customer.update(customer["id"], {"phone": ""}),
                lambda: client.customer.delete(customer["id"]),
                lambda: client.customer.contact.create(customer["id"], CONTACT_RECORD),
                lambda: client.customer.contact.delete(customer["id"], contact["id"]),
                lambda: client.customer.contact.replace(contact | {"customer_id": customer["id"]}, {"phone": ""}),
            ):
                with pytest.raises(ReadOnlyError):
                    write()
        assert (wiz.server.records("customers"), wiz.server.records("contacts")) == before
        assert {request.method for request in wiz.server.requests} == {"GET"}
        assert "read-only" in repr(client)


class TestClient:
    @pytest.mark.parametrize(
        ("url", "environment"),
        [
            ("https://api.wizcommerce.com/v1", "PRODUCTION"),
            ("https://API.wizcommerce.com:443/v1", "PRODUCTION"),
            ("https://api-staging.sourcerer.tech/v1", "staging"),
            ("http://localhost:8080/v1", "local"),
            ("http://[::1]:8080/v1", "local"),
            ("https://api.wizcommerce.com.example.com/v1", "other"),
        ],
    )
    def test_the_host_decides_the_environment(self, url, environment):
        client = client_of(url, "auto")
        assert client.environment == environment
        assert environment in repr(client)

    def test_different_spellings_of_an_address_are_one_account(self):
        accounts = {client_of(url).account for url in ("https://api.example.com/v1", "HTTPS://API.example.com/v1/")}
        assert accounts == {Account("https://api.example.com/v1")}
        assert str(Account("https://x/v1", "Acme")) == "Acme at https://x/v1"

    @pytest.mark.parametrize("dialect", ["soap", "REST", "", None])
    def test_an_unknown_dialect_is_refused(self, dialect):
        with pytest.raises(ConfigurationError, match="use 'auto', 'rest' or 'sdk'"):
            client_of("https://api.example.com/v1", dialect)

    def test_queries_can_be_respelled_once_by_any_number_of_threads(self, vendor, dialect):
        with Stub(Reply.json(vendor["customer_list"])) as stub:
            client = client_of(stub.base_url, dialect)
            client.respell_queries()
            client.respell_queries()
            client.customer.list(sort_by="created_at")
        assert (client.dialect, client.query_dialect) == (dialect, "rest" if dialect == "sdk" else "sdk")
        assert stub.requests[0].path.endswith("?sortBy=created_at" if dialect == "rest" else "?sort_by=created_at")

    def test_closing_twice_closes_once(self):
        closed = []
        with Client(transport_to("https://api.example.com/v1"), on_close=lambda: closed.append(1)) as client:
            pass
        client.close()
        assert closed == [1]

    def test_which_client_is_meant(self):
        gc.collect()
        with pytest.raises(ConfigurationError, match=r"connect\(\).*sandbox\(\)"):
            open_client()
        with client_of("https://one.example.com/v1") as one:
            assert open_client() is one
            with client_of("https://two.example.com/v1") as two:
                assert open_client(one) is one
                assert open_client(account=two.account) is two
                with pytest.raises(ConfigurationError, match="2 connections are open") as caught:
                    open_client()
                assert CANARY not in str(caught.value)
            assert open_client() is one

    def test_contacts_name_their_customer_although_the_service_does_not(self, wiz):
        customer_id = wiz.server.records("contacts")[0]["customer_id"]
        for contact in wiz.customer.contact.list(customer_id):
            assert contact["customer_id"] == customer_id
            assert contact == wiz.customer.contact.get(customer_id, contact["id"])
            assert contact.keys() >= set(CONTACT.columns())


def test_a_client_shows_where_it_leads_and_production_stands_out():
    production = Client(
        Transport("https://api.wizcommerce.com/v1", "key", read_only=True), account="Nordlicht", dialect="sdk"
    )
    shown = html_of(production)
    assert [
        word for word in ("PRODUCTION", "Nordlicht at https", "sdk dialect", "read-only") if word not in shown
    ] == []
    assert "background" in shown
    elsewhere = html_of(Client(Transport("https://api-staging.sourcerer.tech/v1", "key")))
    assert "staging" in elsewhere
    assert "background" not in elsewhere


def test_an_account_with_a_hostile_name_is_text():
    client = Client(Transport("https://example.com/v1", "key"), account="<img src=x onerror=alert(1)>")
    assert "<img" not in html_of(client)
    assert "&lt;img" in html_of(client)
