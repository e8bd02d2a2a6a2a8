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
    """Open a new file that takes the place of ``path`` when the block ends, and disappears when the block fails."""
    target = Path(path)
    # In the same folder, because a rename between two file systems is a copy. A name of its own, because two processes
    # may write the same file, and a short one, because the name of the target may be as long as a name can be.
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
