"""Tables of user ids for tests: everybody by a cookie of the same name, or whatever a list says."""

from collections.abc import Iterable

import ibis
import pyarrow as pa

from platform_assets.domain.contracts.user_ids import USER_IDS


def one_cookie_each(events: ibis.Table) -> ibis.Table:
    """Every cookie of the events is a person of the same name, who never changes."""
    seen = events.filter(events.cookie_id.notnull())
    return seen.select(
        event_date=seen.event_date,
        identifier=seen.cookie_id,
        kind=ibis.literal("cookie"),
        user_id=seen.cookie_id,
        is_hub=ibis.literal(False),
        previous_user_id=ibis.null("string"),
        founded_date=seen.event_date,
        last_seen_date=seen.event_date,
        shared_by=ibis.null("int64"),
    ).distinct()


def user_ids_of(known: Iterable[tuple]) -> ibis.Table:
    """A table of (day, identifier, user_id or None for a hub, previous user_id if it changed)."""
    records = [
        {
            "event_date": day,
            "identifier": identifier,
            "kind": "cookie",
            "user_id": user,
            "is_hub": user is None,
            "previous_user_id": previous[0] if previous else None,
        }
        for day, identifier, user, *previous in known
    ]
    return ibis.memtable(pa.Table.from_pylist(records, USER_IDS.schema().to_pyarrow()))
