"""Run the changes of a push: several records at a time, each write in the journal before it leaves, and after."""

from __future__ import annotations

import contextlib
import getpass
import threading
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from wizframe.errors import Hint, JournalError, PushInterruptedError
from wizframe.progress import Watch, bar
from wizframe.pushing.frame_update import columns_shown, write_back
from wizframe.pushing.journal_entries import Entry, PushEntry, new_push_id, now
from wizframe.pushing.results import Outcome, Result
from wizframe.pushing.sender import Carrier, OnConflict, PushStoppedError
from wizframe.pushing.workers import Crew, Interrupts
from wizframe.text import command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from wizframe.api.client import BaseClient
    from wizframe.api.dialects import Record
    from wizframe.planning.changes import Change
    from wizframe.pushing.journal import Journal
    from wizframe.pushing.plan import Plan

__all__ = ["begin", "interrupted", "run"]

_FINAL = ("done", "failed", "conflict", "skipped")


def begin(plan: Plan, journal: Journal, *, on_conflict: OnConflict, note: str) -> str:
    """Put a whole plan into the journal before anything of it is sent.

    Parameters
    ----------
    plan : Plan
    journal : Journal
    on_conflict : {'skip', 'mine', 'theirs'}
    note : str
        The user's own words.

    Returns
    -------
    str
        The push's id.

    Raises
    ------
    JournalError
        It cannot be written; nothing may be sent.
    """
    push = PushEntry(
        new_push_id(),
        plan.id,
        plan.account.base_url,
        plan.account.name,
        ", ".join(part.table.name for part in plan.parts),
        _user(),
        note,
        on_conflict,
        now(),
    )
    numbers = count()
    jobs = ((part, job) for part in plan.parts for job in _jobs(part, numbers))
    journal.begin(push, (_entry(part, job) for part, job in jobs if job.outcome is None))
    return push.push_id


def run(  # noqa: PLR0913 - what is carried out, where, and what an earlier run left
    plan: Plan,
    client: BaseClient,
    journal: Journal,
    push_id: str,
    interrupts: Interrupts,
    *,
    on_conflict: OnConflict,
    numbers: Iterable[int] | None = None,
    were_sent: frozenset[int] = frozenset(),
    customers: Mapping[str, str] | None = None,
    progress: bool | Watch = True,
) -> Result:
    """Carry out a plan that is in the journal.

    Parameters
    ----------
    plan : Plan
    client : Client
    journal : Journal
    push_id : str
    interrupts : Interrupts
        After the first Ctrl-C the changes under way are finished; after the second they are not waited for.
    on_conflict : {'skip', 'mine', 'theirs'}
    numbers : iterable of int, optional
        The journal's number of each change, part by part; by default they are numbered as they stand in the plan.
    were_sent : frozenset of int
        Numbers of changes that may have been sent by an earlier run.
    customers : mapping of str, optional
        Those that an earlier run created: reference to id.
    progress : bool or Watch

    Returns
    -------
    Result
        Also where it was interrupted: :func:`interrupted` makes the error, once the journal is closed.
    """
    push = _Push(plan, client, journal, push_id, interrupts, were_sent, dict(customers or {}))
    return push.run(numbers or count(), on_conflict, progress=progress)


def interrupted(result: Result) -> PushInterruptedError:
    """Make the error of a push that was interrupted.

    Parameters
    ----------
    result : Result

    Returns
    -------
    PushInterruptedError
        Not raised.
    """
    counts = result.counts()
    is_left = counts["unsent"] or counts["unknown"]
    step = f"{command('resume')} finishes it" if is_left else "Nothing was left to send"
    hint = Hint(python=f"{step}; error.result says what happened to each row", cli=step)
    return PushInterruptedError(f"interrupted: {result.summary()}", result, hint=hint)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        return "unknown"


def _entry(part: Plan, job: _Job) -> Entry:
    change = job.change
    return Entry(
        job.number, change.action, change.id, change.customer_id, change.reference_id, change.name, change.label,
        [list(cell) for cell in change.cells], part.table.name, change.customer_reference_id,
    )  # fmt: skip


@dataclass(eq=False, slots=True)
class _Job:
    """One change of a push, and what became of it so far. ``number`` is the journal's."""

    number: int
    change: Change
    outcome: Outcome | None = None
    is_sent: bool = False


class _Push:
    """One push under way."""

    def __init__(
        self,
        plan: Plan,
        client: BaseClient,
        journal: Journal,
        push_id: str,
        interrupts: Interrupts,
        were_sent: frozenset[int],
        customers: dict[str, str],
    ) -> None:
        self._plan = plan
        self._client = client
        self._journal = journal
        self._push_id = push_id
        self._interrupts = interrupts
        self._were_sent = were_sent
        self._customers = customers
        self._expected: set[str] = set()
        self._stopped = threading.Event()
        self._sending = threading.Lock()
        self._is_over = False
        self._watch: Watch | None = None
        self._reason = "the push stopped before this row"
        self._shown: frozenset[str] = frozenset()
        self._notes: set[Future[int]] = set()
        self._is_noted = True

    def run(self, numbers: Iterable[int], on_conflict: OnConflict, *, progress: bool | Watch) -> Result:
        self._watch = progress if isinstance(progress, Watch) else None
        numbered = iter(numbers)
        parts = [(part, list(_jobs(part, numbered))) for part in self._plan.parts]
        try:
            self._carry_all(parts, on_conflict, progress=progress)
        finally:  # whatever stopped the push: what was done is written back
            self._stopped.set()
            with self._sending:  # a row that is not sent yet never will be
                self._is_over = True
            result = self._result(parts)
            settle = self._watch.settle if self._watch else _at_once
            settle(lambda: _write_all_back(result))
            self._close(result)
        return result

    def _result(self, parts: Sequence[tuple[Plan, Sequence[_Job]]]) -> Result:
        contacts: Result | None = None
        for part, jobs in reversed(parts):
            outcomes = tuple(map(self._outcome, jobs))
            contacts = result = Result(part, outcomes, self._client.connection, self._push_id, contacts)
        return result

    def _close(self, result: Result) -> None:
        """End the push in the journal, unless something of it is left to do."""
        with contextlib.suppress(JournalError):  # it stays resumable, which is what a broken journal should leave
            is_final = all(outcome.state in _FINAL for part in result.parts for outcome in part.outcomes)
            if is_final and self._are_noted():
                self._journal.end(self._push_id)
            else:
                self._journal.release(self._push_id)

    def _outcome(self, job: _Job) -> Outcome:
        if job.outcome is not None:
            return job.outcome
        step = f"{command('resume')} finishes the push; what was done is not sent twice"
        if job.is_sent or job.number in self._were_sent:
            return Outcome("unknown", "the push was interrupted while this row was being sent", step, "interrupted")
        return Outcome("unsent", self._reason, step)

    def _carry_all(
        self, parts: Sequence[tuple[Plan, Sequence[_Job]]], on_conflict: OnConflict, *, progress: bool | Watch
    ) -> None:
        """Carry out all changes, several records at a time."""
        total, done = len(self._plan), 0
        workers = self._client.workers
        # Where some wait for the disk, others take their turns, so that no connection rests.
        crew = Crew(workers + workers // 2, self._interrupts)
        with bar("changes", enabled=progress, total=total) as show, crew:
            for part, jobs in parts:  # new customers before their contacts
                carrier = Carrier(self._client, part.table, on_conflict)
                self._note_customers(parts[0][1])
                self._shown = columns_shown(part)
                groups = _groups(job for job in jobs if job.outcome is None)
                for ended in crew.do(partial(self._carry_group, group, carrier) for group in groups):
                    done += ended
                    show(done, total)
                    if self._interrupts.count > 1:
                        return

    def _note_customers(self, jobs: Iterable[_Job]) -> None:
        """Learn which new customers there are now, and which may still come: contacts wait for them."""
        self._expected.clear()
        for job in jobs:
            if job.change.action != "create":
                continue
            reference, outcome = str(job.change.reference_id), job.outcome
            if outcome is None or outcome.state not in _FINAL:
                self._expected.add(reference)
            elif record := outcome.record:
                self._customers[reference] = record["id"]

    def _carry_group(self, group: Sequence[_Job], carrier: Carrier) -> int:
        """Carry out changes one after the other; return how many there are."""
        for job in group:
            if self._is_stopped():
                break
            try:
                outcome = self._carry(job, carrier)
            except PushStoppedError as stopped:
                outcome = stopped.outcome
                self._stopped.set()
            except BaseException:
                self._stopped.set()
                raise
            self._note_outcome(job, outcome)
        return len(group)

    def _is_stopped(self) -> bool:
        if self._watch is not None and self._watch.is_stopped and not self._stopped.is_set():
            self._reason = "the push was stopped before this row"
            self._stopped.set()
        return self._stopped.is_set() or self._interrupts.count > 0

    def _carry(self, job: _Job, carrier: Carrier) -> Outcome:
        change = job.change
        if change.customer_reference_id is not None and change.customer_id is None:
            customer_id = self._customers.get(change.customer_reference_id)
            if customer_id is None:
                return _without_customer(change, is_expected=change.customer_reference_id in self._expected)
            change = change._replace(customer_id=customer_id)
        note_sent = partial(self._note_sent, job, change)
        return carrier.carry(change, note_sent, was_sent=job.number in self._were_sent)

    def _note_sent(self, job: _Job, change: Change, before: Record | None) -> None:
        """Commit that a write is about to leave, to which customer, and what the record was before it."""
        with self._sending:
            if self._is_over:
                raise JournalError("the push ended while this row waited for its turn, so nothing is sent")
            job.is_sent = True
        self._journal.record(self._push_id, job.number, state="sent", before=before, customer_id=change.customer_id)

    def _note_outcome(self, job: _Job, outcome: Outcome) -> None:
        """Hand the outcome to the journal without a wait: the next write's commit brings it to the disk.

        Where the process dies before that, the change is found as sent, as if it had died before the answer came.
        The whole record is for the journal; what is kept of it here is what the frame shows, once the journal has it:
        the push has not ended before.
        """
        try:
            note = self._journal.note(
                self._push_id,
                job.number,
                state="planned" if outcome.state == "unsent" else outcome.state,
                code=outcome.code,
                what_happened=outcome.what_happened,
                next_step=outcome.next_step,
                attempts=outcome.attempts,
                after=outcome.record,
            )
        except JournalError as error:
            self._stop_for(error)
        else:
            self._notes.add(note)
            note.add_done_callback(self._check_note)
        job.outcome = outcome.packed(self._shown)

    def _are_noted(self) -> bool:
        """Wait until all outcomes are on disk; False where one of them could not be written."""
        for note in list(self._notes):
            self._check_note(note)
        return self._is_noted

    def _check_note(self, note: Future[int]) -> None:
        try:
            self._journal.check(self._push_id, note)
        except JournalError as error:
            self._stop_for(error)
        self._notes.discard(note)

    def _stop_for(self, error: JournalError) -> None:
        """Stop: what cannot be recorded must not go on."""
        self._reason = f"the push stopped: {error}"
        self._is_noted = False
        self._stopped.set()


def _at_once(action: Callable[[], None]) -> None:
    action()


def _write_all_back(result: Result) -> None:
    for one in result.parts:
        write_back(one)


def _jobs(part: Plan, numbers: Iterator[int]) -> Iterator[_Job]:
    """Make the jobs of a plan; one whose row has problems has its outcome from the start."""
    said: dict[int | None, list[str]] = defaultdict(list)
    for problem in part.problems_list:
        said[problem.position].append(f"{problem.column}: {problem.rule}")
    for change in part.changes_list:
        about = said.get(change.position, []) + said.get(None, [])
        skipped = Outcome("skipped", "; ".join(about), "correct the row and plan again", "problem")
        yield _Job(next(numbers), change, skipped if about else None)


def _without_customer(change: Change, *, is_expected: bool) -> Outcome:
    if is_expected:
        said = f"its customer {change.customer_reference_id} is not known to be created yet, so it was not sent"
        return Outcome("unsent", said, f"{command('resume')} finishes the push", "no_customer")
    said = f"its customer {change.customer_reference_id} was not created, so it was not sent"
    step = Hint(
        python="correct the customer, then plan both again: result.failed (or .unsent), with result.contacts.unsent",
        cli="correct the customer, then push both again",
    )
    return Outcome("skipped", said, str(step), "no_customer")


def _groups(jobs: Iterable[_Job]) -> Iterator[list[_Job]]:
    """Keep contacts of one customer in one line, a new default first.

    It changes the others' records, and what is read of them later is up to date.
    """
    lines: dict[object, list[_Job]] = defaultdict(list)
    for job in jobs:
        if any(job.change.owner):
            lines[job.change.owner].append(job)
        else:
            yield [job]
    for line in lines.values():
        yield sorted(line, key=lambda job: not job.change.new_values.get("is_default", False))
