"""The demo: the whole job on a sandbox. The lines of code that it shows are the ones that it runs."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import textwrap
import time
import warnings
from typing import TYPE_CHECKING, Any, TextIO

import pandas as pd

import wizframe
from wizframe.cli.output import called, coloured, marked, short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wizframe.fields import Dialect

__all__ = ["run_demo"]

_WIDTH = 96


def run_demo(
    out: TextIO, *, customers: int = 500, dialect: Dialect = "rest", seed: int = 20260, is_coloured: bool = False
) -> None:
    """Load, edit, plan, apply and read back on a sandbox, explaining each step.

    Parameters
    ----------
    out : text file
    customers : int
        How many the sandbox makes up; a handful at least.
    dialect : {'rest', 'sdk'}
    seed : int
    is_coloured : bool
        Write ANSI colours.
    """
    started = time.monotonic()
    teller = _Teller(out, is_coloured=is_coloured)
    teller.say(
        "wizframe puts a WizCommerce account's customers and contacts into pandas DataFrames, and your edits back: "
        "checked first, shown before anything is sent, never doubled, and nobody else's edits overwritten. (The API by "
        "itself shows the first 20 customers, erases what you leave out of a contact, and lets you overwrite a "
        "colleague.)",
        "No account is needed here: a server on this machine speaks the documented API over real HTTP, with "
        f"{customers} made-up customers. Every line of code below is run as you read it.",
    )
    teller.show("import pandas as pd, wizframe", f"wiz = wizframe.sandbox(customers={customers})")
    options = {
        "display.width": _WIDTH,
        "display.max_columns": 6,
        "display.max_rows": 6,
        "display.max_colwidth": 42,
        "display.unicode.east_asian_width": True,
    }
    with (
        _journal_elsewhere(),
        pd.option_context(options),
        wizframe.sandbox(customers, dialect=dialect, seed=seed) as wiz,
    ):
        teller.names.update(wizframe=wizframe, pd=pd, wiz=wiz)
        _load(teller)
        _edit(teller)
        _push(teller)
        _contacts(teller)
        _read_back(teller, started)


@contextlib.contextmanager
def _journal_elsewhere() -> Iterator[None]:
    """Keep the demo's pushes out of the user's own journal."""
    own = os.environ.get("WIZFRAME_STATE_DIR")
    with tempfile.TemporaryDirectory(prefix="wizframe-demo-") as folder:
        os.environ["WIZFRAME_STATE_DIR"] = folder
        try:
            yield
        finally:
            os.environ.pop("WIZFRAME_STATE_DIR")
            if own is not None:
                os.environ["WIZFRAME_STATE_DIR"] = own


def _load(teller: _Teller) -> None:
    teller.step("Load everything into one DataFrame")
    teller.run("customers = wizframe.load_customers()")
    teller.run('customers[["company_name", "payment_term", "phone", "status"]]')
    teller.say(
        "All pages and both statuses, typed and validated; complete even if others edit and delete meanwhile. Rows "
        "that break a rule are kept, and listed:"
    )
    teller.run('customers.wiz.problems[["row", "column", "value", "rule"]].head(4)')


def _edit(teller: _Teller) -> None:
    teller.step("Edit with plain pandas")
    teller.say("Somebody typed “Net 30” where the term is “net30”, and some phone numbers lack their country code:")
    teller.run('customers.loc[customers["payment_term"] == "Net 30", "payment_term"] = "net30"')
    teller.run(
        'local = customers["phone"].str.fullmatch(r"\\(\\d{3}\\) \\d{3}-\\d{4}", na=False)',
        'customers.loc[local, "phone"] = "+1" + customers["phone"].str.replace(r"\\D", "", regex=True)',
    )
    teller.say("A new row is a new customer:")
    teller.run(
        'name = "Marché des Potiers"',
        'new = {"company_name": name, "display_name": name, "payment_term": "net45"}',
        "customers.loc[len(customers)] = new",
    )


def _push(teller: _Teller) -> None:
    teller.step("See what would change, cell by cell. Nothing is sent yet")
    teller.run("plan = customers.wiz.plan()", "plan")
    teller.say("A slip is found here, and not by a customer:")
    teller.run('slip = customers.head(1).assign(phone="after 5 pm", status="inactive")', "slip.wiz.plan()")
    teller.step("Send it")
    if "payment_term" in set(teller.names["plan"].cells.query("action == 'update'")["column"]):
        teller.say("Meanwhile a colleague gives one of them another term in WizCommerce itself:")
        teller.run(
            "terms = plan.cells.query(\"action == 'update' and column == 'payment_term'\")",
            'theirs = terms["id"].iloc[0]',
            'wiz.customer.update(theirs, {"payment_term": "prepaid"})["payment_term"]',
        )
    teller.run("result = plan.apply()", "result")
    teller.say(
        "Before each update the service's record is read. Where somebody else changed the same field, the row is "
        "not sent: you decide. Everything else went through, and the new customer's id stands in your frame. "
        "Here you let the colleague win; what was done is not sent twice:"
    )
    teller.run('customers.wiz.plan().apply(on_conflict="theirs").summary()')
    teller.run('customers.tail(1)[["id", "reference_id", "company_name"]]')


def _contacts(teller: _Teller) -> None:
    teller.step("Contacts: one cell changes, nothing else does")
    teller.say(
        "The API replaces a contact as a whole: send a new job title alone, and the name and the e-mail are erased. "
        "wizframe reads the contact, merges your cell, and writes all of it back. (Contacts with an invalid e-mail are "
        "left out here: the service would refuse them as a whole, and the plan says so.)"
    )
    teller.run('contacts = customers.head(10).wiz.contacts(invalid="drop")')
    teller.run('contacts.loc[0, "designation"] = "Head of Purchasing"', "contacts.wiz.plan()")
    teller.run(
        "contacts.wiz.plan().apply().summary()",
        'contact = wiz.customer.contact.get(contacts["customer_id"][0], contacts["id"][0])',
        'pd.DataFrame([contact])[["first_name", "email", "phone", "designation"]]',
    )


def _read_back(teller: _Teller, started: float) -> None:
    teller.step("Read it back")
    teller.run(
        "again = wizframe.load_customers()",
        'again.loc[again["company_name"] == name, ["id", "reference_id", "payment_term"]]',
        'again["payment_term"].value_counts().to_dict()',
    )
    teller.say(
        f"That took {time.monotonic() - started:.1f} s. Any of it can be undone: result.undo().apply(). wizframe is "
        "unofficial: it is built from the vendor's documents and tested against this sandbox, not against the live "
        "service."
    )
    teller.step("What to try next")
    python = short(sys.executable)
    teller.list(
        ("Keep this server running, for a notebook, a script or another terminal", f"{called()} sandbox"),
        (
            "The same in JupyterLab, where a plan is a table, and a picker chooses",
            f"{python} -m pip install jupyterlab",
        ),
        ("", f"{python} -m jupyterlab"),
        ("Your own account, its key in WIZCOMMERCE_API_KEY", "wiz = wizframe.connect(read_only=True)"),
    )


class _Teller:
    """Writes text, and code with what it prints."""

    def __init__(self, out: TextIO, *, is_coloured: bool) -> None:
        self.names: dict[str, Any] = {}
        self._out = out
        self._is_coloured = is_coloured
        self._steps = 0

    def say(self, *paragraphs: str) -> None:
        for paragraph in paragraphs:
            self._out.write(textwrap.fill(paragraph, _WIDTH) + "\n\n")

    def step(self, title: str) -> None:
        self._steps += 1
        self._out.write(self._colour(f"{self._steps}. {title}", "title") + "\n\n")

    def list(self, *rows: tuple[str, str]) -> None:
        for words, line in rows:
            self._out.write((f"{words}:\n" if words else "") + f"    {self._colour(line, 'code')}\n")
        self._out.write("\n")

    def show(self, *lines: str) -> None:
        """Show lines of code that were run already."""
        self._out.writelines(f">>> {self._colour(line, 'code')}\n" for line in lines)
        self._out.write("\n")

    def run(self, *lines: str) -> None:
        """Show lines of code, run them, and show what they are, as a prompt would."""
        for line in lines:
            self._out.write(f">>> {self._colour(line, 'code')}\n")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                value = self._evaluate(line)
            for warning in caught:
                text = textwrap.fill(f"{warning.category.__name__}: {warning.message}", _WIDTH)
                self._out.write(self._colour(text, "warn") + "\n")
            if value is not None:
                self._out.write(self._marked(repr(value)) + "\n")
        self._out.write("\n")

    def _evaluate(self, code: str) -> Any:
        try:
            compiled = compile(code, "<demo>", "eval")
        except SyntaxError:
            exec(compile(code, "<demo>", "exec"), self.names)  # noqa: S102 - the demo's own lines, shown as they run
            return None
        return eval(compiled, self.names)  # noqa: S307 - the same

    def _marked(self, text: str) -> str:
        """Fold long lines, and colour those of a plan."""
        folded = [
            textwrap.fill(line, _WIDTH, subsequent_indent=" " * 8) if len(line) > _WIDTH else line
            for line in text.split("\n")
        ]
        return "\n".join(map(marked, folded) if self._is_coloured else folded)

    def _colour(self, text: str, name: str) -> str:
        return coloured(text, name) if self._is_coloured else text
