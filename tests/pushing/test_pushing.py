"""What a push does to the service, to the planned frame and to its baseline, when nothing breaks."""

import threading

import pandas as pd
import pytest
from support.display import html_of
from support.planning import cells_of, changed, load, make_contacts_valid, states, stored, writes

import wizframe
from wizframe import CLEAR
from wizframe.errors import (
    InvalidRequestError,
    LimitExceededError,
    PlanError,
    PlanProblemsError,
    ReadOnlyError,
    StalePlanError,
)
from wizframe.server.handler import Handler

CONFLICTS = {
    "skip": ("conflict", "elsewhere", "elsewhere"),
    "mine": ("done", "mine", "mine"),
    "theirs": ("done", "elsewhere", "elsewhere"),
}


@pytest.mark.parametrize(
    ("column", "value", "is_stored"),
    [
        ("designation", "Head", "Head"),
        ("phone", CLEAR, None),
        ("is_default", True, True),
        ("email", "n@x.org", "n@x.org"),
    ],
)
def test_one_cell_of_a_contact_changes_and_every_other_field_stays(wiz, column, value, is_stored):
    make_contacts_valid(wiz)
    contacts = load(wiz, "contacts")
    row = contacts.index[~contacts["is_default"].astype(bool)][0]
    before = stored(wiz, "contacts")
    identifier, owner = contacts["id"][row], contacts["customer_id"][row]
    contacts.loc[row, column] = value
    contacts.wiz.plan(only=[column]).apply(progress=False)
    found = changed(before, stored(wiz, "contacts"))
    assert found.pop(identifier) == {column: is_stored}
    if column == "is_default":  # the contract's side effect
        assert all(before[other]["customer_id"] == owner for other in found)
        assert set(map(str, found.values())) <= {"{'is_default': False}"}
    else:
        assert found == {}
    assert writes(wiz) == ["PUT"]


def test_a_contact_keeps_unknown_fields(wiz):
    """The erasing PUT gets them back, where the service shows them."""
    record = next(r for r in wiz.server.records("contacts") if not r["attributes"])
    wiz.server.overwrite("contacts", record["id"], department="Only the service knows", email="a@b.org", phone="")
    contacts = load(wiz, "contacts")
    contacts.loc[contacts["id"] == record["id"], "designation"] = "Head"
    assert states(contacts.wiz.plan().apply(progress=False)) == {"done": 1}
    kept = next(r for r in wiz.server.records("contacts") if r["id"] == record["id"])
    assert kept["designation"] == "Head"
    if wiz.server.dialect == "rest":  # the sdk dialect never shows it
        assert kept["department"] == "Only the service knows"


def test_a_customer_gets_a_patch_of_the_changed_fields_only(wiz):
    customers, before = load(wiz), stored(wiz, "customers")
    customers.loc[0, ["phone", "payment_term"]] = [CLEAR, "net77"]
    customers.wiz.plan().apply(progress=False)
    assert changed(before, stored(wiz, "customers")) == {customers["id"][0]: {"phone": None, "payment_term": "net77"}}
    assert writes(wiz) == ["PATCH"]


@pytest.mark.fault(25)
@pytest.mark.parametrize("table", ["customers", "contacts"])
@pytest.mark.parametrize("on_conflict", CONFLICTS)
def test_a_cell_that_another_user_changed_too(wiz, table, on_conflict):
    make_contacts_valid(wiz)
    frame = load(wiz, table)
    identifier, old = frame["id"][0], frame["first_name"][0]
    frame.loc[[0, 1], "first_name"] = "mine"
    wiz.server.overwrite(table, identifier, first_name="elsewhere")
    result = frame.wiz.plan().apply(on_conflict=on_conflict, progress=False)
    state, is_stored, _ = CONFLICTS[on_conflict]
    assert result.changes["state"].tolist() == [state, "done"]
    assert stored(wiz, table)[identifier]["first_name"] == is_stored
    if on_conflict == "skip":
        assert result.conflict_cells.iloc[0].to_list() == [table, 0, identifier, "first_name", old, "mine", "elsewhere"]
        said = result.changes["what_happened"][0]
        assert f"was {old} when loaded, yours is mine, now in WizCommerce elsewhere" in said
        assert states(frame.wiz.plan().apply(progress=False)) == {"conflict": 1}
    else:
        assert frame["first_name"][0] == is_stored
        assert len(frame.wiz.plan()) == 0


def test_the_conflict_frame_shows_the_present_values(wiz):
    frame = load(wiz)
    frame.loc[[0, 1, 2], "first_name"] = "mine"
    frame.loc[0, "last_name"] = "Mine too"
    for row in (0, 1, 2):
        wiz.server.overwrite("customers", frame["id"][row], first_name=f"elsewhere {row}", payment_term="net99")
    conflicts = frame.wiz.plan().apply(progress=False).conflicts
    conflicts.loc[1, "first_name"] = "elsewhere 1"
    conflicts.loc[2, "first_name"] = "agreed"
    plan = conflicts.wiz.plan()
    ids = frame["id"]
    assert cells_of(plan) == {
        ("update", ids[0], "first_name"): "mine",
        ("update", ids[0], "last_name"): "Mine too",
        ("update", ids[2], "first_name"): "agreed",
    }
    assert states(plan.apply(progress=False)) == {"done": 2}
    now = stored(wiz, "customers")
    assert [now[i]["first_name"] for i in ids[:3]] == ["mine", "elsewhere 1", "agreed"]
    assert {now[i]["payment_term"] for i in ids[:3]} == {"net99"}


@pytest.mark.fault(26)
@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_another_field_that_another_user_changed_is_merged_and_shown(wiz, table):
    """With the old value next to the new time, another session would take it for an edit."""
    make_contacts_valid(wiz)
    frame = load(wiz, table)
    frame.loc[0, "first_name"] = "mine"
    wiz.server.overwrite(table, frame["id"][0], last_name="elsewhere")
    frame.wiz.plan().apply(progress=False)
    record = stored(wiz, table)[frame["id"][0]]
    assert (record["first_name"], record["last_name"]) == ("mine", "elsewhere")
    assert frame["last_name"][0] == "elsewhere"
    assert frame["updated_at"][0] == pd.Timestamp(record["updated_at"])
    assert len(frame.wiz.plan()) == 0


@pytest.mark.fault(28)
@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_a_record_deleted_by_another_user_is_a_conflict_and_not_created_again(wiz, table):
    frame = load(wiz, table)
    frame.loc[0, "first_name"] = "mine"
    identifier = frame["id"][0]
    if table == "customers":
        wiz.customer.delete(identifier)
    else:
        wiz.customer.contact.delete(frame["customer_id"][0], identifier)
    result = frame.wiz.plan().apply(progress=False)
    assert result.changes[["state", "code"]].to_numpy().tolist() == [["conflict", "deleted"]]
    assert identifier not in stored(wiz, table)
    assert states(frame.head(1).wiz.delete().apply(max_deletes=1, progress=False)) == {"done": 1}


@pytest.mark.fault("28b")
@pytest.mark.parametrize("on_conflict", ["skip", "theirs", "mine"])
def test_a_record_that_changed_since_the_delete_was_planned_is_not_deleted(wiz, on_conflict):
    frame = load(wiz)
    plan = frame.head(2).wiz.delete()
    wiz.server.overwrite("customers", frame["id"][0], phone="+14155559999")
    result = plan.apply(max_deletes=2, on_conflict=on_conflict, progress=False)
    kept = frame["id"][0] in stored(wiz, "customers")
    assert kept == (on_conflict != "mine")
    assert frame["id"][1] not in stored(wiz, "customers")
    assert result.counts()["conflict"] == int(kept)


def test_deleting_says_how_many_contacts_go_too(wiz):
    customers = load(wiz)
    count = sum(contact["customer_id"] == customers["id"][0] for contact in wiz.server.records("contacts"))
    plan = customers.head(1).wiz.delete()
    assert f"{count} contacts are deleted with the customers" in plan.notices
    with pytest.raises(LimitExceededError, match="max_deletes=0"):
        plan.apply()
    plan.apply(max_deletes=1, progress=False)
    assert customers["id"][0] not in {contact["customer_id"] for contact in wiz.server.records("contacts")}


def test_limits_problems_and_staleness_stop_everything_before_the_first_write(wiz):
    frame = load(wiz)
    frame.loc[:2, "payment_term"] = "net77"
    plan = frame.wiz.plan()
    with pytest.raises(LimitExceededError, match="3 changes, but max_changes=2"):
        plan.apply(max_changes=2)
    with pytest.raises(InvalidRequestError, match=r"max_changes=-1 is not valid \(allowed: whole numbers from 0"):
        plan.apply(max_changes=-1)
    with pytest.raises(InvalidRequestError, match="on_conflict"):
        plan.apply(on_conflict="maybe")
    bad = frame.copy()
    bad.loc[0, ["phone", "email"]] = ["123", "nobody"]
    bad.loc[1, "status"] = "inactive"
    with pytest.raises(PlanProblemsError) as raised:
        bad.wiz.plan().apply()
    assert raised.value.failures["column"].tolist() == ["phone", "email", "status"]
    frame.loc[9, "note"] = "an own column is an edit, too"
    with pytest.raises(StalePlanError):
        plan.apply()
    wiz.transport.read_only = True
    with pytest.raises(ReadOnlyError):
        frame.wiz.plan().apply()
    assert writes(wiz) == []


def test_rows_with_problems_can_be_left_out(wiz):
    frame = load(wiz)
    frame.loc[[0, 1], "payment_term"] = "net77"
    frame.loc[0, "phone"] = "123"
    plan = frame.wiz.plan()
    result = plan.apply(invalid="skip", progress=False)
    assert result.changes["state"].tolist() == ["skipped", "done"]
    assert result.unsent.index.tolist() == [0]
    frame.loc[0, "phone"] = "+14155552671"
    assert set(cells_of(frame.wiz.plan())) == {("update", frame["id"][0], name) for name in ("payment_term", "phone")}


@pytest.mark.fault(35)
def test_a_plan_is_applied_once(wiz):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "net77"
    plan = frame.wiz.plan()
    plan.apply(progress=False)
    with pytest.raises(StalePlanError, match="pushed"):
        plan.apply(progress=False)
    assert writes(wiz) == ["PATCH"]


def test_without_a_terminal_nothing_is_sent(wiz, capsys):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "net77"
    with pytest.raises(PlanError, match="yes=True"):
        frame.wiz.push()
    assert writes(wiz) == []
    result = frame.wiz.push(yes=True)
    assert states(result) == {"done": 1}
    assert "net77" in capsys.readouterr().out


SHAPES = {
    "column": lambda frame: frame,
    "index": lambda frame: frame.set_index("id"),
    "index with None": lambda frame: frame.astype({"id": object}).replace({"id": {float("nan"): None}}).set_index("id"),
    "MultiIndex": lambda frame: frame.assign(region="EU").set_index(["region", "id"]),
    "duplicate labels": lambda frame: frame.set_axis([3] * len(frame)),
    "objects": lambda frame: frame.astype(object),
    "text": lambda frame: frame.astype(str).where(frame.notna()),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_ids_references_and_times_are_written_into_the_planned_frame(wiz, shape):
    """In whatever shape; then running the cell again plans nothing."""
    frame = load(wiz).head(3)
    new = pd.DataFrame({"company_name": ["Neu & Söhne"] * 2, "display_name": ["Neu"] * 2})
    frame = SHAPES[shape](pd.concat([frame, new], ignore_index=True))
    frame.iloc[0, frame.columns.get_loc("payment_term")] = "net77"
    assert wizframe.plan(frame).counts() == {"create": 2, "update": 1, "delete": 0}
    result = wizframe.plan(frame).apply(progress=False)
    assert states(result) == {"done": 3}
    shown = frame if "id" in frame else frame.reset_index()
    now = stored(wiz, "customers")
    assert shown["id"].isin(now.keys()).all()
    for _, row in shown.iloc[[0, 3, 4]].iterrows():
        assert now[row["id"]]["reference_id"] == row["reference_id"]
        assert pd.Timestamp(now[row["id"]]["updated_at"]) == pd.Timestamp(row["updated_at"])
    assert len(set(shown["reference_id"])) == 5
    assert len(wizframe.plan(frame)) == 0, wizframe.plan(frame)
    assert wizframe.plan(frame).problems.empty


@pytest.mark.usefixtures("wiz")
def test_new_rows_alone_with_blank_ids_of_any_dtype():
    new = pd.DataFrame({"id": [float("nan")] * 2, "company_name": ["A", "B"], "display_name": ["A", "B"]})
    new["reference_id"] = pd.Series([None, None], dtype=object)
    again = new.copy()
    assert states(new.wiz.push(yes=True)) == {"done": 2}
    assert new["id"].str.startswith("cust_").all()
    assert len(new.wiz.plan()) == 0
    plan = again.wiz.plan()  # from another machine
    assert [rule.split(";")[0] for rule in plan.problems["rule"]] == [f"exists as {i}" for i in new["id"]]


def test_identical_rows_of_one_record_are_one_change_and_stay_identical(wiz):
    frame = load(wiz).head(3)
    frame.loc[0, "payment_term"] = "net77"
    twice = pd.concat([frame, frame])
    assert states(twice.wiz.plan().apply(progress=False)) == {"done": 1}
    assert len(twice.drop_duplicates()) == 3
    assert len(twice.wiz.plan()) == 0
    assert twice.wiz.plan().problems.empty


def test_columns_that_only_details_have(wiz):
    frame = load(wiz, details=True)
    before = stored(wiz, "customers")
    reps = sorted({rep for record in before.values() for rep in record["assigned_sales_rep_ids"] or []})[:2]
    prices = sorted({r["assigned_price_list_id"] for r in before.values() if r["assigned_price_list_id"]})
    row = next(n for n, i in enumerate(frame["id"]) if before[i]["assigned_price_list_id"] == prices[0])
    frame["assigned_sales_rep_ids"] = frame["assigned_sales_rep_ids"].astype(object)
    frame["assigned_sales_rep_ids"] = frame["assigned_sales_rep_ids"].where(frame.index != row, pd.Series([reps] * 30))
    frame.loc[row, ["assigned_price_list_id", "freight_term"]] = [prices[1], CLEAR]
    frame.loc[row + 1, "assigned_sales_rep_ids"] = CLEAR
    plan = frame.wiz.plan()
    assert plan.problems.empty, plan
    assert states(plan.apply(progress=False)).keys() == {"done"}
    expected = {"assigned_sales_rep_ids": reps, "assigned_price_list_id": prices[1], "freight_term": None}
    now = stored(wiz, "customers")
    assert {name: now[frame["id"][row]][name] for name in expected} == expected
    assert now[frame["id"][row + 1]]["assigned_sales_rep_ids"] is None
    assert len(frame.wiz.plan()) == 0
    frame.loc[3, "addresses"] = "[]"
    assert frame.wiz.plan().problems["rule"].tolist() == [
        "is read-only: restore it, or change it in WizCommerce itself"
    ]


def test_a_column_that_was_not_loaded_is_compared_with_the_service(wiz):
    frame, before = load(wiz), stored(wiz, "customers")
    frame["freight_term"] = None
    frame.loc[[0, 1, 2], "freight_term"] = ["sender pays", before[frame["id"][1]]["freight_term"], CLEAR]
    wiz.server.overwrite(
        "customers", frame["id"][2], freight_term="collect", updated_at=before[frame["id"][2]]["updated_at"]
    )
    plan = frame.wiz.plan()
    assert plan.problems.empty, plan
    assert cells_of(plan) == {
        ("update", frame["id"][0], "freight_term"): "sender pays",
        ("update", frame["id"][2], "freight_term"): "",
    }
    assert plan.blanked == {}
    assert states(plan.apply(progress=False)) == {"done": 2}
    assert len(frame.wiz.plan()) == 0


def test_old_invalid_values_block_nothing_unless_the_service_refuses_them(wiz):
    dirty = next(r for r in wiz.server.records("contacts") if not r["attributes"] and not r["is_default"])
    wiz.server.overwrite("contacts", dirty["id"], email="nobody")
    contacts = load(wiz, "contacts")
    row = contacts.index[contacts["id"] == dirty["id"]][0]
    contacts.loc[row, "designation"] = "Head"
    plan = contacts.wiz.plan()
    assert plan.problems.empty
    result = plan.apply(progress=False)
    assert result.changes["state"].tolist() == ["failed"]
    assert "email" in result.changes["next_step"][0]
    failed = result.failed
    failed.loc[row, "email"] = "somebody@example.com"
    assert states(failed.wiz.plan().apply(progress=False)) == {"done": 1}


def test_hostile_names_stay_text_in_plan_and_result(wiz):
    hostile = "<img src=x onerror=alert(1)>"
    frame = load(wiz)
    frame[hostile] = 1
    frame.loc[0, "display_name"] = hostile
    frame.loc[1, "phone"] = hostile
    frame.loc[2, "first_name"] = "mine"
    plan = frame.wiz.plan()
    for _ in range(2):
        wiz.server.overwrite("customers", frame["id"][2], display_name=hostile, first_name=hostile)
    result = plan.apply(invalid="skip", progress=False)
    assert states(result)["conflict"] == 1
    for page in (html_of(plan), html_of(result)):
        assert "<img" not in page
        assert "&lt;img" in page


@pytest.mark.parametrize("table", ["customers", "contacts"])
@pytest.mark.parametrize("shape", ["column", "index"])
def test_conflicts_are_decided_cell_by_cell(wiz, table, shape):
    make_contacts_valid(wiz)
    frame = SHAPES[shape](load(wiz, table))
    ids = (frame["id"] if shape == "column" else frame.index).tolist()
    frame.iloc[:3, frame.columns.get_loc("first_name")] = "mine"
    frame.iloc[[0, 3], frame.columns.get_loc("last_name")] = ["Mine too", CLEAR]
    for row in range(4):
        wiz.server.overwrite(table, ids[row], **{"first_name" if row < 3 else "last_name": f"elsewhere {row}"})
    result = frame.wiz.plan().apply(progress=False)
    cells = result.conflict_cells
    assert cells["yours"].tolist() == ["mine", "mine", "mine", ""]
    cells.loc[1, "yours"] = "agreed"
    plan = result.resolve(cells.drop(index=2))  # one row taken out: theirs stays
    assert cells_of(plan) == {
        ("update", ids[0], "first_name"): "mine",
        ("update", ids[0], "last_name"): "Mine too",
        ("update", ids[1], "first_name"): "agreed",
        ("update", ids[3], "last_name"): "",
    }
    assert states(plan.apply(progress=False)) == {"done": 3}
    now = stored(wiz, table)
    assert [now[i]["first_name"] for i in ids[:3]] == ["mine", "agreed", "elsewhere 2"]
    assert now[ids[3]]["last_name"] is None


def test_a_decision_about_something_else_is_refused(wiz):
    frame = load(wiz)
    frame.loc[0, "first_name"] = "mine"
    wiz.server.overwrite("customers", frame["id"][0], first_name="elsewhere")
    result = frame.wiz.plan().apply(progress=False)
    cells = result.conflict_cells.assign(column="phone")
    with pytest.raises(PlanError, match="not a conflict of this result: phone of cust_"):
        result.resolve(cells)


def test_a_delete_notices_changes_in_what_the_load_does_not_show(wiz):
    frame = load(wiz)
    plan = frame.head(2).wiz.delete()
    wiz.server.overwrite("customers", frame["id"][0], freight_term="changed elsewhere")
    result = plan.apply(max_deletes=2, progress=False)
    assert result.changes["state"].tolist() == ["conflict", "done"]
    assert "updated_at was" in result.changes["what_happened"][0]
    assert frame["id"][0] in stored(wiz, "customers")


def test_theirs_keeps_the_cell_that_both_changed_and_sends_the_rest_of_the_row(wiz):
    frame, before = load(wiz), stored(wiz, "customers")
    frame.loc[0, ["first_name", "payment_term"]] = ["mine", "net77"]
    wiz.server.overwrite("customers", frame["id"][0], first_name="elsewhere")
    assert states(frame.wiz.plan().apply(on_conflict="theirs", progress=False)) == {"done": 1}
    kept = {"first_name": "elsewhere", "payment_term": "net77"}
    assert changed(before, stored(wiz, "customers")) == {frame["id"][0]: kept}


def test_the_text_of_a_command_in_a_record_is_replaced_by_a_newer_value(wiz):
    identifier = load(wiz)["id"][2]
    wiz.server.overwrite("customers", identifier, payment_term=CLEAR)
    frame = load(wiz)
    wiz.server.overwrite("customers", identifier, payment_term="net9")
    frame.loc[2, "phone"] = "+14155550122"
    assert states(frame.wiz.plan().apply(progress=False)) == {"done": 1}
    assert frame["payment_term"][2] == "net9"
    assert len(frame.wiz.plan()) == 0


@pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")
def test_there_are_never_more_requests_at_a_time_than_workers(wiz, monkeypatch):
    lock, under_way, seen = threading.Lock(), [], []
    exchange = Handler.exchange

    def counting(handler):
        with lock:
            under_way.append(handler)
            seen.append(len(under_way))
        try:
            exchange(handler)
        finally:
            with lock:
                under_way.remove(handler)

    monkeypatch.setattr(Handler, "exchange", counting)
    wiz.server.latency_s = 0.01
    with wizframe.connect(wizframe.SANDBOX_API_KEY, base_url=wiz.base_url, workers=3) as client:
        frame = client.load_customers(progress=False)
        frame["payment_term"] = "net77"
        assert states(client.plan(frame).apply(client=client, progress=False)) == {"done": len(frame)}
        client.load_contacts(frame, progress=False)
    assert max(seen) == 3
