"""Loading over TLS, with wizframe's adapter and with the one that requests has by default."""

import shutil

import certifi
import requests.adapters
import trustme

import wizframe
from benchmarks.measuring import Goal, Report, interleaved, quietly, seconds, times
from benchmarks.serving import Sandbox, prepare

ROWS = 10_000
CONNECTIONS = (16, 32)
BOUND = 1.5


class _Default(requests.adapters.HTTPAdapter):
    """The default, told which authorities to trust as a session's ``verify`` would."""

    bundle = ""

    def send(self, request, **options):
        return super().send(request, **options | {"verify": self.bundle})


def measure(size):
    """Measure, and report."""
    authority = trustme.CA()
    bundle, certificate = size.folder / "authorities.pem", size.folder / "server.pem"
    shutil.copy(certifi.where(), bundle)  # as many as there are in earnest: parsing them is what costs
    authority.cert_pem.write_to_path(bundle, append=True)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    found = {}
    with Sandbox(prepare(size.folder, size.of(ROWS)), certificate) as sandbox:
        for connections in CONNECTIONS:
            loads = {
                "wizframe": lambda: _load(sandbox, bundle, connections, is_default=False),  # noqa: B023 - run at once
                "default": lambda: _load(sandbox, bundle, connections, is_default=True),  # noqa: B023
            }
            loads["wizframe"]()
            found[connections] = interleaved(loads, size.runs)
    report = Report(
        "tls",
        f"Connecting over TLS, and loading {size.of(ROWS):,} customers",
        "The service responds without latency. The table compares wizframe's own adapter with that of requests, which "
        "parses all certificates again for each connection.",
        ["", "wizframe", "wizframe with requests' adapter", "times as fast"],
    )
    for connections, one in found.items():
        ratio = one["default"] / one["wizframe"]
        row = [f"{connections} connections", seconds(one["wizframe"]), seconds(one["default"]), times(ratio)]
        report.rows.append(row)
        report.goals.append(
            Goal(
                f"{connections} connections: wizframe is {{}} times as fast as with requests' adapter",
                ratio,
                BOUND,
                is_least=True,
            )
        )
    return report


def _load(sandbox, bundle, connections, *, is_default):
    options = {"workers": connections, "ca_bundle": str(bundle)}
    with wizframe.connect(sandbox.api_key, base_url=sandbox.url, **options) as client:
        if is_default:
            adapter = _Default(pool_connections=1, pool_maxsize=connections, pool_block=True)
            adapter.bundle = str(bundle)
            client.transport._adapter = adapter  # noqa: SLF001 - what is compared
        quietly(client.load_customers, progress=False)
