"""A file without ids: matched by reference, unknown ones reported or created, and never a wrong record."""

import io
import json
import re

import pandas as pd
import pytest
from support.planning import cells_of, changed, load, make_contacts_valid, rules, states, stored

import wizframe
from wizframe import CLEAR
from wizframe.errors import ProtocolError, UnmatchedRowsError, WrongAccountError
from wizframe.server import Fault

PADDED, PLAIN = "0000012345", "12345"


@pytest.fixture
def erp(wiz):
    """An ERP's file with references with leading zeros, one of an inactive customer, one that is new."""
    first, second, third = wiz.server.records("customers")[:3]
    wiz.server.overwrite("customers", first["id"], reference_id=PADDED)
    wiz.server.overwrite("customers", second["id"], reference_id=PLAIN)
    wiz.server.overwrite("customers", third["id"], reference_id="with, comma")
    wiz.server.set_status("customers", second["id"], "inactive")
    return io.StringIO(
        "reference_id,company_name,display_name,payment_term,KUNNR\n"
        f'{PADDED},A,A,net77,1\n{PLAIN},B,B,net88,2\n"with, comma",C,C,,3\n0000000009,New,New,net99,4\n'
    )


@pytest.mark.fault(23)
@pytest.mark.parametrize("a_load_is_alive", [False, True])
def test_an_erp_file_updates_what_is_known_and_reports_or_creates_the_rest(wiz, erp, a_load_is_alive):
    frame, before = pd.read_csv(erp, dtype=str), stored(wiz, "customers")
    kept = load(wiz) if a_load_is_alive else None
    reported = wizframe.plan(frame, match="reference_id")
    assert rules(reported) == [("reference_id", "is unknown: no customer has it; to create it, use new='create'")]
    assert reported.counts() == {"create": 0, "update": 3, "delete": 0}
    plan = wizframe.plan(frame, match="reference_id", new="create")
    assert plan.problems.empty
    assert states(plan.apply(progress=False)) == {"done": 4}
    found, after = changed(before, stored(wiz, "customers")), stored(wiz, "customers")
    by_reference = {record["reference_id"]: record for record in after.values()}
    ids = [by_reference[reference]["id"] for reference in (PADDED, PLAIN, "with, comma")]
    assert [found.pop(i) for i in ids] == [
        {"company_name": "A", "display_name": "A", "payment_term": "net77"},
        {"company_name": "B", "display_name": "B", "payment_term": "net88"},
        {"company_name": "C", "display_name": "C"},
    ]
    assert found == {by_reference["0000000009"]["id"]: None}
    for again in (frame, frame.copy()):
        second = wizframe.plan(again, match="reference_id", new="create")
        assert len(second) == 0, second
        assert second.problems.empty
    assert kept is None or len(kept) == 30


@pytest.mark.usefixtures("erp")
def test_an_erp_value_is_sent_where_the_service_changed_since_a_load(wiz):
    """The file leads, not a load that happens to be alive."""
    frame = load(wiz).assign(payment_term="net30")
    identifier = frame["id"][0]
    wiz.server.overwrite("customers", identifier, payment_term="net30")
    kept = load(wiz)
    wiz.server.overwrite("customers", identifier, payment_term="elsewhere")
    file = pd.DataFrame({"reference_id": [PADDED], "payment_term": ["net30"]})
    plan = wizframe.plan(file, table="customers", match="reference_id")
    assert cells_of(plan) == {("update", identifier, "payment_term"): "net30"}
    assert len(kept.wiz.plan()) == 0


@pytest.mark.parametrize("dtype", ["int64", "float64", object])
def test_references_that_became_numbers_never_match_a_record(erp, dtype):
    frame = pd.read_csv(erp, dtype=str).iloc[[0, 1, 3]]
    frame["reference_id"] = frame["reference_id"].astype("int64").astype(dtype)
    plan = wizframe.plan(frame, match="reference_id", new="create")
    assert len(plan) == 0
    assert all("is a number" in rule for _, rule in rules(plan))
    assert plan.problems["row"].tolist() == [0, 1, 3]


@pytest.mark.usefixtures("erp")
def test_a_row_without_reference_or_a_reference_twice_is_a_problem():
    frame = pd.DataFrame(
        {"reference_id": [None, "N-1", "N-1", PADDED, PADDED], "company_name": list("ABCDE"), "display_name": "x"}
    )
    plan = wizframe.plan(frame, match="reference_id", new="create")
    assert [
        (row, rule.split(":")[0]) for row, rule in zip(plan.problems["row"], plan.problems["rule"], strict=True)
    ] == [
        (0, "is blank, so the record of the row is unknown"),
        (3, "is in several rows that differ"),
        (4, "is in several rows that differ"),
        (1, "is in several rows, but must be unique"),
        (2, "is in several rows, but must be unique"),
    ]


def test_a_frame_without_ids_is_an_error_that_offers_the_reference(erp):
    with pytest.raises(UnmatchedRowsError, match="match='reference_id'"):
        wizframe.plan(pd.read_csv(erp, dtype=str))
    with pytest.raises(UnmatchedRowsError, match="needs a column reference_id"):
        wizframe.plan(pd.DataFrame({"company_name": ["A"]}), match="reference_id")


@pytest.mark.usefixtures("erp")
@pytest.mark.parametrize("by", ["customer_id", "customer_reference_id"])
def test_contacts_are_matched_by_reference_within_their_customer(wiz, by):
    make_contacts_valid(wiz)
    before = stored(wiz, "contacts")
    owner, other = (next(r for r in wiz.server.records("customers") if r["reference_id"] == x) for x in (PADDED, PLAIN))
    mine = next(contact for contact in before.values() if contact["customer_id"] == owner["id"])
    named = {"customer_id": [owner["id"], other["id"], owner["id"]], "customer_reference_id": [PADDED, PLAIN, PADDED]}
    frame = pd.DataFrame(
        {
            by: named[by],
            "reference_id": [mine["reference_id"], mine["reference_id"] + "-new", "00777"],
            "first_name": ["Ada", "Ben", "Cem"],
            "email": ["ada@x.org", "ben@x.org", "cem@x.org"],
        }
    )
    reported = wizframe.plan(frame, match="reference_id")
    assert reported.counts()["update"] == 1
    assert len(reported.problems) == 2
    assert states(wizframe.plan(frame, match="reference_id", new="create").apply(progress=False)) == {"done": 3}
    found, after = changed(before, stored(wiz, "contacts")), stored(wiz, "contacts")
    assert found.pop(mine["id"]) == {"first_name": "Ada", "email": "ada@x.org"}
    assert {(after[i]["customer_id"], after[i]["reference_id"]) for i in found} == {
        (other["id"], mine["reference_id"] + "-new"),
        (owner["id"], "00777"),
    }
    second = wizframe.plan(frame, match="reference_id", new="create")
    assert len(second) == 0, second
    assert second.problems.empty


@pytest.mark.usefixtures("erp")
def test_contacts_of_unknown_customers_are_problems():
    given = {"id": None, "first_name": "Ada", "email": "ada@x.org"}
    plan = wizframe.plan(pd.DataFrame([given | {"customer_id": "cust_unknown"}, given | {"customer_id": None}]))
    assert rules(plan) == [("customer_id", "is required for a new row"), ("customer_id", "is unknown in this account")]
    plan = wizframe.plan(pd.DataFrame([given | {"customer_reference_id": "12345 "}]))
    assert ("customer_reference_id", "no customer has this reference") in rules(plan)
    plan = wizframe.plan(pd.DataFrame([given | {"customer_reference_id": 12345}]))
    assert any("is a number" in rule for _, rule in rules(plan))


@pytest.mark.usefixtures("erp")
@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_rows_go_from_one_account_to_another_by_reference(wiz, table):
    make_contacts_valid(wiz)
    with wizframe.sandbox(customers=3, seed=5, dialect=wiz.server.dialect) as staging:
        make_contacts_valid(staging)
        references = {r["id"]: r["reference_id"] for r in wiz.server.records("customers")}
        for record in staging.server.records("customers"):
            staging.server.overwrite("customers", record["id"], reference_id=references[record["id"]])
        renamed = []
        for record in staging.server.records("contacts"):
            theirs = next(c for c in wiz.server.records("contacts") if c["customer_id"] == record["customer_id"])
            if record["customer_id"] not in {c["customer_id"] for c in renamed}:
                staging.server.overwrite("contacts", record["id"], reference_id=theirs["reference_id"])
                renamed.append(record)
        frame = load(staging, table).head(2).assign(first_name="Staged")
        before = stored(wiz, table)
        if table == "contacts":
            with pytest.raises(WrongAccountError, match="customer_reference_id"):
                frame.wiz.plan(client=wiz, match="reference_id")
            frame["customer_reference_id"] = frame["customer_id"].map(references)
        only = frame[[c for c in frame if c in ("id", "reference_id", "first_name", "customer_id", "updated_at",
                                                "customer_reference_id")]]  # fmt: skip
        plan = only.wiz.plan(client=wiz, match="reference_id")
        assert any(re.match("2 ids and .* belong to another account: not used", one) for one in plan.notices)
        known = {(r.get("customer_id"), r["reference_id"]): i for i, r in before.items()}
        owners = only["customer_id"] if table == "contacts" else [None] * 2
        wanted = {known.get(pair): {"first_name": "Staged"} for pair in zip(owners, only["reference_id"], strict=True)}
        wanted.pop(None, None)
        plan.apply(client=wiz, invalid="skip", progress=False)
        assert changed(before, stored(wiz, table)) == wanted
        assert wanted
        assert only["id"].tolist() == frame["id"].tolist()


def test_a_whole_load_is_compared_with_the_account_where_it_goes(wiz):
    with wizframe.sandbox(customers=3, seed=5, dialect=wiz.server.dialect) as staging:
        for server in (staging.server, wiz.server):
            for number, record in enumerate(server.records("customers")[:3]):
                server.overwrite("customers", record["id"], reference_id=f"R-{number}", payment_term="net30")
        staging.server.overwrite("customers", staging.server.records("customers")[1]["id"], payment_term="net77")
        frame = load(staging)
        plan = frame[["id", "reference_id", "payment_term"]].wiz.plan(client=wiz, match="reference_id")
        assert cells_of(plan) == {("update", wiz.server.records("customers")[1]["id"], "payment_term"): "net77"}


def test_a_text_of_the_record_goes_to_another_account_as_a_text_wherever_the_rows_lie(wiz):
    with wizframe.sandbox(customers=3, seed=5, dialect=wiz.server.dialect) as staging:
        for server, term in ((staging.server, CLEAR), (wiz.server, "net30")):
            for number, record in enumerate(server.records("customers")[:3]):
                server.overwrite("customers", record["id"], reference_id=f"R-{number}", payment_term=term, phone="")
        frame = load(staging)
        frame.loc[2, "phone"] = CLEAR
        theirs = [record["id"] for record in wiz.server.records("customers")[:3]]
        wiz.server.overwrite("customers", theirs[2], phone="+14155550100")
        expected = {("update", one, "payment_term"): CLEAR for one in theirs} | {("update", theirs[2], "phone"): ""}
        whole = frame[["id", "reference_id", "payment_term", "phone"]]
        for each in (whole, whole.iloc[::-1], whole.astype(object), whole.convert_dtypes(dtype_backend="pyarrow")):
            assert cells_of(each.wiz.plan(client=wiz, match="reference_id")) == expected


@pytest.mark.parametrize(
    ("table", "name", "why"), [("customers", "id", "without an id"), ("contacts", "reference_id", "is not a string")]
)
def test_a_look_up_that_shows_no_proper_record_is_an_error_and_no_guess(wiz, table, name, why):
    """Planned as new, such a row would be a second record."""
    frame = load(wiz, table)[["reference_id", *(["customer_id"] if table == "contacts" else [])]]
    wire = name if wiz.server.dialect == "rest" else {"reference_id": "referenceId"}.get(name, name)
    wiz.server.faults.add(
        Fault("answer_after", f"{table}.list", times=None, body=lambda body: spoilt(body, wire)),
    )
    with pytest.raises(ProtocolError, match=why):
        wizframe.plan(frame, table=table, match="reference_id", new="create")


def spoilt(body, name):
    """Put a list in the place of a field of every record."""
    content = json.loads(body)
    for row in content if isinstance(content, list) else content["data"]:
        row[name] = [5]
    return json.dumps(content).encode()
