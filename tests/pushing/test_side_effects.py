"""An update is compared as a whole: fields that were not sent and went lost are a failure, and the push stops."""

import json

import pytest
from support.planning import changed, load, make_contacts_valid, states, stored, writes

import wizframe
from wizframe.server import Fault

COLUMNS = {"customers": ("payment_term", "shipping_method"), "contacts": ("designation", "phone")}


@pytest.fixture(params=["customers", "contacts"])
def table(request):
    return request.param


@pytest.fixture
def frame(wiz, table):
    make_contacts_valid(wiz)
    for record in wiz.server.records("customers"):
        wiz.server.overwrite("customers", record["id"], shipping_method="air", payment_term="net30")
    return load(wiz, table)


def damaging(wiz, table, damage, **options):
    """Let each update also do something else to its record, and show that in the response."""

    def answer(body):
        record = json.loads(body)
        record = record.get("data", record)
        wiz.server.overwrite(table, record["id"], **damage)
        path = ["customers", record["id"]]
        if table == "contacts":
            customers = {one["id"]: one["customer_id"] for one in wiz.server.records("contacts")}
            path = ["customers", customers[record["id"]], "contacts", record["id"]]
        return wiz.transport.request("GET", path).body if options.get("shown", True) else body

    return Fault("answer_after", f"{table}.update", times=None, body=answer)


DAMAGES = {
    "a field went blank": lambda kept: {kept: ""},
    "a field has the value of another one": lambda kept: {kept: "mine"},
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_fields_that_an_update_also_changed_fail_the_row_stop_the_push_and_come_back_with_undo(
    wiz, table, frame, damage
):
    column, kept = COLUMNS[table]
    before = stored(wiz, table)
    frame.loc[:9, column] = "mine"
    edited = frame.copy()
    plan = frame.wiz.plan()
    fault = damaging(wiz, table, DAMAGES[damage](kept))
    wiz.server.faults.add(fault)
    result = plan.apply(progress=False)
    assert result.changes["state"].tolist().count("failed") == 1
    assert states(result) == {"failed": 1, "unsent": 9}
    failed = result.changes[result.changes["state"] == "failed"].iloc[0]
    assert failed["code"] == "fields_lost"
    assert failed["what_happened"].startswith(f"changed; {kept} (was ")
    assert "also changed, although that was not sent" in failed["what_happened"]
    assert len(writes(wiz)) == 1
    assert frame[column].equals(edited[column])
    assert frame[kept].equals(edited[kept])

    wiz.server.faults.clear()
    back = result.undo()
    assert set(back.cells["column"]) == {column, kept}
    assert states(back.apply(progress=False)) == {"done": 1}
    assert changed(before, stored(wiz, table)) == {}


def test_a_patch_that_replaces_is_noticed_with_all_its_losses(wiz):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "mine"
    before = stored(wiz, "customers")[frame["id"][0]]
    names = ["first_name", "last_name", "email", "phone", "shipping_method"]
    wiz.server.faults.add(damaging(wiz, "customers", dict.fromkeys(names, "")))
    result = frame.wiz.plan().apply(progress=False)
    assert result.changes["code"].tolist() == ["fields_lost"]
    for name in names:
        assert (f"{name} (was" in result.changes["what_happened"][0]) == bool(before[name])


def test_a_response_that_shows_only_a_part_of_the_record_is_completed_by_a_read(wiz, table, frame):
    column, _ = COLUMNS[table]
    frame.loc[0, column] = "mine"
    plan = frame.wiz.plan()

    def part(body):
        record = json.loads(body)
        inner = record.get("data", record)
        wanted = {
            name: inner[name] for name in inner if name in ("id", column) or name.lower() == column.replace("_", "")
        }
        return json.dumps({"data": wanted} if "data" in record else wanted).encode()

    wiz.server.faults.add(Fault("answer_after", f"{table}.update", body=part))
    wiz.server.requests.clear()
    assert states(plan.apply(progress=False)) == {"done": 1}
    assert [request.method for request in wiz.server.requests].count("GET") == 2


def test_a_loss_is_found_although_the_response_was_lost(wiz, table, frame):
    column, kept = COLUMNS[table]
    frame.loc[0, column] = "mine"
    identifier, plan = frame["id"][0], frame.wiz.plan()
    wiz.server.faults.add(
        Fault("drop_after", f"{table}.update"),
        Fault(
            "meanwhile", f"{table}.get", skip=1, action=lambda: wiz.server.overwrite(table, identifier, **{kept: ""})
        ),
    )
    result = plan.apply(progress=False)
    assert result.changes["code"].tolist() == ["fields_lost"]


def test_a_loss_is_found_by_resume(wiz, table, frame):
    column, kept = COLUMNS[table]
    frame.loc[0, column] = "mine"
    identifier, plan = frame["id"][0], frame.wiz.plan()
    wiz.server.faults.add(Fault("drop_after", f"{table}.update"), Fault("answer", f"{table}.get", skip=1, status=401))
    assert states(plan.apply(progress=False)) == {"unknown": 1}
    wiz.server.faults.clear()
    wiz.server.overwrite(table, identifier, **{kept: ""})
    (finished,) = wizframe.resume(yes=True, progress=False)
    assert finished.changes["code"].tolist() == ["fields_lost"]
    assert set(finished.undo().cells["column"]) == {column, kept}


def test_an_edit_of_another_user_between_read_and_write_is_not_called_damage(wiz, frame, table):
    column, _ = COLUMNS[table]
    frame.loc[:2, column] = "mine"
    plan, order = frame.wiz.plan(), []
    identifier = frame["id"][2]
    wiz.workers = 1
    original = wiz.transport.request

    def request(method, segments, **content):
        if method != "GET":
            order.append(segments[-1])
            if segments[-1] == identifier:
                wiz.server.overwrite(table, identifier, last_name="theirs")
        return original(method, segments, **content)

    wiz.transport.request = request
    result = plan.apply(progress=False)
    assert states(result) == {"done": 3}
    del wiz.transport.request
    assert order.index(identifier) > 0  # a service that changes other fields does so from the first row on
    words = result.changes["what_happened"][2]
    assert ("last_name also changed, from" in words) == (table == "customers")


@pytest.mark.parametrize("unknown", [{"version": 4}, {"modifiedBy": "x"}])
def test_a_field_that_is_unknown_may_change_but_not_vanish(wiz, table, frame, unknown):
    """A version number moves with each write; a field that a PUT loses does not come back."""
    column, _ = COLUMNS[table]
    frame.loc[:1, column] = "mine"
    plan = frame.wiz.plan()
    name, (value, gone) = next(iter(unknown)), (next(iter(unknown.values())), [False])
    count = iter(range(100, 200))

    def add(body):
        record = json.loads(body)
        inner = record.get("data", record)
        inner.pop(name, None)
        if not gone[0]:
            inner[name] = f"{value}{next(count)}"
        return json.dumps(record).encode()

    def operation(verb, **options):
        return Fault("answer_after", f"{table}.{verb}", times=None, body=add, **options)

    wiz.workers = 1
    wiz.server.faults.add(operation("get"), operation("update"))
    assert states(plan.choose(plan.changes.head(1)).apply(progress=False)) == {"done": 1}
    original = wiz.transport.request

    def request(method, segments, **content):
        gone[0] = gone[0] or method != "GET"
        return original(method, segments, **content)

    wiz.transport.request = request
    frame.loc[1, column] = "mine too"
    result = frame.wiz.plan().apply(progress=False)
    del wiz.transport.request
    assert result.changes["code"].tolist()[-1:] == ["fields_lost"]
    assert name in result.changes["what_happened"].iloc[-1]


def test_a_value_that_is_stored_in_another_form_is_shown_as_it_is_stored(wiz):
    frame = load(wiz)
    frame.loc[0, "display_name"] = "Blue Harbor"
    plan = frame.wiz.plan()
    wiz.server.overwrite("customers", frame["id"][0], display_name="BLUE HARBOR")
    wiz.server.requests.clear()
    row = plan.apply(progress=False).changes.iloc[0]
    assert (row["state"], writes(wiz)) == ("done", [])
    assert "display_name is stored as BLUE HARBOR (letter case changed)" in row["what_happened"]
    assert frame["display_name"][0] == "BLUE HARBOR"
