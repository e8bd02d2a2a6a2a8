"""Run the changes of a push: several records at a time, each step in the journal before and after it happens."""

from __future__ import annotations

import contextlib
import getpass
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import TYPE_CHECKING

from wizframe.errors import JournalError, PushInterruptedError
from wizframe.journal import Entry, Journal, PushEntry, new_push_id, now
from wizframe.progress import bar
from wizframe.pushing.carrying import Carrier, OnConflict, PushStoppedError
from wizframe.pushing.results import Outcome, Result
from wizframe.pushing.writing_back import write_back

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wizframe.client import Client
    from wizframe.dialects import Record
    from wizframe.planning import Change, Plan

__all__ = ["begin", "run"]

_FINAL = ("done", "failed", "conflict")


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
        plan.table.name,
        _user(),
        note,
        on_conflict,
        now(),
    )
    skipped = _problem_positions(plan)
    journal.begin(
        push,
        [
            _entry(number, change)
            for number, change in enumerate(plan.changes_list)
            if not skipped & {change.position, None}
        ],
    )
    return push.push_id


def run(
    plan: Plan,
    client: Client,
    journal: Journal,
    push_id: str,
    *,
    on_conflict: OnConflict,
    numbers: Sequence[int] | None = None,
    were_sent: frozenset[int] = frozenset(),
    progress: bool = True,
) -> Result:
    """Carry out a plan that is in the journal.

    Parameters
    ----------
    plan : Plan
    client : Client
    journal : Journal
    push_id : str
    on_conflict : {'skip', 'mine', 'theirs'}
    numbers : sequence of int, optional
        The journal's number of each change; by default they are numbered as they stand in the plan.
    were_sent : frozenset of int
        Numbers of changes that may have been sent by an earlier run.
    progress : bool

    Returns
    -------
    Result

    Raises
    ------
    PushInterruptedError
        Ctrl-C; its ``result`` says what was done.
    """
    push = _Push(plan, client, journal, push_id, numbers or range(len(plan.changes_list)), were_sent)
    return push.run(on_conflict, progress=progress)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        return "unknown"


def _entry(number: int, change: Change) -> Entry:
    return Entry(
        number, change.action, change.id, change.customer_id, change.reference_id, change.name, change.label,
        [list(cell) for cell in change.cells],
    )  # fmt: skip


def _problem_positions(plan: Plan) -> set[int | None]:
    return {problem.position for problem in plan.problems_list}


class _Push:
    """One push under way."""

    def __init__(
        self,
        plan: Plan,
        client: Client,
        journal: Journal,
        push_id: str,
        numbers: Sequence[int],
        were_sent: frozenset[int],
    ) -> None:
        self._plan = plan
        self._client = client
        self._journal = journal
        self._push_id = push_id
        self._numbers = numbers
        self._were_sent = were_sent
        self._started: set[int] = set()
        self._outcomes: dict[int, Outcome] = {}
        self._stopped = threading.Event()
        self._reason = "the push stopped before this row"

    def run(self, on_conflict: OnConflict, *, progress: bool) -> Result:
        skipped = _problem_positions(self._plan)
        work: list[tuple[int, Change]] = []
        for place, change in enumerate(self._plan.changes_list):
            if skipped & {change.position, None}:
                said = "; ".join(
                    f"{p.column}: {p.rule}" for p in self._plan.problems_list if p.position in (change.position, None)
                )
                self._outcomes[place] = Outcome("skipped", said, "correct the row and plan again", "problem")
            else:
                work.append((place, change))
        interrupted = False
        try:
            interrupted = self._carry_all(work, on_conflict, progress=progress)
        finally:  # whatever stopped the push: what was done is written back
            outcomes = tuple(map(self._outcome, range(len(self._plan))))
            result = Result(self._plan, outcomes, self._client.connection, self._push_id)
            write_back(result)
            self._close(outcomes)
        if interrupted:
            said = f"interrupted: {result.summary()}; .result says what happened to each row"
            raise PushInterruptedError(f"{said}, wizframe.resume() finishes it", result)
        return result

    def _close(self, outcomes: Sequence[Outcome]) -> None:
        """End the push in the journal, unless something of it is left to do."""
        with contextlib.suppress(JournalError):  # it stays resumable, which is what a broken journal should leave
            if all(outcome.state in (*_FINAL, "skipped") for outcome in outcomes):
                self._journal.end(self._push_id)
            else:
                self._journal.release(self._push_id)

    def _outcome(self, place: int) -> Outcome:
        if place in self._outcomes:
            return self._outcomes[place]
        step = "wizframe.resume() finishes the push; what was done is not sent twice"
        if place in self._started:
            return Outcome("unknown", "the push was interrupted while this row was being sent", step, "interrupted")
        return Outcome("unsent", self._reason, step)

    def _carry_all(self, work: Sequence[tuple[int, Change]], on_conflict: OnConflict, *, progress: bool) -> bool:
        """Carry out all changes, several records at a time; return whether a person interrupted.

        Ctrl-C lets the requests under way finish; a second one does not wait for them.
        """
        groups = _groups(work)
        carrier = Carrier(self._client, self._plan.table, on_conflict)
        pool = ThreadPoolExecutor(self._client.workers, thread_name_prefix="wizframe-push")
        with bar("changes", enabled=progress, total=len(work)) as show:
            try:
                futures = [pool.submit(self._carry_group, group, carrier) for group in groups.values()]
                for future in as_completed(futures):
                    future.result()
                    show(len(self._outcomes), len(self._plan))
            except KeyboardInterrupt:
                return True
            finally:
                self._stopped.set()
                with contextlib.suppress(KeyboardInterrupt):
                    pool.shutdown(cancel_futures=True)
        return False

    def _carry_group(self, group: Sequence[tuple[int, Change]], carrier: Carrier) -> None:
        for place, change in group:
            if self._stopped.is_set():
                return
            self._started.add(place)
            try:
                note_sent = partial(self._note_sent, place)
                was_sent = self._numbers[place] in self._were_sent
                self._outcomes[place] = carrier.carry(change, note_sent, was_sent=was_sent)
            except PushStoppedError as stopped:
                self._outcomes[place] = stopped.outcome
                self._stopped.set()
            except BaseException:
                self._stopped.set()
                raise
            self._note_outcome(place)

    def _note_sent(self, place: int, before: Record | None) -> None:
        """Commit that a write is about to leave, and what the record was before it."""
        self._journal.record(self._push_id, self._numbers[place], state="sent", before=before)

    def _note_outcome(self, place: int) -> None:
        outcome = self._outcomes[place]
        try:
            self._journal.record(
                self._push_id,
                self._numbers[place],
                state="planned" if outcome.state == "unsent" else outcome.state,
                code=outcome.code,
                what_happened=outcome.what_happened,
                next_step=outcome.next_step,
                attempts=outcome.attempts,
                after=outcome.record,
            )
        except JournalError as error:  # what cannot be recorded must not go on
            self._reason = f"the push stopped: {error}"
            self._stopped.set()


def _groups(work: Sequence[tuple[int, Change]]) -> Mapping[str, list[tuple[int, Change]]]:
    """Keep contacts of one customer in one line, a new default first.

    It changes the others' records, and what is read of them later is up to date.
    """
    groups: dict[str, list[tuple[int, Change]]] = defaultdict(list)
    for place, change in sorted(work, key=lambda item: not item[1].new_values.get("is_default", False)):
        groups[change.customer_id or f"record {place}"].append((place, change))
    return groups
