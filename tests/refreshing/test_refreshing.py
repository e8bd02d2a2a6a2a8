"""A loaded frame is brought up to date: what a load would give now, with few requests, and every edit kept."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pandas as pd
import pytest
from support.loaders import requests_of, requests_through, stored

import wizframe
from wizframe import CLEAR
from wizframe.errors import CollidingEditsWarning, IncompleteLoadWarning, PlanError, WrongAccountError
from wizframe.frames.baselines import attached
from wizframe.refreshing import changed_records
from wizframe.server import Fault

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


def create(wiz, name, **fields):
    record = {"reference_id": name, "company_name": name, "display_name": name} | fields
    return wiz.customer.create(record)["id"]


def busy_day(wiz):
    """Let others change, create, deactivate, activate and delete; by id what became of whom."""
    active, inactive = stored(wiz, status="active"), stored(wiz, status="inactive")
    wiz.customer.update(active[1]["id"], {"payment_term": "theirs"})
    wiz.customer.update(active[2]["id"], {"phone": "+14155550000", "freight_term": "theirs"})
    wiz.server.set_status("customers", active[3]["id"], "inactive")
    wiz.server.set_status("customers", inactive[0]["id"], "active")
    wiz.customer.delete(active[4]["id"])
    create(wiz, "NEW-1", email="new@example.com")


def same_records(frame, expected):
    frame, expected = frame.set_index("id").sort_index(), expected.set_index("id").sort_index()
    pd.testing.assert_frame_equal(frame, expected)


class TestUpToDate:
    @pytest.mark.parametrize("options", [{}, {"status": "active"}, {"details": True}, {"created_after": "2024-06-01"}])
    def test_a_refreshed_frame_is_what_a_load_gives_now(self, wiz, options):
        frame = wiz.load_customers(**options)
        before = frame.copy()
        busy_day(wiz)
        fresh = frame.wiz.refresh(deletions=True)
        same_records(fresh, wiz.load_customers(**options))
        pd.testing.assert_frame_equal(frame, before)
        assert isinstance(fresh.index, pd.RangeIndex)
        plan = fresh.wiz.plan()
        assert not len(plan)
        assert not len(plan.problems)
        again = fresh.wiz.refresh(deletions=True)
        pd.testing.assert_frame_equal(again, fresh)

    def test_rows_keep_their_order_and_new_ones_are_at_the_end(self, wiz):
        frame = wiz.load_customers(sort_by="company_name")
        new = create(wiz, "AAA")
        fresh = frame.wiz.refresh()
        assert fresh["id"].tolist() == [*frame["id"], new]

    def test_deleted_customers_stay_unless_they_are_asked_for_where_that_takes_requests(self, wiz):
        frame = wiz.load_customers()
        gone = frame["id"][5]
        wiz.customer.delete(gone)
        assert (gone in frame.wiz.refresh()["id"].tolist()) == (wiz.dialect == "rest")
        assert gone not in frame.wiz.refresh(deletions=True)["id"].tolist()

    def test_what_changed_while_the_load_was_reading_is_found(self, wiz):
        first, second = stored(wiz, status="active")[0], stored(wiz, status="active")[-1]
        lists = []

        def meddle(query):
            lists.append(query)
            if len(lists) == 4:
                for record in (first, second):
                    wiz.server.overwrite("customers", record["id"], payment_term="theirs")
            return query

        with requests_through(wiz, meddle):
            frame = wiz.load_customers(page_size=3, workers=1)
        fresh = frame.wiz.refresh()
        same_records(fresh, wiz.load_customers())

    def test_a_change_in_the_very_moment_of_the_newest_one_that_was_seen_is_found(self, dialect):
        """Bounds are excluded and the clock may have seconds only: without an overlap such a change is missed."""
        with wizframe.sandbox(customers=30, dialect=dialect) as wiz:
            wiz.server.overwrite("customers", stored(wiz)[9]["id"], payment_term="during the load")
            frame = wiz.load_customers()
            newest, seen = frame["updated_at"].max(), pd.Timestamp(attached(frame).seen_at)
            moments = {"newest": newest, "seen": seen, "second": seen.floor("s")}
            for row, (name, moment) in enumerate(moments.items()):
                changed = moment.isoformat().replace("+00:00", "Z")
                wiz.server.overwrite("customers", frame["id"][row], payment_term=name, updated_at=changed)
            assert frame.wiz.refresh()["payment_term"].head(3).tolist() == list(moments)

    @pytest.mark.parametrize("hours", [-2, 2])
    def test_changes_are_found_with_any_clock_of_the_service(self, wiz, hours):
        wiz.server.overwrite("customers", stored(wiz)[3]["id"], payment_term="new")  # the newest of the load
        date = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
        wiz.server.faults.add(Fault("answer_after", "customers.list", times=None, headers={"Date": date}))
        frame = wiz.load_customers()
        assert wiz.server.faults.fired
        wiz.server.overwrite("customers", frame["id"][0], payment_term="theirs")
        assert frame.wiz.refresh()["payment_term"][0] == "theirs"

    def test_problems_are_those_of_the_rows_as_they_are_now(self, wiz):
        frame = wiz.load_customers(invalid="drop")
        bad, gone = frame["id"][7], frame["id"][2]
        wiz.server.overwrite("customers", bad, email="invalid")
        wiz.customer.delete(gone)
        fresh = frame.wiz.refresh(deletions=True)
        found = fresh.wiz.problems.dropna(subset="row")
        in_frame = found[[fresh["id"][row] in set(frame["id"]) for row in found["row"]]]
        assert [
            (fresh["id"][row], column) for row, column in zip(in_frame["row"], in_frame["column"], strict=True)
        ] == [(bad, "email")]
        wiz.server.overwrite("customers", bad, email="valid@example.com")
        again = fresh.wiz.refresh().wiz.problems.dropna(subset="row")
        assert bad not in [fresh["id"][row] for row in again["row"]]


class TestRequests:
    def test_hundreds_of_times_fewer_where_little_changed(self):
        with wizframe.sandbox(customers=700) as wiz:
            frame, loading = requests_of(wiz, lambda: wiz.load_customers(page_size=1))
            for row in (3, 600):
                wiz.server.overwrite("customers", frame["id"][row], payment_term="theirs")
            fresh, refreshing = requests_of(wiz, frame.wiz.refresh)
            assert (fresh["payment_term"] == "theirs").sum() == 2
            assert refreshing == 3
            assert loading > 200 * refreshing

    def test_details_are_read_of_those_that_changed(self):
        with wizframe.sandbox(customers=60) as wiz:
            frame = wiz.load_customers(details=True)
            wiz.server.overwrite("customers", frame["id"][3], freight_term="theirs")
            fresh, count = requests_of(wiz, frame.wiz.refresh)
            assert fresh["freight_term"][3] == "theirs"
            assert count == 4
            _, count = requests_of(wiz, fresh.wiz.refresh)
            assert count == 3

    def test_deletions_are_found_by_counting(self):
        with wizframe.sandbox(customers=3000) as wiz:
            frame, loading = requests_of(wiz, wiz.load_customers)
            _, nothing = requests_of(wiz, lambda: frame.wiz.refresh(deletions=True))
            assert nothing == 5
            for row in (10, 2500):
                wiz.customer.delete(frame["id"][row])
            create(wiz, "NEW")  # so that there are nearly as many as before
            fresh, count = requests_of(wiz, lambda: frame.wiz.refresh(deletions=True))
            assert set(frame["id"]) - set(fresh["id"]) == {frame["id"][10], frame["id"][2500]}
            assert len(fresh) == 2999
            assert count < loading

    def test_a_deletion_in_the_very_second_where_a_span_is_halved_is_found(self):
        with wizframe.sandbox(customers=450) as wiz:
            active = stored(wiz, status="active")
            middle = active[len(active) // 2 - 2 : len(active) // 2 + 3]
            for record in middle:
                wiz.server.overwrite("customers", record["id"], created_at=middle[2]["created_at"])
            frame = wiz.load_customers()
            wiz.customer.delete(middle[2]["id"])
            fresh, count = requests_of(wiz, lambda: frame.wiz.refresh(deletions=True))
            assert set(frame["id"]) - set(fresh["id"]) == {middle[2]["id"]}
            assert 9 < count < 15  # so it was halved, and not listed as a whole

    def test_a_service_that_ignores_spans_or_does_not_count_costs_requests_and_no_customer(self):
        with wizframe.sandbox(customers=900) as wiz:
            frame = wiz.load_customers()
            gone = frame["id"][450]
            wiz.customer.delete(gone)
            ignored = ("created_after", "created_before")
            with requests_through(wiz, lambda query: {name: query[name] for name in query if name not in ignored}):
                fresh, count = requests_of(wiz, lambda: frame.wiz.refresh(deletions=True))
            assert set(frame["id"]) - set(fresh["id"]) == {gone}
            assert count < 60

    def test_the_other_dialect_reads_all_and_says_so(self, caplog):
        with wizframe.sandbox(customers=30, dialect="sdk") as wiz, caplog.at_level(logging.INFO, "wizframe"):
            frame = wiz.load_customers()
            wiz.server.overwrite("customers", frame["id"][0], payment_term="theirs")
            wiz.customer.delete(frame["id"][1])
            frame.wiz.refresh()
        said = "refreshed: 1 changed, 0 added, 1 removed; all customers were read again: this dialect cannot list"
        assert said in caplog.text


class TestEdits:
    def test_edits_stay_and_are_planned_alone(self, wiz):
        frame = wiz.load_customers(invalid="drop")
        frame.loc[0, "payment_term"] = "mine"
        frame.loc[1, "phone"] = None
        cleared = frame["shipping_method"].last_valid_index()
        assert cleared > 1
        frame.loc[cleared, "shipping_method"] = wizframe.CLEAR
        frame.loc[len(frame)] = {"reference_id": "MINE", "company_name": "Mine", "display_name": "Mine"}
        wiz.server.overwrite("customers", frame["id"][0], shipping_method="theirs")
        wiz.server.overwrite("customers", frame["id"][1], shipping_method="theirs")
        fresh = frame.wiz.refresh()
        assert fresh.loc[0, ["payment_term", "shipping_method"]].tolist() == ["mine", "theirs"]
        assert pd.isna(fresh["phone"][1])
        plan = fresh.wiz.plan()
        assert plan.counts() == {"create": 1, "update": 2, "delete": 0}
        assert set(plan.cells["column"][plan.cells["action"] == "update"]) == {"payment_term", "shipping_method"}
        assert set(plan.apply().changes["state"]) == {"done"}

    def test_a_newer_value_in_an_edited_cell_is_shown_and_is_a_conflict(self, wiz):
        frame = wiz.load_customers(invalid="drop")
        frame["payment_term"] = frame["payment_term"].fillna("net30")
        frame.loc[frame.index[:3], "payment_term"] = "mine"
        was = attached(frame).frame["payment_term"]
        for row, value in ((0, "theirs"), (1, "mine")):
            wiz.server.overwrite("customers", frame["id"][row], payment_term=value)
        with pytest.warns(CollidingEditsWarning, match="1 edited cell was also changed") as caught:
            fresh = frame.wiz.refresh()
        assert caught[0].filename == __file__
        assert fresh.wiz.collisions.to_dict("records") == [
            {
                "table": "customers", "index": 0, "id": frame["id"][0], "column": "payment_term",
                "when_loaded": was.iloc[0], "yours": "mine", "now": "theirs", "what_happened": "changed",
            }
        ]  # fmt: skip
        rows = fresh.head(3)
        assert rows["payment_term"].tolist() == ["mine"] * 3
        assert rows.wiz.plan().apply().changes["state"].tolist() == ["conflict", "done"]
        rows.loc[0, "payment_term"] = "theirs"
        assert set(rows.wiz.plan().apply().changes["state"]) <= {"done"}

    def test_a_collision_is_remembered_until_it_is_decided(self, wiz):
        frame = wiz.load_customers()
        frame.loc[0, "payment_term"] = "mine"
        wiz.server.overwrite("customers", frame["id"][0], payment_term="theirs")
        with pytest.warns(CollidingEditsWarning):
            fresh = frame.wiz.refresh()
        with pytest.warns(CollidingEditsWarning):
            again = fresh.wiz.refresh()
        pd.testing.assert_frame_equal(again.wiz.collisions, fresh.wiz.collisions)
        again.loc[0, "payment_term"] = "theirs"
        assert again.wiz.refresh().wiz.collisions.empty

    @pytest.mark.parametrize("how", ["deleted", "left the load's filters"])
    def test_an_edited_record_that_is_gone_stays_and_says_so(self, wiz, how):
        frame = wiz.load_customers(status="active")
        edited, plain = frame["id"][0], frame["id"][1]
        frame.loc[0, "payment_term"] = "mine"
        for one in (edited, plain):
            if how == "deleted":
                wiz.customer.delete(one)
            else:
                wiz.server.set_status("customers", one, "inactive")
        with pytest.warns(CollidingEditsWarning):
            fresh = frame.wiz.refresh(deletions=True)
        assert fresh["id"].tolist() == frame["id"].drop(1).tolist()
        assert fresh.wiz.collisions[["id", "column", "yours", "what_happened"]].to_numpy().tolist() == [
            [edited, "payment_term", "mine", how]
        ]
        expected = ["conflict"] if how == "deleted" else ["done"]
        assert fresh.wiz.plan().apply().changes["state"].tolist() == expected

    def test_a_selection_without_rows_has_none_of_the_collisions(self, wiz, monkeypatch):
        frame = wiz.load_customers()
        frame.loc[0, "payment_term"] = "mine"
        wiz.server.overwrite("customers", frame["id"][0], payment_term="theirs")
        with pytest.warns(CollidingEditsWarning):
            fresh = frame.wiz.refresh()
        monkeypatch.setattr(changed_records, "OVERLAP", timedelta(hours=-1))  # nothing is news any more
        assert fresh[fresh["id"] == "unknown"].wiz.refresh().wiz.collisions.empty

    def test_a_new_value_replaces_the_text_of_a_command_in_a_record(self, wiz):
        identifier = wiz.load_customers()["id"][2]
        wiz.server.overwrite("customers", identifier, payment_term=CLEAR)
        frame = wiz.load_customers()
        wiz.server.overwrite("customers", identifier, payment_term="net9")
        fresh = frame.wiz.refresh()
        assert (fresh["payment_term"][2], len(fresh.wiz.collisions), len(fresh.wiz.plan())) == ("net9", 0, 0)

    def test_own_columns_may_share_a_name(self, wiz):
        loaded = wiz.load_customers()
        frame = pd.concat([loaded, pd.DataFrame([[1, "a"]] * len(loaded), columns=["own"] * 2)], axis=1)
        frame.attrs = loaded.attrs
        new = create(wiz, "NEW-1")
        fresh = frame.wiz.refresh()
        assert fresh["id"].tolist() == [*frame["id"], new]
        assert fresh["own"].iloc[:-1].to_numpy().tolist() == [[1, "a"]] * len(frame)
        assert fresh["own"].iloc[-1].isna().all()

    def test_a_pushed_edit_is_not_a_change_of_another_user(self, wiz):
        frame = wiz.load_customers(invalid="drop")
        frame.loc[0, "payment_term"] = "mine"
        frame.wiz.push(yes=True)
        fresh = frame.wiz.refresh()
        assert fresh.wiz.collisions.empty
        assert not len(fresh.wiz.plan())


class TestFrames:
    def test_own_columns_labels_and_dtypes_stay(self, wiz):
        frame = wiz.load_customers().set_index("id", drop=False).assign(score=range(30))
        frame["note"] = "seen"
        new = create(wiz, "NEW")
        wiz.customer.delete(frame.index[3])
        fresh = frame.set_index("id").wiz.refresh(deletions=True)
        assert fresh.index.tolist() == [*frame.index.delete(3), new]
        assert fresh["score"].dropna().tolist() == [number for number in range(30) if number != 3]
        for name in frame.columns.drop(["id", "score", "note"]):
            assert fresh[name].dtype == frame[name].dtype

    def test_some_rows_of_a_load_get_no_others(self, wiz):
        frame = wiz.load_customers()
        some = frame[frame["status"] == "active"].tail(5)
        create(wiz, "NEW")
        wiz.server.overwrite("customers", some["id"].iloc[2], payment_term="theirs")
        fresh = some.wiz.refresh()
        assert fresh.index.tolist() == some.index.tolist()
        assert fresh["payment_term"].iloc[2] == "theirs"

    @pytest.mark.parametrize("by", ["reference_ids", "limit"])
    def test_rows_that_were_chosen_get_no_others_and_lose_deleted_ones(self, wiz, by):
        chosen = [record["reference_id"] for record in stored(wiz)[:6]]
        frame = wiz.load_customers(**({"limit": 6} if by == "limit" else {"reference_ids": chosen}))
        create(wiz, "NEW")
        wiz.server.overwrite("customers", frame["id"][1], reference_id="RENAMED")
        wiz.customer.delete(frame["id"][2])
        fresh = frame.wiz.refresh(deletions=True)
        assert fresh["id"].tolist() == frame["id"].drop(2).tolist()
        assert fresh["reference_id"][1] == "RENAMED"

    def test_contacts_are_those_that_a_load_gives_now(self, wiz):
        customers = wiz.load_customers().head(8)
        frame = wiz.load_contacts(customers)
        gone, moved = frame["id"][0], frame["id"][1]
        first, second = frame.loc[0], frame.loc[1]
        wiz.customer.contact.delete(first["customer_id"], gone)
        wiz.server.overwrite("contacts", moved, designation="theirs")
        other = customers["id"].iloc[7]
        wiz.customer.contact.create(other, {"reference_id": "NEW", "first_name": "New", "email": "new@example.com"})
        frame.loc[1, "last_name"] = "Mine"
        wiz.customer.delete(customers["id"].iloc[5])
        fresh = frame.wiz.refresh()
        assert fresh.loc[fresh["id"] == moved, ["last_name", "designation"]].to_numpy().tolist() == [["Mine", "theirs"]]
        fresh.loc[fresh["id"] == moved, "last_name"] = second["last_name"]
        same_records(fresh, wiz.load_contacts(customers.drop(customers.index[5])))

    def test_a_frame_from_elsewhere_is_refused(self, wiz, dialect):
        frame = wiz.load_customers()
        with pytest.raises(PlanError, match=r"not loaded in this session.*\. Load again\."):
            pd.DataFrame({"id": ["cust_1"]}).wiz.refresh()
        with pytest.raises(PlanError, match="no column"):
            frame.drop(columns="id").wiz.refresh()
        with wizframe.sandbox(customers=1, dialect=dialect) as other, pytest.raises(WrongAccountError):
            frame.wiz.refresh(client=other)

    def test_no_customer_counts_as_deleted_if_the_lists_are_in_doubt(self):
        with wizframe.sandbox(customers=30, dialect="sdk") as wiz:
            frame = wiz.load_customers()
            whole = wiz.customer.page
            wiz.customer.page = lambda **asked: doubtful(whole(**asked | {"page": 1}), asked["page"])
            with pytest.warns(IncompleteLoadWarning):
                fresh = frame.wiz.refresh()
        assert set(fresh["id"]) == set(frame["id"])


def doubtful(page, number):
    """Cut a list into pages of many sizes, and leave one record out."""
    page.look()
    records = page.records
    return type(page)({1: records[:10], 2: records[10:15], 3: records[16:]}.get(number, []))
