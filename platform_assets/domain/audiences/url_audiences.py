"""Who belongs to which declared audience when a day ends.

Point in time by construction: a day's members follow from events of that day and the days before it, and from persons
as known when that day ends. Audiences, rules and how events meet them stand in `audiences`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import ibis

from platform_assets.domain.audiences.audience import Audience
from platform_assets.domain.audiences.event_shapes import SHAPE, with_shape
from platform_assets.domain.audiences.rule_matches import rule_matches
from platform_assets.domain.audiences.rule_table import RuleTable, rule_table
from platform_assets.domain.contracts.url_audiences import URL_AUDIENCES
from platform_assets.domain.contracts.user_ids import IDENTIFIER_COLUMNS
from platform_assets.domain.identity.persons import NAMING_KINDS, with_user_ids

_IDENTIFIERS = tuple(IDENTIFIER_COLUMNS[kind] for kind in NAMING_KINDS)


def url_audiences(
    events: ibis.Table, user_ids: ibis.Table, audiences: Sequence[Audience], first: date, last: date
) -> ibis.Table:
    """The members of the days `first` … `last`, columns as in the contract.

    `events` and `user_ids` hold at least the days from `longest_window_days(audiences) - 1` before `first` to `last`.
    Bots and events of nobody known don't count.
    """
    rules = rule_table(audiences)
    daily = daily_matches(events, rules)
    asked = _asked_days(daily.join(rules.settings.select("audience", "within_days"), "audience"), first, last)
    people = with_user_ids(asked, user_ids, as_of="event_date")
    included = ~people.is_exclusion
    several_days = any(audience.on_days > 1 for audience in audiences)
    members = (
        people.filter(people.user_id.notnull())
        .group_by("event_date", "audience", "user_id")
        .aggregate(
            events=people["events"].sum(where=included).fill_null(0).cast("int64"),
            last_event_date=people.active_date.max(where=included),
            days=people.active_date.nunique(where=included) if several_days else ibis.literal(1),
            is_excluded=people.is_exclusion.any(),
        )
    )
    told = members.join(rules.settings, "audience")
    enough = (told["events"] >= told.at_least) & (told.days >= told.on_days) & ~told.is_excluded
    return told.filter(enough).drop("audience").rename(audience="name").select(*URL_AUDIENCES.column_names)


def daily_matches(events: ibis.Table, rules: RuleTable) -> ibis.Table:
    """Events by identifiers, `active_date`, audience and whether its exclusions are met; without bots."""
    seen = events.filter(~events.is_bot, ibis.or_(*(events[name].notnull() for name in _IDENTIFIERS)))
    # Two readings of the table, because a shared part would be held in memory whole.
    shapes = with_shape(seen.drop("event_date", *_IDENTIFIERS), rules).select(*SHAPE).distinct()
    met = rule_matches(shapes, rules).drop("rule").distinct()
    rows = with_shape(seen, rules).select(*_IDENTIFIERS, *SHAPE, active_date="event_date")
    matched = rows.join(met, SHAPE)
    return matched.group_by(*_IDENTIFIERS, "active_date", "audience", "is_exclusion").aggregate(events=matched.count())


def _asked_days(daily: ibis.Table, first: date, last: date) -> ibis.Table:
    """Every row once for each of the asked days (`event_date`) in whose window it lies."""
    from_first = ibis.greatest(ibis.date(first).delta(daily.active_date, unit="day"), 0)
    until_last = ibis.least(ibis.date(last).delta(daily.active_date, unit="day"), daily.within_days - 1)
    later = daily.mutate(days_later=ibis.range(from_first, until_last + 1).unnest())
    return later.mutate(event_date=(later.active_date + later.days_later.as_interval("D")).cast("date")).drop(
        "days_later"
    )


def member_counts(members: ibis.Table) -> ibis.Table:
    """event_date, audience and its `members`, the largest audiences of a day first."""
    counted = members.group_by("event_date", "audience").aggregate(members=members.count())
    return counted.order_by(counted.event_date, counted.members.desc(), counted.audience)


def last_matches(members: ibis.Table) -> ibis.Table:
    """Audience and the last day on which one of its members had a matching event."""
    return members.group_by("audience").aggregate(last_event_date=members.last_event_date.max())


def silent_audiences(
    audiences: Sequence[Audience], last_match: Mapping[str, date], first: date, newest: date
) -> dict[str, int]:
    """Name and line of the audiences that brought nobody in the last `warn_after_days` days, `newest` included.

    `last_match` are the last days of matching events by audience, over the days `first` … `newest`. While fewer days
    than that are known, an audience isn't judged.
    """
    found = {}
    for audience in audiences:
        since = newest - timedelta(days=audience.warn_after_days)
        if first <= since + timedelta(days=1) and last_match.get(audience.name, date.min) <= since:
            found[audience.name] = audience.line
    return found


def rule_counts(events: ibis.Table, rules: RuleTable) -> ibis.Table:
    """How many events meet each rule, and of how many cookies, without bots: rule, events, cookies."""
    seen = events.filter(~events.is_bot)
    met = rule_matches(with_shape(seen, rules).select(*SHAPE).distinct(), rules).select(*SHAPE, "rule").distinct()
    rows = with_shape(seen, rules).select("cookie_id", *SHAPE).join(met, SHAPE)
    return rows.group_by("rule").aggregate(events=rows.count(), cookies=rows.cookie_id.nunique())
