"""The service as planning sees it, and whether frames come from the account that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wizframe.errors import WrongAccountError
from wizframe.frames.baselines import attach, attached
from wizframe.frames.build import to_frame
from wizframe.loading.lookups import ServiceLookups
from wizframe.planning.match import Service

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from wizframe.api.client import BaseClient
    from wizframe.frames.baselines import Baseline

__all__ = ["check_same_account", "service_for"]

#: Records that are compared: one that is gone proves nothing, three that all differ do.
_SAMPLE = 3


def service_for(client: BaseClient, frames: Iterable[pd.DataFrame]) -> Service:
    """Give planning the service, once the frames are known to come from its account."""
    lookups = ServiceLookups(client)
    for frame in frames:
        own = attached(frame)
        if own is not None and not own.account.base_url:  # a file need not name its account: it is this one
            attach(frame, own.again(account=client.account))
        check_same_account(attached(frame), client, lookups)
    return Service(client.account, client.connection, lookups)


def check_same_account(own: Baseline | None, client: BaseClient, lookups: ServiceLookups | None = None) -> None:
    """Compare three known records with the service's, if a frame was loaded over another connection.

    The same address and name do not prove the same account: a sandbox that was restarted has other records with the
    same ids. The time when a record was created never changes.
    """
    if own is None or own.connection == client.connection or own.account != client.account:
        return
    if "created_at" not in own.frame:  # a plan from a file or the journal: its conflicts are checked record by record
        return
    sample = own.frame.dropna(subset="created_at").head(_SAMPLE)
    parents = sample[own.table.parent_id] if own.table.parent else [None] * len(sample)
    keys = {
        (parent if isinstance(parent, str) else None, one) for parent, one in zip(parents, sample["id"], strict=True)
    }
    found = list((lookups or ServiceLookups(client)).by_id(own.table, keys).values())
    created = to_frame(found, own.table)[0].set_index("id")["created_at"].reindex(sample["id"])
    is_same = created.to_numpy() == sample["created_at"].to_numpy()
    if len(sample) and (created.isna().all() or not (is_same | created.isna().to_numpy()).all()):
        raise WrongAccountError(
            f"the rows were loaded from {own.account}, but the service there does not have their records any more: it "
            "is another account, or everything was deleted",
            hint="Load again.",
        )
