"""Who visited sites of which category in the four weeks up to a day, and which visits no map knows.

A visit counts for the category that its site had on the day of the visit: a site that changes hands doesn't change what
its former visitors were interested in. Who somebody is, is asked as of the end of the window.
"""

from datetime import date, timedelta

import ibis

from platform_assets.domain.categories.visit_categories import with_categories
from platform_assets.domain.contracts.category_audiences import CATEGORY_AUDIENCES, NOT_VISITS, WINDOW_DAYS
from platform_assets.domain.identity.persons import with_user_ids

_IDENTIFIERS = ("login_hash", "cookie_id", "device_id")


def visits(events: ibis.Table) -> ibis.Table:
    """The events that are visits of a site by somebody: on a page, not by a bot, not an ad impression."""
    return events.filter(~events.is_bot, events.domain.notnull(), ~events.event_type.isin(NOT_VISITS))


def category_audiences(
    events: ibis.Table, user_ids: ibis.Table, domain_categories: ibis.Table, first: date, last: date
) -> ibis.Table:
    """The audiences of the days `first` … `last`, from events and user_ids of the window before the end of each."""
    by_domain = visits(events).group_by("domain", *_IDENTIFIERS, visit_date=events.event_date)
    by_day = by_domain.aggregate(events=ibis._.count())
    known = with_categories(by_day, domain_categories, as_of="visit_date").filter(lambda t: t.category.notnull())
    daily = known.group_by("visit_date", "category", *_IDENTIFIERS).aggregate(events=known.events.sum())
    window = _windows(daily, first, last)
    seen = window.group_by("event_date", "category", *_IDENTIFIERS).aggregate(
        events=window.events.sum(), last_event_date=window.visit_date.max()
    )
    people = with_user_ids(seen, user_ids, as_of="event_date").filter(lambda t: t.user_id.notnull())
    members = people.group_by("event_date", "category", "user_id").aggregate(
        events=people.events.sum().cast("int64"), last_event_date=people.last_event_date.max()
    )
    all_of_person = members.events.sum().over(ibis.window(group_by=["event_date", "user_id"]))
    shared = members.mutate(share=members.events.cast("float64") / all_of_person.cast("float64"))
    return shared.select(*CATEGORY_AUDIENCES.column_names)


def visits_by_domain(events: ibis.Table, domain_categories: ibis.Table, first: date, last: date) -> ibis.Table:
    """How often domains were visited on the days `first` … `last`: event_date, domain, visits, category (or null)."""
    seen = visits(events)
    asked = seen.filter(seen.event_date.between(ibis.literal(first), ibis.literal(last)))
    counted = asked.group_by("event_date", "domain").aggregate(visits=asked.count())
    return with_categories(counted, domain_categories, as_of="event_date")


def _windows(daily: ibis.Table, first: date, last: date) -> ibis.Table:
    """Every asked day with what was seen in the window that ends with it."""
    start, end = (ibis.timestamp(f"{day}") for day in (first, last + timedelta(days=1)))
    days = ibis.range(start, end, ibis.interval(days=1)).unnest().name("day").as_table()
    days = days.select(event_date=days.day.cast("date"))
    return days.join(
        daily,
        [
            daily.visit_date <= days.event_date,
            daily.visit_date > days.event_date - ibis.interval(days=WINDOW_DAYS),
        ],
    )
