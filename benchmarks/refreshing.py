"""Refreshing a load of 100,000 customers of which some changed, compared with reading all of them again."""

import random
from datetime import timedelta

import pandas as pd
import requests

import wizframe
from benchmarks import peers
from benchmarks.measuring import Goal, Report, interleaved, quietly, seconds, times
from benchmarks.serving import Sandbox, prepare

ROWS, CHANGED = 100_000, 100
LATENCY_S = 0.02
CONNECTIONS = 16
#: Of the pages, in the loop.
SHARE = 10
#: The loop asks for what changed since some minutes before, as wizframe does: clocks and answers are not of one moment.
OVERLAP = timedelta(minutes=5)
FEWER = 200
WORDS = {
    "all": f"`requests.get` in a loop, `json_normalize`: reads all again (measured for a {SHARE}th, × {SHARE})",
    "load": "wizframe: loads all again",
    "loop": "a loop with `updated_after`, `pandas.concat`, `drop_duplicates`",
    "refresh": "**wizframe.refresh**",
    "deletions": "**wizframe.refresh**, `deletions=True`",
}


def measure(size):
    """Measure, and report."""
    rows, changed = size.of(ROWS), size.of(CHANGED * 100) // 100
    folder = size.folder / "refreshing"  # an account of its own: what another table wrote a minute ago would be news
    folder.mkdir()
    with (
        Sandbox(prepare(folder, rows)) as sandbox,
        wizframe.connect(sandbox.api_key, base_url=sandbox.url, workers=CONNECTIONS) as client,
    ):
        frame = quietly(client.load_customers, progress=False)
        since = pd.Timestamp.now("UTC") - OVERLAP
        for identifier in random.Random(1).sample(frame["id"].tolist(), changed):  # noqa: S311 - no secret
            client.customer.update(identifier, {"payment_term": "changed"})
        _check(client, frame, sandbox, since, changed)
        sandbox.set_latency(LATENCY_S)
        contestants = {
            "load": lambda: quietly(client.load_customers, progress=False),
            "refresh": lambda: quietly(frame.wiz.refresh, client=client, progress=False),
            "deletions": lambda: quietly(frame.wiz.refresh, client=client, deletions=True, progress=False),
            "loop": lambda: changes_in_a_loop(sandbox, frame, since),
        }
        found = interleaved(contestants, size.runs)
        found["all"] = SHARE * interleaved({"all": lambda: _all(sandbox, SHARE)}, 1)["all"]
        sandbox.set_latency(0)
        asked = {name: _requests(sandbox, run) for name, run in contestants.items()}
        asked["all"] = _requests(sandbox, lambda: _all(sandbox, 1))
    return _report(rows, changed, found, asked)


def _all(sandbox, share):
    return peers.naive_loop(sandbox.url, sandbox.api_key, share=share)


def changes_in_a_loop(sandbox, frame, since):
    """Ask for what changed, page by page, and put it in."""
    records = []
    with requests.Session() as session:
        session.headers["X-API-Key"] = sandbox.api_key
        for status in ("active", "inactive"):
            page = 1
            while page:
                query = {"status": status, "updated_after": since.isoformat(), "page": page, "page_size": 100}
                answer = session.get(f"{sandbox.url}/customers", params=query).json()
                records += answer["data"]
                page = answer["pagination"]["next_page"]
    changed = pd.json_normalize(records).rename(columns={"name": "company_name"})
    for name in ("created_at", "updated_at"):
        changed[name] = pd.to_datetime(changed[name], format="ISO8601")
    both = pd.concat([frame, changed[changed.columns.intersection(frame.columns)]], ignore_index=True)
    return both.drop_duplicates("id", keep="last", ignore_index=True)


def _check(client, frame, sandbox, since, changed):
    """Both must find what changed, and nothing else."""
    for now in (quietly(frame.wiz.refresh, client=client, progress=False), changes_in_a_loop(sandbox, frame, since)):
        found = int((now["payment_term"] == "changed").sum())
        if (found, len(now)) != (changed, len(frame)):
            raise RuntimeError(f"{found} of {changed} changes found, {len(now)} rows")


def _requests(sandbox, run):
    sandbox.count_requests()
    run()
    return sandbox.count_requests()


def _report(rows, changed, found, asked):
    report = Report(
        "refreshing",
        f"Refreshing {rows:,} customers after {changed} changed, at a latency of {LATENCY_S * 1000:.0f} ms",
        f"wizframe has {CONNECTIONS} connections. A refresh keeps the edits in the frame, shows collisions with other "
        "users' edits, validates, and gives the frame a new baseline.",
        ["", "time", "times as fast as reading all in a loop", "requests"],
    )
    for name, words in WORDS.items():
        report.rows.append([words, seconds(found[name]), times(found["all"] / found[name]), f"{asked[name]:,}"])
    report.goals = [
        Goal(
            "a load sends {} times as many requests as a refresh",
            asked["load"] / asked["refresh"],
            FEWER,
            is_least=True,
        )
    ]
    return report
