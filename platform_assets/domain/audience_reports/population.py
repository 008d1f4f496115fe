"""Who could convert on a day and who did, as persons known when it ends; and which of them a member has become."""

from datetime import date, timedelta

import ibis

from platform_assets.domain.audience_reports.conversion import Conversion
from platform_assets.domain.audience_reports.members import days_later
from platform_assets.domain.contracts.audience_report import POPULATION_DAYS
from platform_assets.domain.identity.persons import NAMING_COLUMNS, followed, with_user_ids


def population(events: ibis.Table, user_ids: ibis.Table, conversion: Conversion, first: date, last: date) -> ibis.Table:
    """Everybody with an event in the 28 days before a day: `event_date`, `user_id`, and whether `converted` on it.

    For the days `first` … `last`, from events and user ids of these and the 28 days before. A person is who is known
    when the day ends, so that somebody who merged on it counts once. Bots and what is nobody's are left out.
    """
    people = _of_persons(_days_after_activity(events, first, last), user_ids)
    on_the_day = conversion.of(events).filter(ibis._.event_date.between(ibis.literal(first), ibis.literal(last)))
    buyers = _of_persons(on_the_day.select("event_date", *NAMING_COLUMNS), user_ids).mutate(_bought=ibis.literal(True))
    joined = people.left_join(buyers, ["event_date", "user_id"])
    return joined.select("event_date", "user_id", converted=joined._bought.fill_null(False))


def _days_after_activity(events: ibis.Table, first: date, last: date) -> ibis.Table:
    """The identifiers of the population of each day: `event_date` and the naming columns, once each.

    In a range, a day is written down for the latest activity before it alone, so that it costs little more than a day.
    """
    since, until = first - timedelta(days=POPULATION_DAYS), last - timedelta(days=1)
    named = ibis.or_(*(events[name].notnull() for name in NAMING_COLUMNS))
    seen = events.filter(~events.is_bot, named, events.event_date.between(ibis.literal(since), ibis.literal(until)))
    if first == last:
        return seen.select(*NAMING_COLUMNS).distinct().mutate(event_date=ibis.literal(first))
    active = seen.select(*NAMING_COLUMNS, active_date="event_date").distinct()
    in_order = ibis.window(group_by=NAMING_COLUMNS, order_by="active_date")
    again = active.mutate(active_again=active.active_date.lead().over(in_order))
    days = again.mutate(
        from_days=ibis.greatest(ibis.literal(first).delta(again.active_date, unit="day"), 1),
        to_days=ibis.least(
            ibis.literal(last).delta(again.active_date, unit="day"),
            again.active_again.delta(again.active_date, unit="day").fill_null(POPULATION_DAYS),
            POPULATION_DAYS,
        ),
    )
    each = days.mutate(days_later=ibis.range(days.from_days, days.to_days + 1).unnest())
    return each.select(*NAMING_COLUMNS, event_date=days_later(each.active_date, each.days_later.as_interval("D")))


def _of_persons(identifiers: ibis.Table, user_ids: ibis.Table) -> ibis.Table:
    found = with_user_ids(identifiers, user_ids, as_of="event_date")
    return found.filter(found.user_id.notnull()).select("event_date", "user_id").distinct()


def moved(members: ibis.Table, user_ids: ibis.Table, *, known_days_before: int, until_days_before: int) -> ibis.Table:
    """Who else a person of `members` has become: `event_date`, `user_id`, `current_user_id`; nobody who only stayed.

    `user_id` is known when the day ends that is `known_days_before` the event date, `current_user_id` when the later
    one does.
    """
    movers = user_ids.filter(user_ids.previous_user_id.notnull()).select(user_id="previous_user_id").distinct()
    ids = members.select("event_date", "user_id").semi_join(movers, "user_id").distinct()
    dated = ids.mutate(
        _known_on=days_later(ids.event_date, ibis.interval(days=-known_days_before)),
        _until=days_later(ids.event_date, ibis.interval(days=-until_days_before)),
    )
    followed_ids = followed(dated, user_ids, known_on="_known_on", until="_until")
    elsewhere = followed_ids.filter(followed_ids.user_id != followed_ids.current_user_id)
    return elsewhere.select("event_date", "user_id", "current_user_id")
