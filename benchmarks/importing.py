"""The time of `import wizframe`, compared with `import pandas, requests`."""

from benchmarks.measuring import Goal, Report, in_process, seconds

RUNS = 11
BOUND = 1.10
WORDS = {
    "pandas, requests": "`import pandas, requests`",
    "wizframe": "`import wizframe`",
    "dlt": "`import dlt`",
}


def measure(size):
    """Measure, and report."""
    taken = {name: [] for name in WORDS}
    for _ in range(3 if size.is_quick else RUNS):
        for name, runs in taken.items():
            runs.append(in_process("benchmarks.importing", name))
    found = {name: sorted(runs)[len(runs) // 2] for name, runs in taken.items()}
    plain = found["pandas, requests"]
    report = Report(
        "importing",
        "Importing",
        "The table shows the median time of the import in a new process. Python's own start is not included.",
        ["", "time", "compared with pandas and requests"],
        [[words, seconds(found[name]), f"{found[name] / plain:.2f}"] for name, words in WORDS.items()],
    )
    report.goals = [
        Goal("`import wizframe` takes {} times as long as `import pandas, requests`", found["wizframe"] / plain, BOUND)
    ]
    return report


def main():
    """Import what is asked for, and print the seconds. Nothing that is measured is imported before."""
    import sys  # noqa: PLC0415
    import time  # noqa: PLC0415

    start = time.perf_counter()
    exec(f"import {sys.argv[1]}")  # noqa: S102 - a name of ours
    sys.stdout.write(f"{time.perf_counter() - start}\n")


if __name__ == "__main__":
    main()
