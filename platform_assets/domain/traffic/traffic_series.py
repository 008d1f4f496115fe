"""Events counted by hour, by what they are series of: all of them, each site, category and event type."""

import ibis

from platform_assets.domain.categories.visit_categories import with_categories
from platform_assets.domain.contracts.traffic_series import ALL, CATEGORY, EVENT_TYPE, SITE, TRAFFIC_SERIES


def traffic_series(events: ibis.Table, domain_categories: ibis.Table) -> ibis.Table:
    """Counts of people's events by day, series and hour; hours without one have no row.

    A site counts for the category that it had on the day; what is of no known category counts for none.
    """
    people = events.filter(~events.is_bot)
    counted = people.group_by(
        people.event_date, people.domain, people.event_type, hour_at=people.event_time.truncate("h")
    ).aggregate(events=people.count())
    by_category = with_categories(counted, domain_categories, as_of="event_date")
    series = (
        counted.mutate(series=ibis.literal(ALL)),
        _named(counted, SITE, counted.domain),
        _named(by_category, CATEGORY, by_category.category),
        _named(counted, EVENT_TYPE, counted.event_type),
    )
    every = ibis.union(*(each.select("event_date", "series", "hour_at", "events") for each in series))
    summed = every.group_by("event_date", "series", "hour_at").aggregate(events=every.events.sum().cast("int64"))
    return summed.select(*TRAFFIC_SERIES.column_names)


def _named(counted: ibis.Table, kind: str, value: ibis.expr.types.StringValue) -> ibis.Table:
    return counted.filter(value.notnull()).mutate(series=ibis.literal(f"{kind}:") + value)


def enough_events(counts: ibis.Table, at_least: int) -> ibis.Table:
    """The rows of the series that have at least so many events in all."""
    totals = counts.group_by("series").aggregate(total=counts.events.sum())
    return counts.semi_join(totals.filter(totals.total >= at_least), "series")
