"""Pickers without a browser: what is chosen, loaded, cancelled, ticked, and written as code."""

import inspect
import json
import re
import time

import pandas as pd
import pytest
from support.display import displayed, html_of
from support.widgets import all_of, find, html_in, press, wait_for, walk, widget_of

import wizframe
from wizframe.errors import AuthenticationError, InvalidRequestError
from wizframe.server import Fault

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")

VALUES = [
    {},
    {"status": "inactive"},
    {"created_after": "2020-02-29", "created_before": "2030-01-01T08:30:00Z"},
    {"updated_after": "2020-02-29T00:00:01Z", "updated_before": "2030-01-01"},
    {"sort_by": "company_name", "sort": "desc", "limit": 7, "page_size": 20, "details": True},
    {"reference_ids": ["CUST00003", "CUST00004"]},
]
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "{{7*7}}",
    "a\u202egnp.exe",
    '"><b>&amp;',
    "' onmouseover='alert(1)",
]


def field(picker, label):
    """Find the widget with this label, as a person does."""
    return next(one for one in walk(widget_of(picker)) if getattr(one, "description", "") == label)


def boxes(picker):
    """List the boxes of the rows that are shown."""
    return all_of(widget_of(picker), "Checkbox", "Tick ")


def press_and_wait(picker, words="Load"):
    """Press the button of a load, and wait until it can be pressed again."""
    press(widget_of(picker), words)
    wait_for(lambda: not find(widget_of(picker), "Button", words).disabled)


def run(code, wiz):
    """Run a picker's code as a cell would, and give back what it made."""
    names = {"wizframe": wizframe, "wiz": wiz}
    exec(code, names)  # noqa: S102 - the code under test
    return names.get("customers", names.get("contacts"))


class TestWhatIsChosen:
    @pytest.mark.parametrize("value", VALUES, ids=str)
    def test_a_picker_restores_its_state_from_its_value(self, value):
        picker = wizframe.CustomerPicker(value=value)
        assert picker.value == value
        assert wizframe.CustomerPicker(value=json.loads(json.dumps(picker.value))).value == value

    @pytest.mark.parametrize("value", VALUES, ids=str)
    def test_the_code_loads_the_same(self, wiz, value):
        picker = wizframe.CustomerPicker(value=value)
        pd.testing.assert_frame_equal(picker.load(), run(picker.code, wiz))

    def test_what_a_person_does_to_the_widgets_is_the_value(self):
        picker = wizframe.CustomerPicker()
        field(picker, "Status").value = "active"
        field(picker, "Created after").value = pd.Timestamp("2026-01-31").date()
        field(picker, "Order by").value = "display_name"
        field(picker, "Direction").value = "desc"
        field(picker, "Row limit").value = 1000
        field(picker, "Details too").value = True
        chosen = {"created_after": "2026-01-31", "status": "active", "sort_by": "display_name", "sort": "desc"}
        assert picker.value == chosen | {"limit": 1000, "details": True}

    def test_every_filter_of_the_load_has_a_widget(self):
        known = set(inspect.signature(wizframe.load_customers).parameters)
        with pytest.raises(InvalidRequestError) as refused:
            wizframe.CustomerPicker(value={"unknown": 1})
        allowed = re.search(r"\(allowed: (.*)\)", str(refused.value))[1].split(", ")
        assert known - {"client", "workers", "invalid", "dtype_backend", "progress"} == set(allowed)

    @pytest.mark.parametrize(
        ("pasted", "meant"),
        [
            ("A-1\nA 2\n\n A-3 \nA-1\n", ["A-1", "A 2", "A-3"]),
            ("A-1\r\nA-2\r\n", ["A-1", "A-2"]),
            ("A-1, A-2;A-3\tA-4", ["A-1", "A-2", "A-3", "A-4"]),
            ("Smith, John\nB-2", ["Smith, John", "B-2"]),
            ("Smith, John\n", ["Smith, John"]),
            ("  \n ", None),
        ],
    )
    def test_references_are_pasted_as_a_list(self, pasted, meant):
        picker = wizframe.CustomerPicker()
        field(picker, "References").value = pasted
        assert picker.value.get("reference_ids") == meant

    def test_a_time_of_day_is_kept_until_another_day_is_chosen(self):
        picker = wizframe.CustomerPicker(value={"updated_after": "2026-01-31T08:30:00+02:00"})
        assert picker.value == {"updated_after": "2026-01-31T06:30:00Z"}
        day = field(picker, "Updated after …")
        assert "06:30" in day.tooltip
        day.value = pd.Timestamp("2026-02-01").date()
        assert picker.value == {"updated_after": "2026-02-01"}
        assert day.description == "Updated after"

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ({"stauts": "active"}, "stauts"),
            ({"status": "deleted"}, "deleted"),
            ({"created_after": "yesterday"}, "yesterday"),
            ({"limit": 0}, "limit"),
            ({"limit": True}, "limit"),
            ({"page_size": 1000}, "page_size"),
            ({"details": "yes"}, "details"),
            ({"reference_ids": [3]}, "reference_ids"),
        ],
    )
    def test_what_a_load_would_refuse_is_refused_at_once_and_changes_nothing(self, value, reason):
        picker = wizframe.CustomerPicker(value={"status": "active"})
        with pytest.raises(InvalidRequestError, match=reason):
            picker.value = {"sort": "desc"} | value
        assert picker.value == {"status": "active"}

    def test_defaults_by_name_are_defaults(self):
        value = {
            "status": None,
            "sort_by": "created_at",
            "sort": "asc",
            "page_size": 100,
            "details": False,
            "limit": None,
        }
        assert wizframe.CustomerPicker(value=value).value == {}


class TestTheCode:
    def test_the_client_is_named_only_where_it_must_be(self, wiz):
        assert wizframe.CustomerPicker(client=wiz).code == "customers = wizframe.load_customers()"
        with wizframe.sandbox(customers=1) as other:
            assert wizframe.CustomerPicker(client=other).code == "customers = wizframe.load_customers(client=wiz)"

    @pytest.mark.parametrize(
        "hostile", [*HOSTILE, "it's", 'say "hi"', "back\\slash", "line\u2028separator", " around ", "two\nlines"]
    )
    def test_any_reference_comes_out_as_it_was(self, hostile):
        picker = wizframe.CustomerPicker(value={"reference_ids": [hostile]})
        got = {}
        code = picker.code.replace("wizframe.load_customers", "dict")
        exec(code, got)  # noqa: S102 - the code under test
        assert got["customers"] == {"reference_ids": [hostile]}
        assert picker.code.isprintable() or "\n" in picker.code
        assert "\u202e" not in picker.code

    def test_long_code_has_a_line_for_each_argument(self):
        code = wizframe.CustomerPicker(value=VALUES[2] | VALUES[4]).code
        assert max(map(len, code.splitlines())) < 100
        assert "\n    limit=7,\n" in code


class TestLoading:
    def test_the_frame_is_that_of_the_load_and_can_be_planned(self, wiz):
        picker = wizframe.CustomerPicker()
        press_and_wait(picker)
        pd.testing.assert_frame_equal(picker.frame, wiz.load_customers())
        picker.frame.loc[3, "payment_term"] = "net77"
        assert len(picker.frame.wiz.plan()) == 1

    def test_warnings_of_the_load_are_shown(self, wiz):
        wiz.server.overwrite("customers", wiz.server.records("customers")[0]["id"], email="nobody")
        picker = wizframe.CustomerPicker()
        picker.load()
        assert "break the schema" in html_in(widget_of(picker))

    def test_a_failure_is_shown_and_the_frame_stays(self, wiz):
        picker = wizframe.CustomerPicker()
        before = picker.load()
        wiz.server.faults.add(Fault("answer", operation="customers.list", status=401, times=None))
        press_and_wait(picker)
        wait_for(lambda: "wizframe-wrong" in html_in(widget_of(picker)))
        assert picker.frame is before
        with pytest.raises(AuthenticationError):
            picker.load()
        wiz.server.faults.clear()
        assert len(picker.load()) == len(before)
        assert "wizframe-wrong" not in html_in(widget_of(picker))

    def test_without_a_connection_it_says_how_to_open_one(self):
        picker = wizframe.CustomerPicker()
        press_and_wait(picker)
        wait_for(lambda: "wizframe.sandbox()" in html_in(widget_of(picker)))

    def test_there_is_no_frame_before_a_load(self):
        picker = wizframe.CustomerPicker()
        with pytest.raises(InvalidRequestError, match=r"load\(\)"):
            _ = picker.frame
        with pytest.raises(InvalidRequestError):
            _ = picker.selected

    def test_cancelling_sends_no_more_requests_and_keeps_the_frame(self):
        with wizframe.sandbox(customers=600, latency_s=0.02) as wiz:
            picker = wizframe.CustomerPicker()
            before = picker.load()
            for box in boxes(picker)[1:3]:
                box.value = True
            picker.value = {"page_size": 1}
            shown = widget_of(picker)
            load, cancel = (find(shown, "Button", words) for words in ("Load", "Cancel"))
            load.click()
            assert (load.disabled, cancel.disabled) == (True, False)
            wait_for(lambda: re.search(r"\d of 600 customers", html_in(shown)))
            cancel.click()
            assert "Cancelled" in html_in(shown)
            assert (load.disabled, cancel.disabled) == (False, True)
            time.sleep(0.1)  # what is on its way arrives
            asked = len(wiz.server.requests)
            time.sleep(0.5)
            assert len(wiz.server.requests) == asked
            assert asked < 600
            assert picker.frame is before
            assert len(picker.selected) == 2
            assert "Cancelled" in html_in(shown)
            picker.value = {}
            assert len(picker.load()) == 600

    def test_progress_says_how_many_and_how_long(self):
        with wizframe.sandbox(customers=400, latency_s=0.02):
            picker = wizframe.CustomerPicker(value={"page_size": 1})
            said = []
            for text in all_of(widget_of(picker), "HTML"):
                text.observe(lambda change: said.append(change["new"]), "value")
            [bar] = all_of(widget_of(picker), "FloatProgress", hidden=True)
            picker.load()
            assert any("left" in words and "of" in words for words in said)
            assert bar.value > 0

    def test_pressing_load_twice_loads_once(self):
        with wizframe.sandbox(customers=50, latency_s=0.05) as wiz:
            picker = wizframe.CustomerPicker()
            load = find(widget_of(picker), "Button", "Load")
            load.click()
            load.click()
            wait_for(lambda: not load.disabled)
            asked = len(wiz.server.requests)
            picker.load()
            assert len(wiz.server.requests) == 2 * asked


class TestContacts:
    def test_customers_are_chosen_from_a_frame_by_search(self, wiz):
        customers = wiz.load_customers()
        picker = wizframe.ContactPicker(customers)
        one, two = customers.iloc[[4, 9]].itertuples()
        for row in (one, two):
            field(picker, "Search").value = row.company_name
            field(picker, f"Tick {row.reference_id} {row.company_name}").value = True
        assert picker.value == {"customers": [one.id, two.id]}
        contacts = picker.load()
        assert set(contacts["customer_id"]) <= {one.id, two.id}
        pd.testing.assert_frame_equal(contacts, run(picker.code, wiz))
        loaded = [text.value for text in all_of(widget_of(picker), "HTML") if "<tr>" in text.value][-1]
        assert one.company_name in loaded

    def test_several_references_are_found_at_once(self, wiz):
        customers = wiz.load_customers()
        picker = wizframe.ContactPicker(customers)
        wanted = customers["reference_id"].iloc[[2, 5, 7]]
        field(picker, "Search").value = ", ".join(wanted)
        press(widget_of(picker), "Tick all found")
        assert picker.value["customers"] == customers["id"].iloc[[2, 5, 7]].tolist()

    def test_without_a_frame_a_button_loads_the_customers_and_keeps_the_choice(self, wiz):
        ids = [record["id"] for record in wiz.server.records("customers")][:2]
        picker = wizframe.ContactPicker(value={"customers": [*ids, "cust_gone"], "status": "active"})
        press_and_wait(picker, "Load the customers")
        assert "30 customers, 2 ticked" in html_in(widget_of(picker))
        assert picker.value == {"customers": [*ids, "cust_gone"], "status": "active"}
        assert set(picker.load()["status"]) <= {"active"}
        assert "cust_gone" in html_in(widget_of(picker))  # it could not be read
        assert wizframe.ContactPicker(value=picker.value).value == picker.value

    def test_ids_may_be_given_and_the_id_may_be_the_index(self, wiz):
        customers = wiz.load_customers()
        identifier = customers["id"][3]
        assert wizframe.ContactPicker(identifier).value == {"customers": [identifier]}
        assert wizframe.ContactPicker(customers["id"][:2]).value == {"customers": customers["id"][:2].tolist()}
        picker = wizframe.ContactPicker(customers.set_index("id"))
        boxes(picker)[3].value = True
        assert picker.value == {"customers": [identifier]}

    def test_a_load_without_a_chosen_customer_says_so(self, wiz):
        picker = wizframe.ContactPicker(wiz.load_customers())
        before = len(wiz.server.requests)
        with pytest.raises(InvalidRequestError, match="no customer is chosen"):
            picker.load()
        assert len(wiz.server.requests) == before

    def test_a_frame_that_does_not_hold_customers_is_refused(self, wiz):
        contacts = wiz.load_contacts(wiz.load_customers().head(3))
        for wrong in (contacts, pd.DataFrame({"a": [1]}), [3], {"customers": [""]}):
            with pytest.raises(InvalidRequestError):
                wizframe.ContactPicker(wrong) if not isinstance(wrong, dict) else wizframe.ContactPicker(value=wrong)

    def test_a_picker_of_contacts_has_no_filters_of_customers(self):
        with pytest.raises(InvalidRequestError, match="limit"):
            wizframe.ContactPicker(value={"limit": 3})


class TestShowing:
    @pytest.mark.usefixtures("wiz")
    def test_it_is_shown_as_a_widget_or_as_text(self):
        picker = wizframe.CustomerPicker(value={"status": "active"})
        shown, _ = displayed(picker)
        assert find(widget_of(picker), "Button", "Load")
        assert shown["text/plain"] == repr(picker) == "<wizframe.CustomerPicker: nothing loaded yet>"
        assert "load_customers(status=&quot;active&quot;)" in shown["text/html"]
        count = len(picker.load())
        boxes(picker)[0].value = True
        assert repr(picker) == f"<wizframe.CustomerPicker: {count} customers, 1 ticked>"

    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_names_from_the_service_are_text(self, wiz, hostile):
        stored = wiz.server.records("customers")
        for record in stored:
            wiz.server.overwrite("customers", record["id"], company_name=hostile, reference_id=hostile + record["id"])
        picker = wizframe.CustomerPicker(value={"reference_ids": [hostile + stored[0]["id"]]})
        picker.load()
        html = html_in(widget_of(picker)) + html_of(picker)
        assert "<img" not in html
        assert "<script" not in html
        assert "<b>" not in html
        assert "onmouseover='" not in html
        assert "\u202e" not in html
        assert all("\u202e" not in box.description for box in boxes(picker))
        assert not any(box.description_allow_html for box in boxes(picker))
        wiz.server.faults.add(
            Fault("answer", operation="customers.list", status=400, times=None, body={"code": "x", "message": hostile})
        )
        press_and_wait(picker)
        wait_for(lambda: "wizframe-wrong" in html_in(widget_of(picker)))
        assert "<img" not in html_in(widget_of(picker))
        assert "<script" not in html_in(widget_of(picker))
