"""Which identifier is which person, day by day: what was seen together is one person, and stays the same person.

A day is computed from its pairs and from what was known before it, so that it costs by its own size. Who is known:
every identifier that was seen in the last `MEMORY_DAYS` days. A day ties the persons together whose identifiers it
saw in one event. The person known longest keeps the id. Where an identifier turns out to be shared by too many
(`shared_identifiers`), its person is put together anew without it, from the pairs that are remembered.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import ibis

from platform_assets.domain.contracts.identifier_pairs import IDENTIFIER_PAIRS
from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.identity.connected_components import Connect
from platform_assets.domain.identity.iterating_engine import IteratingEngine
from platform_assets.domain.identity.persons_of_a_day import rows_of_day, ties_of_day
from platform_assets.domain.identity.shared_identifiers import shared_identifiers

MEMORY_DAYS = 90
"""An identifier that wasn't seen for so many days is forgotten; seen again, it is somebody new."""

DAYS_JOINED_AT_ONCE = 30
"""Results of that many days become one table: a union of a thousand tables would take long to plan."""

_DAY = {"event_date": "date", "remembered_date": "date"}
_PAIRS = {
    name: IDENTIFIER_PAIRS.schema()[name]
    for name in ("event_date", "identifier", "kind", "other_identifier", "other_kind")
}
_KNOWN = {
    name: USER_IDS.schema()[name]
    for name in ("identifier", "kind", "user_id", "is_hub", "founded_date", "last_seen_date")
}


class EarlierDayMissing(PlatformError):
    """Persons are asked for on a day before which a day is missing: they would be others than they are."""


def user_ids(
    pairs: ibis.Table,
    earlier: ibis.Table | None,
    first: date,
    last: date,
    connect: Connect,
    engine: IteratingEngine,
    *,
    memory_days: int = MEMORY_DAYS,
) -> ibis.Table:
    """The rows of `user_ids` of the days `first` … `last`, the same for a range as for its days one by one.

    `pairs` holds the days from `memory_days` before `first`, `earlier` the table's own rows of the days before it
    (None: there are none). Raises EarlierDayMissing where identifiers were seen on one of these and have no rows.
    """
    memory = timedelta(days=memory_days)
    before = first - memory, first - timedelta(days=1)
    if earlier is not None:
        earlier = earlier.filter(earlier.event_date.between(*before))
    require_unbroken(pairs.filter(pairs.event_date.between(*before)), earlier)
    pairs = pairs.select(*_PAIRS)
    shared = engine.computed(shared_identifiers(pairs, first, last))
    coming = pairs.filter(pairs.event_date.between(first, last)).select("identifier").distinct()
    known = engine.computed(known_identifiers(earlier, coming).filter(ibis._.last_seen_date >= first - memory))
    ties_of, rows_of, known_after = _steps_of_a_day(engine)
    joined: list[ibis.Table] = []
    recent: list[ibis.Table] = []
    for date_of_day in _days(first, last):
        since = date_of_day - memory + timedelta(days=1)
        day = ibis.memtable({"event_date": [date_of_day], "remembered_date": [since]}, schema=ibis.schema(_DAY))
        today = engine.computed(pairs.filter(pairs.event_date == date_of_day))
        remembered = pairs.filter(pairs.event_date.between(since, date_of_day))
        ties = ties_of(day=day, today=today, remembered=remembered, known=known, shared=shared)
        rows = rows_of(day=day, today=today, known=known, shared=shared, components=connect(ties))
        known = known_after(day=day, known=known, rows=rows)
        recent.append(rows)
        if len(recent) == DAYS_JOINED_AT_ONCE:
            joined, recent = [*joined, engine.computed(ibis.union(*recent))], []
    return ibis.union(*joined, *recent)


def _steps_of_a_day(engine: IteratingEngine) -> tuple[Callable[..., ibis.Table], ...]:
    """What is computed for every day: the ties, the rows from their components, and what is known afterwards."""
    placeholders = {
        "day": _DAY,
        "today": _PAIRS,
        "remembered": _PAIRS,
        "known": _KNOWN,
        "shared": {"event_date": "date", "identifier": "string", "kind": "string", "shared_by": "int64"},
        "components": {"node": "string", "component": "string"},
        "rows": USER_IDS.schema(),
    }
    day, today, remembered, known, shared, components, rows = (
        ibis.table(ibis.schema(columns), name=name) for name, columns in placeholders.items()
    )
    found = shared.semi_join(day, "event_date")
    return (
        engine.prepared(ties_of_day(today, remembered, known, found)),
        engine.prepared(rows_of_day(day, today, known, found, components)),
        engine.prepared(known_after_day(day, known, rows)),
    )


def require_unbroken(pairs: ibis.Table, earlier: ibis.Table | None) -> None:
    """Raise EarlierDayMissing where one of the days of `pairs` has no row in `earlier`."""
    days = pairs.select("event_date").distinct()
    missing = days.anti_join(earlier, "event_date") if earlier is not None else days
    found = sorted(missing.to_pyarrow()["event_date"].to_pylist())
    if found:
        raise EarlierDayMissing(
            f"{len(found)} earlier day(s) with identifiers have no persons yet: {found[0]} … {found[-1]}",
            where=f"table {USER_IDS.name}",
            todo=f"materialise {USER_IDS.name} from {found[0]} on, in one range or day by day in order",
        )


def known_identifiers(earlier: ibis.Table | None, coming: ibis.Table) -> ibis.Table:
    """What is known after some days of `user_ids` of the `coming` identifiers and of all others of their persons.

    One row an identifier, its latest. Of nobody else can a row change: so a day sorts what concerns it only.
    """
    if earlier is None:
        return ibis.memtable([], schema=ibis.schema(_KNOWN))
    persons = earlier.semi_join(coming, "identifier").select("user_id").distinct()
    concerned = ibis.union(coming, earlier.semi_join(persons, "user_id").select("identifier"), distinct=True)
    return latest_rows(earlier.semi_join(concerned, "identifier"))


def latest_rows(user_ids: ibis.Table) -> ibis.Table:
    """What some days of `user_ids` say last of every identifier."""
    latest_first = ibis.window(group_by="identifier", order_by=ibis.desc("event_date"))
    return user_ids.filter(ibis.row_number().over(latest_first) == 0).select(*_KNOWN)


def known_after_day(day: ibis.Table, known: ibis.Table, rows: ibis.Table) -> ibis.Table:
    """What is known of every identifier for the next day: the forgotten left out, the day's rows in their place."""
    latest = ibis.union(known.anti_join(rows, "identifier"), rows.select(*_KNOWN))
    dated = latest.cross_join(day.select("remembered_date"))
    return dated.filter(dated.last_seen_date >= dated.remembered_date).select(*_KNOWN)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
