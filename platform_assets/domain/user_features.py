"""Features of a person on a day, from the 1, 7 and 28 days strictly before it.

Point in time by construction: a day's features join only earlier days, so nothing that happens later can change them.
"""

from datetime import date, timedelta

import ibis

from platform_assets.domain.contracts.user_features import COUNTED_EVENT_TYPES, USER_FEATURES, WINDOWS_DAYS

LONGEST_WINDOW_DAYS = max(WINDOWS_DAYS)

EXACT_VALUE = "decimal(38, 6)"
"""Values are summed in this type: sums of floats depend on the order in which an engine happens to add them, and a
feature that changes in its last digit on every run makes everything after it stale. The contract of `events` keeps
values in its range."""


def user_features(events: ibis.Table, first: date, last: date) -> ibis.Table:
    """The features of the days `first` … `last` from the events of the 28 days before each; bots don't count."""
    people = events.filter(~events.is_bot, events.user_id.notnull())
    by_day = daily_activity(people)
    days = _days(first, last)
    activity = _before(days, by_day).group_by("event_date", "user_id").aggregate(**_windowed(), **_recency())
    seen = _before(days, people.select("user_id", "domain", "device", active_date="event_date").distinct())
    variety = seen.group_by("event_date", "user_id").aggregate(
        domains_28d=seen.domain.nunique(), devices_28d=seen.device.nunique()
    )
    joined = activity.join(variety, ["event_date", "user_id"])
    total = joined.events_28d
    return joined.mutate(
        evening_share_28d=joined.evening / total,
        weekend_share_28d=joined.weekend / total,
        mobile_share_28d=joined.mobile / total,
    ).select(*USER_FEATURES.column_names)


def daily_activity(people: ibis.Table) -> ibis.Table:
    """What every person did on every day: one row per person and active day."""
    hand_held = people.device.isin(["mobile", "tablet"])
    return people.group_by("user_id", active_date=people.event_date).aggregate(
        events=people.count(),
        **{plural: people.count(where=people.event_type == kind) for kind, plural in COUNTED_EVENT_TYPES.items()},
        sessions=people.session_id.nunique(),
        value=people.value.cast(EXACT_VALUE).sum().fill_null(0),
        evening=people.count(where=people.event_time.hour() >= 18),
        mobile=people.count(where=hand_held),
    )


def _days(first: date, last: date) -> ibis.Table:
    start, end = (ibis.timestamp(f"{day}") for day in (first, last + timedelta(days=1)))
    days = ibis.range(start, end, ibis.interval(days=1)).unnest().name("day").as_table()
    return days.select(event_date=days.day.cast("date"))


def _before(days: ibis.Table, by_day: ibis.Table) -> ibis.Table:
    """Every asked day with the active days in the longest window strictly before it, and how long ago they were."""
    joined = days.join(
        by_day,
        [
            by_day.active_date < days.event_date,
            by_day.active_date >= days.event_date - ibis.interval(days=LONGEST_WINDOW_DAYS),
        ],
    )
    return joined.mutate(age=joined.event_date.delta(joined.active_date, unit="day"))


def _windowed() -> dict[str, ibis.Deferred]:
    table = ibis._
    counts = ("events", *COUNTED_EVENT_TYPES.values(), "sessions")
    features = {}
    for days in WINDOWS_DAYS:
        inside = table.age <= days
        for name in counts:
            features[f"{name}_{days}d"] = table[name].sum(where=inside).fill_null(0)
        features[f"active_days_{days}d"] = table.count(where=inside)
        features[f"value_{days}d"] = table.value.sum(where=inside).fill_null(0).cast("float64")
    return features


def _recency() -> dict[str, ibis.Deferred]:
    table = ibis._
    weekend = table.active_date.day_of_week.index() >= 5
    return {
        "days_since_last_event": table.age.min(),
        "days_since_last_purchase": table.age.min(where=table.purchases > 0).fill_null(LONGEST_WINDOW_DAYS + 1),
        "evening": table.evening.sum(),
        "mobile": table.mobile.sum(),
        "weekend": table.events.sum(where=weekend).fill_null(0),
    }
