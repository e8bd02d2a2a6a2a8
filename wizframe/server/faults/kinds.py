"""The kinds of faults: whether the request is applied, how the response is sent, and the operations of each kind."""

from __future__ import annotations

from typing import Literal, NamedTuple

from wizframe.server.routes import LISTS, LOGIN, OPERATIONS, WRITES

__all__ = ["KINDS", "WIRE_KINDS", "Kind"]


class Kind(NamedTuple):
    """One kind of fault; "altered" means that the effect or the content of the response differs from the true one."""

    applied: Literal["yes", "no", "late", "altered"]
    sent: Literal["whole", "part", "cut chunk", "unended chunks", "drip", "close", "reset", "stall"]
    operations: tuple[str, ...] = (*OPERATIONS, LOGIN)

    @property
    def has_status(self) -> bool:
        """Whether the client receives a response, or at least its beginning."""
        return self.sent not in {"close", "reset", "stall"}


KINDS = {
    "answer": Kind("no", "whole"),
    "answer_after": Kind("yes", "whole"),
    "delay": Kind("yes", "whole"),
    "drop": Kind("no", "close"),
    "drop_after": Kind("yes", "close"),
    "reset": Kind("no", "reset"),
    "reset_after": Kind("yes", "reset"),
    "reset_reused": Kind("no", "reset"),
    "stall": Kind("no", "stall"),
    "stall_after": Kind("yes", "stall"),
    "late": Kind("late", "close"),
    "late_stall": Kind("late", "stall"),
    "truncate": Kind("yes", "part"),
    "truncate_chunk": Kind("yes", "cut chunk"),
    "unended_chunks": Kind("yes", "unended chunks"),
    "drip": Kind("yes", "drip"),
    "keep": Kind("altered", "whole", WRITES),
    "lie": Kind("altered", "whole", WRITES),
    "empty_page": Kind("altered", "whole", LISTS),
    "short_page": Kind("altered", "whole", LISTS),
    "repeated_page": Kind("altered", "whole", LISTS),
    "total_too_small": Kind("altered", "whole", LISTS),
    "total_too_large": Kind("altered", "whole", LISTS),
    "meanwhile": Kind("yes", "whole"),
}

# A proxy forwards bytes: it can delay, cut or drop them, but it cannot change their content.
WIRE_KINDS = tuple(
    name for name, kind in KINDS.items() if name == "delay" or (kind.applied != "altered" and kind.sent != "whole")
)
