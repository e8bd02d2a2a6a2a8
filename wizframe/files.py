"""Write a file as a whole, or not at all."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["replacing"]


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a new file that replaces ``path`` when the block ends, and is deleted when the block fails."""
    target = Path(path)
    # In the same folder, because a rename between two file systems is a copy. With a unique name, because two processes
    # may write the same file. With a short name, because the target's name may already have the maximum length.
    beside = target.with_name(f".wizframe-{uuid.uuid4().hex[:8]}.part")
    try:
        with beside.open("xb") as file:
            yield file
        beside.replace(target)
    except OSError as error:
        if error.filename == str(beside):  # such as a folder that does not exist: the caller knows only the target
            raise OSError(error.errno, error.strerror, str(target)) from None
        raise
    finally:
        beside.unlink(missing_ok=True)
