"""A million customers within 4 GB: load them, plan 1,000 edits, export. In a process of its own."""

import argparse
import json
import sys
import time

from benchmarks.measuring import Goal, Report, in_process, memory_now, peak_memory, quietly, seconds
from benchmarks.serving import Sandbox, prepare

ROWS, EDITS = 1_000_000, 1_000
MOST_GB = 4.0


def measure(size):
    """Measure, and report."""
    with Sandbox(prepare(size.folder, size.of(ROWS))) as sandbox:
        found = in_process("benchmarks.million", sandbox.url, sandbox.api_key, size.folder)
    report = Report(
        "million",
        f"{found['rows']:,} customers",
        f"One process loads them over 16 connections, plans {EDITS:,} edited cells, and exports all rows.",
        ["", "time", "peak memory of the process so far"],
    )
    report.rows = [[what, seconds(taken), f"{peak / 1e9:.2f} GB"] for what, taken, peak in found["steps"]]
    report.goals = [Goal("the peak memory of the process is {} GB", found["steps"][-1][2] / 1e9, MOST_GB)]
    report.notes = [
        (
            f"The process takes {found['imports'] / 1e9:.2f} GB after its imports. "
            f"The finished frame takes {found['frame'] / 1e9:.2f} GB."
        )
    ]
    return report


def carry_out(url, key, folder):
    """Do it, and return the time of each step and the peak memory."""
    import wizframe  # noqa: PLC0415 - its memory must be told apart
    from benchmarks.planning import edit  # noqa: PLC0415

    client = wizframe.connect(key, base_url=url, workers=16)
    imports, steps = memory_now(), []

    def step(what, function):
        start = time.perf_counter()
        result = function()
        steps.append((what, time.perf_counter() - start, peak_memory()))
        return result

    frame = step("load", lambda: quietly(client.load_customers, progress=False))
    edited = edit(frame, EDITS)
    plan = step("plan", lambda: client.plan(edited))
    if len(plan) != min(EDITS, len(frame)):
        raise RuntimeError(plan.summary())
    step("export to CSV", lambda: wizframe.to_csv(edited, f"{folder}/million.csv", progress=False))
    step("export to Excel", lambda: wizframe.to_excel(edited, f"{folder}/million.xlsx", progress=False))
    size = int(frame.memory_usage(deep=True, index=False).sum())
    return {"rows": len(frame), "imports": imports, "frame": size, "steps": steps}


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    for argument in ("url", "key", "folder"):
        options.add_argument(argument)
    sys.stdout.write(f"{json.dumps(carry_out(**vars(options.parse_args())))}\n")
