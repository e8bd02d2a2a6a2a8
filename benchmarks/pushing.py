"""Pushing 2,000 updates, each with the read before it, and what the journal costs."""

import asyncio
import contextlib
import os
import time
from concurrent.futures import Future
from unittest import mock

import aiohttp
import requests

import wizframe
from benchmarks.measuring import Goal, Report, interleaved, quietly, seconds, times
from benchmarks.serving import Sandbox, prepare
from wizframe.pushing.journal import Journal

UPDATES = 2_000
#: Of the updates, in the loop: it takes a minute and a half for all of them, each as long as the other.
SHARE = 10
LATENCY_S = 0.02
FSYNC_S = 0.005
CONNECTIONS = (16, 32)
OF_FLOOR, OF_NO_JOURNAL = 1.10, 1.10
WORDS = {
    "loop": f"a loop over a `Session` (measured for a {SHARE}th of the updates, × {SHARE})",
    "aiohttp": "aiohttp",
    "bare": "wizframe, without its journal",
    "wizframe": "**wizframe**",
    "fsync": f"**wizframe**, each commit {FSYNC_S * 1000:.0f} ms slower",
    "floor": "the floor: latency × requests ÷ connections",
}


def measure(size):
    """Measure, and report."""
    count = size.of(UPDATES)
    state = mock.patch.dict(os.environ, WIZFRAME_STATE_DIR=str(size.folder / "state"))
    with state, Sandbox(prepare(size.folder, size.of(100_000))) as sandbox:
        loop = _Loop(sandbox)
        with wizframe.connect(sandbox.api_key, base_url=sandbox.url, workers=16) as client:
            frame = quietly(client.load_customers, limit=count, progress=False)
        ids = frame["id"].tolist()
        sandbox.set_latency(LATENCY_S)
        slow = interleaved({"loop": lambda: loop.push(ids[::SHARE])}, 1)["loop"] * SHARE
        found = {}
        for connections in CONNECTIONS:
            found[connections] = _parallel(sandbox, loop, ids, connections, size.runs) | {"loop": slow}
            found[connections]["floor"] = LATENCY_S * -(-2 * count // connections)
    return _report(count, found)


class _Loop:
    """The comparison: read each record, then write it if its value differs."""

    def __init__(self, sandbox):
        self._customers = f"{sandbox.url}/customers"
        self._headers = {"X-API-Key": sandbox.api_key}
        self._term = 0

    def new_term(self):
        """Give a value that no record has."""
        self._term += 1
        return f"term{self._term}"

    def push(self, ids):
        term = self.new_term()
        with requests.Session() as session:
            session.headers.update(self._headers)
            for identifier in ids:
                url = f"{self._customers}/{identifier}"
                if session.get(url).json()["data"].get("payment_term") != term:
                    session.patch(url, json={"payment_term": term}).raise_for_status()

    async def push_with_aiohttp(self, ids, connections):
        term = self.new_term()
        connector = aiohttp.TCPConnector(limit=connections)
        async with aiohttp.ClientSession(headers=self._headers, connector=connector) as session:

            async def update(identifier):
                url = f"{self._customers}/{identifier}"
                async with session.get(url) as answer:
                    found = await answer.json()
                if found["data"].get("payment_term") != term:
                    async with session.patch(url, json={"payment_term": term}) as answer:
                        answer.raise_for_status()
                        await answer.json()

            await asyncio.gather(*map(update, ids))


def _parallel(sandbox, loop, ids, connections, runs):
    with wizframe.connect(sandbox.api_key, base_url=sandbox.url, workers=connections) as client:
        push = _Push(client, loop, len(ids))
        push.apply(contextlib.nullcontext)  # imports, and the journal's file
        push.times.clear()
        contestants = {
            "wizframe": lambda: push.apply(contextlib.nullcontext),
            "bare": lambda: push.apply(_no_journal),
            "fsync": lambda: push.apply(_slow_disk),
            "aiohttp": lambda: asyncio.run(loop.push_with_aiohttp(ids, connections)),
        }
        found = interleaved(contestants, runs)
    return found | push.medians()


class _Push:
    """Pushes of one frame. What is timed is `Plan.apply`: the rest of a run is the preparation."""

    def __init__(self, client, loop, count):
        self._client, self._loop, self._count = client, loop, count
        self.times = {}

    def apply(self, setting):
        frame = quietly(self._client.load_customers, limit=self._count, progress=False)
        frame["payment_term"] = self._loop.new_term()
        plan = self._client.plan(frame)
        with setting():
            start = time.perf_counter()
            result = plan.apply(client=self._client, progress=False)
            taken = time.perf_counter() - start
        if result.counts()["done"] != self._count:
            raise RuntimeError(result.summary())
        self.times.setdefault(setting, []).append(taken)

    def medians(self):
        names = {contextlib.nullcontext: "wizframe", _no_journal: "bare", _slow_disk: "fsync"}
        return {names[setting]: sorted(taken)[len(taken) // 2] for setting, taken in self.times.items()}


def _no_journal():
    methods = {"begin": _nothing, "record": _nothing, "note": _noted, "end": _nothing, "release": _nothing}
    return mock.patch.multiple(Journal, **methods)


def _nothing(*_arguments, **_options):
    pass


def _noted(*_arguments, **_options):
    written = Future()
    written.set_result(1)
    return written


def _slow_disk():
    commit = Journal._commit  # noqa: SLF001 - where a disk would make it wait

    def slow_commit(journal, batch):
        time.sleep(FSYNC_S)
        commit(journal, batch)

    return mock.patch.object(Journal, "_commit", slow_commit)


def _report(count, found):
    report = Report(
        "pushing",
        f"Pushing {count:,} updates, at a latency of {LATENCY_S * 1000:.0f} ms",
        "An update takes two requests: the first reads the record, the second writes it. The table shows the seconds "
        "for all updates, and in parentheses how many times as fast as the loop that is. wizframe also compares each "
        "record with the baseline, records each write on disk before it is sent, checks each response, and updates the "
        "frame.",
        ["", *(f"{connections} connections" for connections in found)],
    )
    for name, words in WORDS.items():
        shown = [f"{seconds(one[name])} ({times(one['loop'] / one[name])})" for one in found.values()]
        report.rows.append([words, *shown])
        report.series[name] = [[str(connections), one[name]] for connections, one in found.items()]
    ratios = [f"{one['wizframe'] / one['floor']:.2f}" for one in found.values()]
    report.rows.append(["wizframe ÷ the floor", *ratios])
    first = found[CONNECTIONS[0]]
    where = f"{CONNECTIONS[0]} connections"
    report.goals = [
        Goal(f"{where}: wizframe takes {{}} times as long as the floor", first["wizframe"] / first["floor"], OF_FLOOR),
        Goal(
            f"{where}, slow disk: wizframe takes {{}} times as long as without its journal",
            first["fsync"] / first["bare"],
            OF_NO_JOURNAL,
        ),
    ]
    return report
