"""Planning the edits of a large frame, against `DataFrame.compare`; and what a baseline costs other operations."""

import time

import numpy as np
import pandas as pd

import wizframe
from benchmarks.measuring import Goal, Report, interleaved, quietly, seconds, times
from benchmarks.serving import Sandbox, prepare

ROWS, EDITS, RUNS = 100_000, 500, 7
#: A column that nothing has to be looked up for: the comparison is measured.
EDITED = ("payment_term", "shipping_method", "display_name", "first_name", "last_name")
REPEATS = 30  # of an operation of milliseconds
IN_PLACE, MOVED, SLOWER, LEAST_S = 1.0, 1.0, 1.05, 0.001


def measure(size):
    """Measure, and report."""
    with (
        Sandbox(prepare(size.folder, size.of(ROWS))) as sandbox,
        wizframe.connect(sandbox.api_key, base_url=sandbox.url, workers=16) as client,
    ):
        return _measured(client, quietly(client.load_customers, progress=False))


def _measured(client, loaded):
    edited = edit(loaded, EDITS)
    moved = edited.sample(frac=1, random_state=1)
    before = loaded.set_index("id")
    for frame in (edited, moved):
        found = len(client.plan(frame).changes_list)
        compared = len(frame.set_index("id").reindex(before.index).compare(before))
        if found != compared:
            raise RuntimeError(f"{found} changes, but {compared} rows differ")
    found = interleaved(
        {
            "plan": lambda: client.plan(edited),
            "compare": lambda: edited.compare(loaded),
            "plan, moved": lambda: client.plan(moved),
            "compare, moved": lambda: moved.set_index("id").reindex(before.index).compare(before),
        },
        RUNS,
    )
    return _report(loaded, found, _operations(loaded))


def edit(frame, count):
    """Edit so many cells, each in another row."""
    edited = frame.copy()
    chosen = np.random.default_rng(1).choice(len(frame), min(count, len(frame)), replace=False)
    for number, name in enumerate(EDITED):
        edited.iloc[chosen[number :: len(EDITED)], edited.columns.get_loc(name)] = "edited"
    return edited


def _operations(loaded):
    """Time operations on a frame with its baseline, and on the same without."""
    plain = loaded.copy(deep=False)
    plain.attrs = {}
    operations = {
        "copy": lambda frame: frame.copy(),
        "filter": lambda frame: frame[frame["payment_term"] == "net30"],
        "sort": lambda frame: frame.sort_values("company_name"),
        "group": lambda frame: frame.groupby("payment_term").size(),
        "merge": lambda frame: frame.merge(frame[["id", "status"]], on="id"),
        "concat": lambda frame: pd.concat([frame, frame]),
        "assign": lambda frame: frame.assign(x=1),
    }
    return {name: _fastest(operation, loaded, plain) for name, operation in operations.items()}


def _fastest(operation, *frames):
    """Time an operation on some frames in turns; the least counts, since differences of microseconds are looked for."""
    taken = {number: [] for number in range(len(frames))}
    for _ in range(REPEATS):
        for number, frame in enumerate(frames):
            start = time.perf_counter()
            operation(frame)
            taken[number].append(time.perf_counter() - start)
    return tuple(map(min, taken.values()))


def _report(loaded, found, operations):
    rows, columns = loaded.shape
    report = Report(
        "planning",
        f"Planning {EDITS} edited cells among {rows:,} rows × {columns} columns",
        "`plan()` converts the types, matches the rows by id, compares them and checks every rule. `compare` is "
        "pandas' own `DataFrame.compare`, with `set_index` and `reindex` if rows have moved. The lower rows time other "
        "operations of pandas twice: on a frame with a baseline (first column) and on one without (second column).",
        ["", "wizframe", "`compare`", "times as fast"],
    )
    for words, own, other in (("rows in place", "plan", "compare"), ("rows moved", "plan, moved", "compare, moved")):
        report.rows.append([words, seconds(found[own]), seconds(found[other]), times(found[other] / found[own])])
    for name, (with_baseline, without) in operations.items():
        report.rows.append(
            [
                f"{name}: with a baseline, and without",
                seconds(with_baseline),
                seconds(without),
                times(without / with_baseline),
            ]
        )
    slowest = max(own / other for own, other in operations.values() if other > LEAST_S)
    report.goals = [
        Goal(
            "rows in place: `plan()` is {} times as fast as `compare`",
            found["compare"] / found["plan"],
            IN_PLACE,
            is_least=True,
        ),
        Goal(
            "rows moved: `plan()` is {} times as fast as `compare`",
            found["compare, moved"] / found["plan, moved"],
            MOVED,
            is_least=True,
        ),
        Goal("an operation of more than 1 ms takes up to {} times as long with a baseline as without", slowest, SLOWER),
    ]
    return report
