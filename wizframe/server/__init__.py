"""The sandbox: an embedded server that speaks the documented WizCommerce API over real HTTP on loopback.

It serves generated data from SQLite, so that users can try, teach and test everything without an account. It imports
no other part of wizframe, because it is a second, independent reading of the vendor's documents.

Modules that decide a point on which the documents are silent say so at their top: ``customers`` and ``contacts`` (the
operations), ``list_parameters`` (lists), ``rules`` (refused values) and ``spelling`` (both dialects). ``resources`` has
the fields. ``faults`` lists the failures that the server can inject.
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
