"""A process that is forked while a client is open: each has its own connections, and no response is mixed up."""

import json
import os
import subprocess
import sys

import pytest
from support.client import Reply, Stub, client_of

from wizframe.errors import ProtocolError
from wizframe.server import SandboxServer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

#: A program that connects, forks in several ways, and prints what each process saw as JSON.
PROGRAM = """
import itertools, json, multiprocessing, os, sys, threading, time, warnings
import wizframe
warnings.simplefilter("ignore")
fork = multiprocessing.get_context("fork")
wiz = wizframe.connect(wizframe.SANDBOX_API_KEY, base_url=sys.argv[1], settle_s=0.1)
frame = wiz.load_customers(progress=False)
ids = frame["id"].tolist()
owners = wiz.load_contacts(ids, progress=False).set_index("id")["customer_id"].to_dict()

def seen(work, *arguments):
    try:
        return work(*arguments)
    except wizframe.WizframeError as error:
        return type(error).__name__ + ": " + str(error)

def in_child(work):
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, json.dumps(seen(work)).encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        return json.loads(pipe.read())

def in_all(work, jobs):
    with fork.Pool(3) as pool:
        waiting = pool.map_async(work, jobs[1:], chunksize=1)
        mine = work(jobs[0])
        return [mine, *waiting.get(60)]
"""

GETS = """
def get(chosen):
    return [wiz.customer.get(one)["id"] == one for one in chosen]
print(json.dumps([all(seen(get, ids)) for _ in range(1)] + [all(each) for each in in_all(get, [ids] * 4)]))
"""
LOADS = """
def load(status):
    loaded = wiz.load_customers(status=status, progress=False)
    return sorted(loaded["id"]) == sorted(frame.loc[frame["status"] == status, "id"])
def contacts(chosen):
    loaded = wiz.load_contacts(chosen, progress=False)
    wanted = {contact: owner for contact, owner in owners.items() if owner in chosen}
    return loaded.set_index("id")["customer_id"].to_dict() == wanted
def chunks(size):
    chunks = wiz.iter_customers(chunksize=size, progress=False)
    return sorted(one for chunk in chunks for one in chunk["id"]) == sorted(ids)
print(json.dumps(in_all(load, ["active", "inactive"] * 2) + in_all(contacts, [ids[k::4] for k in range(4)])
                 + in_all(chunks, [7, 20, 50, 9])))
"""
WRITES = """
def update(chosen):
    return [wiz.customer.update(one, {"first_name": one[-40:]})["id"] == one for one in chosen]
def push(chosen):
    mine = frame.loc[frame["id"].isin(chosen)].copy()
    mine["last_name"] = mine["id"].str[-40:]
    return mine.wiz.push(yes=True, client=wiz).counts()["done"] == len(chosen)
print(json.dumps([all(each) for each in in_all(update, [ids[k::4] for k in range(4)])]
                 + in_all(push, [ids[k::4] for k in range(4)])))
"""
ITERATORS = """
started = wiz.iter_customers(chunksize=10, page_size=10, progress=False)
first = next(started)
inherited = in_child(lambda: len(next(started)))
closed = in_child(lambda: started.close())
rest = [one for chunk in started for one in chunk["id"]]
print(json.dumps([inherited, closed, sorted([*first["id"], *rest]) == sorted(ids)]))
"""
THREADS = """
stop = threading.Event()
def read():
    while not stop.is_set():
        wiz.load_customers(page_size=10, progress=False)
readers = [threading.Thread(target=read, daemon=True) for _ in range(3)]
for reader in readers:
    reader.start()
found = [in_child(lambda: sorted(wiz.load_customers(progress=False)["id"]) == sorted(ids)) for _ in range(15)]
stop.set()
for reader in readers:
    reader.join()
print(json.dumps(found))
"""
LOCKS = """
held = [wiz._lock, wiz.transport.rate_limiter._lock, *[wiz.transport._adapter.slots] * 4]
taken, free = threading.Event(), threading.Event()
def hold():
    for lock in held:
        lock.acquire()
    taken.set()
    free.wait()
    for lock in held:
        lock.release()
holder = threading.Thread(target=hold)
holder.start()
taken.wait()
found = in_child(lambda: wiz.load_customers(progress=False)["id"].tolist() == ids)
free.set()
holder.join()
print(json.dumps([found]))
"""
ENDS = """
own = wizframe.sandbox(customers=3)
def ends():
    own.close()
    wiz.close()
    return True
child = fork.Process(target=ends)
child.start()
child.join()
still = len(own.load_customers(progress=False)) == 3
print(json.dumps([child.exitcode == 0, still, wiz.customer.get(ids[0])["id"] == ids[0]]))
"""


@pytest.fixture
def server():
    with SandboxServer(customers=40) as running:
        yield running


def _run(server, part):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + part, server.base_url], capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("part", [GETS, LOADS, THREADS, LOCKS, ENDS], ids=["get", "load", "threads", "locks", "end"])
def test_each_process_reads_what_it_requested(server, part):
    found = _run(server, part)
    assert found == [True] * len(found)


def test_each_write_reaches_its_own_record_and_is_reported_so(server):
    found = _run(server, WRITES)
    assert found == [True] * len(found)
    stored = server.records("customers")
    assert [one["first_name"] for one in stored] == [one["id"][-40:] for one in stored]
    assert [one["last_name"] for one in stored] == [one["id"][-40:] for one in stored]


def test_a_load_that_the_parent_began_goes_on_there_and_uses_no_thread_of_it_in_the_child(dialect):
    with SandboxServer(customers=40, dialect=dialect) as server:
        inherited, closed, is_complete = _run(server, ITERATORS)
    refused = (
        "ConfigurationError: the process was forked during a load or a push, and only the parent process can continue "
        "it. In the child process, start a new load."
    )
    # Without totals, pages are read one after the other, without threads.
    assert inherited == (refused if dialect == "rest" else 10)
    assert closed is None
    assert is_complete


JOURNAL = """
from wizframe.pushing.journal import Journal
from wizframe.pushing.journal_entries import Entry, PushEntry, new_push_id, now
push = PushEntry(push_id=new_push_id(), plan_id="p", base_url=sys.argv[1], account="sandbox", table_name="customers",
                 user="ada", note="", on_conflict="skip", started_at=now())
cells = [["payment_term", "net30", "net45"]]
rows = [Entry(number, "update", ids[number], None, None, "Shop", number, cells, "customers") for number in range(2)]
journal = Journal()
journal.begin(push, rows)
def written():
    journal.record(push.push_id, 0, state="done")
def closed():
    journal.close()
    return len(wizframe.pushes())
found = [in_child(written), in_child(closed)]
journal.record(push.push_id, 1, state="sent")
print(json.dumps([*found, journal.counts(push.push_id)]))
journal.close()
"""


def test_only_the_parent_process_writes_its_push_into_the_journal():
    with SandboxServer(customers=3) as server:
        written, closed, states = _run(server, JOURNAL)
    assert written.startswith("JournalError: ")
    assert closed == 1
    assert states == {"planned": 1, "sent": 1}


@pytest.mark.parametrize("answered", ["cust_2", "CUST_1", "cust_1 "])
def test_a_response_about_another_record_is_refused(answered, dialect):
    record = {"id": answered, "name": "A", "reference_id": "R"}
    reply = Reply.json({"data": record} if dialect == "rest" else record)
    with Stub(*[reply] * 4) as stub:
        client = client_of(stub.base_url, dialect=dialect)
        for ask in (
            lambda: client.customer.get("cust_1"),
            lambda: client.customer.update("cust_1", {"phone": "+15550100"}),
            lambda: client.customer.contact.get("cust_1", "cont_1"),
            lambda: client.customer.contact.replace({"id": "cont_1", "customer_id": "cust_1"}, {"first_name": "A"}),
        ):
            with pytest.raises(ProtocolError, match=r"the request was about (cust|cont)_1, but the response is about"):
                ask()
