"""Each probe finds the deviations that it is for, and says what wizframe does; in a clean account it finds none."""

import pytest
from support.planning import stored

import wizframe
from wizframe.doctor.probe import probe
from wizframe.doctor.probe_writes import probe_writes
from wizframe.server.deviations import DEVIATIONS

#: A deviation to the check that finds it by reading.
READ = {
    "page_size_cap_50": "pages",
    "page_size_422_above_50": "pages",
    "repeats_pages": "pages",
    "total_zero": "totals",
    "total_stale": "totals",
    "total_estimated": "totals",
    "total_of_page": "totals",
    "total_text": "totals",
    "total_missing": "totals",
    "end_404": "end of a list",
    "end_422": "end of a list",
    "end_400": "end of a list",
    "end_204": "end of a list",
    "end_last_page_again": "end of a list",
    "ignores_order": "order",
    "ignores_order_column": "order",
    "one_creation_time": "order",
    "ignores_status_filter": "status filter",
    "lists_active_only": "status filter",
    "ignores_reference_filter": "reference filter",
    "reference_filter_one_text": "reference filter",
    "reference_filter_active_only": "reference filter",
    "reference_filter_ignores_case": "reference filter",
    "reference_filter_finds_parts": "reference filter",
    "ids_integer": "ids",
    "ids_big_integer": "ids",
    "contact_ids_per_customer": "ids",
    "numbers_for_text": "values",
    "flags_0_1": "values",
    "flags_text": "values",
    "status_uppercase": "values",
    "times_epoch_s": "times",
    "times_epoch_ms": "times",
    "times_go_zero": "times",
    "times_9999": "times",
    "times_without_zone": "times",
    "times_unreadable": "times",
    "big_integers_in_attributes": "exact numbers",
    "exact_decimals_in_attributes": "exact numbers",
    "gone_410": "missing record",
    "errors_with_200": "missing record",
    "errors_say_success_false": "missing record",
    "login_page_with_200": "dialect",
}
#: A deviation to the check that finds it by writing.
WRITE = {
    "create_other_reference": "create",
    "create_other_id": "create",
    "create_answers_202": "create",
    "create_answers_empty_object": "create",
    "create_late": "create",
    "login_page_for_writes": "create",
    "write_408": "create",
    "write_499": "create",
    "create_updates_existing": "uniqueness",
    "errors_with_200": "uniqueness",
    "create_returns_existing_by_email": "same e-mail",
    "create_updates_existing_by_email": "same e-mail",
    "patch_replaces": "PATCH",
    "patch_clears_lists": "PATCH",
    "patch_applies_defaults": "PATCH",
    "patch_ignores_body_spelling": "PATCH",
    "update_returns_old_record": "response to PATCH",
    "update_returns_sent_fields": "response to PATCH",
    "update_answers_202": "response to PATCH",
    "update_answers_204": "response to PATCH",
    "update_answers_empty_object": "response to PATCH",
    "update_late": "response to PATCH",
    "reads_lag": "response to PATCH",
    "lists_lag": "response to PATCH",
    "trims_text": "rewriting",
    "collapses_spaces": "rewriting",
    "composes_unicode": "rewriting",
    "lowercases_email": "rewriting",
    "formats_phone": "rewriting",
    "uppercases_reference": "rewriting",
    "escapes_html": "rewriting",
    "truncates_names": "rewriting",
    "put_ignores_body_spelling": "whole PUT",
    "put_clears_siblings": "whole PUT",
    "put_refuses_own_fields": "whole PUT",
    "put_refuses_null": "whole PUT",
    "refuses_unknown_fields": "whole PUT",
    "flags_0_1": "whole PUT",
    "delete_sets_inactive": "delete",
    "delete_does_nothing": "delete",
    "delete_accepted_only": "delete",
    "delete_says_success_false": "delete",
    "delete_late": "delete",
    "delete_410": "delete",
}
#: Reads are repeated after these, so no finding shows them.
UNSEEN = {"read_408", "read_425"}
#: What these probes find only in the rest dialect: totals, values of attributes, and a field that no document names.
REST_ONLY = {"exact numbers", "totals"}


def dialects_of(name, check):
    return ["rest"] if check in REST_ONLY or name == "refuses_unknown_fields" else ["rest", "sdk"]


def cells(found):
    for number, (name, check) in enumerate(found.items()):
        for dialect in dialects_of(name, check):
            is_quick = dialect == ("rest", "sdk")[number % 2] or len(dialects_of(name, check)) == 1
            yield pytest.param(name, check, dialect, marks=() if is_quick else pytest.mark.nightly)


def found_by(checks, client):
    return {finding.name: finding for finding in checks(client) if finding.state != "ok" and finding.name != "fields"}


def test_each_deviation_is_found_by_a_probe():
    assert READ.keys() | WRITE.keys() | UNSEEN == DEVIATIONS.keys()


@pytest.mark.parametrize("customers", [1, 70])
def test_a_clean_account_has_no_finding(dialect, customers):
    with wizframe.sandbox(customers=customers, dialect=dialect) as wiz:
        assert found_by(probe, wiz) == {}
        assert found_by(probe_writes, wiz) == {}


@pytest.mark.parametrize(("name", "check", "dialect"), list(cells(READ)))
def test_reading_finds_it_and_says_what_wizframe_does(name, check, dialect):
    with wizframe.sandbox(customers=70, dialect=dialect, deviations=[name]) as wiz:
        for record in wiz.server.records("customers")[:3]:
            wiz.server.overwrite("customers", record["id"], display_id="4711", updated_at=record["updated_at"])
        found = found_by(probe, wiz)
        assert check in found
        assert [one for one in wiz.server.requests if one.method != "GET"] == []
    if name != "login_page_with_200":
        assert "wizframe" in found[check].said


@pytest.mark.parametrize(("name", "check", "dialect"), list(cells(WRITE)))
def test_writing_finds_it_and_leaves_nothing_behind_without_saying_so(name, check, dialect):
    with wizframe.sandbox(customers=4, dialect=dialect, deviations=[name]) as wiz:
        wiz.settle_s = 0.3
        before = stored(wiz, "customers")
        found = found_by(probe_writes, wiz)
        assert check in found
        after = stored(wiz, "customers")
    assert {identifier: after[identifier] for identifier in before} == before
    left = [record["reference_id"] for identifier, record in after.items() if identifier not in before]
    assert all(reference in found["left behind"].said for reference in left)
    if name != "login_page_for_writes":
        assert "wizframe" in found[check].said
