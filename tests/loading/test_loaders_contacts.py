"""Contacts: of one customer, of many, in every way in which people name them."""

import pandas as pd
import pytest
from support.loaders import stored

import wizframe
from wizframe.errors import IncompleteLoadWarning, InvalidRequestError, NotFoundError
from wizframe.fields import CONTACT

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")

WAYS = {
    "list": list,
    "generator": iter,
    "series": pd.Series,
    "index": pd.Index,
    "frame": lambda ids: pd.DataFrame({"id": ids}),
    "frame by id": lambda ids: pd.DataFrame({"id": ids, "n": 1}).set_index("id"),
    "frame of levels": lambda ids: pd.DataFrame({"n": 1, "id": ids}).set_index(["n", "id"]),
    "twice": lambda ids: [*ids, *ids],
    "with blank ids": lambda ids: pd.DataFrame({"id": [ids[0], None, *ids[1:], ""]}),
}


@pytest.mark.fault(23)
@pytest.mark.parametrize("way", WAYS)
def test_contacts_of_both_statuses_come_in_the_order_of_their_customers(wiz, way):
    ids = [record["id"] for record in stored(wiz)][7:1:-1]
    frame = wiz.load_contacts(WAYS[way](ids))
    assert frame["customer_id"].drop_duplicates().tolist() == ids
    assert set(frame["id"]) == {record["id"] for record in stored(wiz, "contacts") if record["customer_id"] in ids}
    assert frame["id"].is_unique


def test_one_id_is_one_customer(wiz):
    contact = stored(wiz, "contacts", status="inactive")[0]
    frame = wiz.load_contacts(contact["customer_id"])
    assert set(frame["customer_id"]) == {contact["customer_id"]}
    assert "inactive" in frame["status"].tolist()


@pytest.mark.parametrize("none", [[], pd.DataFrame({"id": []}), pd.DataFrame({"id": [None, ""]})], ids=len)
def test_no_customers_give_no_contacts_in_the_usual_columns(wiz, none):
    frame = wiz.load_contacts(none)
    some = wiz.load_contacts(stored(wiz)[0]["id"])
    assert frame.empty
    assert frame.dtypes.to_dict() == some.dtypes.to_dict()
    assert tuple(frame.columns) == tuple(CONTACT.columns())


def test_unknown_customers_are_left_out_and_reported(wiz):
    known = stored(wiz)[0]["id"]
    with pytest.warns(IncompleteLoadWarning, match="2 customers do not exist: cust_a, cust_b") as caught:
        frame = wiz.load_contacts(["cust_b", known, "cust_a"])
    assert set(frame["customer_id"]) == {known}
    assert "incomplete" not in str(caught[0].message)
    assert caught[0].filename == __file__
    assert frame.wiz.unread["customer_id"].tolist() == ["cust_a", "cust_b"]


@pytest.mark.parametrize(
    ("unknown", "message"),
    [
        ("K-1042", "the customer does not exist: K-1042. .*reference"),
        (["a", "b"], "none of the 2 customers exists: a, b"),
    ],
)
def test_customers_of_whom_none_exists_are_an_error(wiz, unknown, message):
    with pytest.raises(NotFoundError, match=message):
        wiz.load_contacts(unknown)
    with pytest.raises(NotFoundError, match=message):
        list(wiz.iter_contacts(unknown))


def test_a_frame_of_contacts_names_no_customers_and_the_error_says_what_to_pass(wiz):
    contacts = wiz.load_contacts(wiz.load_customers())
    with pytest.raises(InvalidRequestError, match=r"frame of contacts .*customers.* Pass .*frame\['customer_id'\]"):
        wiz.load_contacts(contacts)


@pytest.mark.parametrize("status", ["active", "inactive"])
@pytest.mark.parametrize("name", ["created_after", "created_before", "updated_after", "updated_before"])
def test_every_filter_holds_in_both_dialects(wiz, name, status):
    for contact in stored(wiz, "contacts")[::3]:
        wiz.server.overwrite("contacts", contact["id"], status="inactive", updated_at=contact["updated_at"])
    column, side = name.rsplit("_", 1)
    bound = sorted(record[f"{column}_at"] for record in stored(wiz, "contacts", status=status))[3]
    frame = wiz.load_contacts(wiz.load_customers(), status=status, **{name: bound})
    passes = bound.__lt__ if side == "after" else bound.__gt__
    inside = {r["id"] for r in stored(wiz, "contacts", status=status) if passes(r[f"{column}_at"])}
    assert inside
    assert set(frame["id"]) == inside


@pytest.mark.parametrize(
    ("order", "column", "ascending"),
    [({"sort_by": "updated_at"}, "updated_at", True), ({"sort_by": "updated_at", "sort": "desc"}, "updated_at", False),
     ({"sort_by": "created_at"}, "created_at", True), ({"sort": "desc"}, "created_at", False)],
)  # fmt: skip
def test_the_order_asked_for_is_that_of_the_whole_frame(wiz, order, column, ascending):
    times = wiz.load_contacts(wiz.load_customers(), **order)[column]
    assert times.is_monotonic_increasing if ascending else times.is_monotonic_decreasing


@pytest.mark.parametrize("cap", [None, 1])
def test_a_silent_cap_on_pages_costs_no_contact(wiz, cap):
    wiz.server.page_size_cap = cap
    ids = [record["id"] for record in stored(wiz)][:8]
    frame = wiz.load_contacts(ids)
    assert len(frame) == sum(record["customer_id"] in ids for record in stored(wiz, "contacts"))


@pytest.mark.parametrize(("dialect", "each"), [("rest", 2), ("sdk", 4)])
def test_a_quiet_customer_takes_few_requests(dialect, each):
    with wizframe.sandbox(customers=5, dialect=dialect) as wiz:
        customers = wiz.load_customers()
        wiz.server.requests.clear()
        wiz.load_contacts(customers)
        assert len(wiz.server.requests) == 5 * each


@pytest.mark.parametrize(
    ("customers", "options"),
    [
        (7, {}), (None, {}), ([7], {}), (["cust_1", None], {}), ([""], {}), ({"id": "cust_1"}, {}),
        (pd.DataFrame({"customer": ["cust_1"]}), {}), (pd.DataFrame({"id": [7]}), {}),
        ("cust_1", {"sort_by": "company_name"}), ("cust_1", {"status": "all"}), ("cust_1", {"created_after": "soon"}),
        ("cust_1", {"workers": 0}), ("cust_1", {"invalid": "ignore"}), ("../customers", {}), (["a/b"], {}),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_any_request(wiz, customers, options):
    assert wiz.dialect
    wiz.server.requests.clear()
    with pytest.raises(InvalidRequestError):
        wiz.load_contacts(customers, **options)
    assert not wiz.server.requests
