"""How time grows with the rows, for load, plan, export and push: from a thousand to a million."""

import os
from unittest import mock

import wizframe
from benchmarks.measuring import Goal, Report, quietly, seconds, timed
from benchmarks.planning import edit
from benchmarks.serving import Sandbox, prepare

ROWS = (1_000, 10_000, 100_000, 1_000_000)
#: A push takes two requests a row: a million of them would only show that for a quarter of an hour.
MOST_PUSHED = 100_000
#: How much longer a row may take where there are ten times as many.
BOUND = 1.25
STEPS = ("load", "plan", "export (CSV)", "push")
EDITS = 1_000


def measure(size):
    """Measure, and report."""
    counts = ROWS[:-1] if size.is_quick else ROWS
    found = {}
    with mock.patch.dict(os.environ, WIZFRAME_STATE_DIR=str(size.folder / "growth")):
        for count in counts:
            with Sandbox(prepare(size.folder, count)) as sandbox:
                found[count] = _measured(sandbox, count, size)
    return _report(found)


def _measured(sandbox, count, size):
    runs = max(1, min(5, 100_000 // count))
    with wizframe.connect(sandbox.api_key, base_url=sandbox.url, workers=16) as client:
        frame = quietly(client.load_customers, progress=False)
        taken = {"load": min(timed(lambda: quietly(client.load_customers, progress=False))[0] for _ in range(runs))}
        edited = edit(frame, min(EDITS, count // 10))
        taken["plan"] = min(timed(lambda: client.plan(edited))[0] for _ in range(runs))
        path = size.folder / "growth.csv"
        taken["export (CSV)"] = min(timed(lambda: wizframe.to_csv(frame, path, progress=False))[0] for _ in range(runs))
        path.unlink()
        if count <= MOST_PUSHED:
            edited = frame.copy()
            edited["payment_term"] = "edited"
            plan = client.plan(edited)
            taken["push"] = timed(lambda: plan.apply(client=client, progress=False))[0]
    return taken


def _report(found):
    report = Report(
        "growth",
        "Growth",
        "The table shows seconds, and in parentheses microseconds for each row. There is no latency, and wizframe has "
        f"16 connections. The plan has {EDITS:,} edited cells, or a tenth of the rows if that is less. The push "
        "changes every row.",
        ["rows", *STEPS],
    )
    for count, taken in found.items():
        shown = [f"{seconds(taken[s])} ({taken[s] / count * 1e6:.0f} µs)" if s in taken else "–" for s in STEPS]
        report.rows.append([f"{count:,}", *shown])
    for step in STEPS:
        figures = [(count, taken[step]) for count, taken in found.items() if step in taken]
        report.series[step] = [list(pair) for pair in figures]
        (few, less), (many, more) = figures[-2:]
        ratio = more / many / (less / few)
        words = f"{step}: one row among {many:,} takes {{}} times as long as one among {few:,}"
        report.goals.append(Goal(words, ratio, BOUND))
    return report
