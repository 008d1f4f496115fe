"""Which identifier is which person, day by day: what was seen together is one person, and stays the same person.

A day is computed from its pairs and from what was known before it, so that it costs by its own size. Who is known:
every identifier that was seen in the last `MEMORY_DAYS` days. A day ties the persons together whose identifiers it
saw in one event. The person known longest keeps the id. Where an identifier turns out to be shared by too many
(`shared_identifiers`), its person is put together anew without it, from the pairs that are remembered.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from platform_assets.domain.connected_components import Connect
from platform_assets.domain.contracts.identifier_pairs import IDENTIFIER_PAIRS
from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.domain.engine_functions import md5
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.iterating_engine import IteratingEngine
from platform_assets.domain.shared_identifiers import shared_identifiers

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
    known = engine.computed(known_identifiers(earlier).filter(ibis._.last_seen_date >= first - memory))
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


def known_identifiers(earlier: ibis.Table | None) -> ibis.Table:
    """What is known of every identifier after some days of `user_ids`: its latest row."""
    if earlier is None:
        return ibis.memtable([], schema=ibis.schema(_KNOWN))
    latest_first = ibis.window(group_by="identifier", order_by=ibis.desc("event_date"))
    return earlier.filter(ibis.row_number().over(latest_first) == 0).select(*_KNOWN)


def known_after_day(day: ibis.Table, known: ibis.Table, rows: ibis.Table) -> ibis.Table:
    """What is known of every identifier for the next day: the forgotten left out, the day's rows in their place."""
    latest = ibis.union(known.anti_join(rows, "identifier"), rows.select(*_KNOWN))
    dated = latest.cross_join(day.select("remembered_date"))
    return dated.filter(dated.last_seen_date >= dated.remembered_date).select(*_KNOWN)


@dataclass(frozen=True)
class _Cast:
    """Who takes part in a day: `people` were seen and are no hubs, `whole` are known members of persons, `apart` known
    members of persons whose hub was found today; both as `_KNOWN` columns."""

    people: ibis.Table
    whole: ibis.Table
    apart: ibis.Table
    hubs: ibis.Table

    @classmethod
    def of(cls, today: ibis.Table, known: ibis.Table, found: ibis.Table) -> "_Cast":
        hubs = ibis.union(known.filter(known.is_hub).select("identifier"), found.select("identifier"), distinct=True)
        persons = known.filter(~known.is_hub)
        broken = persons.semi_join(found, "identifier").select("user_id").distinct()
        return cls(
            people=seen_identifiers(today).anti_join(hubs, "identifier"),
            whole=persons.anti_join(broken, "user_id"),
            apart=persons.semi_join(broken, "user_id").anti_join(found, "identifier"),
            hubs=hubs,
        )


def seen_identifiers(pairs: ibis.Table) -> ibis.Table:
    """The identifiers of a day's pairs: each has a row of its own."""
    return pairs.filter(pairs.other_identifier.isnull()).select("identifier", "kind")


def ties_of_day(today: ibis.Table, remembered: ibis.Table, known: ibis.Table, found: ibis.Table) -> ibis.Table:
    """The edges whose components are the day's persons: `left`, `right`.

    Identifiers seen together today, each with the person it belonged to; and the members of persons whose hub was
    `found` today, as they were seen together in the pairs that are `remembered`.
    """
    cast = _Cast.of(today, known, found)
    return ibis.union(
        cast.people.select(left="identifier", right="identifier"),
        _links(today, cast.people),
        cast.whole.semi_join(cast.people, "identifier").select(left="identifier", right="user_id"),
        cast.apart.select(left="identifier", right="identifier"),
        _links(remembered, cast.apart),
    )


def rows_of_day(
    day: ibis.Table, today: ibis.Table, known: ibis.Table, found: ibis.Table, components: ibis.Table
) -> ibis.Table:
    """The rows of one day from the components of its ties; `day` is one row with its `event_date`."""
    cast = _Cast.of(today, known, found)
    belongs = _members(components, cast)
    named = _named(day, components, belongs, cast)
    assigned = belongs.join(named, "component").select("identifier", "user_id", "founded_date")
    return _as_rows(day, seen_identifiers(today), known, assigned, cast.hubs, found)


def _links(pairs: ibis.Table, among: ibis.Table) -> ibis.Table:
    """The pairs of two identifiers that are both among some."""
    both = pairs.semi_join(among, "identifier").semi_join(
        among.select(other_identifier="identifier"), "other_identifier"
    )
    return both.select(left="identifier", right="other_identifier").distinct()


def _members(components: ibis.Table, cast: _Cast) -> ibis.Table:
    """Identifier and component: those of the day, those put together anew, and all others of persons tied today."""
    own = ibis.union(cast.people.select("identifier"), cast.apart.select("identifier"), distinct=True)
    by_person = cast.whole.join(components, cast.whole.user_id == components.node).select("identifier", "component")
    by_name = own.join(components, own.identifier == components.node).select("identifier", "component")
    return ibis.union(by_name, by_person, distinct=True)


def _named(day: ibis.Table, components: ibis.Table, belongs: ibis.Table, cast: _Cast) -> ibis.Table:
    """Component, user_id, founded_date: the person known longest of those in it, else somebody new.

    A person that was put together anew goes on in the part with the most identifiers.
    """
    tied = cast.whole.select("user_id", "founded_date").distinct()
    tied = tied.join(components, tied.user_id == components.node).select("component", "user_id", "founded_date")
    parts = cast.apart.join(belongs, "identifier").group_by("user_id", "founded_date", "component")
    parts = parts.aggregate(size=ibis._.count(), smallest=ibis._.identifier.min())
    largest_first = ibis.window(group_by="user_id", order_by=[ibis.desc("size"), "smallest"])
    largest = parts.filter(ibis.row_number().over(largest_first) == 0)
    claims = ibis.union(tied, largest.select("component", "user_id", "founded_date"))
    oldest_first = ibis.window(group_by="component", order_by=["founded_date", "user_id"])
    oldest = claims.filter(ibis.row_number().over(oldest_first) == 0)
    new = components.select("component").distinct().anti_join(claims, "component").cross_join(day.select("event_date"))
    born = new.select("component", user_id=new_user_id(new.component, new.event_date), founded_date="event_date")
    return ibis.union(oldest, born)


def new_user_id(founder: ir.StringValue, day: ir.DateValue) -> ir.StringValue:
    """The id of a person that is first known on a day by this identifier; no pseudonym begins with a `u`."""
    return "u" + md5(founder + "@" + day.cast(str)).substr(0, 31)


def _as_rows(
    day: ibis.Table, seen: ibis.Table, known: ibis.Table, assigned: ibis.Table, hubs: ibis.Table, found: ibis.Table
) -> ibis.Table:
    """Rows for what was seen on the day, and for what belongs to another person than before."""
    before = known.select("identifier", known_kind="kind", former="user_id", former_seen="last_seen_date")
    now = seen.mutate(seen_today=True).outer_join(assigned, "identifier")
    now = now.mutate(identifier=now.identifier.coalesce(now.identifier_right)).drop("identifier_right")
    now = now.left_join(before, "identifier").drop("identifier_right")
    now = now.left_join(hubs.mutate(is_hub=True), "identifier").drop("identifier_right")
    now = now.left_join(found.select("identifier", "shared_by"), "identifier").drop("identifier_right")
    changed = now.former.notnull() & ~now.former.identical_to(now.user_id)
    rows = now.filter(now.seen_today.notnull() | changed).cross_join(day.select("event_date"))
    return rows.select(
        event_date=rows.event_date,
        identifier=rows.identifier,
        kind=rows.kind.coalesce(rows.known_kind),
        user_id=rows.user_id,
        is_hub=rows.is_hub.fill_null(False),
        previous_user_id=ibis.cases((~rows.former.identical_to(rows.user_id), rows.former), else_=ibis.null(str)),
        founded_date=rows.founded_date,
        last_seen_date=rows.seen_today.notnull().ifelse(rows.event_date, rows.former_seen),
        shared_by=rows.shared_by,
    )


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
