"""Peak memory of a load and of a push, as a multiple of the finished frame. Each in its own process."""

import argparse
import json
import os
import sys
from unittest import mock

from benchmarks.measuring import Goal, Report, forget_peak, in_process, memory_now, peak_memory, quietly
from benchmarks.serving import Sandbox, prepare

ROWS, MANY, PUSHED = 100_000, 1_000_000, 30_000
BOUND, BOUND_OF_MANY = 3.0, 1.6
#: Ten times the rows; the ids that were seen are kept, so that none comes twice.
FLAT = 1.5
CONNECTIONS = 16
WORDS = {
    "naive": "`requests.get` in a loop, `json_normalize`",
    "dlt": "dlt, its REST client",
    "httpx": "httpx, async",
    "aiohttp": "aiohttp",
    "bound": "aiohttp with orjson and Arrow (for comparison)",
    "wizframe": "**wizframe**, validated, with its baseline",
}
MEGABYTE = 1_000_000


def measure(size):
    """Measure, and report."""
    with Sandbox(prepare(size.folder, size.of(ROWS))) as sandbox:
        found = {name: _of(sandbox, name) for name in WORDS}
        stream = _of(sandbox, "stream")
        with mock.patch.dict(os.environ, WIZFRAME_STATE_DIR=str(size.folder / "memory")):
            pushed = _of(sandbox, "push")
    with Sandbox(prepare(size.folder, size.of(MANY))) as sandbox:
        many, long_stream = _of(sandbox, "wizframe"), _of(sandbox, "stream")
    rows, frame = found["wizframe"]["rows"], found["wizframe"]["frame"]
    report = Report(
        "memory",
        "Memory of a load and of a push",
        "The table shows the peak memory of each process, minus the memory that the process had after its imports. The "
        "second column compares this with the size of wizframe's finished frame. The push changes every row of its "
        "frame. Its figure is the memory that it needs in addition to the frame and the plan, with the records that it "
        "reads from the service.",
        ["", "peak memory", "divided by the frame's size"],
    )
    for name, words in WORDS.items():
        report.rows.append([f"{words}, {rows:,} rows", *_shown(found[name]["peak"], frame)])
        report.series[name] = [[f"{rows:,}", found[name]["peak"] / frame]]
    report.rows.append([f"{WORDS['wizframe']}, {many['rows']:,} rows", *_shown(many["peak"], many["frame"])])
    for one, whole in ((stream, frame), (long_stream, many["frame"])):
        report.rows.append([f"**wizframe**, `iter_customers`, {one['rows']:,} rows", *_shown(one["peak"], whole)])
    shown = _shown(pushed["peak"], pushed["frame"])
    report.rows.append([f"**wizframe**, a push of {pushed['rows']:,} rows, in addition to frame and plan", *shown])
    report.goals = [
        Goal(
            f"{rows:,} rows: peak memory is {{}} times the size of the frame", found["wizframe"]["peak"] / frame, BOUND
        ),
        Goal(
            f"{many['rows']:,} rows: peak memory is {{}} times the size of the frame",
            many["peak"] / many["frame"],
            BOUND_OF_MANY,
        ),
        Goal(
            f"`iter_customers`: {many['rows']:,} rows take {{}} times the memory of {rows:,} rows",
            long_stream["peak"] / stream["peak"],
            FLAT,
        ),
    ]
    report.notes = [
        (
            f"The finished frame takes {frame / MEGABYTE:.0f} MB for {rows:,} rows, "
            f"and {many['frame'] / MEGABYTE:.0f} MB for {many['rows']:,} rows."
        )
    ]
    return report


def _of(sandbox, name):
    return in_process("benchmarks.memory", name, sandbox.url, sandbox.api_key)


def _shown(peak, frame):
    return f"{peak / MEGABYTE:.0f} MB", f"{peak / frame:.1f}"


def load(name, url, key):
    """Load, and tell of the memory that it took."""
    import wizframe  # noqa: PLC0415 - its memory must not count
    from benchmarks import peers  # noqa: PLC0415

    client = wizframe.connect(key, base_url=url, workers=CONNECTIONS)
    loads = {
        "naive": lambda: peers.naive_loop(url, key),
        "dlt": lambda: peers.dlt_client(url, key),
        "httpx": lambda: peers.httpx_async(url, key, CONNECTIONS),
        "aiohttp": lambda: peers.aiohttp_async(url, key, CONNECTIONS),
        "bound": lambda: peers.aiohttp_bound(url, key, CONNECTIONS),
        "wizframe": lambda: quietly(client.load_customers, progress=False),
    }
    if name == "stream":
        return stream(client)
    if name == "push":
        return push(client)
    quietly(client.load_customers, limit=1, progress=False)  # what is imported when first used: pandera
    if name == "dlt":
        import dlt.sources.helpers.rest_client  # noqa: F401, PLC0415
    before = memory_now()
    forget_peak()
    frame = loads[name]()
    peak = peak_memory() - before
    return {"peak": peak, "frame": int(frame.memory_usage(deep=True, index=False).sum()), "rows": len(frame)}


def stream(client):
    """Load one frame after the other, and tell of the memory that it took."""
    quietly(client.load_customers, limit=1, progress=False)
    before = memory_now()
    forget_peak()
    rows = quietly(lambda: sum(map(len, client.iter_customers(progress=False))))
    return {"peak": peak_memory() - before, "frame": 0, "rows": rows}


def push(client):
    """Push an edit of every row, and tell of the memory that it took."""
    frame = quietly(client.load_customers, limit=PUSHED, progress=False)
    frame["payment_term"] = "edited"
    plan = client.plan(frame)
    client.plan(frame.head(1)).apply(client=client, progress=False)  # what is imported when first used
    before = memory_now()
    forget_peak()
    result = plan.apply(client=client, progress=False)
    if result.counts()["done"] != len(frame):
        raise RuntimeError(result.summary())
    size = int(frame.memory_usage(deep=True, index=False).sum())
    return {"peak": peak_memory() - before, "frame": size, "rows": len(frame)}


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    for argument in ("name", "url", "key"):
        options.add_argument(argument)
    sys.stdout.write(f"{json.dumps(load(**vars(options.parse_args())))}\n")
