"""df.wiz: the methods are the functions, and tab completion shows them."""

import inspect

import pandas as pd
import pytest

import wizframe
from wizframe.errors import InvalidRequestError, PlanError
from wizframe.fields import ADDRESS

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")
METHODS = [
    "addresses", "browse", "collisions", "contacts", "delete", "edit", "overview", "plan", "problems", "push",
    "refresh", "to_csv", "to_excel", "unread", "validate",
]  # fmt: skip


def test_tab_completion_shows_all_methods_and_help_explains_them(wiz):
    accessor = wiz.load_customers().wiz
    shown = [name for name in dir(accessor) if not name.startswith("_")]
    assert shown == METHODS
    assert all(len(inspect.getdoc(getattr(type(accessor), name))) > 40 for name in METHODS)


def test_plan_and_push_are_the_functions(wiz):
    customers = wiz.load_customers()
    customers.loc[0, "payment_term"] = "net90"
    assert customers.wiz.plan().id == wizframe.plan(customers).id
    assert customers.wiz.push(yes=True).counts()["done"] == 1
    assert wiz.customer.get(customers["id"][0])["payment_term"] == "net90"


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (wizframe.WizAccessor, "plan"),
        (wizframe.WizAccessor, "push"),
        (wizframe.WizAccessor, "delete"),
        (wizframe.WizAccessor, "to_excel"),
        (wizframe.WizAccessor, "to_csv"),
        (wizframe.WizAccessor, "refresh"),
        (wizframe.WizAccessor, "contacts"),
        (wizframe.Plan, "apply"),
    ],
)
def test_help_shows_the_options_of_the_function(owner, name):
    """The methods' signatures are written out for tab completion; this keeps them the functions' own."""
    method = inspect.signature(getattr(owner, name)).parameters
    function = inspect.signature(getattr(wizframe, {"contacts": "load_contacts"}.get(name, name))).parameters
    assert {key: method[key].default for key in list(method)[1:]} == {
        key: function[key].default for key in list(function)[1:]
    }


def test_delete_plans_and_counts_the_contacts_that_are_deleted_too(wiz):
    customers = wiz.load_customers().head(2)
    contacts = customers.wiz.contacts()
    plan = customers.wiz.delete()
    assert plan.counts()["delete"] == 2
    assert f"{len(contacts)} contacts are deleted with the customers" in repr(plan)
    assert len(wiz.load_customers()) == 30


def test_contacts_of_a_filtered_frame_are_those_of_its_customers(wiz):
    customers = wiz.load_customers().iloc[[3, 7]]
    contacts = customers.wiz.contacts()
    assert set(contacts["customer_id"]) <= set(customers["id"])
    stored = [row for row in wiz.server.records("contacts") if row["customer_id"] in set(customers["id"])]
    assert len(contacts) == len(stored)


def test_addresses_unfold_into_a_long_typed_frame(wiz):
    customers = wiz.load_customers(details=True)
    addresses = customers.wiz.addresses()
    stored = {row["id"]: row["addresses"] for row in wiz.server.records("customers")}
    assert list(addresses.columns) == ADDRESS.columns(details=True)
    assert addresses["is_default"].dtype == "boolean"
    assert addresses.groupby("customer_id").size().to_dict() == {i: len(rows) for i, rows in stored.items() if rows}
    assert customers.set_index("id").wiz.addresses().equals(addresses)


def test_addresses_that_were_not_loaded_are_an_error_that_says_how(wiz):
    with pytest.raises(PlanError, match="details=True"):
        wiz.load_customers().wiz.addresses()


def test_problems_are_those_of_the_load_and_validate_those_of_now(wiz):
    row = wiz.server.records("customers")[0]
    wiz.server.overwrite("customers", row["id"], phone="555-0100", email="a@example.com")
    customers = wiz.load_customers()
    position = customers.index[customers["id"] == row["id"]][0]
    bad = customers.wiz.problems.query("row == @position")
    assert bad[["column", "value"]].to_numpy().tolist() == [["phone", "555-0100"]]
    customers.loc[position, "phone"] = "+14155550100"
    customers.loc[position, "email"] = "nobody"
    now = customers.wiz.validate().query("row == @position")
    assert now[["column", "value"]].to_numpy().tolist() == [["email", "nobody"]]
    assert len(customers.wiz.problems.query("row == @position")) == 1  # the load's, as it was


def test_validate_names_rows_by_the_users_own_labels(wiz):
    customers = wiz.load_customers().set_index("reference_id")
    label = customers.index[4]
    customers.loc[label, "email"] = "nobody"
    assert label in customers.wiz.validate()["row"].tolist()


def test_problems_of_a_frame_that_was_not_loaded_are_those_of_now():
    frame = pd.DataFrame({"id": ["a"], "company_name": ["A"], "display_name": ["A"], "email": ["nobody"]})
    assert frame.wiz.problems["column"].tolist() == ["email"]


def test_contacts_of_contacts_are_refused_and_the_right_argument_is_named(wiz):
    contacts = wiz.load_customers().head(2).wiz.contacts()
    with pytest.raises(InvalidRequestError, match=r"frame\['customer_id'\]"):
        contacts.wiz.contacts()
