"""The sandbox: an embedded server that speaks the documented WizCommerce API over real HTTP on loopback.

It serves generated data from SQLite, so that users can try, teach and test everything without an account. It imports
nothing else of wizframe, because it is a second, independent reading of the vendor's documents.

The modules that decide what the documents leave open say so at their top: ``customers`` and ``contacts`` (the
operations), ``list_parameters`` (lists), ``rules`` (what is refused), ``spelling`` (both dialects). ``resources`` has
the fields. ``faults`` lists what can go wrong on request.
"""

from __future__ import annotations

from wizframe.server.faults import Fault, Faults, FiredFault, gzip_bomb
from wizframe.server.faults.proxy import FaultProxy
from wizframe.server.sandbox_server import SandboxServer
from wizframe.server.service import SANDBOX_API_KEY
from wizframe.server.traffic import RateLimit, RequestLog, RequestRecord

__all__ = [
    "SANDBOX_API_KEY",
    "Fault",
    "FaultProxy",
    "Faults",
    "FiredFault",
    "RateLimit",
    "RequestLog",
    "RequestRecord",
    "SandboxServer",
    "gzip_bomb",
]
