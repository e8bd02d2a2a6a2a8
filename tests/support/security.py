"""What the tests of secrecy share: all that a log, a notebook or a crash reporter could show of an error."""

from __future__ import annotations

import base64
import html
import io
import json
import traceback
from pathlib import Path
from types import FunctionType, ModuleType
from urllib.parse import quote

from IPython.core.ultratb import VerboseTB
from rich.console import Console
from rich.traceback import Traceback
from support.client import CANARY, HANG_UP, Reply

from wizframe.server import SandboxServer

#: How deep a crash reporter looks into objects: from a client over its transport and connections to their requests.
DEPTH = 6
TESTS = str(Path(__file__).parents[1])

#: Every way in which a service can throw the key back at us, and in which a request can end badly.
ECHOES = {
    "error": Reply.json({"code": CANARY, "message": f"bad key {CANARY}"}, 401),
    "details": Reply.json({"message": "no", "details": [{"field": CANARY, "reason": CANARY}]}, 422),
    "no message": Reply.json({"error": CANARY}, 500),
    "upper case": Reply.json({"message": f"bad key {CANARY.upper()}"}, 401),
    "base64": Reply.json({"message": base64.b64encode(f"k:{CANARY}".encode()).decode()}, 401),
    "a record": Reply.json({"data": {"id": "c", "name": f"of {CANARY}"}}),
    "a list": Reply.json({"data": [{"id": "c", "name": CANARY}]}),
    "a wrong shape": Reply.json({"key": CANARY}),
    "html error": Reply(403, f"<html>{CANARY}</html>".encode()),
    "html answer": Reply(200, f"<html>{CANARY}</html>".encode()),
    "cut in two by the excerpt": Reply(200, b"x" * 185 + CANARY.encode()),
    "cut in two by the error's excerpt": Reply(400, b"x" * 185 + CANARY.encode()),
    "redirect": Reply(302, headers={"Location": f"http://127.0.0.1:1/?key={CANARY}"}),
    "status line": Reply(200, reason=CANARY),
    "broken status line": Reply(f"{CANARY} x"),
    "broken header": Reply.json({"message": "no"}, 403, **{"X-Broken": f"1\r\nthe key {CANARY}"}),
    "hung up": HANG_UP,
    "truncated": Reply(body=CANARY.encode(), missing=9),
}


def everything_about(error):
    """Write down all that can be shown of an error, and of those that caused it."""
    trace = _ours(error)
    frames = traceback.TracebackException(type(error), error, trace, capture_locals=True)
    shown = ["".join(frames.format()), repr(error), str(error), f"{error}", repr(vars(error)), repr(error.args)]
    shown += [_in_rich(error, trace), *_kept(error, trace)]
    chained = [everything_about(other) for other in (error.__cause__, error.__context__) if other]
    return "\n".join([*shown, *chained])


def _in_rich(error, trace):
    """Write an error down as rich does: it cuts long strings by slicing, and shows the attributes of some objects."""
    out = io.StringIO()
    shown = Traceback.from_exception(type(error), error, trace, show_locals=True, locals_max_string=40)
    Console(file=out, width=1000, no_color=True).print(shown)
    return out.getvalue()


def _kept(error, trace):
    """Yield all strings in local variables, as a crash reporter that knows no limits would find them."""
    seen, waiting = set(), [(vars(error), 0)]
    while trace:
        waiting.append((dict(trace.tb_frame.f_locals), 0))
        trace = trace.tb_next
    while waiting:
        thing, depth = waiting.pop()
        if id(thing) in seen or depth > DEPTH or isinstance(thing, ModuleType | FunctionType | type | SandboxServer):
            continue  # the sandbox knows its own key, which is public
        seen.add(id(thing))
        if isinstance(thing, str | bytes):
            yield str.__str__(thing) if isinstance(thing, str) else repr(thing)
        elif isinstance(thing, dict):
            waiting += [(one, depth + 1) for pair in list(thing.items()) for one in pair]
        elif isinstance(thing, list | tuple | set | frozenset):
            waiting += [(one, depth + 1) for one in thing]
        else:
            names = {*getattr(thing, "__dict__", {}), *getattr(type(thing), "__slots__", ())}
            waiting += [(getattr(thing, name, None), depth + 1) for name in names]


def in_a_verbose_notebook(error):
    """Write an error down as IPython does after ``%xmode Verbose``: with the variables that each line names."""
    return VerboseTB(theme_name="nocolor").text(type(error), error, _ours(error))


def _ours(error):
    """Leave out the test's own frames at the top, because their variables hold the key."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename.startswith(TESTS):
        trace = trace.tb_next
    return trace


def writings_of(key):
    """List the ways in which a service may write a key, in an account of its own, not the product's."""
    escaped = json.dumps(key)[1:-1]
    return {key, quote(key, safe=""), escaped, escaped.replace("/", r"\/"), html.escape(key)}


def shows(text, key):
    """Tell in which ways a key stands in a text, in whatever letter case, also as a part of something in base64."""
    small = text.lower()
    encoded = {base64.b64encode(key.encode()[start:])[:-4].decode() for start in range(3)}
    return {form for form in writings_of(key) | encoded if form.lower() in small}
