"""Write a file as a whole, or not at all; say why a file cannot be opened."""

from __future__ import annotations

import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from wizframe.errors import FileError, MissingFileError, WizframeError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["opening", "replacing"]


@contextmanager
def opening(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise what the operating system says about a file as one of our errors."""
    try:
        yield
    except WizframeError:
        raise
    except FileNotFoundError as error:
        folder = Path(path).parent
        what = f"the file {path}" if folder.is_dir() else f"the folder {folder}"
        raise _with_number(MissingFileError(f"{what} does not exist"), error, path) from None
    except OSError as error:
        said = error.strerror or str(error) or type(error).__name__
        why = "it is a folder" if Path(path).is_dir() else said.lower()
        raise _with_number(FileError(f"the file {path} cannot be used: {why}"), error, path) from None


def _with_number(error: FileError, cause: OSError, path: str | os.PathLike[str]) -> FileError:
    error.errno, error.strerror, error.filename = cause.errno, cause.strerror, str(path)
    return error


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a new file that replaces ``path`` when the block ends, and is deleted when the block fails."""
    target = Path(path)
    # In the same folder, because a rename between two file systems is a copy. With a unique name, because two processes
    # may write the same file. With a short name, because the target's name may already have the maximum length.
    beside = target.with_name(f".wizframe-{uuid.uuid4().hex[:8]}.part")
    try:
        with opening(target):  # the caller knows only the target
            with beside.open("xb") as file:
                yield file
            beside.replace(target)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
