"""New rows that look like a record are problems until they are allowed, and looking for them asks for little."""

import pandas as pd
import pytest
from support.planning import load, rules, second_client, states, without_attrs

import wizframe

ALIKE = "(same company and e-mail): leave the row out, or plan with duplicates='create' to create it anyway"


def new(**cells):
    values = {"id": None, "company_name": "Café  Müller", "display_name": "Müller", "email": "Office@Example.com"}
    return pd.DataFrame([values | cells])


@pytest.fixture
def known(wiz):
    """A customer that the new rows look like."""
    record = {"company_name": "CAFÉ MÜLLER", "display_name": "M", "email": "office@example.com", "reference_id": "K-1"}
    return wiz.customer.create(record)["id"]


def lists(wiz):
    """Count the pages of customers that are asked for, look-ups by reference aside."""
    return sum(r.path == "/v1/customers" and "eference" not in r.query for r in wiz.server.requests)


def test_the_same_company_and_e_mail_is_a_problem_until_allowed(wiz, known):
    plan = new().wiz.plan()
    assert rules(plan) == [("email", f"looks like {known} {ALIKE}")]
    assert rules(new(email="other@example.com").wiz.plan()) == []
    assert rules(new(company_name="Café Meier").wiz.plan()) == []
    assert rules(new(email=None).wiz.plan()) == []
    allowed = new().wiz.plan(duplicates="create")
    assert states(allowed.apply(progress=False)) == {"done": 1}
    assert wiz.customer.get(known)["email"] == "office@example.com"


def test_inactive_customers_count_too(wiz, known):
    wiz.server.set_status("customers", known, "inactive")
    assert rules(new().wiz.plan()) == [("email", f"looks like {known} {ALIKE}")]


def test_two_new_rows_that_are_alike_are_a_problem(wiz):
    rows = pd.concat([new(reference_id="A"), new(reference_id="B")], ignore_index=True)
    assert rules(rows.wiz.plan()) == [("email", f"looks like row 0 {ALIKE}")]
    assert wiz.customer.list(page_size=1)


@pytest.mark.usefixtures("known")
def test_a_taken_reference_is_reported_once(wiz):
    assert [rule.split()[0] for _, rule in rules(new(reference_id="K-1").wiz.plan())] == ["exists"]
    assert wiz.customer.list(page_size=1)


@pytest.mark.fault(35)
def test_the_file_of_another_machine_is_not_created_twice(wiz):
    """It gave its rows references of its own."""
    first = pd.concat([new(reference_id="A-1"), new(reference_id="A-2", email="b@example.com")], ignore_index=True)
    assert states(first.wiz.plan().apply(progress=False)) == {"done": 2}
    again = without_attrs(first.assign(id=None, reference_id=["B-1", "B-2"]))
    with second_client(wiz) as other:
        assert [rule[:10] for _, rule in rules(wizframe.plan(again, client=other))] == ["looks like"] * 2


def test_contacts_are_alike_within_their_customer_only(wiz):
    one, other = (record["id"] for record in wiz.server.records("customers")[:2])
    row = {"id": None, "customer_id": one, "first_name": "Ann", "last_name": "Lee", "email": "ann@example.com"}
    contacts = pd.DataFrame([row])
    assert states(contacts.wiz.plan().apply(progress=False)) == {"done": 1}
    again = pd.DataFrame(
        [row | {"reference_id": "X", "first_name": "ANN"}, row | {"reference_id": "X", "customer_id": other}]
    )
    (problem,) = rules(again.wiz.plan())
    assert problem[1].startswith(f"looks like {contacts['id'][0]} (same names and e-mail)")


def test_after_a_whole_load_only_newer_customers_are_read(wiz, known):
    load(wiz)
    wiz.server.requests.clear()
    assert rules(new().wiz.plan()) == [("email", f"looks like {known} {ALIKE}")]
    assert lists(wiz) == 2
    later = {"company_name": "Later", "display_name": "L", "reference_id": "L-1", "email": "later@example.com"}
    later_id = wiz.customer.create(later)["id"]
    assert rules(new(company_name="later", email="later@example.com").wiz.plan()) == [
        ("email", f"looks like {later_id} {ALIKE}")
    ]


@pytest.mark.parametrize("limit", [{"status": "active"}, {"reference_ids": ["CUST00003"]}, {"invalid": "drop"}])
def test_a_limited_load_does_not_count_as_all_customers(wiz, known, limit):
    load(wiz, **limit)
    assert rules(new().wiz.plan()) == [("email", f"looks like {known} {ALIKE}")]


def test_a_customer_that_was_deleted_or_renamed_since_the_load_is_not_a_duplicate(wiz, known):
    load(wiz)
    wiz.server.overwrite("customers", known, company_name="Other")
    assert rules(new().wiz.plan()) == []
    wiz.customer.delete(known)
    assert rules(new().wiz.plan()) == []


def test_rows_without_an_e_mail_need_no_list(wiz):
    assert wiz.dialect  # asked for with a page of its own
    wiz.server.requests.clear()
    new(email=None).wiz.plan()
    assert lists(wiz) == 2  # once for each connection: they show references that prove the filter by reference
    new(email=None, company_name="Other").wiz.plan()
    assert lists(wiz) == 2
