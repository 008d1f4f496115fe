"""Which identifiers stand in one event: the edges of the identity graph, by day."""

from itertools import combinations

import ibis

from platform_assets.domain.contracts.identifier_pairs import IDENTIFIER_PAIRS
from platform_assets.domain.contracts.user_ids import IDENTIFIER_COLUMNS


def identifier_pairs(events: ibis.Table) -> ibis.Table:
    """Every identifier and every two identifiers of one event, by day, with the number of events; bots don't count."""
    columns = list(IDENTIFIER_COLUMNS.values())
    people = events.filter(~events.is_bot)
    together = people.group_by("event_date", *columns).aggregate(events=people.count())
    alone = [_pair(together, kind, None) for kind in IDENTIFIER_COLUMNS]
    pairs = [_pair(together, kind, other) for kind, other in combinations(IDENTIFIER_COLUMNS, 2)]
    found = ibis.union(*alone, *pairs)
    counted = found.group_by([name for name in found.columns if name != "events"]).aggregate(
        events=found.events.sum().cast("int64")
    )
    return counted.select(*IDENTIFIER_PAIRS.column_names)


def _pair(together: ibis.Table, kind: str, other: str | None) -> ibis.Table:
    """The identifiers of one kind, each with that of another kind beside it; rows that lack one are left out."""
    identifier = together[IDENTIFIER_COLUMNS[kind]]
    beside = together[IDENTIFIER_COLUMNS[other]] if other else ibis.null(str)
    present = identifier.notnull() & beside.notnull() if other else identifier.notnull()
    return together.filter(present).select(
        "event_date",
        identifier=identifier,
        kind=ibis.literal(kind),
        other_identifier=beside,
        other_kind=ibis.literal(other, type=str) if other else ibis.null(str),
        events=together.events,
    )
