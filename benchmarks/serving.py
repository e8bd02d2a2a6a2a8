"""The sandbox in a process of its own, so that what is measured does not share Python's lock with it.

It keeps the pages that it has put together, and a benchmark reads them once before it measures: from then on an answer
costs the server a tenth of a millisecond. The latency is changed, and the requests are counted, through its stdin.
"""

import argparse
import contextlib
import shutil
import sqlite3
import ssl
import subprocess
import sys
from pathlib import Path

from wizframe.server import SandboxServer, store
from wizframe.server.resources import CUSTOMERS

SEEDED = 100_000
KEPT_BYTES = 1_000_000_000


class Sandbox:
    """A sandbox server in a process of its own.

    Parameters
    ----------
    database : Path
        As :func:`prepare` makes it.
    certificate : Path, optional
        Of the server, with its key: it is served over TLS.
    """

    def __init__(self, database, certificate=None):
        command = [
            sys.executable,
            "-m",
            "benchmarks.serving",
            str(database),
            *([str(certificate)] if certificate else []),
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        self.url = self._process.stdout.readline().strip()
        self.api_key = self._ask("key")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._process.stdin.close()
        self._process.wait(30)

    def set_latency(self, seconds):
        """Let each answer wait."""
        self._ask(f"latency {seconds}")

    def count_requests(self):
        """Tell how many requests there were since the last call."""
        return int(self._ask("requests"))

    def _ask(self, question):
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


def prepare(folder, customers):
    """Make a database of so many customers.

    Above 100,000 they are copied, under other ids, without contacts: generating each of a million takes minutes.
    """
    path = Path(folder) / f"{customers}.sqlite"
    if path.exists():
        return path
    seeded = min(customers, SEEDED)
    if customers > SEEDED:
        shutil.copy(prepare(folder, SEEDED), path)
        _multiply(path, customers // SEEDED)
        return path
    with SandboxServer(customers=seeded, database=path):
        return path


def _multiply(path, times):
    names = ", ".join(CUSTOMERS.columns)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for number in range(1, times):
            copied = names.replace("reference_id", f"reference_id || '-{number}'")
            copied = ", ".join(f"id || '{number}'" if name == "id" else name for name in copied.split(", "))
            statement = f"INSERT INTO customers ({names}) SELECT {copied} FROM customers WHERE row <= ?"  # noqa: S608
            connection.execute(statement, [SEEDED])


def serve(database, certificate=None):
    """Serve until stdin is closed."""
    store._PAGES_KEPT_BYTES = KEPT_BYTES  # noqa: SLF001 - all pages of a million customers
    with SandboxServer(database=database) as server:
        url = server.base_url
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
            listener = server._listener  # noqa: SLF001 - it speaks TLS nowhere else
            listener.socket = context.wrap_socket(listener.socket, server_side=True)
            url = url.replace("http:", "https:")
        _say(url)
        for line in sys.stdin:
            _say(_obey(server, *line.split()))


def _obey(server, order, *values):
    if order == "key":
        return server.api_key
    if order == "latency":
        server.latency_s = float(values[0])
        return "ok"
    count = len(server.requests)
    server.requests.clear()
    return count


def _say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("database", type=Path)
    options.add_argument("certificate", nargs="?")
    serve(**vars(options.parse_args()))
