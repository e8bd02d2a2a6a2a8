"""Faults that the sandbox server or a proxy injects on request. Without a `Fault`, there are no failures.

`FaultProxy` supports only the kinds marked P, because it forwards bytes. The sandbox server supports all kinds.
The column "applied" shows whether the request has its effect.

======================  ========  ====================================================================================
kind                    applied   what the client sees
======================  ========  ====================================================================================
``answer``              no        a response with the ``status``, ``headers`` and ``body`` of the fault
``answer_after``        yes       the same; ``status=None`` and ``body=None`` keep the true ones
``delay``            P  yes       the true response, ``delay_s`` late
``drop``             P  no        the connection closes without a response
``drop_after``       P  yes       the same
``reset``            P  no        the connection is reset
``reset_after``      P  yes       the same
``reset_reused``     P  no        the same, but only on a connection that served a request before (a stale one)
``stall``            P  no        silence until the client closes the connection
``stall_after``      P  yes       the same
``late``             P  late      the connection closes at once; the request is applied ``delay_s`` later
``late_stall``       P  late      silence; the request is applied after ``delay_s``, then the connection closes
``truncate``         P  yes       the first ``after_bytes`` of the response, head included, then the connection closes
``truncate_chunk``   P  yes       the response in chunks, the second one cut short, then the connection closes
``unended_chunks``   P  yes       the response in one whole chunk, without the final empty chunk
``drip``             P  yes       the response in up to 200 pieces, with ``delay_s`` between them
``keep``                partly    success, and the record as stored: ``column`` has its old value (a write)
``lie``                 partly    success, as if ``column`` was stored too (a write)
``empty_page``          yes       a list page without records
``short_page``          yes       the first half of a list page
``repeated_page``       yes       the page before the requested one (never for page 1)
``total_too_small``     yes       half the true totals (only lists in the `rest` dialect have totals)
``total_too_large``     yes       twice the true totals plus 1
``meanwhile``           yes       the true response; ``action()`` runs before the request is applied
======================  ========  ====================================================================================

Without a ``column``, ``keep`` and ``lie`` store nothing. If a fault has nothing to alter in a request (page 1, a write
that is refused anyway, a list without totals), it waits for the next request. A response without a body is cut in its
head.
"""

from __future__ import annotations

from wizframe.server.faults.kinds import KINDS, WIRE_KINDS
from wizframe.server.faults.schedule import HTML_PAGE, PASSING, Fault, Faults, FiredFault, gzip_bomb

__all__ = ["HTML_PAGE", "KINDS", "PASSING", "WIRE_KINDS", "Fault", "Faults", "FiredFault", "gzip_bomb"]
