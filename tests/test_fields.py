"""The field table against the documents: names, limits, and what may be written when."""

from __future__ import annotations

import pandas as pd
import pytest
from support.client import snake

from wizframe.fields import ADDRESS, CONTACT, CUSTOMER, LIST_PARAMETERS, NESTED, TABLES, describe, violation

EVERY = [CUSTOMER, CONTACT, ADDRESS]
FIELDS = [(table, field) for table in EVERY for field in table.fields]
IDS = [f"{table.singular}.{field.name}" for table, field in FIELDS]


def written(table, operation):
    return {field.name for field in table.fields if getattr(field, operation)}


class TestDocuments:
    """The tables of the vendor's SDK documents, by hand."""

    CUSTOMER_CREATE = (
        "companyName displayName referenceId freightTerm shippingMethod paymentMode paymentTerm firstName lastName "
        "phone email assignedSalesRepIds assignedPriceListID addresses contacts attributes"
    )
    CUSTOMER_UPDATE = (
        "companyName displayName freightTerm shippingMethod paymentMode paymentTerm primaryContactId "
        "defaultShippingAddressId defaultBillingAddressId referenceId displayId assignedSalesRepIds "
        "assignedPriceListId firstName lastName phone email addresses contacts attributes"
    )
    CONTACT_WRITE = "referenceId firstName lastName email phone designation isDefault attributes"

    @pytest.mark.parametrize(
        ("table", "operation", "documented", "more"),
        [
            (CUSTOMER, "create", CUSTOMER_CREATE, {"display_id"}),
            (CUSTOMER, "update", CUSTOMER_UPDATE, set()),
            (CONTACT, "create", CONTACT_WRITE, set()),
            (CONTACT, "update", CONTACT_WRITE, set()),
        ],
    )
    def test_exactly_the_documented_fields_can_be_written_under_the_documented_names(
        self, table, operation, documented, more
    ):
        names = documented.split()
        assert written(table, operation) == {snake(name) for name in names} | more
        spelled = {table[name].write_name("sdk", operation) for name in written(table, operation) - more}
        assert spelled == set(names)
        assert all(table[name].write_name("rest", operation) == name for name in written(table, operation))

    def test_required_is_what_the_documents_require(self):
        assert set(CUSTOMER.required) == {"company_name", "display_name", "reference_id"}
        assert set(CONTACT.required) == {"reference_id", "first_name", "email"}
        assert set(ADDRESS.required) == {"reference_id", "address_line_1", "city", "type"}

    def test_every_key_of_every_example_is_known(self, vendor):
        tables = {"customer": CUSTOMER, "contact": CONTACT}
        for name, example in vendor.items():
            for record in example if isinstance(example, list) else [example]:
                table = tables[name.partition("_")[0]]
                assert record.keys() <= table.read_names.keys(), name
                for nested in NESTED.keys() & record.keys():
                    assert record[nested][0].keys() <= NESTED[nested].read_names.keys()

    def test_a_list_s_columns_are_the_15_that_both_dialects_can_fill(self, vendor):
        keys = {CUSTOMER.read_names[key].name for key in vendor["customer_list"][0]}
        assert set(CUSTOMER.columns()) == keys | {"status"}
        assert len(CUSTOMER.columns()) == 15
        assert set(CUSTOMER.columns(details=True)) > keys

    def test_list_parameters_are_spelled_as_documented(self):
        spelled = {parameter.sdk_name for parameter in LIST_PARAMETERS.values()} - {None}
        assert spelled == {"page", "page_size", "sortBy", "sort", "status", "referenceIds"}


class TestTables:
    @pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
    def test_no_two_fields_share_a_name_on_the_wire(self, table):
        for dialect in ("rest", "sdk"):
            for operation in ("create", "update"):
                names = [field.write_name(dialect, operation) for field in table.fields]
                assert len(set(names)) == len(names)
        read = [name for field in table.fields for name in field.read_names()]
        assert len(set(read)) == len(read)

    @pytest.mark.parametrize(("table", "field"), FIELDS, ids=IDS)
    def test_what_is_written_can_be_read_back_under_either_name(self, table, field):
        for dialect in ("rest", "sdk"):
            for operation in ("create", "update"):
                assert table.read_names[field.write_name(dialect, operation)] is field
        assert all(table.read_names[name] is field for name in field.read_names())

    @pytest.mark.parametrize(("table", "field"), FIELDS, ids=IDS)
    def test_flags_fit_together(self, table, field):
        assert field.create or not field.required
        assert field.update or not field.writable
        assert not (field.writable and field.kind in ("time", "status", "list", "object"))
        assert pd.api.types.pandas_dtype(field.dtype)
        assert field.name in table
        assert table[field.name] is field

    @pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
    def test_the_documentation_s_table_has_a_line_for_each_field(self, table):
        lines = describe(table).splitlines()
        assert len(lines) == 2 + len(table.fields)
        assert len({line.count("|") for line in lines}) == 1
        assert all(f"| `{field.name}` |" in line for field, line in zip(table.fields, lines[2:], strict=True))


class TestRules:
    """What a table says about its records, so that nothing else has to ask which table it is."""

    def test_a_child_names_its_parent(self):
        assert (CUSTOMER.parent, CUSTOMER.parent_columns, CUSTOMER.key_columns) == (None, (), ("id",))
        for table in (CONTACT, ADDRESS):
            assert table.parent is CUSTOMER
            assert table.key_columns == ("id", "customer_id", "customer_reference_id")
            assert table.field_of("customer_reference_id") is CUSTOMER["reference_id"]
        assert CUSTOMER.children == (CONTACT,)
        assert CUSTOMER.field_of("customer_reference_id") is None

    def test_parents_are_sent_before_their_children(self):
        seen = set()
        for table in TABLES.values():
            assert table.parent is None or table.parent.name in seen
            seen.add(table.name)

    @pytest.mark.parametrize(
        ("table", "values", "name"),
        [
            (CUSTOMER, {"display_name": "Acme", "company_name": "Acme Inc"}, "Acme"),
            (CUSTOMER, {"display_name": None, "company_name": "Acme Inc"}, "Acme Inc"),
            (CONTACT, {"first_name": "Ada", "last_name": "Lovelace", "email": "a@b.co"}, "Ada Lovelace"),
            (CONTACT, {"first_name": "Ada", "last_name": ""}, "Ada"),
            (CONTACT, {"email": "a@b.co"}, "a@b.co"),
            (ADDRESS, {"address_line_1": "1 Main St", "city": "Dayton"}, "1 Main St Dayton"),
            (CONTACT, {}, ""),
        ],
    )
    def test_a_record_is_called_by_its_name(self, table, values, name):
        assert table.record_name(values) == name

    @pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
    def test_rules_are_about_columns_of_the_table(self, table):
        named = [*table.marks, *(name for group in table.named_by for name in group)]
        named += [*table.likeness.columns, *table.likeness.needed] if table.likeness else []
        named += [table.default.column, *table.default.per] if table.default else []
        assert [name for name in named if name not in table] == []


class TestViolation:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("phone", "+14155552671"), ("phone", "+1234567"), ("email", "a@b.co"), ("email", "ä.ö+x@müller.example"),
            ("first_name", "x" * 50), ("reference_id", "x" * 255), ("payment_term", "x" * 10_000),
            ("phone", ""), ("phone", None), ("addresses", []), ("assigned_sales_rep_ids", ["rep_1"]),
            ("assigned_sales_rep_ids", []), ("assigned_price_list", {}), ("addresses", None),
        ],
    )  # fmt: skip
    def test_what_fits_breaks_no_rule(self, name, value):
        assert violation(CUSTOMER[name], value) is None

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("phone", "0170 123456", "E.164"), ("phone", "+0123456789", "E.164"), ("phone", "+123456", "E.164"),
            ("phone", "+1234567890123456", "E.164"), ("phone", "+1415555\n", "E.164"), ("phone", "+١٢٣٤٥٦٧٨", "E.164"),
            ("email", "a@b", "e-mail"), ("email", "a b@c.de", "e-mail"), ("email", "a@b@c.de", "e-mail"),
            ("email", "a@b.de\n", "e-mail"), ("first_name", "x" * 51, "at most 50"),
            ("reference_id", "x" * 256, "at most 255"), ("phone", 123, "must be a string"),
            ("phone", 0, "must be a string"), ("phone", False, "must be a string"),
            ("addresses", "", "must be a list"), ("addresses", {}, "must be a list"),
            ("assigned_sales_rep_ids", ["", "x"], "not an id"), ("assigned_sales_rep_ids", [1], "not an id"),
        ],
    )  # fmt: skip
    def test_a_value_that_breaks_a_rule_is_reported(self, name, value, said):
        assert said in violation(CUSTOMER[name], value)

    @pytest.mark.parametrize(("value", "fits"), [(True, True), (False, True), (None, True), ("", False), (1, False)])
    def test_a_flag_is_true_or_false(self, value, fits):
        assert (violation(CONTACT["is_default"], value) is None) is fits

    def test_a_long_senseless_address_is_judged_at_once(self):
        """An expression that backtracks would hang here."""
        assert violation(CUSTOMER["email"], "a@" + "a." * 50_000 + "@")
