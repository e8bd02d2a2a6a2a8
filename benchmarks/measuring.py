"""How the benchmarks measure: interleaved runs, medians, peak memory in a separate process; and their reports."""

import gc
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

KEPT_FREE_S = 0.05


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Parameters
    ----------
    is_quick : bool
        A hundredth, to try things out: such figures mean nothing.
    runs : int
        Of each contestant whose time moves; the medians count.
    folder : Path
        For databases and files.
    """

    is_quick: bool
    runs: int
    folder: Path

    def of(self, count):
        """Give a number of rows as it is, or small."""
        return max(count // 100, 100) if self.is_quick else count


@dataclass
class Goal:
    """A sentence with a place `{}` for the measured number, and the limit of that number."""

    words: str
    measured: float
    bound: float
    is_least: bool = False

    @property
    def is_reached(self):
        """Whether it is, to the digits that are shown."""
        shown = float(f"{self.measured:.2f}")
        return shown >= self.bound if self.is_least else shown <= self.bound

    def __str__(self):
        sentence = self.words.format(f"**{self.measured:.2f}**")
        bound = f"{'at least' if self.is_least else 'at most'} {self.bound:g}"
        return f"{sentence} (goal: {bound}{'' if self.is_reached else ', **missed**'})"


@dataclass
class Report:
    """One table.

    Parameters
    ----------
    name, title, about : str
    headings : list of str
    rows : list of list of str
    goals : list of Goal
    series : dict
        For the charts: name to pairs of numbers.
    notes : list of str
    """

    name: str
    title: str
    about: str
    headings: list
    rows: list = field(default_factory=list)
    goals: list = field(default_factory=list)
    series: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)

    def as_dict(self):
        """Give it as JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found):
        """Make it of what JSON had."""
        return cls(**found | {"goals": [Goal(**goal) for goal in found["goals"]]})

    def to_markdown(self):
        """Write it as a section of a page."""
        lines = [f"| {' | '.join(row)} |" for row in (self.headings, ["---"] * len(self.headings), *self.rows)]
        goals = [f"- {goal}" for goal in self.goals]
        parts = [f"## {self.title}", self.about, "\n".join(lines), "\n".join(goals), *self.notes]
        return "\n\n".join(part for part in parts if part)


def timed(function):
    """Give the seconds that a function takes, and what it returns."""
    gc.collect()
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def interleaved(contestants, runs):
    """Run functions in turns, since a machine's speed changes.

    Parameters
    ----------
    contestants : dict of callable
    runs : int or dict of int
        For all of them or for each.

    Returns
    -------
    dict of float
        Median of the seconds.
    """
    times = {name: [] for name in contestants}
    asked = runs if isinstance(runs, dict) else dict.fromkeys(contestants, runs)
    for number in range(max(asked.values())):
        for name, function in contestants.items():
            if number < asked[name]:
                times[name].append(timed(function)[0])
                time.sleep(KEPT_FREE_S)  # the server closes what the last one left open
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def quietly(function, *arguments, **options):
    """Call something of wizframe without the warnings about the sandbox's invalid rows on purpose."""
    from wizframe.errors import InvalidDataWarning  # noqa: PLC0415 - the memory of imports is measured, too

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InvalidDataWarning)
        return function(*arguments, **options)


def in_process(module, *arguments):
    """Run a module in a process of its own.

    Returns
    -------
    object
        The JSON that it printed last.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603
    return json.loads(done.stdout.splitlines()[-1])


def memory_now():
    """Give the bytes of memory that this process holds (Linux)."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def forget_peak():
    """Reset the peak (Linux), because an import may have needed more memory."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def peak_memory():
    """Give the most bytes of memory that this process held (Linux)."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def seconds(value):
    """Write seconds with as many digits as mean something."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms" if value >= 0.01 else f"{value * 1000:.1f} ms"  # noqa: PLR2004


def times(value):
    """Write a ratio."""
    return f"{value:.0f} ×" if value >= 100 else f"{value:.3g} ×"  # noqa: PLR2004
