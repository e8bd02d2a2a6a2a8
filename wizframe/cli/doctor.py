"""The command doctor: what a bug report needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wizframe.cli.exit_codes import exit_code
from wizframe.cli.options import as_json, connected, connection, examples
from wizframe.cli.output import say, say_json
from wizframe.doctor.checks import examine_account, examine_machine
from wizframe.doctor.findings import Finding
from wizframe.doctor.probe import probe
from wizframe.doctor.probe_writes import probe_writes
from wizframe.errors import WizframeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["COMMANDS"]


@click.command(
    "doctor",
    epilog=examples(
        "wizframe doctor",
        "wizframe doctor --probe --json > report.json",
        "wizframe doctor --profile staging --probe-writes",
    ),
)
@click.option("--probe", "is_probed", is_flag=True, help="Compare the account with the documents; reads only.")
@click.option(
    "--probe-writes", "is_written", is_flag=True, help="Also by writing to a throw-away customer; not on production."
)
@as_json
@connection
def _doctor(*, is_probed: bool, is_written: bool, as_json: bool, **chosen: Any) -> int:
    """Look at versions, connection, dialect, clock, permissions and journal.

    There is no secret in what it tells, and nothing of a customer: it can go into a bug report as it is.
    """
    report = _Report(is_kept=as_json)
    report.add(examine_machine())
    code = _look(report, chosen, is_probed=is_probed, is_written=is_written)
    if as_json:
        say_json("doctor", {"findings": [finding._asdict() for finding in report.findings]})
    return code or int(any(finding.state == "bad" for finding in report.findings))


def _look(report: _Report, chosen: Mapping[str, Any], *, is_probed: bool, is_written: bool) -> int:
    """Look at the account; gives the exit code where that cannot be."""
    try:
        with connected(chosen) as client:
            report.add(examine_account(client))
            if is_probed:
                report.add(probe(client))
            if is_written:
                report.add(probe_writes(client))
    except WizframeError as error:
        report.add([Finding("connection", "bad", str(error))])
        return exit_code(error)
    return 0


class _Report:
    """Findings, said as they come; as JSON, at the end."""

    def __init__(self, *, is_kept: bool) -> None:
        self.findings: list[Finding] = []
        self._is_kept = is_kept

    def add(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.findings.append(finding)
            if not self._is_kept:
                say(f"{finding.state:<5} {finding.name:<16}  {finding.said}")


COMMANDS = (_doctor,)
