"""Send the changes of a push, several records at a time. The journal has each write before it is sent."""

from __future__ import annotations

import contextlib
import getpass
import signal
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING, Self

from wizframe.errors import Hint, JournalError
from wizframe.frames.baselines import attached
from wizframe.progress import Watch, bar
from wizframe.pushing.frame_update import columns_shown, displaced_now, show_effects, write_back
from wizframe.pushing.journal_entries import Entry, PushEntry, new_push_id, now
from wizframe.pushing.outcomes import FINAL, Outcome
from wizframe.pushing.results import ResultPart
from wizframe.pushing.sender import PushStoppedError, Sender
from wizframe.text import command
from wizframe.threads import ThreadPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from wizframe.api.client import BaseClient
    from wizframe.api.dialects import Record
    from wizframe.planning.changes import Change, PlanPart
    from wizframe.pushing.journal import Journal
    from wizframe.pushing.sender import OnConflict

__all__ = ["Earlier", "Interrupts", "begin", "run"]


class Interrupts:
    """Ctrl-C during a push is counted instead of raised.

    If it were raised at any line of Python, a frame could be half updated, a push could keep its lease, and the result
    of the sent changes could be lost. A signal handler of another library is not replaced.
    """

    def __init__(self) -> None:
        self.count = 0
        self._is_ours = False

    def __enter__(self) -> Self:
        # In Python, only the main thread can set a signal handler, and only the main thread is interrupted.
        is_possible = threading.current_thread() is threading.main_thread()
        if is_possible and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._is_ours = True
            signal.signal(signal.SIGINT, self.press)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def press(self, *_signal: object) -> None:
        """Count one press of Ctrl-C."""
        self.count += 1

    def check(self) -> None:
        """Raise the Ctrl-C that was counted before anything was sent."""
        if self.count:
            raise KeyboardInterrupt("cancelled: nothing was sent")


#: In seconds: how often the waiting main thread checks for Ctrl-C. A tenth of a second feels immediate.
_LOOK_S = 0.1


@dataclass(frozen=True)
class Earlier:
    """The state of a push after an earlier run, from the journal."""

    numbers: Sequence[int]  # the journal's numbers of the changes that are left, part by part
    were_sent: frozenset[int] = frozenset()  # the numbers of changes that may have been sent
    before: Mapping[int, Record] = field(default_factory=dict)  # the records of these changes before they were sent
    created: Mapping[str, str] = field(default_factory=dict)  # the parents that it created: reference to id


def begin(parts: Sequence[PlanPart], plan_id: str, journal: Journal, *, on_conflict: OnConflict, note: str) -> str:
    """Write a whole plan into the journal before any change is sent; return the push's id."""
    account = parts[0].account
    push = PushEntry(
        new_push_id(),
        plan_id,
        account.base_url,
        account.name,
        ", ".join(part.table.name for part in parts),
        _user(),
        note,
        on_conflict,
        now(),
    )
    numbers = count()
    jobs = ((part, job) for part in parts for job in _jobs(part, numbers))
    journal.begin(push, (_entry(part, job) for part, job in jobs if job.outcome is None))
    return push.push_id


def run(
    parts: Sequence[PlanPart],
    client: BaseClient,
    journal: Journal,
    push_id: str,
    interrupts: Interrupts,
    *,
    on_conflict: OnConflict,
    earlier: Earlier | None = None,
    progress: bool | Watch = True,
) -> tuple[ResultPart, ...]:
    """Send the changes of a plan that is in the journal.

    After the first Ctrl-C, the running changes are finished. After the second, the function does not wait for them.
    """
    push = _Push(client, journal, push_id, interrupts, earlier)
    return push.run(parts, on_conflict, progress=progress)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may have no name for its user
        return "unknown"


def _entry(part: PlanPart, job: _Job) -> Entry:
    change = job.change
    return Entry(
        job.number, change.action, change.id, change.customer_id, change.reference_id, change.name, change.label,
        [list(cell) for cell in change.cells], part.table.name, change.customer_reference_id,
        displaced=[list(one) for one in change.displaced],
    )  # fmt: skip


@dataclass(eq=False, slots=True)
class _Job:
    """One change of a push, and its outcome so far."""

    number: int  # the number in the journal
    change: Change
    outcome: Outcome | None = None
    is_sent: bool = False


class _Push:
    """One push in progress."""

    def __init__(
        self, client: BaseClient, journal: Journal, push_id: str, interrupts: Interrupts, earlier: Earlier | None
    ) -> None:
        self._client = client
        self._journal = journal
        self._push_id = push_id
        self._interrupts = interrupts
        self._numbers = iter(earlier.numbers) if earlier else count()
        self._were_sent = earlier.were_sent if earlier else frozenset()
        self._before = earlier.before if earlier else {}
        self._parents = dict(earlier.created) if earlier else {}  # new parents: reference to id
        self._expected: set[str] = set()  # references of new parents that are not created yet
        self._stopped = threading.Event()
        self._sending = threading.Lock()
        self._is_over = False
        self._watch: Watch | None = None
        self._reason = "the push stopped before this row"
        self._shown: frozenset[str] = frozenset()
        self._notes: set[Future[int]] = set()
        self._is_noted = True

    def run(
        self, parts: Sequence[PlanPart], on_conflict: OnConflict, *, progress: bool | Watch
    ) -> tuple[ResultPart, ...]:
        self._watch = progress if isinstance(progress, Watch) else None
        jobs = [(part, list(_jobs(part, self._numbers))) for part in parts]
        try:
            self._send_all(jobs, on_conflict, progress=progress)
        finally:  # whatever stopped the push, the frames get the results of what was done
            self._stopped.set()
            with self._sending:  # from here on, no row is sent any more
                self._is_over = True
            results = tuple(
                ResultPart(part, tuple(map(self._outcome, some)), self._client.connection) for part, some in jobs
            )
            settle = self._watch.settle if self._watch else _at_once
            displaced = [displaced_now(one.plan, one.outcomes, self._client) for one in results]
            settle(lambda: _write_back(results, displaced))
            self._close(results)
        return results

    def _close(self, results: Sequence[ResultPart]) -> None:
        """End the push in the journal, unless some of its changes are left."""
        with contextlib.suppress(JournalError):  # with a broken journal, the push must stay resumable
            is_final = all(outcome.state in FINAL for one in results for outcome in one.outcomes)
            if is_final and self._are_noted():
                self._journal.end(self._push_id)
            else:
                self._journal.release(self._push_id)

    def _outcome(self, job: _Job) -> Outcome:
        if job.outcome is not None:
            return job.outcome
        step = f"{command('resume')} finishes the push; changes that are done are not sent again"
        if job.is_sent or job.number in self._were_sent:
            return Outcome("unknown", "the push was interrupted while this row was being sent", step, "interrupted")
        return Outcome("unsent", self._reason, step)

    def _send_all(
        self, jobs: Sequence[tuple[PlanPart, Sequence[_Job]]], on_conflict: OnConflict, *, progress: bool | Watch
    ) -> None:
        """Send all changes, several records at a time, parents before their children."""
        total, done = sum(len(some) for _, some in jobs), 0
        # 1.5 threads per connection: some threads wait for the disk, and the connections should stay in use.
        pool: ThreadPool[int] = ThreadPool(self._client.workers + self._client.workers // 2, "wizframe-push")
        with bar("changes", enabled=progress, total=total) as show, self._closing(pool):
            for part, some in jobs:
                sender = Sender(self._client, part.table, on_conflict, attached(part.frame))
                self._note_parents([job for other, many in jobs if other.table is part.table.parent for job in many])
                self._shown = columns_shown(part)
                groups = _groups(part, (job for job in some if job.outcome is None))
                for ended in self._done(pool, (partial(self._send_group, group, sender) for group in groups)):
                    done += ended
                    show(done, total)
                    if self._interrupts.count > 1:
                        return

    @contextlib.contextmanager
    def _closing(self, pool: ThreadPool[int]) -> Iterator[None]:
        """Close the threads. After a second Ctrl-C, do not wait for requests, which may take minutes."""
        try:
            yield
        finally:
            pool.close(wait=self._interrupts.count < 2)  # noqa: PLR2004

    def _done(self, pool: ThreadPool[int], work: Iterator[Callable[[], int]]) -> Iterator[int]:
        """Yield the result of each ended task, and 0 while none ends, to check for Ctrl-C. Raises the first error.

        New tasks are started only when threads are free, because a push may have a million tasks.
        """
        ahead, first = 3 * self._client.workers, None
        while True:
            for task in islice(work, ahead - pool.pending):
                pool.start(task)
            if not pool.pending:
                break
            value = 0
            try:
                done = pool.next_done(_LOOK_S)
                value = done.result() if done is not None else 0
            except KeyboardInterrupt:  # another library has its own signal handler
                self._interrupts.press()
            except BaseException as error:  # noqa: BLE001 - raised after all tasks have ended
                first = first or error
            yield value
        if first is not None:
            raise first

    def _note_parents(self, jobs: Iterable[_Job]) -> None:
        """Note which new parents exist now, and which may still be created: their children wait for them."""
        self._expected.clear()
        for job in jobs:
            if job.change.action != "create":
                continue
            reference, outcome = str(job.change.reference_id), job.outcome
            if outcome is None or outcome.state not in FINAL:
                self._expected.add(reference)
            elif record := outcome.record:
                self._parents[reference] = record["id"]

    def _send_group(self, group: Sequence[_Job], sender: Sender) -> int:
        """Send changes one after the other, and return their number."""
        for job in group:
            if self._is_stopped():
                break
            try:
                outcome = self._send(job, sender)
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

    def _send(self, job: _Job, sender: Sender) -> Outcome:
        change = job.change
        reference = change.customer_reference_id
        if reference is not None and change.customer_id is None:
            parent_id = self._parents.get(reference)
            if parent_id is None:
                return _without_parent(reference, is_expected=reference in self._expected)
            change = change._replace(customer_id=parent_id)
        note_sent = partial(self._note_sent, job, change)
        number = job.number
        return sender.send(change, note_sent, was_sent=number in self._were_sent, before=self._before.get(number))

    def _note_sent(self, job: _Job, change: Change, before: Record | None) -> None:
        """Commit that a write will be sent now, with the parent's id and the record before the write."""
        with self._sending:
            if self._is_over:
                raise JournalError("the push ended before this row was sent")
            job.is_sent = True
        self._journal.record(self._push_id, job.number, state="sent", before=before, customer_id=change.customer_id)

    def _note_outcome(self, job: _Job, outcome: Outcome) -> None:
        """Pass the outcome to the journal without waiting: it is written to disk with the commit of the next write.

        If the process dies before that, the change counts as sent, as if the process had died before the response. The
        journal gets the whole record, and only the fields that the frame shows are kept here.
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
        """Wait until all outcomes are on disk; return False if one of them could not be written."""
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
        """Stop the push, because changes that cannot be recorded must not be sent."""
        self._reason = f"the push stopped: {error}"
        self._is_noted = False
        self._stopped.set()


def _at_once(action: Callable[[], None]) -> None:
    action()


def _write_back(results: Iterable[ResultPart], displaced: Iterable[Sequence[tuple[Change, Outcome]]]) -> None:
    for one, effects in zip(results, displaced, strict=True):
        write_back(one.plan, one.outcomes, one.connection)
        show_effects(one.plan, effects)


def _jobs(part: PlanPart, numbers: Iterator[int]) -> Iterator[_Job]:
    """Make the jobs of a part. If its row has problems, a job has its outcome from the start."""
    said: dict[int | None, list[str]] = defaultdict(list)
    for problem in part.problems_list:
        said[problem.position].append(f"{problem.column}: {problem.rule}")
    for change in part.changes_list:
        about = said.get(change.position, []) + said.get(None, [])
        skipped = Outcome("skipped", "; ".join(about), "correct the row and plan again", "problem")
        yield _Job(next(numbers), change, skipped if about else None)


def _without_parent(reference: str, *, is_expected: bool) -> Outcome:
    if is_expected:
        said = f"it is unknown whether its customer {reference} was created, so it was not sent"
        return Outcome("unsent", said, f"{command('resume')} finishes the push", "no_customer")
    said = f"its customer {reference} was not created, so it was not sent"
    step = Hint(
        python="correct the customer, then plan both again: result.failed (or .unsent), with result.contacts.unsent",
        cli="correct the customer, then push both again",
    )
    return Outcome("skipped", said, str(step), "no_customer")


def _groups(part: PlanPart, jobs: Iterable[_Job]) -> Iterator[list[_Job]]:
    """Group the records of one parent, so that they are sent one after the other, with a new default first.

    The service clears the default flag of the others. A record that is read after that has its final flag.
    """
    flag = part.table.default.column if part.table.default else ""
    lines: dict[object, list[_Job]] = defaultdict(list)
    for job in jobs:
        if any(job.change.owner):
            lines[job.change.owner].append(job)
        else:
            yield [job]
    for line in lines.values():
        yield sorted(line, key=lambda job: not job.change.new_values.get(flag, False))
