"""Python's words as the command line says them: calls and options are commands and flags."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from wizframe.errors import WizframeError

if TYPE_CHECKING:
    from collections.abc import Callable

    Replacement = str | Callable[[re.Match[str]], str]

__all__ = ["in_cli_words", "sentence"]


def _flag(name: str, value: str) -> str:
    quoted = f"'{value}'" if re.search(r"[\s*?$]", value) else value
    return f"--{name.replace('_', '-')} {quoted}".rstrip()


def _flags(found: re.Match[str]) -> str:
    return " ".join(_flag(found[1], value.strip(" '\"")) for value in found[2].split(","))


#: What has the same name in Python and here. A service's own words may look like others: name='Ada'.
_OPTIONS = "baseline|clear|columns|dialect|duplicates|match|new|on_conflict|only|original|profile|table|zone"

#: Patterns of Python's words, and what stands for them here; the special ones first.
_WORDS: tuple[tuple[str, Replacement], ...] = (
    (r"Give yes=True to send without asking", "Give --yes with --max-changes N to send without asking"),
    (r"; or decide cell by cell: edit result\.conflict_cells and plan that with result\.resolve\(\)", ""),
    (r"plan (again|both again): (apply\(on_conflict|result\.failed \(or)", r"push \1: \2"),
    (r": result\.failed \(or \.unsent\), with result\.contacts\.unsent", ""),
    (r": apply\(\) does it", ""),
    (r"plan result\.failed again", "push again"),
    (r"apply\(invalid='skip'\); \.failures lists them all", "--skip-invalid"),
    (r"(: see|;) \.failures( lists them( all)?)?", ""),
    (r"; frame\.wiz\.\w+ lists them(?!:)", ""),
    (r", frame\.wiz\.\w+ lists them:", ":"),
    (r"\.result says what happened to each row, ", ""),
    (r": see plan\.\w+", ": `wizframe plan FILE -o PLAN.xlsx` writes them all"),
    (r": see result\.\w+", ": `wizframe push FILE --results FILE.xlsx` writes them all"),
    (r"\bload again and repeat the edit\b", "export again and repeat the edit, or give the exported file (--original)"),
    (r", give connect\(api_key=…\)", ""),
    (r" and connect\(\) again\b", ""),
    (r"use wizframe\.delete\(\) to delete one", "write DELETE into a column Command to delete one"),
    (r"in a frame: use client\.customer\.update\(\)", "in a file"),
    (r": read the file with dtype=str", ": make it a text in the file"),
    (r": wizframe\.read_excel\(\) reads it", ": let its name end in .xlsx"),
    (r"wizframe\.read_csv\(\) reads CSV files", "let the name of a CSV file end in .csv"),
    (r": encoding='utf-16-\w+' reads it", ": save it as 'CSV UTF-8'"),
    (r", or say what it is, such as encoding='cp1252' for Excel on Windows in Western Europe", ""),
    (r", or say which it is with delimiter=", ""),
    (r": say (so|which) with sheet=", ": leave one of them"),
    (r" or in the frame\b", ""),
    (r"\bthe frame\b", "the file"),
    (r"`?\b(?:wizframe\.)?(login|pushes|resume|sandbox|undo)\(\)`?", r"`wizframe \1`"),
    (r"\bport=0\b", "--port 0"),
    (r"\bapply\(([^()]*)\)", r"\1"),
    (rf"\b({_OPTIONS})=\[([^\[\]]*)\]", _flags),
    (rf"\b({_OPTIONS})='([^']*)'", lambda found: _flag(found[1], found[2])),
    (r"\b(only|max_changes|max_deletes)=(\d*)", lambda found: _flag(found[1], found[2])),
)
_COMPILED = [(re.compile(pattern), words) for pattern, words in _WORDS]


def in_cli_words(text: str) -> str:
    """Say a message in the words of the command line.

    Parameters
    ----------
    text : str
        As it is said in Python.

    Returns
    -------
    str
    """
    for pattern, words in _COMPILED:
        text = pattern.sub(words, text)
    return text


def sentence(error: BaseException) -> str:
    """Say an error as a sentence; what the system says of files begins with a number.

    Parameters
    ----------
    error : BaseException

    Returns
    -------
    str
    """
    if not isinstance(error, OSError) or isinstance(error, WizframeError):
        return str(error)
    if not isinstance(error.filename, str):
        return error.strerror or str(error)
    path = Path(error.filename)
    if not isinstance(error, FileNotFoundError):
        return f"{path}: {(error.strerror or type(error).__name__).lower()}"
    return f"there is no file {path}" if path.parent.is_dir() else f"there is no folder {path.parent}"
