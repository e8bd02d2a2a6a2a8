"""Pages by column: whatever the rows of an answer look like, a page gives the same as rows read one by one."""

from __future__ import annotations

import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.client import page_of

from wizframe.api.dialects import decode_page, plain_record
from wizframe.api.pages import Columns, Page, Records
from wizframe.errors import ProtocolError
from wizframe.fields import CONTACT, CUSTOMER

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "name"]), inner, max_size=2),
    max_leaves=3,
)
TABLES = st.sampled_from([CUSTOMER, CONTACT])


@st.composite
def answers(draw):
    """Draw the rows of a page: of one shape, and some with a spelling, a key or an id of their own."""
    table = draw(TABLES)
    wires = st.sampled_from([*sorted(table.read_names), "loyaltyTier", "constructor"])
    keys = ["id", *draw(st.lists(wires, max_size=6, unique=True))]
    rows = [{key: draw(st.text(max_size=3) | st.none()) for key in keys} for _ in range(draw(st.integers(0, 4)))]
    for number, row in enumerate(rows):
        row["id"] = f"cust_{number}"
        if draw(st.integers(0, 3)) == 0:
            row.update(draw(st.dictionaries(wires, JSON, max_size=2)))
        if draw(st.integers(0, 5)) == 0:
            row.pop(draw(st.sampled_from(keys)), None)
    return table, rows


@given(answer=answers())
def test_a_page_gives_what_its_rows_give_one_by_one(answer):
    table, rows = answer
    records = [plain_record(row, table) for row in rows]
    page = page_of(rows, table)
    assert len(page) == len(rows)
    for name in [*table.columns(details=True), "loyaltyTier", "nobody's"]:
        assert list(page.values(name)) == [record.get(name) for record in records]
    assert set(page.names) == set().union(*records)
    assert page.records == records
    assert [list(record) for record in page.records if not record.get("id")] == [
        list(record) for record in records if not record.get("id")
    ]  # it is told apart by all that it holds, in that order


@given(answer=answers(), name=st.sampled_from(["status", "phone", "new"]), is_looked_at=st.booleans())
def test_columns_and_records_of_a_page_show_each_other_s_changes(answer, name, is_looked_at):
    table, rows = answer
    page = page_of(rows, table)
    if is_looked_at:
        assert len(page.records) == len(rows)
    page.put(name, [f"value {number}" for number in range(len(rows))])
    assert [record[name] for record in page.records] == list(page.values(name))
    for record in page.records:
        record[name] = "changed"
    assert list(page.values(name)) == ["changed"] * len(rows)


@pytest.mark.parametrize("kind", ["customer_list", "contact_list"])
def test_the_documents_examples_are_read_by_column(vendor, kind):
    table = CUSTOMER if kind == "customer_list" else CONTACT
    assert isinstance(decode_page(vendor[kind], table).rows, Columns)


def test_rows_that_differ_are_read_one_by_one():
    for odd in ({"name": "B"}, {"id": "b", "company_name": "B"}, {"id": "", "name": "B"}):
        assert isinstance(decode_page([{"id": "a", "name": "A"}, odd], CUSTOMER).rows, Records), odd


class TestUnread:
    def test_a_page_is_read_once_and_only_when_it_is_used(self):
        reads = []
        page = Page.of(lambda: reads.append(1) or decode_page({"data": [{"id": "a", "name": "A"}]}, CUSTOMER))
        assert (reads, repr(page)) == ([], "<Page, unread>")
        assert (len(page), page.total_records, page.records) == (1, None, [{"id": "a", "company_name": "A"}])
        assert (reads, repr(page)) == ([1], "<Page of 1 records>")

    def test_a_page_that_is_not_a_list_raises_each_time(self):
        page = Page.of(lambda: decode_page({"data": 7}, CUSTOMER))
        for _ in range(2):
            with pytest.raises(ProtocolError):
                _ = page.records

    def test_the_response_itself_is_released(self):
        class Answer:
            def contents(self):
                return decode_page([], CUSTOMER)

        answer = Answer()
        alive = weakref.ref(answer)
        page = Page.of(answer.contents)
        del answer
        assert alive()
        page.look()
        assert not alive()
