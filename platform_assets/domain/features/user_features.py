"""Features of a person on a day, from the 1, 7 and 28 days strictly before it.

Point in time by construction: a day's features join only earlier days, so nothing that happens later can change them.
That holds for who is who as well: a person is who was known when the day before ended.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import ibis

from platform_assets.domain.contracts.user_features import COUNTED_EVENT_TYPES, USER_FEATURES, WINDOWS_DAYS
from platform_assets.domain.features.category_features import with_category_features
from platform_assets.domain.features.cluster_features import with_cluster_features
from platform_assets.domain.identity.persons import NAMING_COLUMNS, with_stretches

LONGEST_WINDOW_DAYS = max(WINDOWS_DAYS)

EXACT_VALUE = "decimal(38, 6)"
"""Values are summed in this type: sums of floats depend on the order in which an engine happens to add them, and a
feature that changes in its last digit on every run makes everything after it stale. The contract of `events` keeps
values in its range."""


COUNTED = ("events", *COUNTED_EVENT_TYPES.values(), "sessions", "value", "evening", "mobile")
PERSON_AND_DAY = ("user_id", "active_date", "known_from", "known_to")


def user_features(
    events: ibis.Table,
    user_ids: ibis.Table,
    first: date,
    last: date,
    category_audiences: ibis.Table | None = None,
    commerce: Sequence[str] = (),
    domain_clusters: ibis.Table | None = None,
) -> ibis.Table:
    """The features of the days `first` … `last`, from events and user ids of the 28 days before each; no bots.

    `category_audiences` are those of the day before each, where there are any; `commerce` are categories that sell.
    `domain_clusters` are those published for the days and for some before them.
    """
    people = events.filter(~events.is_bot)
    days = _days(first, last)
    done = _of_persons(daily_activity(people), user_ids)
    activity = _before(days, done.group_by(*PERSON_AND_DAY).aggregate(**{name: done[name].sum() for name in COUNTED}))
    by_person = activity.group_by("event_date", "user_id").aggregate(**_windowed(), **_recency())
    places = people.group_by(*NAMING_COLUMNS, "domain", "device", active_date=people.event_date)
    been = _of_persons(places.aggregate(events=ibis._.count()), user_ids)
    seen = _before(days, been.group_by(*PERSON_AND_DAY, "domain", "device").aggregate(events=been.events.sum()))
    variety = seen.group_by("event_date", "user_id").aggregate(
        domains_28d=seen.domain.nunique(), devices_28d=seen.device.nunique()
    )
    joined = by_person.join(variety, ["event_date", "user_id"])
    total = joined.events_28d
    own = joined.mutate(
        evening_share_28d=joined.evening / total,
        weekend_share_28d=joined.weekend / total,
        mobile_share_28d=joined.mobile / total,
    )
    categorised = with_category_features(own, category_audiences, commerce)
    return with_cluster_features(categorised, seen, domain_clusters).select(*USER_FEATURES.column_names)


def daily_activity(people: ibis.Table) -> ibis.Table:
    """What was done on every day under every combination of identifiers: one row each.

    A session counts once a day, with one of its events, so that a login in the middle of it makes no second one.
    """
    in_session = people.filter(people.session_id.notnull())
    counting = in_session.group_by("session_id", "event_date").aggregate(event_id=in_session.event_id.min())
    marked = people.left_join(counting.select("event_id", counts_session=ibis.literal(True)), "event_id")
    return marked.group_by(*NAMING_COLUMNS, active_date=marked.event_date).aggregate(
        events=marked.count(),
        **{plural: marked.count(where=marked.event_type == kind) for kind, plural in COUNTED_EVENT_TYPES.items()},
        sessions=marked.count(where=marked.counts_session),
        value=marked.value.cast(EXACT_VALUE).sum().fill_null(0),
        evening=marked.count(where=marked.event_time.hour() >= 18),
        mobile=marked.count(where=marked.device.isin(["mobile", "tablet"])),
    )


def _of_persons(activity: ibis.Table, user_ids: ibis.Table) -> ibis.Table:
    """With the person, from `known_from` until before `known_to`, as far as features look back at the activity."""
    found = with_stretches(activity, user_ids)
    beyond = found.active_date + ibis.interval(days=LONGEST_WINDOW_DAYS)
    clipped = found.mutate(
        known_from=ibis.greatest(found.from_day, found.active_date), known_to=ibis.least(found.to_day, beyond)
    )
    return clipped.filter(clipped.known_from < clipped.known_to)


def _days(first: date, last: date) -> ibis.Table:
    start, end = (ibis.timestamp(f"{day}") for day in (first, last + timedelta(days=1)))
    days = ibis.range(start, end, ibis.interval(days=1)).unnest().name("day").as_table()
    return days.select(event_date=days.day.cast("date"), day_before=days.day.cast("date") - ibis.interval(days=1))


def _before(days: ibis.Table, activity: ibis.Table) -> ibis.Table:
    """Every asked day with the active days in the longest window strictly before it, and how long ago they were.

    An activity is that of the person as known when the day before the asked one ended.
    """
    joined = days.join(
        activity,
        [
            activity.active_date < days.event_date,
            activity.active_date >= days.event_date - ibis.interval(days=LONGEST_WINDOW_DAYS),
            activity.known_from <= days.day_before,
            activity.known_to > days.day_before,
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
        features[f"active_days_{days}d"] = table.age.nunique(where=inside)
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
