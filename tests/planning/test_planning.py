"""What a plan says before anything is written: every problem at once, what is not sent, and what it was made of."""

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.planning import cells_of, load, rules

import wizframe
from wizframe import CLEAR
from wizframe.errors import AmbiguousTableError, InvalidRequestError, PlanError
from wizframe.fields import CUSTOMER
from wizframe.frames import baselines
from wizframe.frames.problems import problems_frame

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")
READ_ONLY = "is read-only: restore it, or change it in WizCommerce itself"


def test_all_problems_come_at_once(wiz):
    frame = load(wiz)
    frame = frame.assign(payment_term=frame["payment_term"].astype(object), payment_term_x="?")
    cells = {
        (0, "payment_term"): 45, (1, "phone"): "030 123", (2, "email"): "nobody", (3, "first_name"): "x" * 51,
        (4, "company_name"): CLEAR, (5, "status"): "inactive", (6, "reference_id"): frame["reference_id"][7],
        (8, "reference_id"): "new", (9, "reference_id"): "new",
    }  # fmt: skip
    for (row, column), value in cells.items():
        frame.loc[row, column] = value
    new = pd.DataFrame({"display_name": ["No company"], "reference_id": [frame["reference_id"][10]]})
    frame = pd.concat([frame, new, pd.DataFrame({"id": [None]})], ignore_index=True)
    found = {
        (row, column): rule
        for row, column, _, rule, _ in frame.wiz.plan(table="customers").problems.to_numpy().tolist()
    }
    words = {
        (None, "payment_term_x"): "looks like a merge",
        (0, "payment_term"): "is a number",
        (1, "phone"): "is not an E.164 phone number",
        (2, "email"): "is not a valid e-mail address",
        (3, "first_name"): "at most 50",
        (4, "company_name"): "is required and cannot be cleared",
        (5, "status"): READ_ONLY,
        (6, "reference_id"): f"exists as {frame['id'][7]}",
        (8, "reference_id"): "must be unique",
        (9, "reference_id"): "must be unique",
        (30, "company_name"): "is required for a new row",
        (30, "reference_id"): f"exists as {frame['id'][10]}; plan with match='reference_id'",
        (31, "id"): "is blank, and so is the rest of the row",
    }
    assert found.keys() == words.keys()
    assert [key for key, text in words.items() if text not in found[key]] == []
    assert {request.method for request in wiz.server.requests} == {"GET"}


def test_a_cell_that_became_blank_is_not_sent_unless_it_is_cleared_on_purpose(wiz):
    frame = load(wiz)
    row = frame.index[frame["phone"].notna() & frame["email"].notna()][0]
    for blank in (None, float("nan"), "", pd.NA):
        frame.loc[row, ["phone", "email"]] = blank
        plan = frame.wiz.plan()
        assert len(plan) == 0
        assert plan.blanked == {"phone": 1, "email": 1}
        assert "became blank and is not sent: phone 1, email 1" in repr(plan)
    assert cells_of(frame.wiz.plan(clear=["phone"])) == {("update", frame["id"][row], "phone"): ""}
    frame.loc[row, "email"] = CLEAR
    assert cells_of(frame.wiz.plan()) == {("update", frame["id"][row], "email"): ""}
    frame.loc[frame["phone"].isna(), "phone"] = CLEAR
    assert set(frame.wiz.plan().changes["id"]) == {frame["id"][row]}


def test_required_fields_and_flags_cannot_be_cleared(wiz):
    contacts = load(wiz, "contacts")
    contacts["is_default"] = contacts["is_default"].astype(object)
    contacts.loc[0, ["email", "is_default"]] = [CLEAR, CLEAR]
    assert rules(contacts.wiz.plan()) == [
        ("email", "is required and cannot be cleared"),
        ("is_default", "is a flag: set it to False instead of clearing it"),
    ]


def test_only_turns_other_edits_into_problems(wiz):
    frame = load(wiz)
    frame.loc[0, ["payment_term", "display_name"]] = ["net77", "Mine"]
    plan = frame.wiz.plan(only=["payment_term"])
    assert rules(plan) == [("display_name", "was edited, but is not in only= (allowed: payment_term)")]
    for wrong in ({"only": "payment_term"}, {"only": ["status"]}, {"clear": ["nothing"]}, {"clear": "phone"}):
        with pytest.raises(PlanError):
            frame.wiz.plan(**wrong)


def test_own_columns_are_left_alone_and_named(wiz):
    frame = load(wiz).assign(score=1.5, **{"Payment Term": "net77", "payment_trem": "net88"})
    plan = frame.wiz.plan()
    assert len(plan) == 0
    assert plan.own_columns == ("score", "Payment Term", "payment_trem")
    assert [notice.split("'")[1] for notice in plan.notices] == ["Payment Term", "payment_trem"]


def test_rows_missing_from_the_frame_are_ignored(wiz):
    frame = load(wiz)
    assert len(frame.iloc[:0].wiz.plan()) == 0
    assert len(frame.iloc[5:9].wiz.plan()) == 0


@pytest.mark.parametrize(("second", "is_problem"), [(True, True), (False, False)])
def test_two_new_defaults_for_one_customer_are_a_problem(wiz, second, is_problem):
    owners = pd.Series([record["customer_id"] for record in wiz.server.records("contacts")]).value_counts()
    contacts = load(wiz, "contacts").astype({"is_default": object})
    rows = contacts.index[contacts["customer_id"] == owners.index[0]][:2]
    for identifier in contacts["id"][rows]:
        wiz.server.overwrite("contacts", identifier, is_default=False)
    contacts = load(wiz, "contacts")
    contacts.loc[rows, "is_default"] = [True, second]
    assert ("is_default" in [column for column, _ in rules(contacts.wiz.plan())]) == is_problem


def test_which_table_a_frame_holds(wiz):
    customers = load(wiz)
    plain = pd.DataFrame({"id": customers["id"], "payment_term": customers["payment_term"]})
    with pytest.raises(AmbiguousTableError, match="table='customers'"):
        wizframe.plan(plain)
    assert len(wizframe.plan(plain, table="customers")) == 0
    with pytest.raises(AmbiguousTableError):
        wizframe.plan(plain, table="addresses")
    with pytest.raises(AmbiguousTableError, match=r"company_name \(of customers\) and customer_id \(of contacts\)"):
        wizframe.plan(plain.assign(id="C", company_name="A", customer_id="B"))
    assert wizframe.plan(plain.assign(company_name=customers["company_name"], customer_id="B")).table is CUSTOMER
    made = customers[["id"]].head(1).rename(columns={"id": "customer_id"})
    made = made.assign(id=None, first_name="Ada", email="ada@x.org")
    plan = made.wiz.plan(table="contacts")
    assert plan.problems.empty
    assert plan.counts() == {"create": 1, "update": 0, "delete": 0}
    plan.apply(progress=False)
    assert len(made.wiz.plan(table="contacts")) == 0
    assert made["id"].str.startswith("cont_").all()


def test_a_contact_without_its_customer_cannot_be_found(wiz):
    contacts = load(wiz, "contacts")
    assert len(contacts.drop(columns="customer_id").wiz.plan()) == 0
    plain = pd.DataFrame({"id": ["cont_nobody"], "designation": ["Head"]})
    assert rules(wizframe.plan(plain, table="contacts")) == [
        ("customer_id", "is needed to find the contact cont_nobody")
    ]


def test_a_new_row_ignores_what_only_the_service_decides(wiz):
    new = load(wiz).head(1).assign(id=None, reference_id="copy")
    plan = new.wiz.plan()
    assert plan.problems.empty
    assert "status" not in plan.cells["column"].tolist()
    assert any("created_at, status, updated_at are set by the service" in notice for notice in plan.notices)


def test_a_plan_of_contacts_of_known_and_unknown_customers_has_an_id(wiz):
    given = {"id": None, "first_name": "Ada", "email": "ada@x.org", "reference_id": "R"}
    owner = wiz.server.records("customers")[0]["id"]
    rows = [given | {"customer_id": owner}, given | {"customer_id": None}, given | {"customer_id": owner, "phone": "1"}]
    assert len(wizframe.plan(pd.DataFrame(rows)).id) == 64


def test_ids_that_became_numbers_are_problems_also_where_a_record_has_that_number(wiz):
    frame = load(wiz).head(2).assign(id=["123", "124"])
    known = baselines.Baseline(CUSTOMER, wiz.account, wiz.connection, frame.copy(), problems_frame())
    baselines.attach(frame, known)
    assert frame.wiz.plan().problems.empty
    numbers = frame.assign(id=[123, 124], payment_term="net77")
    assert [column for column, rule in rules(numbers.wiz.plan()) if "is a number" in rule] == ["id", "id"]


def test_rows_left_out_for_their_problems_have_their_own_outcome(wiz):
    frame = wiz.load_customers()
    frame.loc[1, "phone"] = "after 5 pm"
    frame.loc[2, "payment_term"] = "net77"
    result = frame.wiz.plan().apply(invalid="skip")
    assert result.counts()["done"] == result.counts()["skipped"] == 1
    told = result.changes.set_index("index").loc[1]
    assert told["state"] == "skipped"
    assert "phone: is not an E.164" in told["what_happened"]
    assert result.unsent.index.tolist() == [1]
    assert "skipped: row 1" in repr(result)


def test_a_contact_with_an_old_invalid_value_is_named_before_its_edit_is_sent(wiz):
    first = wiz.server.records("contacts")[0]
    wiz.server.overwrite("contacts", first["id"], email="nobody")
    frame = wiz.load_contacts(first["customer_id"])
    frame["designation"] = "Head"
    assert "its email 'nobody' is not a valid e-mail address: correct it, too" in repr(frame.wiz.plan())


def test_a_plan_of_many_rows_is_short_enough_to_read(wiz):
    frame = wiz.load_customers()
    frame["payment_term"] = "net77"
    frame["phone"] = "none"
    text = repr(frame.wiz.plan())
    assert len(text.splitlines()) < 25  # 30 rows, each with two edits
    assert " records: " in text
    assert "rows 0, 1, 2 and 27 more, phone: 'none'" in text


@pytest.mark.parametrize("nonsense", [[1, 2], "cust_1", None, {"id": []}])
def test_other_objects_than_frames_are_refused_with_the_way_to_make_one(wiz, nonsense):
    for function in (wizframe.plan, wizframe.delete, wizframe.push):
        with pytest.raises(PlanError, match="a pandas DataFrame is needed"):
            function(nonsense, client=wiz)
    with pytest.raises(InvalidRequestError, match="a plan is needed"):
        wizframe.apply(nonsense, client=wiz)


@pytest.mark.parametrize("value", [{"a": 1}, ["x"], 3.5])
def test_a_cell_that_holds_no_text_is_a_problem_and_not_a_crash(wiz, value):
    frame = wiz.load_customers()
    frame["email"] = pd.Series([value, *frame["email"][1:]], dtype=object)
    assert set(frame.wiz.plan().problems["column"]) == {"email"}


#: What people leave in a cell: values that fit and that do not, blanks of all kinds, and a command.
CELLS = st.sampled_from(["net30", "", CLEAR, None, float("nan"), pd.NA, "+14155550100", "active", 45, True, "x" * 300])
EDITS = st.lists(st.tuples(st.integers(0, 29), st.sampled_from(CUSTOMER.columns()[1:]), CELLS), max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS)
def test_a_plan_is_the_same_wherever_the_rows_lie(wiz, edits):
    frame = loaded = load(wiz)
    for row, column, value in edits:
        try:
            frame.loc[row, column] = value
        except (TypeError, ValueError):  # what the column's dtype does not take
            frame[column] = frame[column].astype(object)
            frame.loc[row, column] = value
    plans = [frame.wiz.plan(), frame.sample(frac=1, random_state=1).wiz.plan(), own_memory(frame).wiz.plan()]
    first, *others = [
        (
            {change.label: change._replace(position=0) for change in plan.changes_list},
            {(plan.frame.index[problem.position], *map(str, problem[1:])) for problem in plan.problems_list},
            plan.blanked,
        )
        for plan in plans
    ]
    assert others == [first, first]
    assert baselines.attached(frame) is baselines.attached(loaded)


def own_memory(frame):
    """Copy a frame so that not even its ids share memory with the load."""
    copied = frame.copy()
    copied["id"] = pd.Series(frame["id"].tolist(), index=frame.index, dtype=frame["id"].dtype)
    return copied


def test_a_record_that_holds_the_text_of_a_command_is_not_cleared(wiz):
    identifier = load(wiz)["id"][3]
    wiz.server.overwrite("customers", identifier, payment_term=CLEAR)
    frame = load(wiz)
    frame.loc[5, "payment_term"] = "net15"
    for each in (frame, frame.sample(frac=1, random_state=1)):
        plan = each.wiz.plan()
        assert [change.label for change in plan.changes_list] == [5]
        assert (plan.blanked, len(plan.problems)) == ({}, 0)
