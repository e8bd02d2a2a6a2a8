"""Possible bugs in the package, each with the test that finds it, and a pytest plugin that plants one of them.

``PYTHONPATH=tests pytest -n 0 -p support.seeded_bugs --bug NAME TEST`` plants a bug, then runs a test. A bug replaces
a function, a method or a constant at run time, so it depends on a few names of the package, not on its source text.
The names are looked up when the bug is planted: a rename affects only the nightly test
``tests/reliability/test_seeded_bugs.py``, which runs all of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import http.client
import math
import pkgutil
import sys
import types
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import requests

from wizframe.errors import AuthenticationError, JournalError, RateLimitError, RedirectError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

EXECUTOR, SENDER = "wizframe.pushing.executor", "wizframe.pushing.sender"
COMPARISON, VERIFICATION = "wizframe.pushing.comparison", "wizframe.pushing.verification"


class Bug(NamedTuple):
    """A bug, what it would do to a user, the test that finds it, and the function that plants it."""

    name: str
    harm: str
    test: str
    plant: Callable[[], None]


BUGS: dict[str, Bug] = {}


def bug(name, harm, test):
    """Register a function that plants a bug."""

    def register(plant):
        BUGS[plant.__name__] = Bug(name, harm, test, plant)
        return plant

    return register


def bugs_table():
    """Write the bugs as a table in Markdown."""
    rows = [f"| {bug.name} | {bug.harm} | `{_without_class(bug.test)}` |" for bug in BUGS.values()]
    return "\n".join(["| bug | its effect | the test that finds it |", "|---|---|---|", *rows])


def _without_class(test):
    file, *_, name = test.partition("[")[0].split("::")
    return f"{file}::{name}"


# ------------------------------------------------------------------------------------------------------ the plugin


def pytest_addoption(parser):
    """Add the option that names a bug."""
    parser.addoption("--bug", choices=sorted(BUGS), help="plant this bug in wizframe before the tests run")


def pytest_configure(config):
    """Plant the bug before any test is imported."""
    if name := config.getoption("bug"):
        BUGS[name].plant()


def existing(path):
    """Find something in the package by its dotted path; return its owner, its name and itself."""
    place, _, name = path.rpartition(".")
    try:
        owner = pkgutil.resolve_name(place)
        return owner, name, getattr(owner, name)
    except (ImportError, AttributeError) as error:
        raise pytest.UsageError(f"there is no {path} any more: change the bug in {__name__}, too ({error})") from None


def replace(path, wrong):
    """Put something wrong in the place of a function, method or constant.

    A function is also replaced in all modules that import it; a name that its module imports, only there.
    """
    owner, name, original = existing(path)
    setattr(owner, name, wrong)
    if isinstance(owner, types.ModuleType) and getattr(original, "__module__", "") == owner.__name__:
        for module_name, module in list(sys.modules.items()):
            if module_name.startswith("wizframe") and vars(module).get(name) is original:
                setattr(module, name, wrong)


def wrap(path):
    """Replace a function by the decorated one, which gets the original as its first argument."""

    def plant(wrong):
        original = existing(path)[2]
        replace(path, lambda *args, **options: wrong(original, *args, **options))

    return plant


# -------------------------------------------------------------------------------------------------------- the bugs


@bug(
    "a create with a lost response is sent again without looking it up",
    "the customer exists twice, or the row ends as unknown although the record exists",
    "test_pushing_faults.py::test_a_create_with_a_lost_response_is_adopted_and_never_doubled[rest-customers]",
)
def no_look_up():
    replace(f"{VERIFICATION}.Verification.look_up", lambda *_given, **_options: None)


@bug(
    "every request is repeated after a lost response, not only reads",
    "a create, an update or a delete takes effect twice",
    "test_transport.py::TestLostAnswers::test_a_write_is_sent_exactly_once",
)
def writes_are_repeated():
    @wrap("wizframe.http.transport._may_repeat")
    def _(original, _method, error):
        return original("GET", error)


@bug(
    "a lost create is looked up at once, without the settle period",
    "a create that takes effect a moment later is not found, and is made twice",
    "test_pushing_lost.py::"
    "test_a_create_that_takes_effect_after_the_time_out_is_waited_for_and_not_sent_again[rest-1-customers]",
)
def no_settle_period():
    replace(f"{VERIFICATION}.Verification.wait_for_effect", lambda _self, _name: None)


@bug(
    "one look-up counts as proof",
    "a create that takes effect after this look-up is made twice",
    "test_pushing_lost.py::"
    "test_a_create_that_takes_effect_after_the_time_out_is_waited_for_and_not_sent_again[rest-2-customers]",
)
def one_look_up():
    @wrap(f"{VERIFICATION}.Verification.look_up")
    def _(original, self, *given, **options):
        find, wait, count = self._find, self.wait_for_effect, []
        self.wait_for_effect = lambda name: count or (count.append(1), wait(name))
        self._find = lambda *given: find(*given) if not count[1:] and not count.append(1) else None
        return original(self, *given, **options)


@bug(
    "a lost create is looked up only among active records",
    "a record that another user deactivated in the meantime is created twice",
    "test_pushing_lost.py::test_a_new_record_that_another_user_deactivates_is_still_found[rest]",
)
def inactive_records_are_not_found():
    class ActiveLookups(existing(f"{VERIFICATION}.ServiceLookups")[2]):
        def by_reference(self, table, keys):
            found = super().by_reference(table, keys)
            return {key: record for key, record in found.items() if record["status"] == "active"}

        def created_since(self, table, moment):
            return [record for record in super().created_since(table, moment) if record["status"] == "active"]

    replace(f"{VERIFICATION}.ServiceLookups", ActiveLookups)


@bug(
    "a refusal is believed although an earlier request has no response yet",
    "a row is reported as failed, and is changed a moment later",
    "test_pushing_lost.py::"
    "test_a_refusal_after_a_lost_response_does_not_prove_the_first_attempt_failed[rest-late-update-customers]",
)
def refusal_is_believed():
    @wrap(f"{SENDER}._Tries.refuse")
    def _(_original, _self, error):
        raise error


@bug(
    "a record with the reference counts as the new one, even with other content",
    "another user's customer is reported as yours, and the next edit is written into it",
    "test_pushing_faults.py::test_a_create_that_another_user_made_with_other_content_is_a_conflict[rest]",
)
def any_content_is_adopted():
    @wrap(f"{VERIFICATION}.Verification._adopted")
    def _(original, self, change, _sent, found, **options):
        return original(self, change, {}, found, **options)


@bug(
    "after a 409 to the first attempt, the existing record counts as the new one",
    "a reference that was already taken is reported as created",
    "test_pushing_faults.py::test_a_taken_reference_is_never_adopted[rest]",
)
def taken_reference_is_adopted():
    @wrap(f"{SENDER}.Sender._create")
    def _(original, self, change, tries):
        tries.was_open = True
        return original(self, change, tries)


@bug(
    "a 5xx counts as a refusal",
    "a create that took effect counts as unsent, and resume() sends it again without looking it up",
    "test_pushing_lost.py::"
    "test_a_create_that_can_be_neither_confirmed_nor_found_is_unknown_and_resume_looks_first[rest-502]",
)
def server_error_is_a_refusal():
    # Only _Tries.sending() asks for this name to decide whether a write may have had its effect.
    replace(f"{SENDER}.UnavailableError", ())


@bug(
    "a 429 to a write counts as a lost response",
    "a service that asks for a pause leaves rows unknown, and the settle period is wasted",
    "test_pushing_lost.py::test_a_write_that_was_refused_as_one_too_many_was_not_sent[rest-create]",
)
def too_many_requests_is_a_lost_response():
    replace(f"{SENDER}.UnavailableError", (UnavailableError, RateLimitError))


@bug(
    "the date in Retry-After is compared with this machine's clock",
    "a clock that is an hour wrong waits an hour, or not at all",
    "test_transport.py::TestTooManyRequests::test_the_wait_is_what_the_service_asks_for_within_reason",
)
def own_clock_for_retry_after():
    @wrap("wizframe.http.rate_limit.retry_after_s")
    def _(original, headers):
        return original({"Retry-After": headers.get("Retry-After", "")})


@bug(
    "redirects are followed",
    "a POST becomes a GET that looks like success, and the key goes to another host",
    "test_transport.py::TestRefusals::test_a_redirect_is_never_followed_nor_the_key_sent_elsewhere",
)
def redirects_are_followed():
    @wrap("wizframe.http.adapter.Adapter.send")
    def _(_original, _self, request, **options):
        return requests.Session().send(request, allow_redirects=True, stream=True, **options)


@bug(
    "a redirect of a write counts as proof that it was not done",
    "a create that was done counts as unsent, and later as another user's record",
    "test_catalogue_refusals.py::"
    "test_a_create_that_was_done_and_redirected_is_adopted_and_the_rest_is_sent[rest-customers]",
)
def redirect_is_not_sent():
    @wrap(f"{SENDER}._Tries.sending")
    @contextlib.contextmanager
    def _(original, self, before):
        was_open = self.is_open
        try:
            with original(self, before):
                yield
        except RedirectError:
            self.is_open = was_open
            raise


@bug(
    "requests that are queued when a pause begins ignore it",
    "a service that asked for a pause gets more requests, and refuses more of them",
    "test_transport_limits.py::test_no_request_is_sent_during_a_pause_that_the_service_asked_for[16]",
)
def queue_ignores_a_pause():
    @wrap("wizframe.http.rate_limit.RateLimiter.slow_down")
    def _(original, self, sent_at, pause_s):
        original(self, sent_at, pause_s)
        self._paused_until = -math.inf  # requests that are not queued yet still wait for it


@bug(
    "each byte of a response restarts the timeout",
    "a response that arrives byte by byte blocks a load or a push for hours",
    "test_catalogue_reads.py::"
    "test_a_slow_response_meets_the_deadline_in_its_headers_and_in_its_body[rest-contacts.get-True]",
)
def no_deadline():
    @wrap("wizframe.http.deadlines._Reader.__init__")
    def _(original, self, sock):
        original(self, sock)
        self._deadline = math.inf


@bug(
    "a response that broke off in its headers counts as complete",
    "a delete with an unknown outcome is reported as done",
    "test_transport.py::TestHeads::test_incomplete_headers_are_a_lost_response",
)
def incomplete_headers_are_accepted():
    replace("wizframe.http.deadlines._Response.begin", http.client.HTTPResponse.begin)


@bug(
    "the journal records a write after it was sent",
    "a crash in between leaves it as planned, and resume() sends it a second time",
    "test_pushing_lost.py::test_the_journal_records_a_write_before_its_first_byte_is_sent[rest-customers]",
)
def recorded_after_it_was_sent():
    @wrap(f"{SENDER}._Tries.sending")
    @contextlib.contextmanager
    def _(original, self, before):
        note_sent, self._note_sent = self._note_sent, lambda _before: None
        with original(self, before):
            yield
        note_sent(before)
        self._note_sent = note_sent


@bug(
    "a write is sent although the journal could not record it",
    "on a full disk, a push continues that cannot be resumed, traced or undone",
    "test_resuming.py::test_a_disk_that_fills_up_during_the_push_stops_it_and_leaves_rows_unsent[rest]",
)
def sent_without_a_record():
    @wrap(f"{EXECUTOR}._Push._note_sent")
    def _(original, self, job, change, before):
        with contextlib.suppress(JournalError):
            original(self, job, change, before)

    replace(f"{EXECUTOR}._Push._stop_for", lambda self, _error: setattr(self, "_is_noted", False))


@bug(
    "a row is sent after it was reported as unsent",
    "after a second Ctrl-C, the result says that a row was not sent, and a moment later it is",
    "test_pushing_faults.py::test_a_second_ctrl_c_lists_a_row_that_only_waited_as_unsent_and_it_stays_so[rest]",
)
def sent_after_the_end():
    @wrap(f"{EXECUTOR}._Push._note_sent")
    def _(original, self, job, change, before):
        self._is_over = False
        original(self, job, change, before)


@bug(
    "resume() treats every row that is not done as unsent",
    "a create with a lost response before a crash is sent again without looking it up",
    "test_resuming.py::test_a_create_with_a_response_lost_before_the_crash_is_adopted[rest]",
)
def resume_forgets_what_was_sent():
    @wrap("wizframe.pushing.resume.Earlier")
    def _(original, numbers, _were_sent, _before, created):
        return original(numbers, frozenset(), {}, created)


@bug(
    "another process's lease is ignored",
    "two processes work on one push and send everything twice",
    "test_pushing_lost.py::test_a_push_that_another_one_is_working_on_is_refused[rest]",
)
def lease_is_ignored():
    replace("wizframe.pushing.journal._is_alive", lambda _owner, _alive_at: False)


@bug(
    "undo restores the loaded value, not the value that the push found",
    "an edit that another user made in between is lost",
    "test_pushing_lost.py::test_undo_restores_the_value_before_the_push_not_the_loaded_value[rest]",
)
def undo_restores_the_loaded_value():
    @wrap("wizframe.pushing.undo._inverse")
    def _(original, entry, table):
        loaded = {column: old for column, old, _ in entry.cells}
        return original(dataclasses.replace(entry, before=(entry.before or {}) | loaded), table)


@bug(
    "a contact is sent without its other fields",
    "the edit of a job title erases name, e-mail address and phone",
    "test_pushing.py::test_one_cell_of_a_contact_changes_and_every_other_field_stays[rest-designation-Head-Head]",
)
def other_fields_are_erased():
    @wrap("wizframe.api.operations.ContactOperations.write_one")
    def _(original, self, current, changes):
        return original(self, {name: current[name] for name in ("id", "customer_id")}, changes)


@bug(
    "a contact is sent without the fields that wizframe does not know",
    "the edit of a job title erases fields of a newer WizCommerce",
    "test_pushing.py::test_a_contact_keeps_unknown_fields[rest]",
)
def unknown_fields_are_erased():
    replace("wizframe.api.validation.unknown_fields", lambda _record, _table: {})


@bug(
    "the record is read only before the first attempt",
    "an edit that another user makes between two attempts is overwritten",
    "test_pushing_faults.py::test_an_edit_by_another_user_between_two_attempts_is_a_conflict[rest]",
)
def read_only_once():
    read = {}

    @wrap(f"{SENDER}.Sender._look")
    def _(original, self, change, tries):
        if tries not in read:
            read[tries] = original(self, change, tries)
        return read[tries]


@bug(
    "a cell that another user changed too is sent with the others",
    "the newer value is overwritten although 'theirs' was chosen",
    "test_pushing.py::test_theirs_keeps_the_cell_that_both_changed_and_sends_the_rest_of_the_row[rest]",
)
def conflicts_are_sent():
    @wrap(f"{COMPARISON}.three_way")
    def _(original, cells, current, on_conflict, **options):
        return {cell.column: cell.new for cell in cells}, original(cells, current, on_conflict, **options)[1]


@bug(
    "a record is deleted although it changed since the delete was planned",
    "a customer that another user had just updated is deleted",
    "test_pushing.py::test_a_record_that_changed_since_the_delete_was_planned_is_not_deleted[rest-skip]",
)
def changed_records_are_deleted():
    replace(f"{COMPARISON}.is_as_it_was", lambda _cell, _current: True)


@bug(
    "a response of 200 counts as success without a comparison",
    "a value that the service did not store is reported as done",
    "test_pushing_faults.py::test_a_value_that_the_service_does_not_store_is_a_failure[rest]",
)
def response_is_not_compared():
    @wrap(f"{VERIFICATION}.Verification.update")
    def _(original, self, change, _sent, *given):
        return original(self, change, {}, *given)


@bug(
    "an update is compared only in the fields that were sent",
    "a service that replaces whole records erases phone numbers, and the rows are reported as done",
    "test_side_effects.py::test_a_patch_that_replaces_is_noticed_with_all_its_losses[rest]",
)
def other_fields_are_not_compared():
    replace(f"{COMPARISON}.side_effects", lambda *_given: [])


@bug(
    "a delete is believed without a read",
    "a record that the service only promised to delete is reported as deleted",
    "test_deletes_proven.py::test_a_record_that_is_still_there_was_not_deleted[rest-customers-204]",
)
def deletes_are_believed():
    @wrap(f"{VERIFICATION}.Verification.delete")
    def _(_original, _self, *_given):
        return existing("wizframe.pushing.outcomes.Outcome")[2]("done", "deleted")


@bug(
    "a write may leave at any time after its read",
    "after a pause that the service asked for, another user's newer value is overwritten",
    "test_late_writes.py::test_a_delete_is_compared_again_too[rest-customers]",
)
def late_writes_leave():
    replace("wizframe.http.deadlines.MAX_READ_AGE_S", math.inf)


@bug(
    "a cleared cell is sent as null",
    "the service reads it as absent, and the old value stays",
    "test_pushing.py::test_a_customer_gets_a_patch_of_the_changed_fields_only[rest]",
)
def cleared_is_null():
    @wrap("wizframe.planning.diff._cleared")
    def _(original, field):
        return original(field) or None


@bug(
    "a cell that became blank is cleared",
    "a merge or a spreadsheet that left blanks erases hundreds of phone numbers",
    "test_planning.py::test_a_cell_that_became_blank_is_not_sent_unless_it_is_cleared_on_purpose[rest]",
)
def blank_cells_are_cleared():
    @wrap("wizframe.planning.diff._judge")
    def _(original, found, intake, base, positions, *, only, clear):
        cleared = [*clear, base.name] if intake.table[base.name].writable else clear
        original(found, intake, base, positions, only=only, clear=cleared)


@bug(
    "a generated reference is random",
    "the same file, pushed from two machines or twice, creates all customers twice",
    "test_pushing.py::test_new_rows_alone_with_blank_ids_of_any_dtype[rest]",
)
def random_references():
    generator = np.random.default_rng()
    hashes = types.SimpleNamespace(sha256=lambda _: hashlib.sha256(generator.bytes(16)))
    replace("wizframe.planning.builder.hashlib", hashes)


@bug(
    "outcomes are listed in the order in which rows were finished",
    "a failed row is reported as done, and a done row as failed",
    "test_pushing_lost.py::test_each_row_has_its_own_outcome_in_any_order_of_completion[rest]",
)
def outcomes_in_the_order_of_completion():
    finished = defaultdict(list)

    @wrap(f"{EXECUTOR}._Push._note_outcome")
    def _(original, self, job, outcome):
        original(self, job, outcome)
        finished[self].append(job)

    @wrap(f"{EXECUTOR}._Push._outcome")
    def _(original, self, job):
        return original(self, finished[self].pop(0) if finished[self] else job)


@bug(
    "new ids are written into the frame in the order of the rows",
    "a new customer's id gets into another customer's row, and the next edit changes the wrong record",
    "test_pushing.py::test_ids_references_and_times_are_written_into_the_planned_frame[rest-column]",
)
def ids_in_the_order_of_the_rows():
    @wrap("wizframe.pushing.frame_update.show_records")
    def _(original, frame, part, connection, written, deleted=()):
        written = [one._replace(position=number) for number, one in enumerate(written)]
        original(frame, part, connection, written, deleted)


@bug(
    "an expired key does not stop the push",
    "all 300 rows are sent with it, and the account is locked",
    "test_pushing_faults.py::test_a_bad_key_or_a_vanished_server_stops_the_push_and_leaves_rows_unsent[rest-error0]",
)
def bad_key_does_not_stop():
    fatal = existing(f"{SENDER}._FATAL")[2]
    replace(f"{SENDER}._FATAL", tuple(error for error in fatal if error is not AuthenticationError))


@bug(
    "a plan is applied although its frame was edited since",
    "the sent values differ from the frame; applied twice, everything is sent twice",
    "test_pushing.py::test_a_plan_is_applied_once[rest]",
)
def stale_plans_are_applied():
    @wrap("wizframe.pushing.checks.check_fresh")
    def _(_original, _parts):
        pass


@bug(
    "deletes need no permission",
    "a plan with wrong rows deletes customers and their contacts",
    "test_pushing.py::test_deleting_says_how_many_contacts_go_too[rest]",
)
def deletes_without_permission():
    @wrap("wizframe.pushing.checks.check_allowed")
    def _(original, parts, client, **options):
        original(parts, client, **(options | {"max_deletes": sys.maxsize}))


@bug(
    "a response that contains the API key is accepted as data",
    "the key gets into frames, the journal and exported files",
    "test_transport_secrecy.py::TestErrors::test_a_response_that_contains_the_key_is_refused",
)
def key_is_accepted_as_data():
    replace("wizframe.http.secret.Secret.is_in", lambda _self, _content: False)


@bug(
    "a refresh begins exactly where the load ended",
    "a change in the same second as the newest one that was seen is missed, and overwritten by the next push",
    "test_refreshing.py::TestUpToDate::test_a_change_in_the_very_moment_of_the_newest_one_that_was_seen_is_found[rest]",
)
def refresh_without_overlap():
    replace("wizframe.refreshing.changed_records.OVERLAP", timedelta(0))


@bug(
    "the search for deletions loses the second at which it halves a span",
    "a deleted customer stays in the frame as if it existed",
    "test_refreshing.py::TestRequests::test_a_deletion_in_the_very_second_where_a_span_is_halved_is_found",
)
def halved_spans_have_a_gap():
    @wrap("wizframe.refreshing.deletions._Span.halves")
    def _(original, self, rows):
        halves = original(self, rows)
        return halves and [halves[0], dataclasses.replace(halves[1], after=halves[0].before)]
