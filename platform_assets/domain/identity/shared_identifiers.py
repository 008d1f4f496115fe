"""Which identifiers so many share that they tell nobody apart: kiosks, test logins, addresses of offices.

How many others an identifier may be seen with is declared here, by kind, and counted over the last days. A hub links
nobody from the day on which it is found.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from platform_assets.domain.contracts.user_ids import COOKIE, DEVICE, IP, LOGIN

HUB_WINDOW_DAYS = 28
"""Others are counted over this many days, the last one included."""

ALLOWED: Mapping[str, Mapping[str, int]] = {
    LOGIN: {COOKIE: 12, DEVICE: 12},
    COOKIE: {LOGIN: 3, DEVICE: 3},
    DEVICE: {LOGIN: 3, COOKIE: 12},
    IP: {LOGIN: 1, COOKIE: 4, DEVICE: 4},
}
"""Kind → kind of others → with how many of them it may be seen. People delete cookies and buy devices; a family may
share one. An address is the weakest evidence: where two log in it says nothing, so it joins only devices of one login,
or of none."""


def shared_identifiers(pairs: ibis.Table, first: date, last: date) -> ibis.Table:
    """The identifiers that were seen with more others than allowed: event_date, identifier, kind, shared_by.

    One row for each of the days `first` … `last` on which that was so and the identifier was seen with others of that
    kind. `pairs` holds the days from `HUB_WINDOW_DAYS` - 1 before `first`; what else it holds doesn't count.
    """
    window = pairs.filter(
        pairs.event_date.between(first - timedelta(days=HUB_WINDOW_DAYS - 1), last), pairs.other_identifier.notnull()
    )
    seen = _with_limit(window)
    seen = seen.semi_join(seen.filter(seen.event_date >= first).select("identifier").distinct(), "identifier")
    often = _beyond(seen, lambda rows: rows.count())  # a bound that costs little and leaves few to look at closely
    crowded = _beyond(often, lambda rows: rows.other_identifier.nunique())
    counted = _counted_by_day(crowded)
    too_many = counted.filter(counted.others > counted.allowed, counted.event_date.between(first, last))
    return too_many.group_by("event_date", "identifier", "kind").aggregate(shared_by=too_many.others.max())


def _beyond(seen: ibis.Table, others: Callable[[ibis.Table], ir.IntegerValue]) -> ibis.Table:
    """The rows of identifiers for which this count of others is larger than allowed, in all days together."""
    counted = seen.group_by("identifier", "other_kind").aggregate(others=others(seen), allowed=seen.allowed.max())
    return seen.semi_join(counted.filter(counted.others > counted.allowed), ["identifier", "other_kind"])


def _with_limit(pairs: ibis.Table) -> ibis.Table:
    """Every pair from both sides, with the number of others that is allowed; pairs without a limit are left out."""
    turned = {"identifier": "other_identifier", "kind": "other_kind"}
    columns = ["event_date", *turned, *turned.values()]
    backwards = pairs.select("event_date", **turned, **{there: here for here, there in turned.items()})
    both = ibis.union(pairs.select(columns), backwards.select(columns))
    limits = [
        ((both.kind == kind) & (both.other_kind == other), allowed)
        for kind, others in ALLOWED.items()
        for other, allowed in others.items()
    ]
    return both.mutate(allowed=ibis.cases(*limits, else_=ibis.null("int64"))).filter(ibis._.allowed.notnull())


def _counted_by_day(seen: ibis.Table) -> ibis.Table:
    """The different others in the window that ends with a day, for every day on which one of them was seen.

    Another counts from a day on which it was seen to the end of the window, once however often it was seen: it enters
    the count where it wasn't in it yet, and leaves it when the window has passed.
    """
    in_order = ibis.window(group_by=["identifier", "other_kind", "other_identifier"], order_by="event_date")
    stays = ibis.interval(days=HUB_WINDOW_DAYS)
    marked = seen.mutate(before=seen.event_date.lag().over(in_order), after=seen.event_date.lead().over(in_order))
    leaves = (marked.event_date + stays).cast("date")
    enters = marked.before.isnull() | ((marked.before + stays).cast("date") <= marked.event_date)
    keys = ("identifier", "kind", "other_kind", "allowed")
    comings = marked.select(*keys, event_date=marked.event_date, change=enters.cast("int64"), is_day=True)
    goings = marked.filter(marked.after.isnull() | (leaves <= marked.after)).select(
        *keys, event_date=leaves, change=ibis.literal(-1, "int64"), is_day=False
    )
    changes = ibis.union(comings, goings)
    by_day = changes.group_by(*keys, "event_date").aggregate(
        change=changes.change.sum().cast("int64"), is_day=changes.is_day.any()
    )
    running = ibis.cumulative_window(group_by=["identifier", "other_kind"], order_by="event_date")
    counted = by_day.mutate(others=by_day.change.sum().over(running).cast("int64"))
    return counted.filter(counted.is_day)
