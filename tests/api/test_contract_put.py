"""The PUT trap: a contact's PUT erases whatever it does not mention, so an update of one cell must mention everything.

One cell changes, every other one stays: against the sandbox, which erases, in both dialects.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizframe.api.dialects import writable_attributes
from wizframe.connections.client import Client
from wizframe.errors import InvalidRequestError, RejectedError
from wizframe.fields import CONTACT

ATTRIBUTES = [{"name": "Newsletter", "value": True}, {"name": "Language", "value": "sv"}]
CHANGES = {
    "reference_id": "NEW-1",
    "first_name": "Zoë",
    "last_name": "Öhman-O'Neill",
    "email": "zoe@example.com",
    "phone": "+46850550199",
    "designation": "=CEO()",
    "is_default": True,
}
NEVER_CLEARED = ("reference_id", "first_name", "email", "is_default")


@pytest.fixture
def full(wiz, dialect):
    """A contact, as stored, in which every field has a value; also the one that no document names."""
    stored = next(contact for contact in wiz.server.records("contacts") if contact["status"] == "active")
    values = {name: f"old {name}" for name in ("first_name", "last_name", "designation", "department")}
    values |= {"phone": "+46850550100", "email": "old@example.com", "is_default": False}
    # [D] shows attributes without values; such a contact is refused: see below.
    values["attributes"] = ATTRIBUTES if dialect == "rest" else []
    wiz.server.overwrite("contacts", stored["id"], **values)
    return find(wiz, stored)


def find(wiz, contact):
    return next(record for record in wiz.server.records("contacts") if record["id"] == contact["id"])


def without(record, *names):
    return {name: value for name, value in record.items() if name not in (*names, "updated_at")}


def update(wiz, contact, changes):
    return wiz.customer.contact.update(contact["customer_id"], contact["id"], changes)


class Echo:
    """A transport that answers every request with one record: HTTP adds nothing to what is tested here."""

    base_url = "http://localhost"

    def __init__(self, record):
        self.record = record
        self.payload = None

    def request(self, _method, _path, *, payload=None):
        self.payload = payload
        return SimpleNamespace(body=b"{}", json=lambda **_options: self.record)


class TestOneCell:
    def test_a_put_of_the_change_alone_erases_the_rest(self, wiz, full):
        path = ["customers", full["customer_id"], "contacts", full["id"]]
        wiz.transport.request("PUT", path, payload={"designation": "CEO"})
        after = find(wiz, full)
        assert after["designation"] == "CEO"
        assert not any((after["first_name"], after["email"], after["phone"], after["reference_id"]))

    @pytest.mark.parametrize("name", CHANGES)
    def test_a_set_cell_leaves_every_other_as_it_was(self, wiz, full, name, dialect):
        lost = {"department"} if dialect == "sdk" else set()  # not in that dialect's responses
        answer = update(wiz, full, {name: CHANGES[name]})
        after = find(wiz, full)
        assert without(after, *lost) == without(full | {name: CHANGES[name]}, *lost)
        assert answer[name] == CHANGES[name]

    @pytest.mark.parametrize("name", [name for name in CHANGES if name not in NEVER_CLEARED])
    def test_a_cleared_cell_leaves_every_other_as_it_was(self, wiz, full, name):
        update(wiz, full, {name: ""})
        after = find(wiz, full)
        assert not after[name]
        assert without(after, name, "department") == without(full, name, "department")

    def test_the_other_contacts_and_the_customer_stay_as_they_were(self, wiz, full):
        def others():
            customers = wiz.server.records("customers")
            return [c for c in wiz.server.records("contacts") if c["id"] != full["id"]], customers

        before = others()
        update(wiz, full, {"designation": "CEO"})
        assert others() == before

    def test_an_old_invalid_value_that_the_service_refuses_fails_the_row_and_erases_nothing(self, wiz, full):
        wiz.server.overwrite("contacts", full["id"], phone="not E.164")
        before = find(wiz, full)
        with pytest.raises(RejectedError) as caught:
            update(wiz, full, {"designation": "CEO"})
        assert [name for name, _ in caught.value.details] == ["phone"]
        assert find(wiz, full) == before

    def test_a_blank_field_stays_blank(self, wiz, full):
        blank = {"last_name": None, "phone": "", "designation": None}
        wiz.server.overwrite("contacts", full["id"], **blank)
        update(wiz, full, {"first_name": "New"})
        assert not any(find(wiz, full)[name] for name in blank)


class TestAttributes:
    def test_values_that_the_service_does_not_show_are_not_erased_but_refused(self, wiz, full, dialect):
        wiz.server.overwrite("contacts", full["id"], attributes=ATTRIBUTES)
        before = find(wiz, full)
        wiz.server.requests.clear()
        if dialect == "rest":
            update(wiz, full, {"designation": "CEO"})
            assert find(wiz, full)["attributes"] == ATTRIBUTES
            return
        with pytest.raises(InvalidRequestError) as caught:
            update(wiz, full, {"designation": "CEO"})
        assert [name for name, _ in caught.value.details] == ["attributes"]
        assert full["id"] in str(caught.value)
        assert find(wiz, full) == before
        assert "PUT" not in [request.method for request in wiz.server.requests]

    def test_attributes_that_the_user_gives_are_written(self, wiz, full):
        wiz.server.overwrite("contacts", full["id"], attributes=ATTRIBUTES)
        update(wiz, full, {"attributes": [{"name": "Language", "value": "fi"}]})
        assert find(wiz, full)["attributes"] == [{"name": "Language", "value": "fi"}]

    def test_they_are_written_back_in_the_form_in_which_they_are_written(self):
        read = [{"id": "attr_1", "name": "Language", "value": "sv", "data_type": "text", "options": []}]
        transport = Echo({"id": "k", "attributes": read})
        Client(transport, dialect="rest").customer.contact.update("c", "k", {"designation": "CEO"})
        assert transport.payload["attributes"] == [{"name": "Language", "value": "sv"}]

    @pytest.mark.parametrize("blank", [None, "", [], {}, ()])
    def test_blank_attributes_can_be_written_back(self, blank):
        assert writable_attributes(blank) == []

    @pytest.mark.parametrize(
        "odd", [[{"name": "x"}], [{"value": 1}], ["x"], [None], {"x": 1}, "x", 7, [{"name": "x", "value": 1}, {}]]
    )
    def test_attributes_without_name_and_value_cannot_be_written_back(self, odd):
        assert writable_attributes(odd) is None

    @given(st.lists(st.fixed_dictionaries({"name": st.text(), "value": st.none() | st.text() | st.booleans()})))
    def test_what_has_name_and_value_keeps_them(self, attributes):
        read = [{"id": "attr_1", **attribute, "data_type": "text"} for attribute in attributes]
        assert writable_attributes(read) == attributes


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KNOWN = {*CONTACT.read_names, "data"}


class TestUnknownFields:
    @given(unknown=st.dictionaries(st.text(min_size=1).filter(lambda name: name not in KNOWN), JSON, max_size=5))
    def test_whatever_a_contact_holds_is_written_back(self, unknown):
        contact = {"id": "k", "first_name": "Ada", "status": "active", "created_at": "2026-01-01T00:00:00Z"} | unknown
        transport = Echo(contact)
        Client(transport, dialect="rest").customer.contact.update("c", "k", {"designation": "CEO"})
        assert transport.payload == {"first_name": "Ada", "designation": "CEO"} | unknown
