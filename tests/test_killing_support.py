"""Children that push and are killed: one process has everything imported, and forks them."""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path

from test_pushing_support import Wanted, plan_work

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
