"""Where the columns of a load lie: in memory that the system gets back when it is free.

Arrow's own allocator keeps what columns leave behind on their way into a frame: half as much again as the frame has.
"""

from __future__ import annotations

import threading
import time

import pyarrow as pa

__all__ = ["POOL", "give_back"]

POOL = pa.system_memory_pool()
_LEAST_BYTES, _MANY_BYTES = 1_000_000, 10_000_000
#: Where a process holds gigabytes in pieces, looking for what is free takes long: at most a fifth of the time.
_REST = 4


class _Turn:
    lock = threading.Lock()
    rests_until = 0.0


def give_back(freed: int) -> None:
    """Let the system have the memory that is free again.

    Parameters
    ----------
    freed : int
        Bytes that were let go of: a few are not worth the trouble, many always are.
    """
    if freed < _LEAST_BYTES or (freed < _MANY_BYTES and time.monotonic() < _Turn.rests_until):
        return
    with _Turn.lock:
        start, usual = time.monotonic(), pa.default_memory_pool()
        usual.release_unused()
        pa.set_memory_pool(POOL)  # whichever pool is asked, pyarrow lets the default one do it
        try:
            POOL.release_unused()
        finally:
            pa.set_memory_pool(usual)
        end = time.monotonic()
        _Turn.rests_until = end + _REST * (end - start)
