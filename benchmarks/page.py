"""Write docs/performance.md and its charts from the measurements: ``python -m benchmarks.page``."""

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

from benchmarks.measuring import Report

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "performance.md"
PICTURES = ROOT / "docs" / "pictures"
RESULTS = Path(__file__).parent / "results.json"
BEGIN = "<!-- measured: written by python -m benchmarks --write -->"
END = "<!-- end of measured -->"
LIBRARIES = ("pandas", "pyarrow", "requests", "orjson", "pandera", "dlt", "httpx", "aiohttp", "xlsxwriter", "openpyxl")
OWN, OTHERS, BOUND = "#0b6e4f", "#9aa5b1", "#cbd2d9"
NAMES = {
    "naive": "requests in a loop",
    "session": "Session in a loop",
    "bound": "aiohttp, orjson, Arrow",
    "floor": "floor",
}


def keep(reports):
    """Add tables to the results; those of an earlier run stay where they were not measured again."""
    known = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"reports": {}}
    known["reports"] |= {report.name: report.as_dict() for report in reports}
    known["machine"] = machine()
    RESULTS.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")


def machine():
    """Describe the machine and the libraries."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}; {versions}."


def write():
    """Write the page and its charts from the results."""
    results = json.loads(RESULTS.read_text("utf-8"))
    reports = {name: Report.from_dict(found) for name, found in results["reports"].items()}
    parts = [f"Measured with {results['machine']}", _summary(reports.values())]
    for name, report in reports.items():
        parts.append(report.to_markdown())
        if name in CHARTS:
            CHARTS[name](report)
            parts.append(f"![{report.title}](pictures/performance-{name}.svg)")
    text = PAGE.read_text("utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    content = "\n\n".join(parts)
    PAGE.write_text(f"{before}{BEGIN}\n\n{content}\n\n{END}{after}", "utf-8")


def _summary(reports):
    goals = [(report, goal) for report in reports for goal in report.goals]
    missed = [f"- *{report.title}*: {goal}" for report, goal in goals if not goal.is_reached]
    said = f"{len(goals) - len(missed)} of {len(goals)} goals are reached."
    return said if not missed else f"{said} These goals are missed:\n\n" + "\n".join(missed)


def _chart(name, size=(7.2, 2.9)):
    import matplotlib as mpl  # noqa: PLC0415 - only where charts are drawn

    mpl.use("svg")
    mpl.rcParams.update(
        {"svg.hashsalt": "wizframe", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    )
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=size, layout="constrained")

    def save():
        PICTURES.mkdir(exist_ok=True)
        figure.savefig(PICTURES / f"performance-{name}.svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)

    return axes, save


def _bars(report, case):
    """Draw one bar for each contestant, the fastest on top."""
    axes, save = _chart(report.name)
    found = {
        name: dict(map(tuple, pairs))[case] for name, pairs in report.series.items() if case in dict(map(tuple, pairs))
    }
    names = sorted(found, key=lambda name: -found[name])
    colours = [OWN if name == "wizframe" else BOUND if name in ("floor", "bound") else OTHERS for name in names]
    bars = axes.barh([NAMES.get(name, name) for name in names], [found[name] for name in names], color=colours)
    return axes, bars, save


def _loading_chart(report):
    axes, bars, save = _bars(report, "20 ms, 16")
    axes.bar_label(bars, fmt="%.1f s", padding=3)
    axes.set_title(f"{report.title}: 20 ms a request, 16 connections (seconds)", loc="left", fontsize=9)
    save()


def _memory_chart(report):
    axes, bars, save = _bars(report, report.series["wizframe"][0][0])
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set_title("Peak memory of a load, as a multiple of the finished frame", loc="left", fontsize=9)
    save()


def _growth_chart(report):
    axes, save = _chart(report.name, (7.2, 3.2))
    for marker, (step, pairs) in zip("osD^", report.series.items(), strict=False):
        axes.loglog(*zip(*pairs, strict=True), marker=marker, label=step)
    axes.set_xlabel("rows")
    axes.set_ylabel("seconds")
    axes.legend(frameon=False)
    save()


CHARTS = {"loading": _loading_chart, "memory": _memory_chart, "growth": _growth_chart}

if __name__ == "__main__":
    write()
