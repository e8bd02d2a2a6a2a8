"""Writing and reading a workbook of 100,000 customers, against pandas with its defaults, in one run.

    python benchmarks/excel.py [--rows 100000] [--runs 3]

wizframe's workbook has formats, drop-downs, validations, an explaining sheet and the baseline; reading it checks the
file, compares every cell, and gives a typed frame with its baseline attached. pandas writes and reads bare cells. The
runs are interleaved, since a machine's speed changes; the medians count.
"""

import argparse
import gc
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

import pandas as pd

import wizframe
from wizframe.errors import InvalidDataWarning

GOALS = {"write": 3.0, "read": 5.0}


def load(rows):
    """Load made-up customers, with their baseline."""
    with warnings.catch_warnings(), wizframe.sandbox(customers=rows):
        warnings.simplefilter("ignore", InvalidDataWarning)
        return wizframe.load_customers(progress=False)


def timed(function):
    """Give the seconds that a function takes."""
    gc.collect()
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def contestants(frame, folder):
    """Name what is measured: (what, who) to a function."""
    ours, theirs = folder / "wizframe.xlsx", folder / "pandas.xlsx"
    bare = pd.DataFrame({name: _without_zone(frame[name]) for name in frame})
    return {
        ("write", "wizframe.to_excel"): lambda: wizframe.to_excel(frame, ours, progress=False),
        ("write", "DataFrame.to_excel (xlsxwriter, its default where installed)"): lambda: bare.to_excel(theirs),
        ("write", "DataFrame.to_excel (openpyxl, its default elsewhere)"): lambda: bare.to_excel(
            theirs, engine="openpyxl"
        ),
        ("read", "wizframe.read_excel"): lambda: wizframe.read_excel(ours, progress=False),
        ("read", "pandas.read_excel (openpyxl, its default)"): lambda: pd.read_excel(theirs, engine="openpyxl"),
        ("read", "pandas.read_excel (calamine)"): lambda: pd.read_excel(theirs, engine="calamine"),
    }


def _without_zone(values):
    return values.dt.tz_localize(None) if isinstance(values.dtype, pd.DatetimeTZDtype) else values


def report(seconds):
    """Print the medians, and how many times faster wizframe is."""
    for what, goal in GOALS.items():
        medians = {who: statistics.median(times) for (kind, who), times in seconds.items() if kind == what}
        own = medians[f"wizframe.{'to' if what == 'write' else 'read'}_excel"]
        for who, median in medians.items():
            times = "" if median == own else f"{median / own:6.2f} ×"
            sys.stdout.write(f"{what:6}{who:64}{median:8.2f} s{times}\n")
        sys.stdout.write(f"      goal: at least {goal:g} × as fast as pandas with its default\n")


def main():
    """Measure, and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    frame = load(given.rows)
    sys.stdout.write(f"{len(frame)} rows × {frame.shape[1]} columns, medians of {given.runs} runs\n")
    with tempfile.TemporaryDirectory() as folder:
        functions = contestants(frame, Path(folder))
        seconds = {key: [] for key in functions}
        for _ in range(given.runs):
            for key, function in functions.items():
                seconds[key].append(timed(function))
    report(seconds)


if __name__ == "__main__":
    main()
