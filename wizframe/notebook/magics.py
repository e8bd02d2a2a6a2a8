"""``%wiz``: wizframe's functions as lines of a notebook, after ``%load_ext wizframe``.

IPython is not imported here, because it is already running when it loads this extension.
"""

from __future__ import annotations

import argparse
import keyword
import shlex
from typing import TYPE_CHECKING, Any, NoReturn

import pandas as pd

from wizframe.connections.client import Client
from wizframe.connections.connect import login
from wizframe.errors import InvalidRequestError
from wizframe.fields import LIST_PARAMETERS, TABLES
from wizframe.loading.loaders import load_contacts, load_customers
from wizframe.pushing.api import plan, push
from wizframe.pushing.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.fields import Table

__all__ = ["load_ipython_extension", "unload_ipython_extension"]

_MATCHER = "wizframe"
_COMMANDS = {
    "customers": "load customers",
    "contacts": "load the contacts of a frame of customers, or of ids",
    "plan": "show what a frame's edits would change; nothing is sent",
    "push": "plan a frame (or use a finished plan), show the plan, ask for a confirmation, and send it",
    "login": "log in with e-mail and password (you type them, the password is not shown), and connect",
}
#: The values of each option: a type, or the allowed values.
_FRAME = {"dtype_backend": ("pyarrow",), "invalid": ("warn", "raise", "drop")}
_PLAN: dict[str, Any] = {
    "contacts": pd.DataFrame, "table": tuple(TABLES), "match": ("id", "reference_id"),
    "new": ("report", "create"), "only": list, "clear": list, "baseline": ("loaded", "service"),
    "duplicates": ("report", "create"),
}  # fmt: skip
_PUSH: dict[str, Any] = {
    "yes": bool, "expect": str, "max_changes": int, "max_deletes": int, "note": str,
    "on_conflict": ("skip", "mine", "theirs"), "invalid": ("raise", "skip"),
}  # fmt: skip
_LOGIN: dict[str, Any] = {"base_url": str, "profile": str, "read_only": bool}
_HELP = {
    "status": "load only active or only inactive records; by default both",
    "created_after": "only records created after this date or time (UTC)",
    "created_before": "only records created before this date or time (UTC)",
    "updated_after": "only records changed after this date or time (UTC)",
    "updated_before": "only records changed before this date or time (UTC)",
    "reference_ids": "only customers with these references; @name takes them from a variable",
    "sort_by": "the column to sort by; by default created_at, or for contacts the order of the customers",
    "sort": "the direction: asc by default",
    "page_size": "records in one request; by default 100",
    "limit": "load at most this many rows; by default all",
    "details": "load addresses, sales reps and price list, too: one more request per customer",
    "workers": "number of simultaneous requests; by default the connection's number",
    "dtype_backend": "pyarrow: columns with pyarrow types; by default pandas types",
    "load invalid": "rows that do not match the schema: warn (default) keeps them, raise stops, drop leaves them out",
    "client": "the variable that holds the connection; by default the open connection",
    "contacts": "a frame of contacts to plan together with a frame of customers",
    "table": "whether the frame holds customers or contacts; by default decided from its load or its columns",
    "match": "how rows without an id find their record: id (the default) or reference_id",
    "new": "references that no record has: report them as problems (the default), or create records",
    "only": "the columns that you mean to edit; a change in another column is a problem",
    "clear": "columns in which a blank cell clears the value in WizCommerce; by default a blank cell is not sent",
    "baseline": "service: compare rows that were not loaded with the service's records, even if they are newer",
    "duplicates": "new rows that look like another record: report them as problems (the default), or create them",
    "yes": "send without asking for a confirmation",
    "expect": "the whole id of the plan that was approved; every other plan is refused",
    "max_changes": "stop before anything is sent if there are more changes; by default there is no limit",
    "max_deletes": "stop before anything is sent if there are more deletes; by default the confirmed number",
    "note": "the reason, stored in the journal",
    "on_conflict": "rows that another user changed, too: skip (the default), send mine, or keep theirs",
    "push invalid": "rows with problems: raise (default) sends nothing, skip leaves them out",
    "base_url": "the server's address; by default the profile's, or production",
    "profile": "the profile with address and account; by default none",
    "read_only": "refuse every request that writes",
}


def load_ipython_extension(ipython: Any) -> None:
    """Add ``%wiz`` to IPython. ``%load_ext wizframe`` calls this function.

    Parameters
    ----------
    ipython : InteractiveShell
    """
    magic = _Magic(ipython)

    def wiz(line: str) -> Any:
        return magic.run(line)

    wiz.__doc__ = magic.help()
    ipython.register_magic_function(wiz, magic_kind="line", magic_name="wiz")
    ipython.Completer.custom_matchers.append(_matcher(magic))


def unload_ipython_extension(ipython: Any) -> None:
    """Remove ``%wiz`` from IPython. ``%unload_ext wizframe`` calls this function.

    Parameters
    ----------
    ipython : InteractiveShell
    """
    ipython.magics_manager.magics["line"].pop("wiz", None)
    matchers = ipython.Completer.custom_matchers
    matchers[:] = [one for one in matchers if getattr(one, "matcher_identifier", "") != _MATCHER]


def _matcher(magic: _Magic) -> Any:
    """Return the function that suggests completions on a line of ``%wiz``; IPython calls it for each line."""
    from IPython.core.completer import SimpleCompletion, context_matcher  # noqa: PLC0415 - IPython is running

    def match(context: Any) -> dict[str, Any]:
        offered = magic.complete(context.text_until_cursor, context.token)
        return {"completions": [SimpleCompletion(text) for text in offered], "suppress": bool(offered)}

    return context_matcher(identifier=_MATCHER)(match)


class _Magic:
    """The commands, and the notebook's variables that they read and write."""

    def __init__(self, ipython: Any) -> None:
        self._variables: dict[str, Any] = ipython.user_ns
        self._functions: dict[str, Callable[..., Any]] = {
            "customers": load_customers,
            "contacts": load_contacts,
            "plan": plan,
            "push": push,
            "login": login,
        }
        self._parser = _Parser(prog="%wiz", description="wizframe's functions, with their options.", add_help=False)
        commands = self._parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
        self._parsers = {name: self._make_parser(commands, name) for name in self._functions}

    def help(self) -> str:
        """Return the descriptions of all commands."""
        return "\n".join([self._parser.format_help(), *(parser.format_usage() for parser in self._parsers.values())])

    def run(self, line: str) -> Any:
        """Run a line. The result is shown, or assigned to a variable with ``-o``."""
        try:
            given = vars(self._parser.parse_args(shlex.split(line)))
        except _HelpShown:
            return None
        except ValueError as error:  # a quotation mark that is not closed
            raise _usage_error(str(error)) from None
        command, output = given.pop("command"), given.pop("output", None)
        if command is None:
            print(self.help())  # noqa: T201 - the user asked for it
            return None
        result = self._functions[command](*given.pop("of", ()), **given)
        if output is None:
            return result
        self._variables[output] = result
        if not isinstance(result, pd.DataFrame):
            return result
        print(f"{output}: {len(result):,} rows × {result.shape[1]} columns")  # noqa: T201 - the frame itself is long
        return None

    def _make_parser(self, commands: Any, name: str) -> _Parser:
        parser: _Parser = commands.add_parser(name, help=_COMMANDS[name], description=_COMMANDS[name])
        needed: dict[str, tuple[str, Any]] = {
            "contacts": ("CUSTOMERS", self._frame_or_texts),
            "plan": ("FRAME", self._reader(pd.DataFrame)),
            "push": ("FRAME", self._reader(pd.DataFrame, Plan)),
        }
        if name in needed:
            metavar, read = needed[name]
            parser.add_argument("of", nargs=1, metavar=metavar, type=read)
        elif name == "login":
            parser.add_argument("of", nargs="?", metavar="EMAIL", type=lambda text: (text,), default=argparse.SUPPRESS)
        purpose = "push" if name == "push" else "load"
        for option, kind in _options(name).items():
            flag = f"--{option.replace('_', '-')}"
            text = _HELP.get(f"{purpose} {option}") or _HELP[option]
            parser.add_argument(flag, **self._argument(kind), default=argparse.SUPPRESS, help=text)
        parser.add_argument("-o", "--output", metavar="NAME", type=_identifier, help="a variable for the result")
        return parser

    def _argument(self, kind: Any) -> dict[str, Any]:
        if kind is bool:
            return {"action": "store_true"}
        if isinstance(kind, tuple):
            return {"choices": kind}
        readers = {list: self._texts, pd.DataFrame: self._reader(pd.DataFrame), Client: self._reader(Client)}
        metavar = {int: "N", list: "A,B", pd.DataFrame: "FRAME", Client: "CLIENT"}.get(kind, "TEXT")
        return {"type": readers.get(kind, kind), "metavar": metavar}

    def _variable(self, name: str, *kinds: type) -> Any:
        value = self._variables.get(name)
        if isinstance(value, kinds):
            return value
        kind, known = " or ".join(kind.__name__ for kind in kinds), ", ".join(self._names_of(*kinds))
        raise argparse.ArgumentTypeError(f"{name!r} is not a variable with a {kind} (variables: {known or 'none'})")

    def _reader(self, *kinds: type) -> Callable[[str], Any]:
        return lambda name: self._variable(name, *kinds)

    def _frame_or_texts(self, text: str) -> Any:
        value = self._variables.get(text)
        return value if isinstance(value, (pd.DataFrame, pd.Series)) else self._texts(text)

    def _texts(self, text: str) -> list[str]:
        """Read strings separated by commas, or the variable ``@name``, as in ``DataFrame.query``."""
        if text.startswith("@"):
            return list(self._variable(text[1:], list, tuple, set, pd.Series))
        return [part.strip() for part in text.split(",") if part.strip()]

    def complete(self, line: str, token: str) -> list[str]:
        """Suggest how a line may continue: a command, its options, their values, or variables."""
        first, *words = line.split() or [""]
        if first not in ("%wiz", "wiz") or (first == "wiz" and "wiz" in self._variables) or line.endswith(first):
            return []  # IPython accepts a magic without the sign % unless a variable has the same name
        words = words[:-1] if token else words
        return [word for word in self._next(words, token) if word.startswith(token)]

    def _next(self, words: list[str], token: str) -> list[str]:
        if not words:
            return list(self._functions)
        if words[0] not in self._parsers:
            return []
        options = self._parsers[words[0]].options
        last = options.get(words[-1]) if len(words) > 1 else None
        if last is not None and last.nargs != 0:
            return list(last.choices or self._values(str(last.metavar), words[1]))
        if token.startswith("-") or words[0] in ("customers", "login"):
            return list(options)
        return [*self._names_of(pd.DataFrame, Plan), *options]

    def _values(self, metavar: str, frame: str) -> list[str]:
        if metavar == "A,B":
            return list(map(str, getattr(self._variables.get(frame), "columns", ())))
        kinds = {"FRAME": (pd.DataFrame,), "CLIENT": (Client,)}
        return self._names_of(*kinds.get(metavar, ()))

    def _names_of(self, *kinds: type) -> list[str]:
        return [name for name, value in self._variables.items() if isinstance(value, kinds) and name[0] != "_"]


class _HelpShown(Exception):  # noqa: N818 - not an error
    """The user gave ``-h``, and the help has been printed."""


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises errors, because argparse itself would end the kernel."""

    def error(self, message: str) -> NoReturn:
        raise _usage_error(f"{message}\n{self.format_usage()}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        del status, message
        raise _HelpShown

    @property
    def options(self) -> dict[str, argparse.Action]:
        """The options by name."""
        return {option: action for action in self._actions for option in action.option_strings}


def _options(command: str) -> dict[str, Any]:
    """Return the options of a command, by the names of the function's parameters."""
    if command in TABLES:
        table = TABLES[command]
        limit = {} if table.parent else {"limit": int}
        details = {"details": bool} if table.has_details else {}
        return _filters(table) | limit | details | {"workers": int} | _FRAME | {"client": Client}
    return {"plan": _PLAN | {"client": Client}, "push": _PUSH | _PLAN | {"client": Client}, "login": _LOGIN}[command]


def _filters(table: Table) -> dict[str, Any]:
    kinds: dict[str, Any] = {"count": int, "references": list, "time": str}
    # A load reads all pages, so it has no page number. Records of a parent are loaded parent by parent, in pages of
    # the largest size.
    left_out = ("page", "page_size") if table.parent else ("page",)
    return {
        name: parameter.values[table.name] or kinds[parameter.kind]  # noqa: PD011 - not of a frame
        for name, parameter in LIST_PARAMETERS.items()
        if name not in left_out and table.name in parameter.values  # noqa: PD011
    }


def _identifier(text: str) -> str:
    if not text.isidentifier() or keyword.iskeyword(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid variable name")
    return text


def _usage_error(message: str) -> Exception:
    """Return the error that IPython shows as one sentence, without a traceback."""
    try:
        from IPython.core.error import UsageError  # noqa: PLC0415 - IPython is running
    except ImportError:
        return InvalidRequestError(message)
    error: Exception = UsageError(message)
    return error
