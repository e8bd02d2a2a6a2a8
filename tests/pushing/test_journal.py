"""The journal: what it promises about a push survives crashes, other processes, full disks and newer versions."""

import contextlib
import dataclasses
import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

import wizframe
from wizframe.errors import JournalError
from wizframe.pushing import journal_lease
from wizframe.pushing.journal import Journal
from wizframe.pushing.journal_entries import Entry, PushEntry, new_push_id, now
from wizframe.pushing.journal_file import journal_path

CELLS = [["payment_term", "net30", "net45"]]


def push(**given):
    values = {
        "push_id": new_push_id(), "plan_id": "abc", "base_url": "http://127.0.0.1:1/v1", "account": "sandbox",
        "table_name": "customers", "user": "ada", "note": "", "on_conflict": "skip", "started_at": now(),
    }  # fmt: skip
    return PushEntry(**values | given)


def entries(count):
    return [
        Entry(number, "update", f"cust_{number}", None, f"R{number}", f"Shop {number}", number, CELLS, "customers")
        for number in range(count)
    ]


@pytest.fixture
def journal():
    with Journal() as opened:
        yield opened


def elsewhere(path):
    """Read the states as another process would."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT state FROM changes ORDER BY number").fetchall()
    connection.close()
    return [state for (state,) in rows]


def test_a_whole_push_is_on_disk_before_begin_returns(journal):
    journal.begin(push(), entries(3))
    assert elsewhere(journal.path) == ["planned"] * 3


@pytest.mark.parametrize("count", [1, 3, 7, 9])
def test_a_large_push_is_begun_in_portions_and_complete_with_the_last(journal, monkeypatch, count):
    monkeypatch.setattr("wizframe.pushing.journal._PORTION", 3)
    seen = []

    def observed():
        for entry in entries(count):
            with sqlite3.connect(journal.path, timeout=0.1) as connection:  # others have their turn between portions
                connection.execute("UPDATE pushes SET note = note || '.'")
            connection.close()
            seen.append([(one.ended_at is None, len(elsewhere(journal.path))) for one in journal.pushes()])
            yield entry

    one = push()
    journal.begin(one, observed())
    assert seen == [[(False, 3 * (number // 3))] if number >= 3 else [] for number in range(count)]
    assert [(found.ended_at, found.note) for found in journal.pushes()] == [(None, "." * max(count - 3, 0))]
    assert [entry.number for entry in journal.entries(one.push_id)] == list(range(count))
    assert journal.counts(one.push_id) == {"planned": count}


def test_a_push_that_was_cut_off_while_it_was_begun_is_nothing_to_resume_and_can_be_purged(journal, monkeypatch):
    monkeypatch.setattr("wizframe.pushing.journal._PORTION", 3)

    def cut_off():
        yield from entries(4)
        assert journal.purge(timedelta()) == 0  # not one that is being begun
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal.begin(push(), cut_off())
    journal.close()
    assert wizframe.resume(yes=True) == []
    assert wizframe.pushes()[["changes", "planned"]].to_numpy().tolist() == [[3, 3]]
    assert wizframe.pushes()["ended_at"].notna().all()
    assert wizframe.purge(older_than_days=0) == 1


@pytest.mark.parametrize("count", [6, 9])
def test_a_push_that_is_purged_while_it_is_begun_leaves_no_change_behind(journal, monkeypatch, count):
    """Its process slept for longer than a lease lasts."""
    monkeypatch.setattr("wizframe.pushing.journal._PORTION", 3)
    monkeypatch.setattr("wizframe.pushing.journal.LEASE_S", -1.0)
    monkeypatch.setattr("wizframe.pushing.journal.WATCH_S", 0.0)

    def purged():
        yield from entries(count)[:4]
        with Journal() as other:
            assert other.purge(timedelta()) == 1
        yield from entries(count)[4:]

    with pytest.raises(JournalError, match=r"another process took push \S+ over or removed it"):
        journal.begin(push(), purged())
    assert elsewhere(journal.path) == []


def test_a_record_is_on_disk_before_it_returns(journal):
    one = push()
    journal.begin(one, entries(2))
    journal.record(one.push_id, 1, state="sent", before={"phone": "+1"})
    assert elsewhere(journal.path) == ["planned", "sent"]


def test_what_was_written_reads_back_the_same(journal):
    one = push(note="Ünïcödé “note”\n")
    written = entries(2)
    journal.begin(one, written)
    journal.record(one.push_id, 0, state="done", after={"id": "cust_0", "tags": ["a", None]}, attempts=2)
    journal.end(one.push_id)
    read = list(journal.entries(one.push_id))
    assert dataclasses.replace(read[1], changed_at="") == written[1]
    assert (read[0].state, read[0].attempts, read[0].after) == ("done", 2, {"id": "cust_0", "tags": ["a", None]})
    (found,) = journal.pushes()
    assert dataclasses.replace(found, ended_at=None) == one
    assert found.ended_at > one.started_at


def test_many_threads_write_at_once_and_nothing_is_lost(journal):
    one = push()
    journal.begin(one, entries(200))
    threads = [
        threading.Thread(target=lambda part=part: [journal.record(one.push_id, n, state="done") for n in part])
        for part in (range(start, 200, 8) for start in range(8))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert elsewhere(journal.path) == ["done"] * 200


def all_bytes_of(path):
    """Read the file and those next to it, byte by byte."""
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def modes(journal):
    """Give the permissions of the file and of those next to it, by the ends of their names."""
    files = journal.path.parent.glob(f"{journal.path.name}*")
    return {path.name.removeprefix(journal.path.name): stat.S_IMODE(path.stat().st_mode) for path in files}


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_no_other_user_can_read_it(journal):
    journal.begin(push(), entries(1))
    assert modes(journal) == {"": 0o600, "-wal": 0o600, "-shm": 0o600}
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_only_its_user_can_read_it_with_any_umask(tmp_path):
    """A umask of 0 makes everything else readable and writable; a copy of a file may have become readable."""
    before = os.umask(0)
    try:
        with Journal(tmp_path / "new" / "journal.sqlite3") as journal:
            journal.begin(push(), entries(1))
            assert modes(journal) == {"": 0o600, "-wal": 0o600, "-shm": 0o600}
            assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700
        journal.path.chmod(0o644)
        with Journal(journal.path) as journal:
            journal.begin(push(), entries(1))
            assert modes(journal) == {"": 0o600, "-wal": 0o600, "-shm": 0o600}
    finally:
        os.umask(before)


def test_its_place_is_the_users_to_choose(monkeypatch, tmp_path):
    monkeypatch.setenv("WIZFRAME_STATE_DIR", str(tmp_path / "mine"))
    assert journal_path() == tmp_path / "mine" / "journal.sqlite3"
    monkeypatch.delenv("WIZFRAME_STATE_DIR")
    monkeypatch.setattr("platformdirs.user_state_dir", lambda *_args, **_options: str(tmp_path / "theirs"))
    assert journal_path() == tmp_path / "theirs" / "journal.sqlite3"


@pytest.mark.fault(33)
def test_two_processes_cannot_work_on_one_push(journal):
    one = push()
    journal.begin(one, entries(1))
    code = f"from wizframe.pushing.journal import Journal\nwith Journal() as other: other.lease({one.push_id!r})"
    refused = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False)
    assert f"JournalError: another process works on push {one.push_id}" in refused.stderr
    journal.release(one.push_id)
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_lease_of_a_killed_process_is_free(journal):
    code = (
        "import os\nfrom wizframe.pushing.journal import Journal, PushEntry\nopened = Journal()\n"
        "opened.begin(PushEntry('p', 'a', 'u', 's', 'customers', 'ada', '', 'skip', 't'), [])\nos.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    journal.lease("p")


#: A process of this machine, of a container with this machine's name, and of another machine.
OWNERS = {
    "here": lambda pid: f"{socket.gethostname()}/{pid}/x/{journal_lease._process_space()}",
    "container": lambda pid: f"{socket.gethostname()}/{pid}/x/other-4026532000",
    "of an older wizframe": lambda pid: f"{socket.gethostname()}/{pid}/x",
    "elsewhere": lambda pid: f"elsewhere/{pid}/x/other-1",
    "damaged": lambda _pid: "?",
}


def hold(path, push_id, owner, alive_at):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE pushes SET owner = ?, alive_at = ? WHERE push_id = ?", [owner, alive_at, push_id])


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("is_running", [False, True])
def test_a_process_number_proves_something_only_where_it_was_given(journal, owner, is_running):
    """A container may share this machine's name, and has processes of its own."""
    one = push()
    journal.begin(one, entries(1))
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    pid = os.getpid() if is_running else int(ended.stdout)
    hold(journal.path, one.push_id, OWNERS[owner](pid), time.time() - 10)
    with Journal() as other:
        if owner == "here" and not is_running:
            other.lease(one.push_id)
            return
        with pytest.raises(JournalError, match="another process works on push"):
            other.lease(one.push_id)


@pytest.mark.parametrize("owner", ["container", "elsewhere", "here"])
@pytest.mark.parametrize("jump_s", [3_600, -3_600, 31_536_000])
def test_a_clock_that_jumps_does_not_end_the_lease_of_a_process_that_gives_signs_of_life(
    journal, monkeypatch, owner, jump_s
):
    monkeypatch.setattr("wizframe.pushing.journal.WATCH_S", 2.0)
    monkeypatch.setattr("wizframe.pushing.journal._LOOK_S", 0.02)
    one = push()
    journal.begin(one, entries(1))
    name = OWNERS[owner](os.getpid())
    hold(journal.path, one.push_id, name, time.time() - jump_s)
    beats = threading.Timer(0.1, hold, (journal.path, one.push_id, name, time.time() - jump_s + 5))
    beats.start()
    with Journal() as other, pytest.raises(JournalError, match="another process works on push"):
        other.lease(one.push_id)
    beats.join()


@pytest.mark.parametrize("owner", ["container", "elsewhere", "here", "of an older wizframe"])
@pytest.mark.parametrize("age_s", [60, -3_600])
def test_a_process_that_gives_no_sign_of_life_loses_its_lease(journal, monkeypatch, owner, age_s):
    monkeypatch.setattr("wizframe.pushing.journal.WATCH_S", 0.1)
    one = push()
    journal.begin(one, entries(1))
    hold(journal.path, one.push_id, OWNERS[owner](os.getpid()), time.time() - age_s)
    with Journal() as other:
        other.lease(one.push_id)
        other.record(one.push_id, 0, state="sent")


def test_a_lease_that_could_not_be_released_is_free_in_its_own_process(journal):
    """The disk was full, and has room again: resume() in the same notebook must not pass the push by."""
    one = push()
    journal.begin(one, entries(1))
    journal._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(JournalError, match="cannot be used"):
        journal.release(one.push_id)
    journal.close()
    with Journal() as other:
        other.lease(one.push_id)
        other.record(one.push_id, 0, state="sent")


def test_an_unknown_push_is_reported_with_the_way_to_find_it(journal):
    with pytest.raises(JournalError, match=r"^the journal has no push 'nope'\. wizframe\.pushes\(\) lists them\.$"):
        journal.lease("nope")


def test_a_full_disk_is_a_clear_error_and_keeps_what_was_committed(journal):
    one = push()
    journal.begin(one, entries(1))
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalError, match=r"full.*nothing is sent"):
        journal.record(one.push_id, 0, state="sent", before={"text": "x" * 100_000})
    assert elsewhere(journal.path) == ["planned"]


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be used"):
        Journal(tmp_path / "file" / "journal.sqlite3")


def test_a_locked_journal_is_a_clear_error(journal, monkeypatch):
    monkeypatch.setattr("wizframe.pushing.journal_file.BUSY_S", 0.05)
    holder = sqlite3.connect(journal.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="locked"):
        journal.begin(push(), entries(1))
    holder.execute("ROLLBACK")
    holder.close()


def test_a_journal_of_a_newer_version_is_refused(journal):
    with contextlib.closing(sqlite3.connect(journal.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(
        JournalError, match=r"^the journal \S+ was written by a newer wizframe, so nothing is sent\. Update"
    ):
        Journal()


def test_a_file_that_is_not_a_journal_is_refused(tmp_path):
    path = tmp_path / "journal.sqlite3"
    path.write_bytes(b"this is no database, and long enough to be seen as none" * 100)
    with pytest.raises(JournalError, match="damaged"):
        Journal(path)


@pytest.mark.fault(32)
@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_torn_journal_shows_a_committed_prefix_or_is_refused(journal, tmp_path, suffix):
    one = push()
    journal.begin(one, entries(30))
    for number in range(30):
        journal.record(one.push_id, number, state="done")
    whole = journal.path.with_name(journal.path.name + suffix).read_bytes()
    refused = 0
    for step in range(100):
        torn = tmp_path / f"torn{suffix}-{step}" / journal.path.name
        shutil.copytree(journal.path.parent, torn.parent, ignore=shutil.ignore_patterns("*-shm"))
        torn.with_name(torn.name + suffix).write_bytes(whole[: len(whole) * step // 100])
        try:
            with Journal(torn) as recovered:
                states = [entry.state for push in recovered.pushes() for entry in recovered.entries(push.push_id)]
        except JournalError:
            refused += 1
            continue
        done = states.count("done")
        assert states in ([], ["done"] * done + ["planned"] * (30 - done))
    assert refused < 100


def test_purging_removes_old_pushes_and_their_data_from_the_file(journal):
    old = push(started_at="2020-01-01T00:00:00+00:00")
    journal.begin(old, [dataclasses.replace(entries(1)[0], name="Canary & Sons")])
    journal.begin(push(), entries(1))
    journal.end(old.push_id)
    assert journal.purge(timedelta(days=1)) == 0
    assert journal.purge(timedelta()) == 1
    assert len(journal.pushes()) == 1
    assert b"Canary" not in all_bytes_of(journal.path)  # neither now
    journal.close()
    assert b"Canary" not in all_bytes_of(journal.path)  # nor when the log is merged


def test_purging_empties_the_log_while_another_process_has_the_journal_open(journal):
    """SQLite keeps the log, with every page as it was, until the last one closes the file."""
    old = push()
    journal.begin(old, [dataclasses.replace(entries(1)[0], name="Canary & Sons")])
    journal.end(old.push_id)
    with Journal() as other:
        assert b"Canary" in all_bytes_of(journal.path)  # this is what would be found
        assert journal.purge(timedelta()) == 1
        assert b"Canary" not in all_bytes_of(journal.path)
        assert other.pushes() == []


def test_data_that_could_not_be_removed_from_the_log_is_reported(journal, monkeypatch):
    monkeypatch.setattr("wizframe.pushing.journal_file.BUSY_S", 0.05)
    old = push()
    journal.begin(old, [dataclasses.replace(entries(1)[0], name="Canary & Sons")])
    journal.end(old.push_id)
    reader = sqlite3.connect(journal.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM changes").fetchall()
    with pytest.raises(JournalError, match=r"can still be read.*Purge again"):
        journal.purge(timedelta())
    reader.close()
    assert journal.purge(timedelta()) == 0
    assert b"Canary" not in all_bytes_of(journal.path)


def test_a_worker_that_outlives_the_journal_gets_an_error_and_does_not_wait_for_ever():
    """The second Ctrl-C leaves workers behind; one that waited for the closed journal would never let Python end."""
    one = push()
    with Journal() as journal:
        journal.begin(one, entries(1))
    with pytest.raises(JournalError, match="closed"):
        journal.record(one.push_id, 0, state="sent")
    assert elsewhere(journal.path) == ["planned"]


OLD_SCHEMA = """
CREATE TABLE pushes (
    push_id TEXT PRIMARY KEY, plan_id TEXT NOT NULL, base_url TEXT NOT NULL, account TEXT NOT NULL,
    table_name TEXT NOT NULL, user TEXT NOT NULL, note TEXT NOT NULL, on_conflict TEXT NOT NULL,
    started_at TEXT NOT NULL, ended_at TEXT, owner TEXT, alive_at REAL
) WITHOUT ROWID;
CREATE TABLE changes (
    push_id TEXT NOT NULL REFERENCES pushes ON DELETE CASCADE, number INTEGER NOT NULL,
    action TEXT NOT NULL, id TEXT, customer_id TEXT, reference_id TEXT, name TEXT NOT NULL, label TEXT NOT NULL,
    cells TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'planned', code TEXT NOT NULL DEFAULT '',
    what_happened TEXT NOT NULL DEFAULT '', next_step TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
    before TEXT, after TEXT, changed_at TEXT NOT NULL, PRIMARY KEY (push_id, number)
) WITHOUT ROWID;
CREATE INDEX changes_by_id ON changes (id);
PRAGMA user_version = 1;
INSERT INTO pushes VALUES
    ('old', 'p', 'http://127.0.0.1:1/v1', '', 'contacts', 'ada', '', 'skip', '2026', NULL, NULL, NULL);
INSERT INTO changes (push_id, number, action, id, customer_id, name, label, cells, changed_at)
    VALUES ('old', 0, 'update', 'cont_1', 'cust_1', 'Ann', '0', '[["phone", null, "+14155550100"]]', '2026');
"""


def test_a_journal_of_the_first_version_is_brought_up_to_date():
    path = journal_path()
    path.parent.mkdir(parents=True)
    old = sqlite3.connect(path)
    old.executescript(OLD_SCHEMA)
    old.close()
    for _ in range(2):
        with Journal() as journal:
            (entry,) = journal.entries("old")
    assert (entry.table_name, entry.id, entry.cells) == ("contacts", "cont_1", [["phone", None, "+14155550100"]])


def test_a_process_that_lost_its_lease_while_it_was_asleep_sends_nothing_more(journal, monkeypatch):
    monkeypatch.setattr("wizframe.pushing.journal.WATCH_S", 0.1)
    one = push()
    journal.begin(one, entries(2))
    with sqlite3.connect(journal.path) as clock:  # the laptop was closed for longer than a lease lasts
        clock.execute("UPDATE pushes SET owner = 'elsewhere/1/x', alive_at = 0")
    clock.close()
    with Journal() as other:
        other.lease(one.push_id)
        with pytest.raises(JournalError, match=r"took push \S+ over"):
            journal.record(one.push_id, 0, state="sent")
        journal.end(one.push_id)
        other.record(one.push_id, 1, state="done")
        assert other.pushes()[0].ended_at is None
    assert elsewhere(journal.path) == ["planned", "done"]


def test_a_record_with_half_an_emoji_comes_back_as_the_service_sent_it(journal):
    one, record = (
        push(),
        {"id": "cust_1", "name": "half \ud83d of it", "number": 2**70, "nested": [{"b": None, "a": 1}]},
    )
    journal.begin(one, entries(1))
    journal.record(one.push_id, 0, state="done", after=record)
    assert next(journal.entries(one.push_id)).after == record
