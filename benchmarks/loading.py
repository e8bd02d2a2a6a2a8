"""Loading all customers, compared with the alternatives, at several latencies and numbers of connections."""

import statistics
import time

import wizframe
from benchmarks import peers
from benchmarks.measuring import Goal, Report, interleaved, quietly, seconds, timed, times
from benchmarks.serving import Sandbox, prepare
from wizframe.fields import CUSTOMER
from wizframe.frames.problems import find_problems

ROWS = 100_000
LATENCIES_S = (0.0, 0.02, 0.05)
CONNECTIONS = (16, 32)
#: (times as fast as a loop, of the floor, of aiohttp's bound) that are aimed at, by latency and connections.
GOALS = {
    (0.02, 16): (12.0, 1.25, 1.1),
    (0.05, 16): (12.0, 1.25, 1.1),
}
#: Of the pages, in the loop at the longest latency: each takes as long as the other, all of them a minute.
SHARE = 10
WORDS = {
    "naive": "`requests.get` in a loop, `json_normalize`",
    "session": "the same over a `Session`",
    "dlt": "dlt, its REST client",
    "httpx": "httpx, async",
    "aiohttp": "aiohttp",
    "bound": "aiohttp with orjson and Arrow (for comparison)",
    "wizframe": "**wizframe**, validated, proven complete",
    "floor": "the floor",
}


def measure(size):
    """Measure, and report."""
    rows = size.of(ROWS)
    with Sandbox(prepare(size.folder, rows)) as sandbox:
        peers.session_loop(sandbox.url, sandbox.api_key)  # the server puts its pages together
        found = {}
        for latency_s in LATENCIES_S:
            sandbox.set_latency(latency_s)
            slow = _one_by_one(sandbox, rows, latency_s, size)
            for connections in CONNECTIONS:
                found[latency_s, connections] = slow | _parallel(sandbox, rows, connections, size.runs)
        floors = _floors(sandbox, found)
    return _report(rows, found, floors, size)


def _one_by_one(sandbox, rows, latency_s, size):
    url, key = sandbox.url, sandbox.api_key
    if latency_s == max(LATENCIES_S):
        return {"naive": SHARE * timed(lambda: peers.naive_loop(url, key, share=SHARE))[0]}
    loops = {"naive": lambda: peers.naive_loop(url, key), "dlt": lambda: peers.dlt_client(url, key)}
    if not latency_s:
        loops["session"] = lambda: peers.session_loop(url, key)
    checked = {name: _checked(loop, rows) for name, loop in loops.items()}
    return interleaved(checked, 1 if latency_s else size.runs)


def _parallel(sandbox, rows, connections, runs):
    url, key = sandbox.url, sandbox.api_key
    with wizframe.connect(key, base_url=url, workers=connections) as client:
        contestants = {
            "wizframe": lambda: quietly(client.load_customers, progress=False),
            "httpx": lambda: peers.httpx_async(url, key, connections),
            "aiohttp": lambda: peers.aiohttp_async(url, key, connections),
            "bound": lambda: peers.aiohttp_bound(url, key, connections),
        }
        checked = {name: _checked(load, rows) for name, load in contestants.items()}
        return interleaved(checked, dict.fromkeys(checked, runs) | {"httpx": 1})  # slow, and far from all others


def _checked(load, rows):
    def run():
        frame = load()
        if len(frame) != rows:
            raise RuntimeError(f"{len(frame)} of {rows} rows")

    return run


def _floors(sandbox, found):
    """Work out how fast a load can be at all: its requests on so many connections, or its work; and the validation."""
    floors = {}
    sandbox.set_latency(0)
    for connections in CONNECTIONS:
        with wizframe.connect(sandbox.api_key, base_url=sandbox.url, workers=connections) as client:
            sandbox.count_requests()
            work, validations = [], []
            for _ in range(3):
                start = time.process_time()
                frame = quietly(client.load_customers, progress=False)
                work.append(time.process_time() - start)
                start = time.process_time()
                find_problems(frame, CUSTOMER)
                validations.append(time.process_time() - start)
            requests = sandbox.count_requests() // 3
        validation_s = statistics.median(validations)
        work_s = statistics.median(work) - validation_s
        for latency_s, of in found:
            if of == connections:
                waits = 1 + -(-(requests - 1) // connections)
                floors[latency_s, of] = max(latency_s * waits, work_s) + validation_s
    return floors


def _report(rows, found, floors, size):
    cases = [case for case in found if case[0] or case[1] == CONNECTIONS[0]]
    report = Report(
        "loading",
        f"Loading {rows:,} customers",
        "The table shows the seconds until the frame is ready, and in parentheses how many times as fast as the loop "
        "that is. Each column is one latency and one number of connections. *aiohttp with orjson and Arrow* uses the "
        "fastest parser, and does not check that the load is complete. *The floor* is the shortest possible time of a "
        "load that is proven complete. It is the time of its requests, or the CPU time of the load if that is longer, "
        "plus the time of the validation. The time of the requests is latency × (1 + ⌈(requests − 1) ÷ connections⌉).",
        ["", *(f"{latency_s * 1000:.0f} ms, {connections}" for latency_s, connections in cases)],
    )
    for name, words in WORDS.items():
        figures = {case: floors[case] if name == "floor" else found[case].get(name) for case in cases}
        shown = [_cell(value, found[case]["naive"]) for case, value in figures.items()]
        report.rows.append([words, *shown])
        report.series[name] = [[f"{c[0] * 1000:.0f} ms, {c[1]}", value] for c, value in figures.items() if value]
    ratios = [f"{found[case]['wizframe'] / floors[case]:.2f}" for case in cases]
    report.rows.append(["wizframe ÷ the floor", *ratios])
    for case, bounds in GOALS.items():
        report.goals += _goals(case, bounds, found[case], floors[case])
    report.notes = [
        (
            "If there is latency, a loop that requests one page after the other ran only once. At the longest latency, "
            f"it read a {SHARE}th of the pages, and the table shows {SHARE} times what it took. httpx ran once. All "
            f"other times are medians of {size.runs} runs."
        )
    ]
    return report


def _cell(value, naive):
    return "–" if value is None else f"{seconds(value)} ({times(naive / value)})"


def _goals(case, bounds, found, floor):
    where = f"{case[0] * 1000:.0f} ms latency, {case[1]} connections"
    longer = f"{where}: wizframe takes {{}} times as long as"
    of_loop, of_floor, of_bound = bounds
    own = found["wizframe"]
    if of_loop:
        yield Goal(f"{where}: wizframe is {{}} times as fast as the loop", found["naive"] / own, of_loop, is_least=True)
    if of_floor:
        yield Goal(f"{longer} the floor", own / floor, of_floor)
    if of_bound:
        yield Goal(f"{longer} aiohttp with orjson and Arrow", own / found["bound"], of_bound)
