"""How large an audience is, how active, how it grows, and how much likelier its members convert; day by day.

Point in time: a day's members are those known when the day begins, what they do on it is what is compared. Who counts
as a member stands in `audience_members`, who could convert in `audience_population`.
"""

from datetime import date, timedelta

import ibis

from platform_assets.domain.audience_reports.conversion import Conversion
from platform_assets.domain.audience_reports.members import TABLE, known_when_days_begin
from platform_assets.domain.audience_reports.odds_ratio import odds_ratio
from platform_assets.domain.audience_reports.population import moved, population
from platform_assets.domain.contracts.audience_report import (
    AUDIENCE_REPORT,
    EVERYBODY_CONVERTED,
    EVERYBODY_IS_A_MEMBER,
    NO_ACTIVE_MEMBER,
    NOBODY_CONVERTED,
)

_AUDIENCE = ["event_date", "audience"]
_MEMBER = [*_AUDIENCE, "user_id"]


def audience_report(
    members: ibis.Table, events: ibis.Table, user_ids: ibis.Table, conversion: Conversion, first: date, last: date
) -> ibis.Table:
    """The report of the days `first` … `last`.

    `members` (see `members_of`) are those of the two days before each, `events` and `user_ids` hold these days and the
    28 before. An audience has a row where somebody belongs to it when the day begins, or did the day before.
    """
    now, before = (known_when_days_begin(members, first, last, days_before) for days_before in (1, 2))
    people = population(events, user_ids, conversion, first, last)
    recent = user_ids.filter(user_ids.event_date >= ibis.literal(first - timedelta(days=1)))
    audiences = ibis.union(now.select(*_AUDIENCE, TABLE), before.select(*_AUDIENCE, TABLE), distinct=True)
    counted = audiences.left_join(_reach(now), _AUDIENCE).drop("event_date_right", "audience_right")
    counted = counted.left_join(_growth(now, before, recent), _AUDIENCE).drop("event_date_right", "audience_right")
    active = active_members(now, people, recent).group_by(*_AUDIENCE)
    counted = counted.left_join(
        active.aggregate(active_members=ibis._.count(), converted_members=ibis._.count(where=ibis._.converted)),
        _AUDIENCE,
    ).drop("event_date_right", "audience_right")
    total = people.group_by("event_date").aggregate(
        population=ibis._.count(), converted=ibis._.count(where=ibis._.converted)
    )
    counted = counted.left_join(total, "event_date").drop("event_date_right")
    known_before = before.select("event_date", TABLE).distinct().mutate(_known_before=ibis.literal(True))
    counted = counted.left_join(known_before, ["event_date", TABLE])
    return _compared(_without_gaps(counted))


def active_members(members: ibis.Table, people: ibis.Table, user_ids: ibis.Table) -> ibis.Table:
    """The members who are of the population: `event_date`, `audience`, `user_id`, `converted`.

    `members` are persons as known when the day begins, `people` as known when it ends; who merged on the day is a
    member if one of the two was, and counts once.
    """
    found = members.select(*_MEMBER).join(people, ["event_date", "user_id"]).select(*_MEMBER, "converted")
    elsewhere = moved(members, user_ids, known_days_before=1, until_days_before=0)
    others = members.select(*_MEMBER).join(elsewhere, ["event_date", "user_id"])
    others = others.select(*_AUDIENCE, user_id="current_user_id").distinct().join(people, ["event_date", "user_id"])
    return ibis.union(found, others.select(*_MEMBER, "converted").anti_join(found, _MEMBER))


def _reach(now: ibis.Table) -> ibis.Table:
    """Members, and how often and how recently they did what makes them members."""
    recency = now.mutate(days=now.event_date.delta(now.last_event_date, unit="day"))
    grouped = recency.group_by(*_AUDIENCE)
    return grouped.aggregate(
        members=recency.count(),
        events_mean=recency["events"].sum().cast("float64") / recency["events"].count(),
        events_p50=recency["events"].quantile(0.5).cast("float64"),
        events_p90=recency["events"].quantile(0.9).cast("float64"),
        days_since_last_event_mean=recency.days.sum().cast("float64") / recency.days.count(),
        days_since_last_event_p50=recency.days.quantile(0.5).cast("float64"),
    )


def _growth(now: ibis.Table, before: ibis.Table, user_ids: ibis.Table) -> ibis.Table:
    """Who entered and who left from one day to the next; who merged with another member did neither."""
    elsewhere = moved(before, user_ids, known_days_before=2, until_days_before=1)
    went = before.select(*_MEMBER).join(elsewhere, ["event_date", "user_id"]).select(*_MEMBER, "current_user_id")
    arrived = went.select(*_AUDIENCE, user_id="current_user_id")
    still_here = went.semi_join(now.select(*_AUDIENCE, current_user_id="user_id"), [*_AUDIENCE, "current_user_id"])
    left = before.select(*_MEMBER).anti_join(now, _MEMBER).anti_join(still_here, _MEMBER)
    entered = now.select(*_MEMBER).anti_join(before, _MEMBER).anti_join(arrived, _MEMBER)
    left, entered = left.mutate(_entered=ibis.literal(False)), entered.mutate(_entered=ibis.literal(True))
    changes = ibis.union(entered, left)
    return changes.group_by(*_AUDIENCE).aggregate(
        members_entered=changes.count(where=changes._entered), members_left=changes.count(where=~changes._entered)
    )


def _without_gaps(counted: ibis.Table) -> ibis.Table:
    """What was not found was not there; but growth is unknown where the table of the day before is."""
    none = {
        name: counted[name].fill_null(0)
        for name in ("members", "population", "active_members", "converted_members", "converted")
    }
    growth = {
        name: ibis.cases((counted._known_before.notnull(), counted[name].fill_null(0)), else_=ibis.null("int64"))
        for name in ("members_entered", "members_left")
    }
    return counted.mutate(**none, **growth)


def _compared(counted: ibis.Table) -> ibis.Table:
    """With the shares that converted and the odds ratio, or the reason why there is none."""
    rows = counted.mutate(
        others=counted.population - counted.active_members,
        converted_others=counted.converted - counted.converted_members,
    )
    ratio = odds_ratio(rows, "converted_members", "active_members", "converted_others", "others")
    reason = ibis.cases(
        (rows.active_members == 0, NO_ACTIVE_MEMBER),
        (rows.others == 0, EVERYBODY_IS_A_MEMBER),
        (rows.converted == 0, NOBODY_CONVERTED),
        (rows.converted == rows.population, EVERYBODY_CONVERTED),
    )
    shares = rows.mutate(
        population_share=_share(rows.active_members, rows.population),
        conversion_share=_share(rows.converted_members, rows.active_members),
        others_conversion_share=_share(rows.converted_others, rows.others),
        no_odds_ratio=reason,
        **{name: ibis.cases((reason.isnull(), value)) for name, value in ratio.items()},
    )
    lift = shares.conversion_share / _share(shares.converted, shares.population).nullif(0)
    return shares.mutate(lift=lift).select(*AUDIENCE_REPORT.column_names)


def _share(part: ibis.expr.types.IntegerValue, whole: ibis.expr.types.IntegerValue) -> ibis.expr.types.FloatingValue:
    return part.cast("float64") / whole.nullif(0)
