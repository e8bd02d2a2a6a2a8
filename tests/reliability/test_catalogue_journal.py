"""The fault catalogue, the record of pushes: no room for it, no right to it, torn, of another version."""

import contextlib
import errno
import os
import sqlite3

import pytest
from support.catalogue import edited
from support.planning import states, writes

import wizframe
from wizframe.errors import JournalError
from wizframe.pushing.journal_file import journal_path

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


@pytest.fixture
def dialect():
    """A disk knows nothing of dialects."""
    return "rest"


def full(connection):
    """Leave no room: the file may not grow."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {max(pages, 1)}")


def read_only(connection):
    connection.execute("PRAGMA query_only = ON")


DISKS = {"full": (full, "full"), "read-only": (read_only, "readonly")}


@pytest.fixture
def pushed_before(wiz):
    """A journal with a push in it, and the plan of another one."""
    edited(wiz, "customers").wiz.plan().apply(note="earlier", progress=False)
    frame = edited(wiz, "customers", 3).assign(payment_term="net77")
    wiz.server.requests.clear()
    return frame.wiz.plan()


def check_refused(wiz, plan, words):
    """Check that a push is refused before anything is sent."""
    with pytest.raises(JournalError, match=f"{words}.*nothing is sent"):
        plan.apply(note="long " * 20_000, progress=False)
    assert writes(wiz) == []


def check_goes_on(wiz, plan):
    """Check that, after the repair, the same plan is carried out, and nothing of earlier pushes is lost."""
    assert states(plan.apply(progress=False)) == {"done": 30}
    assert wizframe.pushes()["note"].tolist() == ["", "earlier"]
    assert len(writes(wiz)) == 30


@pytest.mark.fault(
    31,
    "the disk is full or read-only, or the journal is locked",
    "an error before anything is sent: the journal cannot be used, with the reason and what to do",
    "L E",
)
@pytest.mark.parametrize("disk", DISKS)
@pytest.mark.parametrize("is_new", [False, True])
def test_without_space_or_permission_for_the_journal_nothing_is_sent(wiz, pushed_before, disk, is_new, monkeypatch):
    limit, words = DISKS[disk]
    open_database, limited = sqlite3.connect, []

    def opened(*args, **options):
        connection = open_database(*args, **options)
        limit(connection)
        limited.append(disk)
        return connection

    with monkeypatch.context() as patched:
        if is_new:
            patched.setenv("WIZFRAME_STATE_DIR", str(journal_path().parent / "new"))
        patched.setattr("sqlite3.connect", opened)
        check_refused(wiz, pushed_before, f"cannot be used .*{words}")
        assert limited
    check_goes_on(wiz, pushed_before)


@pytest.mark.fault(31)
def test_without_permission_to_open_the_journal_nothing_is_sent(wiz, pushed_before, monkeypatch):
    open_file, refused = os.open, []

    def refuse(path, *args, **options):
        if str(path) == str(journal_path()):
            refused.append(path)
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return open_file(path, *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr("os.open", refuse)
        patched.setenv("WIZFRAME_STATE_DIR", str(journal_path().parent / "new"))
        check_refused(wiz, pushed_before, "cannot be used .*Read-only file system")
        assert refused
    check_goes_on(wiz, pushed_before)


@pytest.mark.fault(31)
def test_while_another_process_locks_the_journal_nothing_is_sent(wiz, pushed_before, monkeypatch):
    monkeypatch.setattr("wizframe.pushing.journal_file.BUSY_S", 0.05)
    holder = sqlite3.connect(journal_path(), isolation_level=None)
    with contextlib.closing(holder):
        holder.execute("BEGIN IMMEDIATE")
        check_refused(wiz, pushed_before, "cannot be used .*locked")
        holder.execute("ROLLBACK")
    check_goes_on(wiz, pushed_before)


def newer(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def torn(path):
    path.write_bytes(path.read_bytes()[:-5000])


def overwritten(path):
    path.write_bytes(b"\x00" * 4096 + path.read_bytes()[4096:])


DAMAGES = {
    "newer": (newer, "was written by a newer wizframe, so nothing is sent"),
    "torn": (torn, "damaged|malformed"),
    "overwritten": (overwritten, "damaged"),
}


@pytest.mark.fault(
    32,
    "the journal is damaged, or a newer version wrote it",
    "committed changes are recovered; or an error before anything is sent: move the journal away",
    "L E",
)
@pytest.mark.parametrize("damage", DAMAGES)
def test_with_a_journal_that_cannot_be_trusted_nothing_is_sent_and_it_is_left_as_it_is(wiz, pushed_before, damage):
    harm, words = DAMAGES[damage]
    harm(journal_path())
    kept = journal_path().read_bytes()
    with pytest.raises(JournalError, match=words):
        pushed_before.apply(progress=False)
    assert writes(wiz) == []
    assert journal_path().read_bytes() == kept
    journal_path().rename(journal_path().with_name("kept for the record"))
    assert states(pushed_before.apply(progress=False)) == {"done": 30}
