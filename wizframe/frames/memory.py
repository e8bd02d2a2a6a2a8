"""Where the columns of a load lie: in memory that the system gets back when it is free.

Arrow's own allocator keeps what columns leave behind on their way into a frame: half as much again as the frame has.
"""

from __future__ import annotations

import threading

import pyarrow as pa

__all__ = ["POOL", "give_back"]

POOL = pa.system_memory_pool()
#: To look for what is free takes time, and what is given back has to be fetched again: not for a few.
_MANY_BYTES = 10_000_000


class _Freed:
    lock = threading.Lock()
    bytes = 0


def give_back(freed: int) -> None:
    """Let the system have the memory that is free again, once there is much of it.

    Parameters
    ----------
    freed : int
        Bytes that were let go of.
    """
    with _Freed.lock:
        _Freed.bytes += freed
        if _Freed.bytes < _MANY_BYTES:
            return
        _Freed.bytes, usual = 0, pa.default_memory_pool()
        usual.release_unused()
        pa.set_memory_pool(POOL)  # whichever pool is asked, pyarrow lets the default one do it
        try:
            POOL.release_unused()
        finally:
            pa.set_memory_pool(usual)
