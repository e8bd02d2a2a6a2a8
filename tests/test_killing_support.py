"""What the searches for lost and doubled changes share: a mixed push, what must be true of it, and children to kill."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import select
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from test_planning_support import changed, load, stored

import wizframe
from wizframe.client import Client
from wizframe.fields import TABLES
from wizframe.frames import to_frame
from wizframe.journal import Journal
from wizframe.schemas import find_problems
from wizframe.transport import Transport

SETTLE_S = 0.02
LONGEST_S = 60
"""Seconds after which the system ends a child that hangs."""
DEATH = 9
"""Exit code of a child that died as it was told."""


class Wanted(NamedTuple):
    """A change: of the record that has an id, or a new one under a reference. A new contact names its customer."""

    table: str
    action: str
    key: str
    cells: dict[str, Any]
    customer: dict[str, str] | None = None


def make_work(before, updates=4, creates=2):
    """Make up a mixed push for what is stored: customers and contacts, updates and creates, contacts of new customers.

    Of each kind there are so many; the contacts are of the last customers, two of one for each that has two.
    """
    ids, contacts = list(before["customers"]), list(before["contacts"])
    names = [f"N{number}" for number in range(creates)]
    new = [
        *(_new_contact(f"C-{name}", {"customer_id": ids[-1]}) for name in names),
        *(_new_contact(f"C-of-{name}", {"customer_reference_id": name}) for name in names),
    ]
    return [
        *(Wanted("customers", "update", identifier, {"payment_term": "net77"}) for identifier in ids[:updates]),
        *(Wanted("customers", "create", name, _new_customer(name)) for name in names),
        *(Wanted("contacts", "update", identifier, {"designation": "Pilot"}) for identifier in contacts[-updates:]),
        *new,
    ]


def _new_customer(name):
    return {"reference_id": name, "company_name": f"{name} Inc", "display_name": f"{name} Shop"}


def _new_contact(name, customer):
    cells = {"reference_id": name, "first_name": name, "email": f"{name.lower()}@example.com"}
    return Wanted("contacts", "create", name, cells, customer)


def plan_work(wiz, work):
    """Load, edit, plan."""
    frames = {table: load(wiz, table) for table in TABLES}
    for table, frame in frames.items():
        updates = [change for change in work if (change.table, change.action) == (table, "update")]
        for change in updates:
            frame.loc[frame["id"] == change.key, list(change.cells)] = list(change.cells.values())
        new = [
            change.cells | (change.customer or {})
            for change in work
            if (change.table, change.action) == (table, "create")
        ]
        frames[table] = pd.concat([frame, pd.DataFrame(new)], ignore_index=True)
    return wizframe.plan(frames["customers"], contacts=frames["contacts"])


def truth(wiz):
    """Give all that is stored, by table and id."""
    return {table: stored(wiz, table) for table in TABLES}


def carried_out(work, before, after):
    """Tell which changes are in the service: each whole and once, or not at all; and nothing else is changed."""
    rest = {table: changed(before[table], after[table]) for table in after}
    done = []
    for change in work:
        records, known = after[change.table], before[change.table]
        ids = [change.key]
        if change.action == "create":
            ids = [i for i, row in records.items() if i not in known and row["reference_id"] == change.key]
        assert len(ids) <= 1, f"doubled: {change}"
        for identifier in ids:
            if identifier in rest[change.table]:
                found = rest[change.table].pop(identifier) or records[identifier]
                assert {name: found.get(name) for name in change.cells} == change.cells
                done.append(change)
    assert not any(rest.values()), f"changed without a plan: {rest}"
    return done


def seeds(variable, count):
    """Give the seeds to search: some more or fewer by an environment variable, or the one that WIZFRAME_SEED names."""
    named = os.environ.get("WIZFRAME_SEED")
    return [int(named)] if named else list(range(int(os.environ.get(variable, count))))


@contextlib.contextmanager
def seeded(seed):
    """Yield dice; whatever fails says how to repeat it."""
    try:
        yield random.Random(seed)  # noqa: S311 - reproducible, no secret
    except BaseException as error:
        error.add_note(f"WIZFRAME_SEED={seed} repeats this")
        raise


class Nursery:
    """A process that has everything imported, and forks a child for each push: an import costs 0.6 s, a fork 5 ms.

    It has no second thread of Python's, so its children are whole. Each stays known until `bury`: nothing is sent to
    a number that is another process's by then.
    """

    def __enter__(self):
        path = os.pathsep.join([str(Path(wizframe.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        self._process = subprocess.Popen(
            [sys.executable, __file__], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(LONGEST_S)
        self._process.stdout.close()

    def bear(self, **job):
        """Start a child on a job, and return its process number: it has planned its push by then."""
        self._tell(job)
        ready = self.hear()
        assert "pid" in ready, ready
        return ready["pid"]

    def has_word(self, timeout_s):
        """Wait a little for the child to say something: that it is through."""
        return bool(select.select([self._process.stdout], [], [], timeout_s)[0])

    def hear(self):
        """Wait for what the child says."""
        return json.loads(self._process.stdout.readline())

    def bury(self):
        """Wait until the child is gone, and return its exit code, or minus the signal that ended it."""
        self._tell(None)
        while "ended" not in (said := self.hear()):
            pass
        return said["ended"]

    def _tell(self, words):
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()


def _raise_children():
    for table in TABLES.values():  # imports pandera
        find_problems(to_frame([], table)[0], table)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _live(json.loads(line))
        sys.stdin.readline()
        _say(ended=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _say(**words):
    os.write(1, (json.dumps(words) + "\n").encode())


def _live(job):
    """Do what a child is born for; a fork must not go on where its parent was."""
    signal.alarm(LONGEST_S)
    try:
        os.environ["WIZFRAME_STATE_DIR"] = job["state_dir"]
        transport = Transport(job["base_url"], wizframe.SANDBOX_API_KEY, workers=job["workers"])
        wiz = Client(transport, account="sandbox", workers=job["workers"], settle_s=SETTLE_S)
        plan = plan_work(wiz, [Wanted(*change) for change in job["work"]])
        _die_at_a_commit(*job.get("dies_at", (None, None)))
        _say(pid=os.getpid())
        plan.apply(progress=False)
        _say(through=True)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - said, and then it is the end in any case
        _say(error=traceback.format_exc())
        os._exit(1)


def _die_at_a_commit(fatal, side):
    """Count what is committed to the journal, and die just before or just after one of the commits."""
    lock, count = threading.Lock(), itertools.count()

    def counted(commit):
        def committing(*args, **options):
            with lock:
                number = next(count)
            if (number, "before") == (fatal, side):
                os._exit(DEATH)
            commit(*args, **options)
            if (number, "after") == (fatal, side):
                os._exit(DEATH)

        return committing

    for name in ("begin", "record", "end", "release"):
        setattr(Journal, name, counted(getattr(Journal, name)))


if __name__ == "__main__":
    _raise_children()
