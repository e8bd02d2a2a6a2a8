"""The journal's file: made by its user alone, the same one until the end, and never another program's."""

import contextlib
import os
import shutil
import sqlite3
import stat
import threading
import time

import pytest
from support.planning import load, writes

import wizframe
from wizframe.errors import JournalError
from wizframe.pushing.journal import Journal
from wizframe.pushing.journal_file import journal_path
from wizframe.server import Fault

pytestmark = [
    pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning"),
    pytest.mark.skipif(os.name != "posix", reason="owners, modes and links are POSIX's"),
]


def link(path):
    other = path.with_name("notes.txt")
    other.write_text("my notes, readable by all\n" * 100)
    other.chmod(0o644)
    path.symlink_to(other)


def link_to_nothing(path):
    path.symlink_to(path.with_name("nothing"))


def hard_link(path):
    link(path)
    path.unlink()
    path.hardlink_to(path.with_name("notes.txt"))


def pipe(path):
    os.mkfifo(path, 0o600)


def writable_by_all(path):
    path.write_bytes(b"")
    path.chmod(0o666)


def writable_by_group(path):
    path.write_bytes(b"")
    path.chmod(0o620)


def folder(path):
    path.mkdir()


def folder_for_all(path):
    path.parent.chmod(0o777)


def sticky_folder(path):
    path.parent.chmod(0o1777)


def side_file(suffix):
    def plant(path):
        other = path.with_name("precious")
        other.write_text("precious\n")
        path.with_name(path.name + suffix).symlink_to(other)

    return plant


PLANTED = {
    "link": (link, "is a link"),
    "link to nothing": (link_to_nothing, "is a link"),
    "hard link": (hard_link, "second name"),
    "pipe": (pipe, "not a regular file"),
    "folder": (folder, "not a regular file"),
    "writable by all": (writable_by_all, "other users can write to the file"),
    "writable by the group": (writable_by_group, "other users can write to the file"),
    "folder for all": (folder_for_all, "other users can write to the folder"),
    "sticky folder": (sticky_folder, "other users can write to the folder"),
    "-wal": (side_file("-wal"), "is a link"),
    "-shm": (side_file("-shm"), "is a link"),
    "-journal": (side_file("-journal"), "is a link"),
}


def snapshot(place):
    """Give the kind, the mode and the content of everything in a folder."""
    found = {}
    for one in sorted(place.iterdir()):
        mode = one.lstat().st_mode
        found[one.name] = (mode, one.read_bytes() if stat.S_ISREG(mode) else b"")
    return found


@pytest.mark.parametrize("planted", PLANTED)
def test_a_journal_that_another_user_could_have_made_or_change_is_refused_and_left_as_it_is(wiz, planted):
    plant, words = PLANTED[planted]
    path = journal_path()
    path.parent.mkdir(parents=True, mode=0o700)
    plant(path)
    before = snapshot(path.parent)
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "mine"
    plan = frame.wiz.plan()
    for use in (
        lambda: plan.apply(progress=False),
        lambda: Journal(path),
        *((wizframe.pushes, lambda: wizframe.resume(yes=True)) if path.exists() or path.is_symlink() else ()),
    ):
        with pytest.raises(JournalError, match=f"not safe to use: .*{words}.*so nothing is sent"):
            use()
    assert writes(wiz) == []
    assert snapshot(path.parent) == before


def test_a_journal_in_a_folder_of_another_user_is_refused(monkeypatch):
    Journal().close()
    me = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: me + 1)
    with pytest.raises(JournalError, match=r"the folder \S+ belongs to another user, so nothing is sent\. Set"):
        wizframe.pushes()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_file_of_another_user_is_refused(suffix):
    Journal().close()
    other = journal_path().with_name(f"journal.sqlite3{suffix}")
    other.touch(0o600)
    os.chown(other, 65534, 65534)
    with pytest.raises(JournalError, match=f"the file {other} belongs to another user"):
        wizframe.pushes()


def other_program(version):
    def make(path):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE notes (text TEXT)")
            connection.execute(f"PRAGMA user_version = {version}")
            connection.commit()

    return make


def negative_version(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = -1")


def trigger(path):
    Journal(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON changes BEGIN DELETE FROM pushes; END")
        connection.commit()


def other_columns(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE pushes (a); CREATE TABLE changes (b); PRAGMA user_version = 2")


OTHERS = {
    **{f"version {version}": other_program(version) for version in (-1, 0, 1, 2, 3, 99)},
    "negative": negative_version,
    "trigger": trigger,
    "other columns": other_columns,
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_program_s_database_is_refused_and_never_taken_over(other):
    path = journal_path()
    path.parent.mkdir(parents=True, mode=0o700)
    OTHERS[other](path)
    path.chmod(0o644)
    before = snapshot(path.parent)
    for use in (Journal, wizframe.pushes, wizframe.history, lambda: wizframe.resume(yes=True)):
        with pytest.raises(
            JournalError, match=r"is not a journal that wizframe made .*nothing is sent\. Move the file"
        ):
            use()
    assert snapshot(path.parent) == before


def removed(path):
    for one in path.parent.glob(f"{path.name}*"):
        one.unlink()


def without_folder(path):
    shutil.rmtree(path.parent)


def replaced(path):
    path.rename(path.with_name("old"))
    shutil.copy(path.with_name("old"), path)
    path.chmod(0o600)


def truncated(path):
    os.truncate(path, 0)


def log_removed(path):
    path.with_name(f"{path.name}-wal").unlink()


LOSSES = {
    "removed": (removed, "was removed or replaced"),
    "folder removed": (without_folder, "was removed or replaced"),
    "file removed": (lambda path: path.unlink(), "was removed or replaced"),
    "replaced": (replaced, "was removed or replaced"),
    "log removed": (log_removed, "was removed or replaced"),
    "truncated": (truncated, "was cut off|damaged|malformed"),
}


@pytest.mark.fault(
    "31b",
    "the journal is removed, replaced or cut off during a push",
    "the push stops after the changes that are being sent; the other rows are *unsent*",
    "L E",
)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_push_stops_if_its_journal_disappears(wiz, loss):
    lose, words = LOSSES[loss]
    wiz.load_customers(progress=False).head(1).assign(payment_term="earlier").wiz.plan().apply(progress=False)
    frame = load(wiz).assign(payment_term="mine")
    plan = frame.wiz.plan()
    wiz.server.latency_s = 0.02
    wiz.server.requests.clear()

    def lose_it():
        while len(writes(wiz)) < 5:
            time.sleep(0.002)
        lose(journal_path())

    waiting = threading.Thread(target=lose_it, daemon=True)
    waiting.start()
    result = plan.apply(progress=False)
    waiting.join()
    counts = result.counts()
    assert counts["unsent"] > len(frame) // 2
    assert counts["done"] + counts["unknown"] + counts["unsent"] == len(frame)
    assert len(writes(wiz)) == counts["done"] + counts["unknown"]
    told = " ".join(result.changes["what_happened"][result.changes["state"] == "unsent"])
    assert any(word in told for word in words.split("|"))


def test_a_full_disk_is_an_error_and_never_an_empty_answer(wiz, monkeypatch):
    frame = load(wiz)
    frame.loc[0, "payment_term"] = "mine"
    wiz.server.faults.add(Fault("answer", "customers.get", status=401))
    plan = frame.wiz.plan()
    assert plan.apply(progress=False).counts()["unsent"] == 1
    connect = sqlite3.connect

    def full(*args, **options):
        connection = connect(*args, **options)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {max(pages, 1)}")
        connection.execute("PRAGMA query_only = ON")
        return connection

    with monkeypatch.context() as patched:
        patched.setattr("sqlite3.connect", full)
        for call in (lambda: wizframe.resume(yes=True), wizframe.pushes, wizframe.history):
            with pytest.raises(JournalError, match="cannot be used"):
                call()
    assert wizframe.resume(yes=True, progress=False)[0].counts()["done"] == 1


def test_a_state_folder_that_cannot_be_read_is_an_error_and_never_an_empty_answer(monkeypatch):
    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.lstat", refuse)
    for call in (lambda: wizframe.resume(yes=True), wizframe.pushes, wizframe.history):
        with pytest.raises(JournalError, match=r"cannot be used .*Permission denied"):
            call()
