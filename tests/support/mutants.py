"""Possible bugs in the package, and the test that finds each of them; test_mutants.py tries them."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """A bug. ``edits`` are pairs of the text as it stands in ``file``, exactly once, and the text with the bug."""

    name: str
    harm: str
    file: str
    test: str
    edits: tuple[tuple[str, str], ...]


def _mutant(name, harm, file, test, *edits):
    return Mutant(name, harm, file, test, edits)


CARRYING, RUNNING = "pushing/sender.py", "pushing/executor.py"
MUTANTS = [
    _mutant(
        "a create with a lost response is sent again without looking it up",
        "the customer exists twice, or the row ends as unknown although the record exists",
        CARRYING,
        "test_pushing_faults.py::test_a_create_with_a_lost_response_is_adopted_and_never_doubled[rest-customers]",
        (
            "            found = self._find_new(change)\n            if found",
            "            found = None\n            if found",
        ),
    ),
    _mutant(
        "every request is repeated after a lost response, not only reads",
        "a create, an update or a delete takes effect twice",
        "http/transport.py",
        "test_transport.py::TestLostAnswers::test_a_write_is_sent_exactly_once",
        ('return method == "GET" and isinstance(error,', "return isinstance(error,"),
    ),
    _mutant(
        "a lost create is looked up at once, without the settle period",
        "a create that takes effect a moment later is not found, and is made twice",
        CARRYING,
        "test_pushing_lost.py::"
        "test_a_create_that_takes_effect_after_the_time_out_is_waited_for_and_not_sent_again[rest-1-customers]",
        ("            self._client.transport.rate_limiter.sleep(self._client.settle_s)\n", "            pass\n"),
    ),
    _mutant(
        "one look-up counts as proof",
        "a create that takes effect after it is made twice",
        CARRYING,
        "test_pushing_lost.py::"
        "test_a_create_that_takes_effect_after_the_time_out_is_waited_for_and_not_sent_again[rest-2-customers]",
        ("        for _ in range(2):\n", "        for _ in range(1):\n"),
    ),
    _mutant(
        "a lost create is looked up only among active records",
        "a record that another user deactivated in the meantime is created twice",
        CARRYING,
        "test_pushing_lost.py::test_a_new_record_that_another_user_deactivates_is_still_found[rest]",
        (
            "listed = lookups.customers_by_reference([reference]).get(reference)",
            "listed = next(iter(self._client.customer.list(reference_ids=[reference])), None)",
        ),
    ),
    _mutant(
        "a refusal is believed although an earlier request has no response yet",
        "a row is reported as failed, and is changed a moment later",
        CARRYING,
        "test_pushing_lost.py::"
        "test_a_refusal_after_a_lost_response_does_not_prove_the_first_attempt_failed[rest-late-update-customers]",
        ("isinstance(error, _FATAL) or not self.settle()", "True"),
    ),
    _mutant(
        "a record with the reference is adopted, even with other content",
        "another user's customer is reported as yours, and the next edit is written into it",
        CARRYING,
        "test_pushing_faults.py::test_a_create_that_another_user_made_with_other_content_is_a_conflict[rest]",
        ('    if not other:\n        said = "created (', '    if True:\n        said = "created ('),
    ),
    _mutant(
        "a 409 to the first attempt is adopted",
        "a reference that was already taken is reported as created",
        CARRYING,
        "test_pushing_faults.py::test_a_taken_reference_is_never_adopted[rest]",
        ("                if tries.sent == 1 and not tries.was_open:\n", "                if False:\n"),
    ),
    _mutant(
        "a 5xx counts as a refusal",
        "a create that took effect counts as unsent, and resume() sends it again without looking it up",
        CARRYING,
        "test_pushing_lost.py::"
        "test_a_create_that_can_be_neither_confirmed_nor_found_is_unknown_and_resume_looks_first[rest-502]",
        ("was_open or isinstance(error, UnavailableError)", "was_open"),
    ),
    _mutant(
        "a 429 to a write counts as a lost response",
        "a service that asks for a pause leaves rows unknown, and the settle period is wasted",
        CARRYING,
        "test_pushing_lost.py::test_a_write_that_was_refused_as_one_too_many_was_not_sent[rest-create]",
        ("isinstance(error, UnavailableError)", "isinstance(error, (UnavailableError, RateLimitError))"),
    ),
    _mutant(
        "the date in Retry-After is compared with this machine's clock",
        "a clock that is an hour wrong waits an hour, or not at all",
        "http/rate_limit.py",
        "test_transport.py::TestTooManyRequests::test_the_wait_is_what_the_service_asks_for_within_reason",
        ("(time.time() if now is None else now)", "time.time()"),
    ),
    _mutant(
        "redirects are followed",
        "a POST becomes a GET that looks like success, and the key goes to another host",
        "http/transport.py",
        "test_transport.py::TestRefusals::test_a_redirect_is_never_followed_nor_the_key_sent_elsewhere",
        (
            "self._adapter.send(prepared, timeout=",
            "requests.Session().request(method, url, data=body, headers=prepared.headers, timeout=",
        ),
    ),
    _mutant(
        "a redirect of a write counts as proof that it was not done",
        "a create that was done counts as unsent, and later as another user's record",
        CARRYING,
        "test_catalogue_refusals.py::"
        "test_a_create_that_was_done_and_redirected_is_adopted_and_the_rest_is_sent[rest-customers]",
        ("except (NotSentError, ReadOnlyError,", "except (NotSentError, RedirectError, ReadOnlyError,"),
    ),
    _mutant(
        "requests that are queued when a pause begins ignore it",
        "a service that asked for a pause gets more requests, and refuses more of them",
        "http/rate_limit.py",
        "test_transport_limits.py::test_no_request_is_sent_during_a_pause_that_the_service_asked_for[16]",
        ("            if start >= self._paused_until:", "            if True:"),
    ),
    _mutant(
        "each byte of a response restarts the timeout",
        "a response that arrives byte by byte blocks a load or a push for hours",
        "http/deadlines.py",
        "test_catalogue_reads.py::"
        "test_a_slow_response_meets_the_deadline_in_its_headers_and_in_its_body[rest-contacts.get-True]",
        ("        if left_s <= 0:\n", "        if False:\n"),
        ("min(left_s, self._silence_s)", "self._silence_s"),
    ),
    _mutant(
        "a response that broke off in its headers counts as complete",
        "a delete with an unknown outcome is reported as done",
        "http/deadlines.py",
        "test_transport.py::TestHeads::test_incomplete_headers_are_a_lost_response",
        ("        if self._reader.has_ended:  # cut off", "        if False:  # cut off"),
    ),
    _mutant(
        "the journal records a write after it was sent",
        "a crash in between leaves it as planned, and resume() sends it a second time",
        CARRYING,
        "test_pushing_lost.py::test_the_journal_records_a_write_before_its_first_byte_is_sent[rest-customers]",
        ("        self._note_sent(before)\n        self.sent += 1\n", "        self.sent += 1\n"),
        (
            "        self.is_open = False\n\n    def lose",
            "        self.is_open = False\n        self._note_sent(before)\n\n    def lose",
        ),
    ),
    _mutant(
        "a write is sent although the journal could not record it",
        "on a full disk, a push continues that cannot be resumed, traced or undone",
        RUNNING,
        "test_resuming.py::test_a_disk_that_fills_up_during_the_push_stops_it_and_leaves_rows_unsent[rest]",
        (
            '        self._journal.record(self._push_id, job.number, state="sent"',
            (
                "        with contextlib.suppress(JournalError):\n"
                '            self._journal.record(self._push_id, job.number, state="sent"'
            ),
        ),
        (
            "        self._is_noted = False\n        self._stopped.set()\n",
            "        self._is_noted = False\n",
        ),
    ),
    _mutant(
        "a row is sent after it was reported as unsent",
        "after a second Ctrl-C, the result says that a row was not sent, and a moment later it is",
        RUNNING,
        "test_pushing_faults.py::test_a_second_ctrl_c_lists_a_row_that_only_waited_as_unsent_and_it_stays_so[rest]",
        ("            if self._is_over:\n", "            if False:\n"),
    ),
    _mutant(
        "resume() treats every row that is not done as unsent",
        "a create with a lost response before a crash is sent again without looking it up",
        "pushing/resume.py",
        "test_resuming.py::test_a_create_with_a_response_lost_before_the_crash_is_adopted[rest]",
        ('frozenset(entry.number for entry in entries if entry.state != "planned")', "frozenset()"),
    ),
    _mutant(
        "another process's lease is ignored",
        "two processes work on one push and send everything twice",
        "pushing/journal.py",
        "test_pushing_lost.py::test_a_push_that_another_one_is_working_on_is_refused[rest]",
        (
            "            if owner not in (None, self._owner) and _is_alive(owner, alive_at):\n",
            "            if False:\n",
        ),
    ),
    _mutant(
        "undo restores the loaded value, not the value that the push found",
        "an edit that another user made in between is lost",
        "pushing/undo.py",
        "test_pushing_lost.py::test_undo_restores_the_value_before_the_push_not_the_loaded_value[rest]",
        (
            "Cell(column, after.get(column, new), before.get(column)) for column, _, new in entry.cells if before]",
            "Cell(column, after.get(column, new), old) for column, old, new in entry.cells if before]",
        ),
    ),
    _mutant(
        "a contact is sent without its other fields",
        "the edit of a job title erases name, e-mail address and phone",
        CARRYING,
        "test_pushing.py::test_one_cell_of_a_contact_changes_and_every_other_field_stays[rest-designation-Head-Head]",
        (
            "self._client.customer.contact.replace(current, wanted)",
            'self._client.customer.contact.replace({n: current[n] for n in ("id", "customer_id")}, wanted)',
        ),
    ),
    _mutant(
        "a contact is sent without the fields that wizframe does not know",
        "the edit of a job title erases fields of a newer WizCommerce",
        "api/validation.py",
        "test_pushing.py::test_a_contact_keeps_unknown_fields[rest]",
        ("    return kept | unknown_fields(dict(current), CONTACT)\n", "    return kept\n"),
    ),
    _mutant(
        "the record is read only before the first attempt",
        "an edit that another user makes between two attempts is overwritten",
        CARRYING,
        "test_pushing_faults.py::test_an_edit_by_another_user_between_two_attempts_is_a_conflict[rest]",
        (
            (
                "        while True:\n            current = self._look(change, tries)\n"
                "            if current is None:\n                return _gone(tries)\n"
            ),
            (
                "        current = self._look(change, tries)\n        while True:\n"
                "            if current is None:\n                return _gone(tries)\n"
            ),
        ),
    ),
    _mutant(
        "a cell that another user changed too is sent with the others",
        "the newer value is overwritten although 'theirs' was chosen",
        CARRYING,
        "test_pushing.py::test_theirs_keeps_the_cell_that_both_changed_and_sends_the_rest_of_the_row[rest]",
        ("answer = self._write(change, current, wanted)", "answer = self._write(change, current, change.new_values)"),
    ),
    _mutant(
        "a record is deleted although it changed since the delete was planned",
        "a customer that another user had just updated is deleted",
        CARRYING,
        "test_pushing.py::test_a_record_that_changed_since_the_delete_was_planned_is_not_deleted[rest-skip]",
        ('            if changed and self._on_conflict != "mine":\n', "            if False:\n"),
    ),
    _mutant(
        "a 200 is believed without comparing the response",
        "a value that the service did not store is reported as done",
        CARRYING,
        "test_pushing_faults.py::test_a_value_that_the_service_does_not_store_is_a_failure[rest]",
        (
            "kept = [name for name, value in wanted.items() if not _same(answer.get(name), value)]",
            "kept: list[str] = []",
        ),
    ),
    _mutant(
        "a cleared cell is sent as null",
        "the service reads it as absent, and the old value stays",
        "planning/diff.py",
        "test_pushing.py::test_a_customer_gets_a_patch_of_the_changed_fields_only[rest]",
        ('    return [] if field.kind == "ids" else ""\n', '    return [] if field.kind == "ids" else None\n'),
    ),
    _mutant(
        "a cell that became blank is cleared",
        "a merge or a spreadsheet that left blanks erases hundreds of phone numbers",
        "planning/diff.py",
        "test_planning.py::test_a_cell_that_became_blank_is_not_sent_unless_it_is_cleared_on_purpose[rest]",
        ("if new is None and position not in cleared and name not in clear:", "if new is None and not field.writable:"),
    ),
    _mutant(
        "a generated reference is random",
        "the same file, pushed from two machines or twice, creates all customers twice",
        "planning/builder.py",
        "test_pushing.py::test_new_rows_alone_with_blank_ids_of_any_dtype[rest]",
        ('hashlib.sha256(f"{content}{ordinal}".encode())', "hashlib.sha256(np.random.default_rng().bytes(16))"),
    ),
    _mutant(
        "outcomes are listed in the order in which rows were finished",
        "a failed row is reported as done, and a done row as failed",
        RUNNING,
        "test_pushing_lost.py::test_each_row_has_its_own_outcome_in_any_order_of_completion[rest]",
        ("    is_sent: bool = False\n", '    is_sent: bool = False\n    finished_at: str = ""\n'),
        (
            "        job.outcome = outcome.packed(self._shown)\n",
            "        job.outcome = outcome.packed(self._shown)\n        job.finished_at = now()\n",
        ),
        ("map(self._outcome, jobs)", "map(self._outcome, sorted(jobs, key=lambda job: job.finished_at))"),
    ),
    _mutant(
        "new ids are written into the frame in the order of the rows",
        "a new customer's id gets into another customer's row, and the next edit changes the wrong record",
        "pushing/frame_update.py",
        "test_pushing.py::test_ids_references_and_times_are_written_into_the_planned_frame[rest-column]",
        ("written.append(Written(change.position,", "written.append(Written(len(written),"),
    ),
    _mutant(
        "an expired key does not stop the push",
        "all 300 rows are sent with it, and the account is locked",
        CARRYING,
        "test_pushing_faults.py::test_a_bad_key_or_a_vanished_server_stops_the_push_and_leaves_rows_unsent[rest-error0]",
        ("_FATAL = (AuthenticationError, ReadOnlyError,", "_FATAL = (ReadOnlyError,"),
    ),
    _mutant(
        "a plan is applied although its frame was edited since",
        "the sent values differ from the frame; applied twice, everything is sent twice",
        "pushing/api.py",
        "test_pushing.py::test_a_plan_is_applied_once[rest]",
        ("    plan.check_fresh()\n", ""),
    ),
    _mutant(
        "deletes need no permission",
        "a plan with wrong rows deletes customers and their contacts",
        "pushing/api.py",
        "test_pushing.py::test_deleting_says_how_many_contacts_go_too[rest]",
        ("    if deletes > max_deletes:\n", "    if False:\n"),
    ),
    _mutant(
        "a response that contains the API key is accepted as data",
        "the key gets into frames, the journal and exported files",
        "http/responses.py",
        "test_transport_secrecy.py::TestErrors::test_a_response_that_contains_the_key_is_refused",
        ("            if not self.secret.is_in(self.body):\n", "            if True:\n"),
    ),
]


def mutants_table():
    """Write the bugs as a table in Markdown."""
    rows = [f"| {mutant.name} | {mutant.harm} | `{_shown(mutant.test)}` |" for mutant in MUTANTS]
    return "\n".join(["| bug | its effect | the test that finds it |", "|---|---|---|", *rows])


def _shown(test):
    file, *_, name = test.partition("[")[0].split("::")
    return f"{file}::{name}"
