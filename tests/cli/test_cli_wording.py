"""The words of the command line: no message speaks of Python's calls and options to somebody who types commands."""

import ast
import re
from pathlib import Path

import pytest
from support.cli_help import every_command

import wizframe
from wizframe.cli.wording import _OPTIONS, in_cli_words, sentence

PACKAGE = Path(wizframe.__file__).parent
#: What only people with Python in front of them meet.
FACES = {"server", "cli", "notebook", "dask.py", "pages.py", "accessor.py",
         "testing.py"}  # fmt: skip
PYTHON = re.compile(
    r"\w\((?:\)|\w+=|…)|\b[a-z_]+=(?:['\[…\d]|[A-Z])"  # a call, an option
    r"|\b(?:plan|result|frame|df|wizframe)\.\w|(?:^|\s)\.[a-z]+ (?:lists|says)"  # an attribute
)
#: Messages that no command can bring about, by the words that they begin with or are about.
NEVER_IN_A_COMMAND = (
    "client= takes", "no connection is open", "connections are open", "dialect=", "dtype_backend=", "invalid=", "rate=",
    "workers=", "sandbox(", "a connection cannot be pickled", "an API key cannot be pickled", "choose() takes",
    "= takes a frame of", "a DataFrame is needed", "a plan is needed", "a plan with deletes is not made again",
    "not a conflict of this result",
    "Take rows of result", "Call frame.wiz.delete", "push() of a finished plan",
    "the frame has no addresses", "Pass their ids", ", read_only=True",
    "load_customers() and load_contacts() filter", "frame.wiz.collisions", "on_conflict='", "delimiter=",
    "encoding='7': there is no such", "sort_by=created_at", "status=", "df.wiz.addresses",
)  # fmt: skip


def _text(node):
    """Give the text of a string, with something in the place of what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (part if isinstance(part, ast.Constant) else part.conversion for part in node.values)
        return "".join(
            part.value if isinstance(part, ast.Constant) else "'7'" if part == ord("r") else "7" for part in parts
        )
    return None


def messages():
    """Yield whatever the package may say: each string with a space in it, docstrings aside."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] in FACES:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        nodes = list(ast.walk(tree))
        skipped = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        skipped |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in nodes:
            text = None if id(node) in skipped else _text(node)
            if text and " " in text and not text.startswith("<"):  # HTML is for notebooks
                yield path.relative_to(PACKAGE).as_posix(), text


def _flags():
    return {flag for _, context in every_command() for option in context.command.params for flag in option.opts}


def test_no_message_speaks_python_in_a_command():
    said = [(path, text) for path, text in messages() if not any(words in text for words in NEVER_IN_A_COMMAND)]
    assert len(said) > 300
    spoken = [(path, in_cli_words(text)) for path, text in said]
    assert [(path, text) for path, text in spoken if PYTHON.search(text)] == []
    flags = {(path, flag) for path, text in spoken for flag in re.findall(r"(?<!\S)--[a-z-]+", text)}
    assert len(flags) > 10
    assert {(path, flag) for path, flag in flags if flag not in _flags()} == set()


def test_what_is_shown_as_a_flag_is_one():
    assert {f"--{name.replace('_', '-')}" for name in _OPTIONS.split("|")} <= _flags()


def test_every_exception_is_still_said_somewhere():
    said = [text for _, text in messages()]
    assert [words for words in NEVER_IN_A_COMMAND if not any(words in text for text in said)] == []


@pytest.mark.parametrize(
    ("python", "words"),
    [
        (
            "nobody is there to say yes: nothing was sent. Give yes=True to send without asking",
            "nobody is there to say yes: nothing was sent. Give --yes with --max-changes N to send without asking",
        ),
        ("phone 2; clear=['phone', 'email'] would clear it", "phone 2; --clear phone --clear email would clear it"),
        ("give connect(api_key=…)", "give connect(api_key=…)"),
        (
            "no API key: set WIZCOMMERCE_API_KEY, give connect(api_key=…), or log in with wizframe.login()",
            "no API key: set WIZCOMMERCE_API_KEY, or log in with `wizframe login`",
        ),
        ("3 of 9 customers break the schema (phone 3); frame.wiz.problems lists them",
         "3 of 9 customers break the schema (phone 3)"),
        ("the plan has 3 deletes, max_deletes=0 allows fewer; if that is meant, apply(max_deletes=3)",
         "the plan has 3 deletes, --max-deletes 0 allows fewer; if that is meant, --max-deletes 3"),
        ("load again and repeat the edit, or plan with baseline='service'",
         "export again and repeat the edit, or give the exported file (--original), or plan with --baseline service"),
        ("Correct them and plan again, or leave such rows out with apply(invalid='skip'); .failures lists them all",
         "Correct them and plan again, or leave such rows out with --skip-invalid"),
        ("give the file as it was sent, original='…'", "give the file as it was sent, --original …"),
        ("zone='my house': is no time zone", "--zone 'my house': is no time zone"),
        ("the service says that name='Ada' is wrong", "the service says that name='Ada' is wrong"),
    ],
)  # fmt: skip
def test_a_message_is_said_as_one_would_type_it(python, words):
    assert in_cli_words(python) == words


def test_what_the_system_says_of_a_file_is_a_sentence(tmp_path):
    def said(act):
        with pytest.raises((FileNotFoundError, IsADirectoryError, PermissionError)) as caught:
            act()
        return sentence(caught.value)

    here = tmp_path / "nothere.csv"
    assert said(here.read_bytes) == f"there is no file {here}"
    assert said((tmp_path / "no" / "x.csv").read_bytes) == f"there is no folder {tmp_path / 'no'}"
    assert said(tmp_path.read_bytes).startswith(f"{tmp_path}: ")
    assert "Errno" not in said(tmp_path.read_bytes)
    assert sentence(ValueError("a sentence")) == "a sentence"
