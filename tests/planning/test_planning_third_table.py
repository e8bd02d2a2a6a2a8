"""A third table needs a declaration, and no change in planning: depots of customers, one default for each kind."""

import pandas as pd
import pytest

from wizframe.account import Account
from wizframe.errors import AmbiguousTableError
from wizframe.fields import CUSTOMER, TABLES, DefaultFlag, Field, Likeness, Table
from wizframe.frames.baselines import Baseline, attach
from wizframe.frames.build import to_frame
from wizframe.frames.problems import problems_frame
from wizframe.planning.builder import Options, plan_deletes, plan_edits
from wizframe.planning.match import Service
from wizframe.planning.table_choice import which_table
from wizframe.pushing.plan import Plan
from wizframe.pushing.plan_file import read_parts, write_parts

ACCOUNT = Account("http://127.0.0.1:1/v1", "test")
DEPOT = Table(
    "depots",
    "depot",
    (
        Field("id", "text", "Its id."),
        Field("customer_id", "text", "Whose it is."),
        Field("reference_id", "text", "Your reference.", create=True, required=True, update=True),
        Field("street", "text", "Street.", create=True, required=True, update=True),
        Field("phone", "text", "Phone.", create=True, update=True, format="e164"),
        Field("kind", "text", "Goods or bills.", create=True, required=True, update=True),
        Field("is_default", "flag", "The default of its kind.", create=True, update=True),
        Field("created_at", "time", "When it was created."),
        Field("updated_at", "time", "When it last changed."),
    ),
    parent=CUSTOMER,
    is_sent_whole=True,
    named_by=(("street",),),
    marks=("street",),
    likeness=Likeness(("street", "kind"), ("street",), "street and kind"),
    default=DefaultFlag("is_default", per=("kind",)),
)
STORED = [
    {"id": f"dep_{n}", "customer_id": "cust_1", "reference_id": f"D-{n}", "street": f"{n} Main St", "phone": "bad",
     "kind": "goods" if n < 3 else "bills", "is_default": False}
    for n in range(1, 5)
]  # fmt: skip


class Depots:
    """Look-ups of a service that has one customer with four depots, and no contacts."""

    def by_reference(self, table, keys):
        if table.parent is None:
            return {(None, "C-1"): {"id": "cust_1"}} if (None, "C-1") in keys else {}
        return {("cust_1", row["reference_id"]): row for row in STORED} if table is DEPOT else {}

    def by_id(self, table, _keys):
        return {("cust_1", row["id"]): row for row in STORED} if table is DEPOT else {}

    def created_since(self, _table, _moment):
        return []

    def children(self, table, parent_ids):
        rows = STORED if table is DEPOT else []
        return {parent: rows for parent in parent_ids if parent == "cust_1"}


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    monkeypatch.setitem(TABLES, "depots", DEPOT)


@pytest.fixture
def depots():
    frame, _ = to_frame(STORED, DEPOT)
    attach(frame, Baseline(DEPOT, ACCOUNT, "here", frame.copy(), problems_frame()))
    return frame


def plan_of(options=None, **frames):
    return Plan(plan_edits(frames, Service(ACCOUNT, "here", Depots()), options or Options()))


def rules(plan):
    return list(zip(plan.problems["column"], plan.problems["rule"], strict=True))


def test_its_marks_tell_it_from_the_other_children_of_a_customer():
    assert which_table(pd.DataFrame({"customer_id": ["c"], "street": ["s"]}), None, None) is DEPOT
    assert which_table(pd.DataFrame({"customer_id": ["c"], "email": ["e"]}), None, None) is TABLES["contacts"]
    with pytest.raises(AmbiguousTableError, match="street"):
        which_table(pd.DataFrame({"phone": ["p"]}), None, None)


def test_edits_are_planned_and_the_whole_record_is_announced(depots):
    depots.loc[0, "street"] = "9 Main St"
    plan = plan_of(depots=depots)
    assert plan.cells[["table", "id", "column", "old", "new"]].to_numpy().tolist() == [
        ["depots", "dep_1", "street", "1 Main St", "9 Main St"]
    ]
    assert [notice.partition(":")[2].partition("'bad'")[0] for notice in plan.notices] == [
        " the whole depot is sent, and its phone "
    ]
    assert "dep_1  1 Main St of customer cust_1" in repr(plan)


def test_two_defaults_of_one_kind_are_a_problem_and_one_of_each_kind_is_none(depots):
    depots.loc[[0, 2], "is_default"] = True  # goods and bills
    assert rules(plan_of(depots=depots)) == []
    depots.loc[1, "is_default"] = True  # goods again
    rule = "several depots of one customer and kind become the default: keep one"
    assert rules(plan_of(depots=depots)) == [("is_default", rule)] * 2


def test_new_ones_belong_to_customers_that_the_same_plan_creates(tmp_path):
    customers = pd.DataFrame({"id": [None], "reference_id": ["C-9"], "company_name": "A", "display_name": "A"})
    new = pd.DataFrame(
        {"id": None, "customer_reference_id": ["C-9", "C-1", "C-7", None], "street": list("abcd"), "kind": "goods"}
    )
    plan = plan_of(customers=customers, depots=new)
    assert [part.table.name for part in plan.parts] == ["customers", "depots"]
    assert plan.changes["customer_reference_id"].tolist()[:2] == [None, "C-9"]
    assert plan.changes["customer_id"].tolist()[2] == "cust_1"
    assert rules(plan) == [
        ("customer_reference_id", "no customer has this reference, and the plan does not create it"),
        ("customer_reference_id", "is required for a new row"),
    ]
    chosen = plan.choose(plan.changes.iloc[:3])
    write_parts(chosen.parts, tmp_path / "plan.json")
    assert Plan(read_parts(tmp_path / "plan.json")).id == chosen.id
    alone = plan.choose(plan.changes.iloc[[1, 2]])  # the first one waits for a customer that is not created
    assert alone.changes["customer_id"].tolist() == ["cust_1"]


def test_new_ones_that_look_like_a_record_or_take_its_reference_are_problems():
    new = pd.DataFrame(
        {
            "id": None,
            "customer_id": "cust_1",
            "street": ["1 MAIN  st", "b"],
            "kind": "goods",
            "reference_id": ["X", "D-2"],
        }
    )
    (_, taken), (column, alike) = rules(plan_of(depots=new))
    assert taken.startswith("exists as dep_2")
    assert (column, alike.partition(":")[0]) == ("street", "looks like dep_1 (same street and kind)")
    assert [column for column, _ in rules(plan_of(Options(duplicates="create"), depots=new))] == ["reference_id"]


def test_rows_are_found_by_reference_and_deleted_with_their_customer(depots):
    erp = pd.DataFrame({"reference_id": ["D-1", "D-8"], "customer_id": "cust_1", "kind": "bills"})
    plan = plan_of(Options(match="reference_id"), depots=erp)
    assert plan.changes["id"].tolist() == ["dep_1"]
    assert [rule.partition(";")[0] for _, rule in rules(plan)] == ["is unknown: no depot has it"]
    deletes = plan_deletes(depots.head(2), DEPOT, Service(ACCOUNT, "here", Depots()))
    assert [change.id for change in deletes.changes_list] == ["dep_1", "dep_2"]
    customers, _ = to_frame([{"id": "cust_1", "company_name": "A"}], CUSTOMER)
    attach(customers, Baseline(CUSTOMER, ACCOUNT, "here", customers.copy(), problems_frame()))
    lost = plan_deletes(customers, CUSTOMER, Service(ACCOUNT, "here", Depots()))
    assert lost.notices == ("4 depots are deleted with the customers",)
