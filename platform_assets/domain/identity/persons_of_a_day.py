"""The persons of one day: what ties its identifiers together, and what follows for each of them.

Which days there are, and what is remembered from one to the next, stands in `user_ids`.
"""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from platform_assets.domain.engine_functions import md5


@dataclass(frozen=True)
class _Cast:
    """Who takes part in a day: `people` were seen and are no hubs, `whole` are known members of persons, `apart` known
    members of persons whose hub was found today; both with what is known of them."""

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
