"""The commands that need no account: the demo, and a sandbox for other programs."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import tempfile
import textwrap
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any, TextIO

import click
import pandas as pd

import wizframe
from wizframe.cli.options import COUNT, choice, examples, together
from wizframe.cli.output import colored, colored_by_sign, print_text, program_name, takes_color, typed_path
from wizframe.connections.connect import SANDBOX_API_KEY, sandbox
from wizframe.errors import WizframeError, hints_for
from wizframe.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wizframe.fields import Dialect

__all__ = ["COMMANDS"]

#: Characters in a line: six columns of a frame fit, and the window takes half a screen.
_WIDTH = 96


_data = together(
    click.option(
        "--customers", type=COUNT, metavar="N", default=500, show_default=True, help="Number of customers to generate."
    ),
    choice("--dialect", "rest sdk", "The dialect of the API that the server speaks."),
    click.option("--seed", type=int, default=20260, show_default=True, help="The same seed generates the same data."),
)


@click.command("sandbox", epilog=examples("wizframe sandbox", "wizframe sandbox --port 0 --rate-limit 20"))
@_data
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=8080,  # the port of LOCAL in the vendor's SDK
    show_default=True,
    help="Port on 127.0.0.1. 0 means any free port.",
)
@click.option("--latency-s", type=float, default=0.0, metavar="S", help="Delay of each response, in seconds.")
@click.option(
    "--rate-limit", type=float, metavar="RATE", help="Refuse more requests per second than this with status 429."
)
@click.option("--page-size-cap", type=COUNT, metavar="N", help="Send at most N records in a page.")
def _sandbox(customers: int, dialect: Dialect, port: int, **options: Any) -> int:
    """Run a server with the documented API and generated data, until Ctrl-C."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopped.set())
    try:
        client = sandbox(customers, dialect=dialect, port=port, **options)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise WizframeError(
            f"port {port} is already in use, perhaps by another sandbox", hint="Use --port 0 for any free port."
        ) from None
    with client:
        setting = '$env:{}="{}"' if os.name == "nt" else 'export {}="{}"'
        print_text(
            f"{counted(customers, 'customer')} at {client.base_url} ({dialect} dialect). Ctrl-C stops the server.\n\n"
            "In Python:\n"
            f'  wizframe.connect(base_url="{client.base_url}", api_key="{SANDBOX_API_KEY}")\n\n'
            "In another terminal:\n"
            f"  {setting.format('WIZCOMMERCE_BASE_URL', client.base_url)}\n"
            f"  {setting.format('WIZCOMMERCE_API_KEY', SANDBOX_API_KEY)}\n"
            f"  {program_name()} list customers --limit 5\n\n"
            "Without wizframe:\n"
            f'  curl -H "X-API-Key: {SANDBOX_API_KEY}" "{client.base_url}/customers?page_size=2"'
        )
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how the user stops the server, so it is not a failure
            while not stopped.wait(0.5):  # without a limit, the wait would not notice Ctrl-C on Windows
                pass
    return 0


@click.command("demo", epilog=examples("wizframe demo", "wizframe demo --customers 50 --dialect sdk"))
@_data
def _demo(customers: int, dialect: Dialect, seed: int) -> int:
    """Load, edit, plan and push on a sandbox, and explain each step.

    You need no account.
    """
    display = {
        "display.width": _WIDTH,
        "display.max_columns": 6,
        "display.max_rows": 6,
        "display.max_colwidth": 42,
        "display.unicode.east_asian_width": True,
    }
    demo = _Demo(sys.stdout, is_colored=takes_color(sys.stdout))
    demo.introduce(customers)
    with (
        hints_for("python"),  # the demo shows Python code and its output
        _own_journal(),
        pd.option_context(display),
        sandbox(customers, dialect=dialect, seed=seed) as wiz,
    ):
        demo.names.update(wizframe=wizframe, pd=pd, wiz=wiz)
        demo.load()
        demo.edit()
        demo.push()
        demo.contacts()
        demo.read_back()
    return 0


COMMANDS = (_demo, _sandbox)


@contextlib.contextmanager
def _own_journal() -> Iterator[None]:
    """Store the demo's pushes in a temporary journal instead of the user's."""
    before = os.environ.get("WIZFRAME_STATE_DIR")
    with tempfile.TemporaryDirectory(prefix="wizframe-demo-") as folder:
        os.environ["WIZFRAME_STATE_DIR"] = folder
        try:
            yield
        finally:
            os.environ.pop("WIZFRAME_STATE_DIR")
            if before is not None:
                os.environ["WIZFRAME_STATE_DIR"] = before


class _Demo:
    """The steps of the demo. It runs the same lines of code that it shows."""

    def __init__(self, out: TextIO, *, is_colored: bool) -> None:
        self.names: dict[str, Any] = {}
        self._out = out
        self._is_colored = is_colored
        self._steps = 0
        self._started = time.monotonic()

    def introduce(self, customers: int) -> None:
        self._say(
            "wizframe loads the customers and contacts of a WizCommerce account into pandas DataFrames, and sends your "
            "edits back. It checks the edits, shows the changes before it sends them, never sends a change twice, and "
            "never overwrites another user's edit. (The API alone returns the first 20 customers, erases the fields "
            "of a contact that you leave out, and lets you overwrite a colleague's edit.)"
        )
        self._say(
            "No account is needed here: a server on this machine speaks the documented API over HTTP, with "
            f"{counted(customers, 'generated customer')}. The demo runs each line of code that it shows."
        )
        for line in ("import pandas as pd, wizframe", f"wiz = wizframe.sandbox(customers={customers})"):
            self._out.write(f">>> {self._colored(line, 'code')}\n")
        self._out.write("\n")

    def load(self) -> None:
        self._step("Load all customers into a DataFrame")
        self._run("customers = wizframe.load_customers()")
        self._run('customers[["company_name", "payment_term", "phone", "status"]]')
        self._say(
            "wizframe reads all pages of active and inactive customers. The frame is complete even if other users edit "
            "and delete during the load. Rows that break a rule of the schema stay in the frame, and are listed:"
        )
        self._run('customers.wiz.problems[["row", "column", "value", "rule"]].head(4)')

    def edit(self) -> None:
        self._step("Edit with pandas")
        self._say("Some payment terms are “Net 30” instead of “net30”, and some phone numbers have no country code:")
        self._run('customers.loc[customers["payment_term"] == "Net 30", "payment_term"] = "net30"')
        self._run(
            'local = customers["phone"].str.fullmatch(r"\\(\\d{3}\\) \\d{3}-\\d{4}", na=False)',
            'customers.loc[local, "phone"] = "+1" + customers["phone"].str.replace(r"\\D", "", regex=True)',
        )
        self._say("A new row is a new customer:")
        self._run(
            'name = "Marché des Potiers"',
            'new = {"company_name": name, "display_name": name, "payment_term": "net45"}',
            "customers.loc[len(customers)] = new",
        )

    def push(self) -> None:
        self._step("Look at the changes, cell by cell. Nothing is sent yet")
        self._run("plan = customers.wiz.plan()", "plan")
        self._say("The plan finds a mistake before a customer does:")
        self._run('typo = customers.head(1).assign(phone="after 5 pm", status="inactive")', "typo.wiz.plan()")
        self._step("Send the changes")
        if "payment_term" in set(self.names["plan"].cells.query("action == 'update'")["column"]):
            self._say("Before that, a colleague edits the payment term of one of these customers in WizCommerce:")
            self._run(
                "terms = plan.cells.query(\"action == 'update' and column == 'payment_term'\")",
                'theirs = terms["id"].iloc[0]',
                'wiz.customer.update(theirs, {"payment_term": "prepaid"})["payment_term"]',
            )
        self._run("result = plan.apply()", "result")
        self._say(
            "wizframe reads each record before it sends an update. If another user changed the same field, the row is "
            "not sent, and you decide. All other rows were sent, and the id of the new customer is in your frame. Here "
            "you keep the colleague's value. Rows that were sent are not sent twice:"
        )
        self._run('customers.wiz.plan().apply(on_conflict="theirs").summary()')
        self._run('customers.tail(1)[["id", "reference_id", "company_name"]]')

    def contacts(self) -> None:
        self._step("Edit one cell of a contact, and keep the other cells")
        self._say(
            "The API replaces a contact as a whole: if you send only a new job title, it erases the name and the "
            "e-mail. wizframe reads the contact, changes your cell, and writes the whole contact back. (The load "
            "leaves out contacts with an invalid e-mail, because the API refuses to write them.)"
        )
        self._run('contacts = customers.head(10).wiz.contacts(invalid="drop")')
        self._run('contacts.loc[0, "designation"] = "Head of Purchasing"', "contacts.wiz.plan()")
        self._run(
            "contacts.wiz.plan().apply().summary()",
            'contact = wiz.customer.contact.get(contacts["customer_id"][0], contacts["id"][0])',
            'pd.DataFrame([contact])[["first_name", "email", "phone", "designation"]]',
        )

    def read_back(self) -> None:
        self._step("Load again to check")
        self._run(
            "again = wizframe.load_customers()",
            'again.loc[again["company_name"] == name, ["id", "reference_id", "payment_term"]]',
            'again["payment_term"].value_counts().to_dict()',
        )
        self._say(
            f"The demo took {time.monotonic() - self._started:.1f} s. You can undo a push: result.undo().apply(). "
            "wizframe is unofficial: it follows the vendor's documents and is tested against this sandbox, not against "
            "the live service."
        )
        self._step("What to try next")
        python = typed_path(sys.executable)
        for title, *lines in (
            ("Run this server for a notebook, a script or another terminal", f"{program_name()} sandbox"),
            (
                "Do the same in JupyterLab, with plans as tables and with pickers",
                f"{python} -m pip install jupyterlab",
                f"{python} -m jupyterlab",
            ),
            ("Connect to your account, with its key in WIZCOMMERCE_API_KEY", "wiz = wizframe.connect(read_only=True)"),
        ):
            self._out.write(f"{title}:\n")
            self._out.writelines(f"    {self._colored(line, 'code')}\n" for line in lines)
        self._out.write("\n")

    def _say(self, paragraph: str) -> None:
        self._out.write(textwrap.fill(paragraph, _WIDTH) + "\n\n")

    def _step(self, title: str) -> None:
        self._steps += 1
        self._out.write(self._colored(f"{self._steps}. {title}", "title") + "\n\n")

    def _run(self, *lines: str) -> None:
        """Show lines of code, run them, and show their values as the Python prompt does."""
        for line in lines:
            self._out.write(f">>> {self._colored(line, 'code')}\n")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                value = self._evaluate(line)
            for warning in caught:
                text = textwrap.fill(f"{warning.category.__name__}: {warning.message}", _WIDTH)
                self._out.write(self._colored(text, "warn") + "\n")
            if value is not None:
                self._out.write(self._folded(repr(value)) + "\n")
        self._out.write("\n")

    def _evaluate(self, code: str) -> Any:
        try:
            compiled = compile(code, "<demo>", "eval")
        except SyntaxError:
            exec(compile(code, "<demo>", "exec"), self.names)  # noqa: S102 - the demo's own lines, shown as they run
            return None
        return eval(compiled, self.names)  # noqa: S307 - the demo's own lines

    def _folded(self, text: str) -> str:
        """Wrap long lines, and color the lines of a plan."""
        folded = [
            textwrap.fill(line, _WIDTH, subsequent_indent=" " * 8) if len(line) > _WIDTH else line
            for line in text.split("\n")
        ]
        return "\n".join(map(colored_by_sign, folded) if self._is_colored else folded)

    def _colored(self, text: str, style: str) -> str:
        return colored(text, style) if self._is_colored else text
