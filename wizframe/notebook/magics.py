"""``%wiz``: the package's calls as lines of a notebook, after ``%load_ext wizframe``. Thin: each is the function.

IPython is not imported here: whoever loads the extension is IPython.
"""

from __future__ import annotations

import argparse
import inspect
import keyword
import re
import shlex
from typing import TYPE_CHECKING, Any, NoReturn

import pandas as pd

from wizframe.connections.client import Client
from wizframe.connections.connect import connect, login
from wizframe.errors import InvalidRequestError
from wizframe.fields import LIST_PARAMETERS
from wizframe.loading.loaders import load_contacts, load_customers
from wizframe.pushing.api import apply, plan, push
from wizframe.pushing.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["load_ipython_extension", "unload_ipython_extension"]

_MATCHER = "wizframe"
_FRAME = {"dtype_backend": ("pyarrow",), "invalid": ("warn", "raise", "drop")}
_PLAN: dict[str, Any] = {
    "contacts": pd.DataFrame, "table": ("customers", "contacts"), "match": ("id", "reference_id"),
    "new": ("report", "create"), "only": list, "clear": list, "baseline": ("loaded", "service"),
    "duplicates": ("report", "create"),
}  # fmt: skip
_HELP = {
    "customers": "load customers",
    "contacts": "load the contacts of a frame of customers, or of ids",
    "plan": "work out what a frame's edits would change; nothing is sent",
    "push": "plan a frame, show the plan, ask, and send it; a plan is taken as it is",
    "login": "log in with e-mail and password (asked for, not shown), and connect",
}


def load_ipython_extension(ipython: Any) -> None:
    """Bring ``%wiz``; called by ``%load_ext wizframe``.

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
    """Take ``%wiz`` away again; called by ``%unload_ext wizframe``.

    Parameters
    ----------
    ipython : InteractiveShell
    """
    ipython.magics_manager.magics["line"].pop("wiz", None)
    matchers = ipython.Completer.custom_matchers
    matchers[:] = [one for one in matchers if getattr(one, "matcher_identifier", "") != _MATCHER]


def _matcher(magic: _Magic) -> Any:
    """Make what IPython asks for completions; on a line of ours, it alone is asked."""
    from IPython.core.completer import SimpleCompletion, context_matcher  # noqa: PLC0415 - IPython has loaded us

    def match(context: Any) -> dict[str, Any]:
        offered = magic.complete(context.text_until_cursor, context.token)
        return {"completions": [SimpleCompletion(text) for text in offered], "suppress": bool(offered)}

    return context_matcher(identifier=_MATCHER)(match)


class _Magic:
    """The commands, and the notebook's variables that they read and write."""

    def __init__(self, ipython: Any) -> None:
        self._names: dict[str, Any] = ipython.user_ns
        self._commands: dict[str, Callable[..., Any]] = {
            "customers": load_customers,
            "contacts": load_contacts,
            "plan": plan,
            "push": push,
            "login": login,
        }
        self._parser = _Parser(prog="%wiz", description="wizframe's calls, with their own options.", add_help=False)
        commands = self._parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
        self._parsers = {name: self._make_parser(commands, name) for name in self._commands}

    def help(self) -> str:
        """Describe all commands."""
        return "\n".join([self._parser.format_help(), *(parser.format_usage() for parser in self._parsers.values())])

    def run(self, line: str) -> Any:
        """Carry out a line; what it gives is shown, or gets a name."""
        try:
            given = vars(self._parser.parse_args(shlex.split(line)))
        except _HelpShown:
            return None
        except ValueError as error:  # a quotation mark without its other one
            raise _usage_error(str(error)) from None
        command, output = given.pop("command"), given.pop("output", None)
        if command is None:
            print(self.help())  # noqa: T201 - what was asked for
            return None
        found = self._commands[command](*given.pop("of", ()), **given)
        return found if output is None else self._keep(output, found)

    def _keep(self, name: str, found: Any) -> Any:
        self._names[name] = found
        if isinstance(found, pd.DataFrame):
            print(f"{name}: {len(found):,} rows × {found.shape[1]} columns")  # noqa: T201 - frames are long
            return None
        return found

    def _make_parser(self, commands: Any, name: str) -> _Parser:
        parser: _Parser = commands.add_parser(name, help=_HELP[name], description=_HELP[name])
        if name == "contacts":
            parser.add_argument("of", nargs=1, metavar="CUSTOMERS", type=self._frame_or_texts)
        elif name == "plan":
            parser.add_argument("of", nargs=1, metavar="FRAME", type=self._frame)
        elif name == "push":
            parser.add_argument("of", nargs=1, metavar="FRAME", type=self._frame_or_plan)
        elif name == "login":
            parser.add_argument("of", nargs="?", metavar="EMAIL", type=lambda text: (text,), default=argparse.SUPPRESS)
        words = _words_about(name)
        for option, kind in _options(name).items():
            flag = f"--{option.replace('_', '-')}"
            parser.add_argument(flag, **self._option(kind), default=argparse.SUPPRESS, help=words.get(option))
        parser.add_argument("-o", "--output", metavar="NAME", type=_identifier, help="the variable that gets it")
        return parser

    def _option(self, kind: Any) -> dict[str, Any]:
        if kind is bool:
            return {"action": "store_true"}
        if isinstance(kind, tuple):
            return {"choices": kind}
        readers = {list: self._texts, pd.DataFrame: self._frame, Client: self._client}
        metavar = {int: "N", list: "A,B", pd.DataFrame: "FRAME", Client: "CLIENT"}.get(kind, "TEXT")
        return {"type": readers.get(kind, kind), "metavar": metavar}

    def _variable(self, name: str, *kinds: type) -> Any:
        value = self._names.get(name)
        if isinstance(value, kinds):
            return value
        what, known = " or ".join(kind.__name__ for kind in kinds), ", ".join(self._holding(*kinds))
        raise argparse.ArgumentTypeError(f"{name!r} is no variable that holds a {what}; there is {known or 'none'}")

    def _frame(self, name: str) -> Any:
        return self._variable(name, pd.DataFrame)

    def _frame_or_plan(self, name: str) -> Any:
        return self._variable(name, pd.DataFrame, Plan)

    def _client(self, name: str) -> Any:
        return self._variable(name, Client)

    def _frame_or_texts(self, text: str) -> Any:
        value = self._names.get(text)
        return value if isinstance(value, (pd.DataFrame, pd.Series)) else self._texts(text)

    def _texts(self, text: str) -> list[str]:
        """Read texts between commas, or the variable that ``@name`` means, as in ``DataFrame.query``."""
        if text.startswith("@"):
            return list(self._variable(text[1:], list, tuple, set, pd.Series))
        return [part.strip() for part in text.split(",") if part.strip()]

    def complete(self, line: str, begun: str) -> list[str]:
        """Suggest what may come next on a line: a command, its options, their values, or frames."""
        first, *words = line.split() or [""]
        if first not in ("%wiz", "wiz") or (first == "wiz" and "wiz" in self._names) or line.endswith(first):
            return []  # the sign may be missing, unless something else has the name
        words = words[:-1] if begun else words
        return [word for word in self._next(words, begun) if word.startswith(begun)]

    def _next(self, words: list[str], begun: str) -> list[str]:
        if not words:
            return list(self._commands)
        if words[0] not in self._parsers:
            return []
        options = self._parsers[words[0]].options
        last = options.get(words[-1]) if len(words) > 1 else None
        if last is not None and last.nargs != 0:
            return list(last.choices or self._fitting(str(last.metavar), words[1]))
        if begun.startswith("-") or words[0] in ("customers", "login"):
            return list(options)
        return [*self._holding(pd.DataFrame, Plan), *options]

    def _fitting(self, metavar: str, frame: str) -> list[str]:
        if metavar == "A,B":
            return list(map(str, getattr(self._names.get(frame), "columns", ())))
        kinds = {"FRAME": (pd.DataFrame,), "CLIENT": (Client,)}
        return self._holding(*kinds.get(metavar, ()))

    def _holding(self, *kinds: type) -> list[str]:
        return [name for name, value in self._names.items() if isinstance(value, kinds) and name[0] != "_"]


class _HelpShown(Exception):  # noqa: N818 - no error: the help was what was asked for
    """``-h`` was given, and the help is printed."""


class _Parser(argparse.ArgumentParser):
    """argparse for a notebook, which must not end."""

    def error(self, message: str) -> NoReturn:
        raise _usage_error(f"{message}\n{self.format_usage()}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        del status, message
        raise _HelpShown

    @property
    def options(self) -> dict[str, argparse.Action]:
        """Each option by its name."""
        return {option: action for action in self._actions for option in action.option_strings}


def _options(command: str) -> dict[str, Any]:
    """List the options of a command, by the names of the function's own parameters."""
    if command in ("customers", "contacts"):
        own = {"limit": int, "details": bool} if command == "customers" else {}
        return _filters(command) | own | {"workers": int} | _FRAME | {"client": Client}
    if command == "plan":
        return _PLAN | {"client": Client}
    if command == "push":
        sending = {"yes": bool, "max_changes": int, "max_deletes": int, "note": str}
        choices = {"on_conflict": ("skip", "mine", "theirs"), "invalid": ("raise", "skip")}
        return sending | choices | _PLAN | {"client": Client}
    return {"base_url": str, "profile": str, "read_only": bool}


def _words_about(command: str) -> dict[str, str]:
    """Take what the functions' own documentation says of each parameter."""
    functions: dict[str, tuple[Callable[..., Any], ...]] = {
        "customers": (load_customers,),
        "contacts": (load_customers, load_contacts),  # the later one says what it says otherwise
        "plan": (plan,),
        "push": (plan, apply, push),
        "login": (connect,),
    }
    words: dict[str, str] = {}
    for function in functions[command]:
        section = inspect.cleandoc(function.__doc__ or "").partition("Parameters\n")[2].partition("\n\n")[0]
        for names, text in re.findall(r"^(\w[\w, ]*?)(?: :.*)?\n((?:    .*\n?)+)", section, re.MULTILINE):
            for name in names.split(", "):
                if not text.strip().startswith("As for"):
                    plain = re.sub(r":\w+:`([^`]*)`", r"\1", " ".join(text.split()))
                    words[name] = plain.replace("%", "%%").replace("``", "")
    return words


def _filters(table: str) -> dict[str, Any]:
    kinds: dict[str, Any] = {"count": int, "references": list, "time": str}
    left_out = ("page",) if table == "customers" else ("page", "page_size")
    return {
        name: found.values[table] or kinds[found.kind]  # noqa: PD011 - allowed values, no frame's
        for name, found in LIST_PARAMETERS.items()
        if name not in left_out and table in found.values  # noqa: PD011
    }


def _identifier(text: str) -> str:
    if not text.isidentifier() or keyword.iskeyword(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a variable")
    return text


def _usage_error(message: str) -> Exception:
    """Make the error that IPython shows as a sentence, without a traceback."""
    try:
        from IPython.core.error import UsageError  # noqa: PLC0415 - only where it already runs
    except ImportError:
        return InvalidRequestError(message)
    error: Exception = UsageError(message)
    return error
