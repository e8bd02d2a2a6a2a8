"""Writing and reading a workbook of 100,000 customers, against pandas with its defaults, in one run.

wizframe's workbook has formats, drop-downs, validations, an explaining sheet and the baseline; reading it checks the
file, compares every cell, and gives a typed frame with its baseline attached. pandas writes and reads bare cells.
"""

import pandas as pd

import wizframe
from benchmarks.measuring import Goal, Report, interleaved, quietly, seconds, times
from benchmarks.serving import Sandbox, prepare

ROWS = 100_000
GOALS = {"write": 2.0, "read": 5.0}
OWN = {"write": "wizframe.to_excel", "read": "wizframe.read_excel"}
#: The peers take half a minute in all, and their time hardly moves.
RUNS_OF_PEERS = 1


def measure(size):
    """Measure, and report."""
    with (
        Sandbox(prepare(size.folder, size.of(ROWS))) as sandbox,
        wizframe.connect(sandbox.api_key, base_url=sandbox.url, workers=16) as client,
    ):
        frame = quietly(client.load_customers, progress=False)
        functions = contestants(frame, size.folder)
        runs = {key: size.runs if key[1] == OWN[key[0]] else RUNS_OF_PEERS for key in functions}
        return _report(frame, interleaved(functions, runs))


def contestants(frame, folder):
    """Name what is measured: (what, who) to a function."""
    ours, theirs = folder / "wizframe.xlsx", folder / "pandas.xlsx"
    bare = pd.DataFrame({name: _without_zone(frame[name]) for name in frame})
    return {
        ("write", OWN["write"]): lambda: wizframe.to_excel(frame, ours, progress=False),
        ("write", "DataFrame.to_excel (xlsxwriter, its default if installed)"): lambda: bare.to_excel(theirs),
        ("write", "DataFrame.to_excel (openpyxl, its default otherwise)"): lambda: bare.to_excel(
            theirs, engine="openpyxl"
        ),
        ("read", OWN["read"]): lambda: wizframe.read_excel(ours, progress=False),
        ("read", "pandas.read_excel (openpyxl, its default)"): lambda: pd.read_excel(theirs, engine="openpyxl"),
        ("read", "pandas.read_excel (calamine)"): lambda: pd.read_excel(theirs, engine="calamine"),
    }


def _without_zone(values):
    return values.dt.tz_localize(None) if isinstance(values.dtype, pd.DatetimeTZDtype) else values


def _report(frame, found):
    rows, columns = frame.shape
    report = Report(
        "excel",
        f"A workbook of {rows:,} rows × {columns} columns",
        "wizframe's workbook has formats, drop-downs, validations, a guide sheet and the baseline. Reading it "
        "compares every cell and returns a typed frame. pandas writes and reads only cells.",
        ["", "", "time", "compared with wizframe"],
    )
    for (what, who), taken in found.items():
        own = found[what, OWN[what]]
        report.rows.append([what, f"**{who}**" if who == OWN[what] else who, seconds(taken), times(taken / own)])
    for what, bound in GOALS.items():
        default = min(taken for (kind, who), taken in found.items() if kind == what and "its default" in who)
        report.goals.append(
            Goal(
                f"{what}: wizframe is {{}} times as fast as pandas with its default engine",
                default / found[what, OWN[what]],
                bound,
                is_least=True,
            )
        )
    return report
