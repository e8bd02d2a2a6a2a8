"""Run the benchmarks, in a quarter of an hour: ``python -m benchmarks --write``. They need the extra ``bench``."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import (
    contacts,
    excel,
    growth,
    importing,
    loading,
    memory,
    million,
    page,
    planning,
    pushing,
    refreshing,
    tls,
)
from benchmarks.measuring import Size

TABLES = {
    module.__name__.rpartition(".")[2]: module.measure
    for module in (loading, contacts, pushing, planning, refreshing, excel, importing, tls, memory, growth)
}


def main():
    """Measure, print, and write the page if that is asked for."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("tables", nargs="*", metavar="table", help=f"of {', '.join(TABLES)}; all by default")
    options.add_argument("--quick", action="store_true", help="a hundredth of the rows, to try it out")
    options.add_argument("--runs", type=int, default=2, help="of what varies; the medians count")
    options.add_argument("--million", action="store_true", help="load, plan and export a million customers instead")
    options.add_argument("--write", action="store_true", help="write docs/performance.md and its charts")
    given = options.parse_args()
    unknown = set(given.tables) - set(TABLES)
    if unknown:
        options.error(f"no table is called {', '.join(sorted(unknown))}")
    measures = (
        {"million": million.measure} if given.million else {name: TABLES[name] for name in given.tables or TABLES}
    )
    reports = []
    with tempfile.TemporaryDirectory(prefix="wizframe-benchmarks-") as folder:
        for name, measure in measures.items():
            start = time.perf_counter()
            reports.append(measure(Size(given.quick, given.runs, Path(folder))))
            sys.stdout.write(f"{reports[-1].to_markdown()}\n\n({name} took {time.perf_counter() - start:.0f} s)\n\n")
            sys.stdout.flush()
            if given.write:
                page.keep(reports)
    if given.write:
        page.write()


if __name__ == "__main__":
    main()
