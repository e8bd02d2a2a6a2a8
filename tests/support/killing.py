"""Children that push and are killed: one process has everything imported, and forks them."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

from support.planning import make_contacts_valid
from support.pushing import Wanted, carried_out, make_work, plan_work, truth

import wizframe
from wizframe.connections.client import Client
from wizframe.errors import PushInterruptedError
from wizframe.fields import TABLES
from wizframe.frames.build import to_frame
from wizframe.frames.problems import find_problems
from wizframe.http.transport import Transport
from wizframe.loading import loaders  # noqa: F401 - Ctrl-C while a module is imported is Python's own affair
from wizframe.pushing import api as pushing  # noqa: F401 - Ctrl-C while a module is imported is Python's own affair
from wizframe.pushing.journal import Journal

SETTLE_S = 0.02
LONGEST_S = 60
"""Seconds after which the system ends a child that hangs."""
DEATH = 9
"""Exit code of a child that died as it was told."""


class Nursery:
    """A process that has everything imported, and forks a child for each push: an import costs 0.6 s, a fork 5 ms.

    It has no second thread of Python's, so its children are whole. Each stays known until `bury`: nothing is sent to
    a number that is another process's by then.
    """

    def __enter__(self):
        path = os.pathsep.join(
            [str(Path(wizframe.__file__).parents[1]), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        )
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
        """Wait for what the child says, if only that it is gone."""
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


class Push:
    """A push in a child, and what must be true when that has died."""

    def __init__(self, wiz, nursery, *, updates=4, creates=2, **job):
        make_contacts_valid(wiz)
        wiz.settle_s = SETTLE_S
        self._wiz = wiz
        self._nursery = nursery
        self._before = truth(wiz)
        self.work = make_work(self._before, updates, creates)
        job |= {"base_url": wiz.base_url, "state_dir": os.environ["WIZFRAME_STATE_DIR"], "work": self.work}
        self.pid = nursery.bear(**job)

    @property
    def requests(self):
        """How many it takes, where nothing goes wrong: a read and a write for each update."""
        return sum(1 + (change.action != "create") for change in self.work)

    def signal_at_request(self, sent, number, later_s):
        """Send a signal some time after the server answered so many requests of it, or when it is through."""
        until = len(self._wiz.server.requests) + number
        while len(self._wiz.server.requests) < until and not self._nursery.has_word(0.0005):
            pass
        time.sleep(later_s)
        os.kill(self.pid, sent)

    def carried_out(self):
        """Tell which changes are in the service."""
        return carried_out(self.work, self._before, truth(self._wiz))

    def check_journal(self):
        """Whatever the journal says of a row is true. Return the states that it says."""
        done = self.carried_out()
        if wizframe.pushes().empty:  # it died before the plan was committed
            assert done == []
            return []
        with Journal() as journal:
            (push,) = journal.pushes()
            entries = list(journal.entries(push.push_id))
        said = {entry.reference_id if entry.action == "create" else entry.id: entry.state for entry in entries}
        assert said.keys() == {change.key for change in self.work}
        for change in self.work:
            assert said[change.key] in (("sent", "done") if change in done else ("planned", "sent")), change
        return list(said.values())

    def check_resumed(self):
        """Resume, and find all of it done, once, in the service, the results and the journal."""
        started = not wizframe.pushes().empty
        results = wizframe.resume(yes=True, max_deletes=999, client=self._wiz, progress=False)
        assert wizframe.resume(yes=True, max_deletes=999, client=self._wiz) == []
        assert self.carried_out() == (self.work if started else [])
        assert all(set(result.changes["state"]) <= {"done"} for result in results)
        if started:
            listed = wizframe.pushes()
            assert listed[["changes", "done"]].to_numpy().tolist() == [[len(self.work)] * 2]
            assert listed["ended_at"].notna().all()
            assert set(wizframe.history()["outcome"]) == {"done"}


def _raise_children():
    for table in TABLES.values():  # imports pandera
        find_problems(to_frame([], table)[0], table)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _live(json.loads(line))
        if hasattr(os, "waitid"):  # not on macOS with an older Python
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            _say(gone=True)
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
        deed = {"push": _push, "push interrupted": _push_interrupted}[job.get("does", "push")]
        deed(wiz, [Wanted(*change) for change in job["work"]], job)
    except BaseException:  # noqa: BLE001 - said, and then it is the end in any case
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _say(error=traceback.format_exc())
        os._exit(1)
    raise SystemExit  # as a script or a kernel ends: after what Python waits for


def _push(wiz, work, job):
    plan = plan_work(wiz, work)
    _die_at_a_commit(*job.get("dies_at", (None, None)))
    _say(pid=os.getpid())
    plan.apply(progress=False)
    _say(through=True)


def _push_interrupted(wiz, work, job):
    """Push as in a notebook; say how that ended, what became of each row, and what is left of it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # of which a shell may have deprived us
    result = error = None
    try:
        try:
            if job["is_early"]:
                _say(pid=os.getpid())
            plan = plan_work(wiz, work)
            if not job["is_early"]:
                _say(pid=os.getpid())
            result = plan.apply(progress=False)
        except (KeyboardInterrupt, PushInterruptedError) as raised:
            error = raised
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt as raised:  # the second one, in these lines
        error = error or raised.__context__ or raised
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)] if error else []
    result = getattr(error, "result", result)
    _say(
        how=type(error).__name__ if error else "through",
        is_pushing="apply" in frames,
        rows=_rows(result),
        resumed=_resumed(wiz) if job["is_resumed"] else [],
        threads=_threads_left(job["patience_s"]),
    )


def _rows(result):
    rows = [] if result is None else result.changes.itertuples()
    return {row.reference_id if row.action == "create" else row.id: [row.state, row.next_step] for row in rows}


def _resumed(wiz):
    """The kernel is still good for another push, and for a load."""
    with contextlib.redirect_stdout(sys.stderr):  # stdout is for messages to the parent process
        results = wizframe.resume(yes=True, max_deletes=999, client=wiz, progress=False)
    wiz.load_customers(progress=False)
    return [state for result in results for state in result.changes["state"]]


def _threads_left(patience_s):
    """Name the threads that do not end by themselves in that time."""
    deadline = time.monotonic() + patience_s
    while left := [thread.name for thread in threading.enumerate() if thread.name.startswith("wizframe")]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.001)
    return left


def _die_at_a_commit(fatal, side):
    """Count what is committed to the journal, and die just before or just after one of the commits."""
    lock, count = threading.Lock(), itertools.count()

    def counted(commit):
        def committing(*args, **options):
            if commit.__name__ == "note" and options["state"] == "sent":
                return commit(*args, **options)  # part of what records it
            with lock:
                number = next(count)
            if (number, "before") == (fatal, side):
                os._exit(DEATH)
            written = commit(*args, **options)
            if (number, "after") == (fatal, side):
                if written is not None:
                    written.result()
                os._exit(DEATH)
            return written

        return committing

    for name in ("begin", "record", "note", "end", "release"):
        setattr(Journal, name, counted(getattr(Journal, name)))


if __name__ == "__main__":
    _raise_children()
