"""Reading the contacts of many customers: the N + 1 requests that the service's API needs."""

import asyncio

import aiohttp
import httpx
import orjson
import pandas as pd
import requests

import wizframe
from benchmarks.measuring import Goal, Report, interleaved, quietly, seconds, times
from benchmarks.serving import Sandbox, prepare

CUSTOMERS = 5_000
#: Of the customers, in the loop and with httpx: minutes for all of them, each as long as the other.
SHARE = 10
LATENCY_S = 0.02
CONNECTIONS = (16, 32)
#: Of the floor.
GOALS = {16: 1.05}
WORDS = {
    "loop": f"a loop over a `Session` (measured for a {SHARE}th of the customers, × {SHARE})",
    "httpx": f"httpx, async (measured for a {SHARE}th of the customers, × {SHARE})",
    "aiohttp": "aiohttp",
    "wizframe": "**wizframe**, validated",
    "floor": "the floor: latency × requests ÷ connections",
}
STATUSES = ("active", "inactive")


def measure(size):
    """Measure, and report."""
    count = size.of(CUSTOMERS)
    with Sandbox(prepare(size.folder, size.of(100_000))) as sandbox:
        with wizframe.connect(sandbox.api_key, base_url=sandbox.url, workers=16) as client:
            ids = quietly(client.load_customers, limit=count, progress=False)["id"].tolist()
        sandbox.set_latency(LATENCY_S)
        loop = interleaved({"loop": lambda: read_in_a_loop(sandbox, ids[::SHARE])}, 1)
        found = {connections: _parallel(sandbox, ids, connections) for connections in CONNECTIONS}
    for connections, measured in found.items():
        measured["loop"] = loop["loop"] * SHARE
        measured["floor"] = LATENCY_S * -(-len(ids) * len(STATUSES) // connections)
    return _report(count, found)


def _parallel(sandbox, ids, connections):
    with wizframe.connect(sandbox.api_key, base_url=sandbox.url, workers=connections, dialect="rest") as client:
        quietly(client.load_contacts, ids[0], progress=False)  # imports
        contestants = {
            "wizframe": lambda: quietly(client.load_contacts, ids, progress=False),
            "httpx": lambda: asyncio.run(with_httpx(sandbox, ids[::SHARE], connections)),
            "aiohttp": lambda: asyncio.run(with_aiohttp(sandbox, ids, connections)),
        }
        found = interleaved(contestants, 1)
    return found | {"httpx": found["httpx"] * SHARE}


def _url(sandbox, customer_id):
    return f"{sandbox.url}/customers/{customer_id}/contacts"


def _frame(ids, bodies):
    owners = [identifier for identifier in ids for _ in STATUSES]
    rows = zip(owners, bodies, strict=True)
    return pd.DataFrame([{"customer_id": owner} | row for owner, body in rows for row in body["data"]])


def read_in_a_loop(sandbox, ids):
    """Read the contacts of one customer after the other."""
    bodies = []
    with requests.Session() as session:
        session.headers["X-API-Key"] = sandbox.api_key
        for identifier in ids:
            for status in STATUSES:
                answer = session.get(_url(sandbox, identifier), params={"status": status, "page_size": 100})
                answer.raise_for_status()
                bodies.append(answer.json())
    return _frame(ids, bodies)


async def with_httpx(sandbox, ids, connections):
    """Read with httpx, so many requests at a time."""
    limits = httpx.Limits(max_connections=connections)
    async with httpx.AsyncClient(headers={"X-API-Key": sandbox.api_key}, limits=limits, timeout=None) as client:  # noqa: S113

        async def get(identifier, status):
            answer = await client.get(_url(sandbox, identifier), params={"status": status, "page_size": 100})
            answer.raise_for_status()
            return answer.json()

        bodies = await asyncio.gather(*(get(identifier, status) for identifier in ids for status in STATUSES))
    return _frame(ids, bodies)


async def with_aiohttp(sandbox, ids, connections):
    """Read with aiohttp, so many requests at a time."""
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(headers={"X-API-Key": sandbox.api_key}, connector=connector) as session:

        async def get(identifier, status):
            async with session.get(_url(sandbox, identifier), params={"status": status, "page_size": 100}) as answer:
                answer.raise_for_status()
                return orjson.loads(await answer.read())

        bodies = await asyncio.gather(*(get(identifier, status) for identifier in ids for status in STATUSES))
    return _frame(ids, bodies)


def _report(count, found):
    report = Report(
        "contacts",
        f"Contacts of {count:,} customers, at a latency of {LATENCY_S * 1000:.0f} ms",
        "A load sends two requests for each customer, one for each status. The table shows the seconds until the frame "
        "is ready, and in parentheses how many times as fast as the loop that is.",
        ["", *(f"{connections} connections" for connections in found)],
    )
    for name, words in WORDS.items():
        shown = [f"{seconds(one[name])} ({times(one['loop'] / one[name])})" for one in found.values()]
        report.rows.append([words, *shown])
        report.series[name] = [[str(connections), one[name]] for connections, one in found.items()]
    ratios = [f"{one['wizframe'] / one['floor']:.2f}" for one in found.values()]
    report.rows.append(["wizframe ÷ the floor", *ratios])
    for connections, bound in GOALS.items():
        ratio = found[connections]["wizframe"] / found[connections]["floor"]
        report.goals.append(
            Goal(f"{connections} connections: wizframe takes {{}} times as long as the floor", ratio, bound)
        )
    return report
