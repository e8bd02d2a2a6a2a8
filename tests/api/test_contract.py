"""The ten operations of the vendor's SDK documents through the client, in both dialects, over real HTTP.

The documents' own example JSON is the judge of what is sent and of what comes back.
"""

from __future__ import annotations

import pytest
from support.client import Reply, Stub, client_of, snaked

import wizframe
from wizframe.errors import InvalidRequestError, NotFoundError, RejectedError, TakenError
from wizframe.fields import CONTACT, CUSTOMER

#: What records carry besides the keys of [D]'s examples: derived from details, or taken from the path.
DERIVED = {"assigned_sales_rep_ids", "assigned_price_list_id"}


@pytest.fixture
def empty(dialect):
    """A client of an account without any customer, once in each dialect."""
    with wizframe.sandbox(customers=0, dialect=dialect) as client:
        yield client


@pytest.fixture
def acme(empty, vendor):
    """The documents' customer, created from the documents' JSON."""
    return empty.customer.create(snaked(vendor["customer_create"]))


def as_documented(example):
    """Read an example as a plain record: `name` is `company_name`."""
    record = snaked(example)
    return {"company_name" if key == "name" else key: value for key, value in record.items()}


def without(record, *names):
    return {key: value for key, value in record.items() if key not in names}


def without_blanks(record):
    return {key: value for key, value in record.items() if value not in (None, "")}


SERVERS = ("id", "customer_id", "created_at", "updated_at", "display_id")


class TestDocumentedCustomer:
    def test_a_record_created_from_the_documents_json_is_what_the_documents_show(self, acme, vendor):
        expected = as_documented(vendor["customer"])
        nested = ("addresses", "contacts", "attributes")
        assert without(acme, *SERVERS, *nested, *DERIVED) == without(expected, *SERVERS, *nested) | {
            "assigned_sales_reps": acme["assigned_sales_reps"],
            "assigned_price_list": acme["assigned_price_list"],
        }
        for name in ("addresses", "contacts"):
            assert without(expected[name][0], *SERVERS).items() <= acme[name][0].items()
        assert acme["assigned_sales_rep_ids"] == [expected["assigned_sales_reps"][0]["id"]]
        assert acme["assigned_price_list_id"] == expected["assigned_price_list"]["id"]
        assert acme["attributes"] == []

    def test_a_record_in_the_sdk_dialect_has_exactly_the_documented_keys(self, empty, acme, vendor, dialect):
        expected = as_documented(vendor["customer"])
        listed = empty.customer.list()[0]
        contact = empty.customer.contact.list(acme["id"])[0]
        if dialect == "rest":
            assert acme.keys() >= expected.keys()
            assert listed.keys() - {"freight_term", "status"} == as_documented(vendor["customer_list"][0]).keys()
            assert contact.keys() >= snaked(vendor["contact"]).keys()
            return
        assert acme.keys() == expected.keys() | DERIVED
        assert acme["addresses"][0].keys() == expected["addresses"][0].keys()
        assert acme["contacts"][0].keys() == expected["contacts"][0].keys()
        assert acme["assigned_sales_reps"] == expected["assigned_sales_reps"]
        assert acme["assigned_price_list"] == expected["assigned_price_list"]
        assert listed.keys() == as_documented(vendor["customer_list"][0]).keys()
        assert contact.keys() == snaked(vendor["contact_list"][0]).keys() | {"customer_id"}

    def test_a_record_is_the_same_in_details_and_lists(self, empty, acme):
        assert empty.customer.get(acme["id"]) == acme
        [listed] = empty.customer.list(page=1, page_size=20, sort_by="created_at", sort="desc", status="active")
        assert listed.items() <= acme.items()

    def test_an_update_with_the_documents_json_changes_only_those_fields(self, empty, acme, vendor):
        changes = snaked(vendor["customer_update"])
        updated = empty.customer.update(acme["id"], changes)
        assert without(updated, "updated_at") == without(acme, "updated_at") | changes
        assert empty.customer.get(acme["id"]) == updated

    def test_a_deleted_customer_is_gone_with_its_contacts(self, empty, acme):
        assert empty.customer.delete(acme["id"]) is None
        with pytest.raises(NotFoundError) as caught:
            empty.customer.get(acme["id"])
        assert (caught.value.status, caught.value.code) == (404, "not_found")
        assert empty.customer.list() == []
        assert empty.server.records("contacts") == []

    def test_every_documented_field_can_be_written_on_update(self, empty, acme):
        contact = empty.customer.contact.create(acme["id"], {"reference_id": "K", "first_name": "K", "email": "k@x.de"})
        shipping = {"reference_id": "S", "address_line_1": "1 Quay", "city": "Ulm", "type": "shipping"}
        addresses = empty.customer.update(acme["id"], {"addresses": [shipping, *acme["addresses"]]})["addresses"]
        changes = {
            "company_name": "Ä GmbH", "display_name": "Ä", "freight_term": "collect", "shipping_method": "air",
            "payment_mode": "cash", "payment_term": "net10", "primary_contact_id": contact["id"],
            "default_shipping_address_id": addresses[0]["id"], "default_billing_address_id": addresses[1]["id"],
            "reference_id": "R2", "display_id": "D2",
            "assigned_sales_rep_ids": ["rep_204417", "rep_123456"], "assigned_price_list_id": "plist_140233",
            "first_name": "Å", "last_name": "B", "phone": "+4930123456", "email": "a@b.de",
        }  # fmt: skip
        plain = {name: value for name, value in changes.items() if CUSTOMER[name].level}
        updated = empty.customer.update(acme["id"], changes)
        assert plain.items() <= updated.items()
        assert updated == empty.customer.get(acme["id"])
        assert [address["is_default"] for address in updated["addresses"]] == [True, True]
        assert empty.customer.contact.get(acme["id"], contact["id"])["is_default"] is True
        lists = {"addresses": [], "contacts": [], "attributes": [{"name": "Industry", "value": "Retail"}]}
        written = changes.keys() | lists.keys()
        assert written == {field.name for field in CUSTOMER.fields if field.update}  # none is forgotten here
        emptied = empty.customer.update(acme["id"], lists)
        assert (emptied["addresses"], emptied["contacts"]) == ([], [])
        assert [attribute["name"] for attribute in emptied["attributes"]] == ["Industry"]

    @pytest.mark.parametrize("name", ["freight_term", "phone", "first_name"])
    def test_an_empty_text_clears_and_an_empty_list_too(self, empty, acme, name):
        cleared = empty.customer.update(acme["id"], {name: "", "assigned_sales_rep_ids": []})
        assert not cleared.get(name)
        assert cleared["assigned_sales_rep_ids"] == []


class TestDocumentedContact:
    def test_a_contact_created_from_the_documents_json_is_what_was_sent(self, empty, acme, vendor):
        sent = snaked(vendor["contact_create"])
        created = empty.customer.contact.create(acme["id"], sent)
        given = {"status": "active", "attributes": [], "customer_id": acme["id"]}
        assert (sent | given).items() <= created.items()
        assert empty.customer.contact.get(acme["id"], created["id"]) == created
        assert created in empty.customer.contact.list(acme["id"], page_size=20, sort_by="created_at", sort="desc")
        assert created.keys() >= snaked(vendor["contact"]).keys()

    def test_an_update_with_the_documents_json_changes_only_those_fields(self, empty, acme, vendor):
        """Sent as it stands, the documents' own example would erase the name and the e-mail."""
        before = empty.customer.contact.create(acme["id"], snaked(vendor["contact_create"]))
        changes = snaked(vendor["contact_update"])
        updated = empty.customer.contact.update(acme["id"], before["id"], changes)
        assert without(updated, "updated_at") == without(before, "updated_at") | changes
        assert empty.customer.contact.get(acme["id"], before["id"]) == updated

    def test_a_deleted_contact_is_gone(self, empty, acme):
        contact_id = acme["contacts"][0]["id"]
        assert empty.customer.contact.delete(acme["id"], contact_id) is None
        for ask in (empty.customer.contact.get, empty.customer.contact.delete):
            with pytest.raises(NotFoundError):
                ask(acme["id"], contact_id)
        assert empty.customer.contact.list(acme["id"]) == []

    def test_contacts_of_an_unknown_customer_are_not_found(self, empty, vendor):
        contact = snaked(vendor["contact_create"])
        for ask in (
            lambda: empty.customer.contact.list("cust_0"),
            lambda: empty.customer.contact.create("cust_0", contact),
            lambda: empty.customer.contact.update("cust_0", "cont_0", {"phone": ""}),
        ):
            with pytest.raises(NotFoundError):
                ask()


class TestWire:
    """What leaves, byte for byte in meaning, as the documents write it."""

    @pytest.mark.parametrize("name", ["customer_create", "customer_update", "contact_create"])
    def test_the_sdk_dialect_sends_the_documents_json_itself(self, vendor, name):
        kind, operation = name.split("_")
        with Stub(Reply.json(vendor[kind])) as stub:
            client = client_of(stub.base_url, "sdk")
            ask = getattr(client.customer if kind == "customer" else client.customer.contact, operation)
            ids = {"customer_create": [], "customer_update": ["cust_123456789"], "contact_create": ["cust_1"]}[name]
            ask(*ids, snaked(vendor[name]))
        assert stub.requests[0].json == vendor[name]

    @pytest.mark.parametrize("name", ["customer_create", "customer_update", "contact_create"])
    def test_the_rest_dialect_sends_the_same_in_snake_case(self, vendor, name):
        kind, operation = name.split("_")
        with Stub(Reply.json({"data": snaked(vendor[kind])})) as stub:
            client = client_of(stub.base_url, "rest")
            ask = getattr(client.customer if kind == "customer" else client.customer.contact, operation)
            ids = {"customer_create": [], "customer_update": ["cust_123456789"], "contact_create": ["cust_1"]}[name]
            ask(*ids, snaked(vendor[name]))
        assert stub.requests[0].json == snaked(vendor[name])

    def test_the_price_list_is_spelled_as_each_operation_documents_it(self, vendor):
        with Stub(Reply.json(vendor["customer"])) as stub:
            client = client_of(stub.base_url, "sdk")
            required = {"reference_id": "A", "company_name": "B", "display_name": "C"}
            client.customer.create(required | {"assigned_price_list_id": "plist_1"})
            client.customer.update("cust_123456789", {"assigned_price_list_id": "plist_1"})
        created, updated = (request.json for request in stub.requests)
        assert created["assignedPriceListID"] == updated["assignedPriceListId"] == "plist_1"

    def test_a_contact_update_reads_and_then_puts_the_whole_contact(self, vendor):
        with Stub(Reply.json(vendor["contact"])) as stub:
            contact = client_of(stub.base_url, "sdk").customer.contact
            contact.update("cust_1", "cont_123456", snaked(vendor["contact_update"]))
        assert stub.methods == ["GET", "PUT"]
        read_only = ("id", "status", "createdAt", "updatedAt")
        assert stub.requests[1].json == without(vendor["contact"], *read_only) | vendor["contact_update"]

    def test_each_operation_is_the_documented_request(self, vendor):
        record, answers = vendor["customer"], ["c", "c", "c", "c", "k", "c", "k"]
        with Stub(*(Reply.json(record | {"id": one}) for one in answers)) as stub:
            customer = client_of(stub.base_url, "sdk").customer
            customer.get("c")
            customer.create({"reference_id": "A", "company_name": "B", "display_name": "C"})
            customer.update("c", {"phone": ""})
            customer.delete("c")
            customer.contact.get("c", "k")
            customer.contact.create("c", {"reference_id": "A", "first_name": "B", "email": "c@d.de"})
            customer.contact.delete("c", "k")
        assert [(request.method, request.path) for request in stub.requests] == [
            ("GET", "/v1/customers/c"),
            ("POST", "/v1/customers"),
            ("PATCH", "/v1/customers/c"),
            ("DELETE", "/v1/customers/c"),
            ("GET", "/v1/customers/c/contacts/k"),
            ("POST", "/v1/customers/c/contacts"),
            ("DELETE", "/v1/customers/c/contacts/k"),
        ]


class TestRefusedByTheService:
    def test_a_taken_reference_is_an_error_of_its_own(self, empty, acme, vendor):
        with pytest.raises(TakenError) as caught:
            empty.customer.create(snaked(vendor["customer_create"]))
        assert [name for name, _ in caught.value.details] == ["reference_id"]
        contact = without(acme["contacts"][0], *SERVERS, "status", "department")
        with pytest.raises(TakenError) as caught:
            empty.customer.contact.create(acme["id"], contact)
        assert [name for name, _ in caught.value.details] == ["reference_id"]
        assert len(empty.server.records("customers")) == len(empty.server.records("contacts")) == 1

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"company_name": "  "}, "company_name"),
            ({"assigned_price_list_id": "plist_0"}, "assigned_price_list_id"),
            ({"assigned_sales_rep_ids": ["rep_123456", "rep_0"]}, "assigned_sales_rep_ids[1]"),
            ({"primary_contact_id": "cont_0"}, "primary_contact_id"),
            ({"addresses": [{"reference_id": "A", "city": "B", "type": "billing"}]}, "addresses[0].address_line_1"),
            ({"contacts": [{"reference_id": "A", "first_name": "B"}]}, "contacts[0].email"),
        ],
    )
    def test_details_name_wizframe_s_fields_in_both_dialects(self, empty, acme, changes, field):
        with pytest.raises(RejectedError) as caught:
            empty.customer.update(acme["id"], changes)
        assert caught.value.status == 422
        assert [name for name, _ in caught.value.details] == [field]
        assert empty.customer.get(acme["id"]) == acme

    def test_details_of_a_create_are_named_too_although_one_is_spelled_otherwise(self, empty):
        record = {"reference_id": "A", "company_name": "B", "display_name": "C", "assigned_price_list_id": "plist_0"}
        with pytest.raises(RejectedError) as caught:
            empty.customer.create(record)
        assert [name for name, _ in caught.value.details] == ["assigned_price_list_id"]


class TestDialects:
    def test_the_dialect_is_found_out_from_the_service(self, wiz, dialect):
        assert wiz.dialect == dialect

    def test_an_account_without_records_is_recognized_by_its_envelope(self, empty, dialect):
        assert empty.dialect == dialect

    def test_the_dialect_is_asked_for_once(self, wiz):
        wiz.server.requests.clear()
        for _ in range(3):
            wiz.customer.list(page_size=1)
        assert len(wiz.server.requests) == 1 + 3


class TestFrames:
    def test_the_documents_customer_is_unchanged_in_a_frame(self, empty, acme, vendor):
        frame = empty.load_customers(details=True, progress=False)
        expected = as_documented(vendor["customer"])
        row = frame.iloc[0]
        texts = [name for name in CUSTOMER.columns(details=True) if CUSTOMER[name].kind == "text" and name in expected]
        assert {n: row[n] for n in texts if n not in SERVERS} == {n: expected[n] for n in texts if n not in SERVERS}
        assert (row["id"], row["status"], row["assigned_sales_rep_ids"]) == (acme["id"], "active", "rep_123456")
        assert row["assigned_price_list_id"] == "plist_123456"
        addresses = frame.wiz.addresses()
        sent = without(expected["addresses"][0], *SERVERS)
        assert {name: addresses[name][0] for name in sent} == sent

    def test_the_documents_contact_is_unchanged_in_a_frame(self, empty, acme, vendor):
        expected = snaked(vendor["customer_create"])["contacts"][0]
        frame = empty.load_contacts(acme["id"], progress=False)
        assert {name: frame[name][0] for name in expected} == expected
        assert list(frame["customer_id"]) == [acme["id"]]
        assert list(frame.columns) == CONTACT.columns(details=True)

    def test_an_edit_of_the_frame_is_the_documents_update(self, empty, acme, vendor):
        changes = snaked(vendor["customer_update"])
        frame = empty.load_customers(progress=False)
        frame.loc[0, list(changes)] = list(changes.values())
        assert empty.plan(frame).apply(max_changes=1).changes["state"].tolist() == ["done"]
        assert without(empty.customer.get(acme["id"]), "updated_at") == without(acme, "updated_at") | changes


class TestRefusedBeforeSending:
    """Everything here costs no request: the message lists all that is wrong."""

    @pytest.mark.parametrize(
        ("record", "wrong"),
        [
            ({}, ["reference_id", "company_name", "display_name"]),
            ({"reference_id": "A", "company_name": "", "display_name": None}, ["company_name", "display_name"]),
            ({"nickname": "A", "displayName": "B"}, ["nickname", "displayName"]),
            ({"id": "cust_1", "status": "inactive", "created_at": "2026-01-01"}, ["id", "status", "created_at"]),
            ({"phone": "0170 123"}, ["phone"]),
            ({"email": "nobody"}, ["email"]),
            ({"first_name": "x" * 51, "reference_id": "x" * 256}, ["first_name", "reference_id"]),
            ({"payment_term": 30}, ["payment_term"]),
            ({"assigned_sales_rep_ids": "rep_1"}, ["assigned_sales_rep_ids"]),
            ({"assigned_sales_rep_ids": ["rep_1", ""]}, ["assigned_sales_rep_ids"]),
            ({"addresses": ""}, ["addresses"]),
            ({"addresses": ["x", {"zip_code": 94105, "zip": "1"}]},
             ["addresses[0]", "addresses[1].zip_code", "addresses[1].zip"]),
            ({"attributes": [{"id": "attr_1", "name": "Industry"}]}, ["attributes"]),
            ({"primary_contact_id": "cont_1"}, ["primary_contact_id"]),
        ],
    )  # fmt: skip
    def test_a_customer_that_breaks_rules(self, empty, record, wrong):
        required = {"reference_id": "A", "company_name": "B", "display_name": "C"}
        whole = record if wrong[0] in required or not record else required | record
        with pytest.raises(InvalidRequestError) as caught:
            empty.customer.create(whole)
        assert sorted(name for name, _ in caught.value.details) == sorted(wrong)
        assert all(name in str(caught.value) for name in wrong)
        assert len(empty.server.requests) == 0

    @pytest.mark.parametrize(
        ("changes", "wrong"),
        [
            ({}, ""),
            ({"company_name": ""}, "company_name"),
            ({"status": "inactive"}, "status"),
            ({"phone": None}, "phone"),
            ({"addresses": None}, "addresses"),
            ({"attributes": [{"id": "attr_1", "name": "Industry", "entity": "customer"}]}, "attributes"),
        ],
    )
    def test_an_update_that_breaks_rules(self, empty, changes, wrong):
        with pytest.raises(InvalidRequestError) as caught:
            empty.customer.update("cust_1", changes)
        assert [name for name, _ in caught.value.details] == [wrong]
        assert len(empty.server.requests) == 0

    @pytest.mark.parametrize("changes", [{}, {"first_name": ""}, {"is_default": None}, {"is_default": "yes"}])
    def test_a_contact_update_that_breaks_rules_does_not_even_read(self, empty, changes):
        with pytest.raises(InvalidRequestError):
            empty.customer.contact.update("cust_1", "cont_1", changes)
        assert len(empty.server.requests) == 0

    @pytest.mark.parametrize("bad", ["", "..", "a/b", "?x", "a b"])
    def test_an_invalid_id_is_refused(self, empty, bad):
        customer, contact = empty.customer, empty.customer.contact
        record = {"reference_id": "A", "first_name": "B", "email": "c@d.de"}
        assert empty.dialect
        empty.server.requests.clear()
        for ask in (
            lambda: customer.get(bad),
            lambda: customer.update(bad, {"phone": ""}),
            lambda: customer.delete(bad),
            lambda: contact.list(bad),
            lambda: contact.create(bad, record),
            lambda: contact.get("cust_1", bad),
            lambda: contact.update("cust_1", bad, {"phone": ""}),
            lambda: contact.delete(bad, "cont_1"),
        ):
            with pytest.raises(InvalidRequestError):
                ask()
        assert len(empty.server.requests) == 0

    def test_what_is_none_is_left_out_of_a_new_record(self, empty):
        record = {"reference_id": "A", "company_name": "B", "display_name": "C", "phone": None, "addresses": None}
        assert empty.customer.create(record)["company_name"] == "B"

    def test_lists_that_were_read_can_be_written_back_with_what_wizframe_does_not_know(self, empty, acme):
        contacts = empty.customer.get(acme["id"])["contacts"]
        contacts[0]["designation"] = "CEO"
        updated = empty.customer.update(acme["id"], {"contacts": contacts, "addresses": acme["addresses"]})
        assert without(updated["contacts"][0], "updated_at") == without(contacts[0], "updated_at")
        assert without_blanks(updated["addresses"][0]) == without_blanks(acme["addresses"][0])
