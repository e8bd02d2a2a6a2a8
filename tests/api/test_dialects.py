"""Decode and encode, without HTTP: what is written reads back as it was, in both dialects and any mixture."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.client import page_of, snaked

from wizframe.api.dialects import (
    decode_page,
    decode_record,
    detect,
    encode_parameters,
    encode_record,
    field_name,
    unknown_fields,
)
from wizframe.errors import InvalidRequestError, ProtocolError
from wizframe.fields import ADDRESS, CONTACT, CUSTOMER, LIST_PARAMETERS, NESTED

DIALECTS = st.sampled_from(["rest", "sdk"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
VALUES = {
    "text": st.text(max_size=9),
    "time": st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    "status": st.sampled_from(["active", "inactive"]),
    "flag": st.booleans(),
    "ids": st.lists(st.text(min_size=1, max_size=5), max_size=3),
    "object": st.dictionaries(st.text(max_size=5), JSON, max_size=2),
    "list": st.lists(JSON, max_size=2),
}
#: What decoding derives from other fields, so that it does not come back as it was sent.
DERIVING = {"assigned_sales_reps", "assigned_price_list"}


def records(table, operation):
    """Make plain records of what may be written, and unknown fields."""
    fields = [field for field in table.fields if getattr(field, operation) and field.name not in DERIVING]
    known = {field.name: st.none() | VALUES[field.kind] for field in fields}
    for name in NESTED.keys() & known.keys():
        known[name] = st.lists(records(NESTED[name], operation), max_size=2)
    taken = table.read_names.keys() | {"id", "data"}
    unknown = st.dictionaries(st.text(min_size=1, max_size=5).filter(lambda name: name not in taken), JSON, max_size=2)
    return st.builds(lambda a, b: a | b, st.fixed_dictionaries({}, optional=known), unknown)


def given_only(value, table):
    """Drop known fields that are None, as encoding does."""
    if not isinstance(value, dict):
        return value
    kept = {name: item for name, item in value.items() if item is not None or name not in table}
    for name in NESTED.keys() & kept.keys():
        if name in table:
            kept[name] = [given_only(row, NESTED[name]) for row in kept[name]]
    return kept


class TestRoundTrip:
    @pytest.mark.parametrize("table", [CUSTOMER, CONTACT, ADDRESS], ids=lambda table: table.name)
    @pytest.mark.parametrize("operation", ["create", "update"])
    @given(data=st.data(), dialect=DIALECTS)
    def test_what_is_written_reads_back_as_it_was(self, table, operation, data, dialect):
        record = data.draw(records(table, operation))
        body = orjson.loads(orjson.dumps(encode_record(record, table, dialect, operation)))
        assert decode_record(body | {"id": "x"}, table) == given_only(record, table) | {"id": "x"}

    @given(data=st.data(), enveloped=st.booleans())
    def test_any_mixture_of_spellings_reads_the_same(self, data, enveloped):
        record = given_only(data.draw(records(CUSTOMER, "update")), CUSTOMER)
        body = {"id": "x"}
        for name, value in record.items():
            dialect = data.draw(DIALECTS)
            body |= encode_record({name: value}, CUSTOMER, dialect, data.draw(st.sampled_from(["create", "update"])))
        assert decode_record({"data": body} if enveloped else body, CUSTOMER) == {"id": "x"} | record

    @given(body=JSON, table=st.sampled_from([CUSTOMER, CONTACT]))
    def test_no_json_at_all_makes_decoding_crash(self, body, table):
        for decode in (decode_record, decode_page):
            try:
                decode(body, table)
            except ProtocolError as error:
                assert table.singular in str(error)  # noqa: PT017 - not every JSON is an error


class TestReading:
    def test_name_is_the_company(self, vendor):
        customer = decode_record(vendor["customer"], CUSTOMER)
        assert customer["company_name"] == "Acme Inc."
        assert "name" not in customer

    def test_names_inside_attributes_and_unknown_objects_are_left_alone(self, vendor):
        customer = decode_record(vendor["customer"] | {"customFields": {"someKey": {"data_type": 1}}}, CUSTOMER)
        assert customer["attributes"] == vendor["customer"]["attributes"]
        assert unknown_fields(customer, CUSTOMER) == {"customFields": {"someKey": {"data_type": 1}}}

    @pytest.mark.parametrize("blank", [None, ""])
    @pytest.mark.parametrize("order", [1, -1])
    def test_of_two_spellings_the_one_with_a_value_counts(self, blank, order):
        row = dict([("name", "Acme"), ("company_name", blank)][::order])
        assert decode_record({"id": "c"} | row, CUSTOMER)["company_name"] == "Acme"

    @pytest.mark.parametrize(
        ("row", "rep_ids", "price_list_id"),
        [
            ({"assignedSalesReps": [{"id": "r"}, {"id": None}, "x"], "assignedPriceList": {"id": "p"}}, ["r"], "p"),
            ({"assigned_sales_reps": [], "assigned_price_list": None}, [], None),
            ({"assigned_sales_reps": []}, [], None),
            ({"assigned_price_list": {}}, ..., None),
            ({"assigned_sales_reps": None, "assigned_sales_rep_ids": ["r"]}, ["r"], None),
            ({"assigned_sales_reps": [], "assignedSalesRepIds": ["r"], "assignedPriceListID": "p"}, ["r"], "p"),
            ({}, ..., ...),
        ],
    )
    def test_ids_to_write_are_derived_from_what_is_read(self, row, rep_ids, price_list_id):
        customer = decode_record({"id": "c"} | row, CUSTOMER)
        assert customer.get("assigned_sales_rep_ids", ...) == rep_ids
        assert customer.get("assigned_price_list_id", ...) == price_list_id

    @pytest.mark.parametrize(
        ("pagination", "totals"),
        [
            ({"total_records": 7, "total_pages": 2}, (7, 2)),
            ({"totalRecords": 0, "totalPages": 0}, (0, 0)),
            ({"total_records": -1, "total_pages": True}, (None, None)),
            ({"total_records": "7", "total_pages": "seven"}, (7, None)),
            ({"total_records": "9" * 5000, "total_pages": "-1"}, (None, None)),
            ([], (None, None)),
        ],
    )
    def test_totals_are_believed_when_they_are_counts(self, pagination, totals):
        page = page_of({"data": [], "pagination": pagination}, CONTACT)
        assert (page.total_records, page.total_pages) == totals


class TestDetection:
    @pytest.mark.parametrize(
        ("body", "dialect"),
        [
            ([], "sdk"),
            ({"data": []}, "rest"),
            ({"data": None}, "rest"),
            ([{"id": "c", "name": "n"}], "sdk"),
            ({"data": [{"id": "c", "name": "n"}]}, "rest"),
            ([{"referenceId": "r", "odd_key": 1, "other_key": 2}], "sdk"),
            ({"data": [{"reference_id": "r", "oddKey": 1, "otherKey": 2}]}, "rest"),
            ({"data": [{"reference_id": "r", "displayName": 1, "createdAt": 2}]}, "sdk"),
        ],
    )
    def test_known_fields_decide_then_the_envelope(self, body, dialect):
        assert detect(body) == dialect

    def test_the_documents_examples_are_what_they_are(self, vendor):
        assert detect(vendor["customer_list"]) == "sdk"
        assert detect({"data": snaked(vendor["customer_list"])}) == "rest"

    @pytest.mark.parametrize("body", [7, "x", {}, {"error": "x"}, [1], {"data": {}}])
    def test_the_dialect_is_not_detected_from_other_bodies(self, body):
        with pytest.raises(ProtocolError):
            detect(body)


class TestParameters:
    @pytest.mark.parametrize("dialect", ["rest", "sdk"])
    @pytest.mark.parametrize("name", LIST_PARAMETERS)
    def test_each_is_spelled_as_the_dialect_documents_it(self, name, dialect):
        wire = name if dialect == "rest" else LIST_PARAMETERS[name].sdk_name
        if wire is None:
            with pytest.raises(InvalidRequestError, match=name):
                encode_parameters({name: "x"}, dialect)
        else:
            assert encode_parameters({name: ["x", "y"]}, dialect) == {wire: "x,y"}
            assert encode_parameters({name: 7}, dialect) == {wire: "7"}


class TestFieldNames:
    @given(data=st.data(), dialect=DIALECTS, operation=st.sampled_from(["create", "update"]), position=st.integers(0))
    def test_a_path_on_the_wire_is_translated_into_wizframe_s_names(self, data, dialect, operation, position):
        field = data.draw(st.sampled_from(CUSTOMER.fields))
        assert field_name(field.write_name(dialect, operation), CUSTOMER) == field.name
        for name, table in NESTED.items():
            inner = data.draw(st.sampled_from(table.fields))
            wire = f"{name}[{position}].{inner.write_name(dialect, operation)}"
            assert field_name(wire, CUSTOMER) == f"{name}[{position}].{inner.name}"

    @given(st.text())
    def test_no_path_causes_a_crash(self, wire):
        assert isinstance(field_name(wire, CUSTOMER), str)
