"""From the entries of all maps, as received, to one history: which domain was of which category from when to when.

A map is delivered whole, in dated versions. Within one version a domain has one category: audiences of a category
then add up, and nobody who joins categories to visits doubles a visit. Reading files stands in
`platform_assets.preprocessed_tables.map_files`, finding a visit's category in `categories`.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

from platform_assets.domain.categories.category_map import CategoryMap
from platform_assets.domain.contracts.domain_categories import (
    DOMAIN_CATEGORIES,
    NO_CATEGORY,
    OTHER_CATEGORY,
    REPEATED,
)

DOMAIN_UNREADABLE = "domain_unreadable"
VERSION_DATE_UNREADABLE = "version_date_unreadable"

RECEIVED = ibis.schema({"file": "string", "version_date": "string", "domain": "string", "category": "string"})
"""Columns of a map's entries as received; the day of the version as text, YYYY-MM-DD or YYYY-MM."""

_DOMAIN = r"^[^\s/:@?#.]+(\.[^\s/:@?#.]+)*$"
_NEVER = date(9999, 12, 31)


def domain_categories(received: Mapping[str, ibis.Table], maps: Sequence[CategoryMap]) -> ibis.Table:
    """The history that all maps tell, in the contract's columns, and every entry that is no part of it with its reason.

    `received` has the entries of every map under its name (`RECEIVED`); the order of `maps` is their precedence.
    """
    told = [_told(received[each.name], each, place) for place, each in enumerate(maps, start=1)]
    return ibis.union(*told) if len(told) > 1 else told[0]


def no_categories() -> ibis.Table:
    """The history where no map is declared: it has no row."""
    columns = DOMAIN_CATEGORIES.schema().items()
    return ibis.memtable([(None,) * len(columns)], schema=ibis.schema(dict(columns))).filter(ibis.literal(False))


def rewritten_history(before: ibis.Table, now: ibis.Table) -> ibis.Table:
    """What `before` told of days that were known then and `now` tells otherwise: map, domain, category, day.

    Both are histories. Maps that only one of them has are no rewriting: they were declared, or not any more.
    """
    known = before.group_by("map").aggregate(last=before.known_until.max())
    then, again = _until(before, known), _until(now.semi_join(before, "map"), known)
    then = then.semi_join(now, "map")
    return then.difference(again).union(again.difference(then))


def _until(history: ibis.Table, known: ibis.Table) -> ibis.Table:
    """A history as it was told up to the last day that was known."""
    joined = history.join(known, "map").filter(lambda table: table.valid_from <= table["last"])
    ended = ibis.cases((joined.valid_to <= joined["last"], joined.valid_to), else_=ibis.null("date"))
    return joined.select("map", "domain", "category", "valid_from", valid_to=ended)


def _told(received: ibis.Table, declared: CategoryMap, precedence: int) -> ibis.Table:
    """The history of one map, then its entries that are no part of it."""
    entries = _judged(_read(received, declared), declared)
    latest = entries.version_date.max().as_scalar()
    columns = {"map": ibis.literal(declared.name), "precedence": ibis.literal(precedence, type="int64")}
    history = _stretches(entries, keeps_absent=declared.keeps_absent)
    nothing = ibis.null("string")
    good = history.mutate(**columns, known_until=latest, file=nothing, record=nothing, reject_reason=nothing)
    bad = entries.filter(entries.reject_reason.notnull()).mutate(
        **columns, valid_from=lambda t: t.version_date, valid_to=ibis.null("date"), known_until=latest
    )
    names = [*DOMAIN_CATEGORIES.column_names, "file", "record", "reject_reason"]
    return good.select(*names).union(bad.select(*names))


def _read(received: ibis.Table, declared: CategoryMap) -> ibis.Table:
    """Entries with domain, label and day as the platform writes them; null where one can't be read."""
    label = clean_labels(received.category)
    renamed = label.substitute(dict(declared.rename)) if declared.rename else label
    day = received.version_date.strip()
    whole = (day.length() == len("2026-01")).ifelse(day + "-01", day.left(len("2026-01-31")))
    return received.select(
        "file",
        record=received.domain.fill_null("") + "," + received.category.fill_null(""),
        version_date=whole.try_cast("date"),
        domain=clean_domains(received.domain),
        category=label.isin(["", *declared.no_category]).ifelse(ibis.null("string"), renamed),
    )


def clean_labels(label: ir.StringValue) -> ir.StringValue:
    """What `category_map.clean_label` makes of a label."""
    return label.strip().lower().re_replace(r"[\s-]+", "_")


def clean_domains(domain: ir.StringValue) -> ir.StringValue:
    """A domain as `events` writes it: lower case, without `www.` and outer dots; null for what is no domain."""
    bare = domain.strip().lower().re_replace(r"^\.+|\.+$", "").re_replace(r"^www\.", "")
    return bare.re_search(_DOMAIN).ifelse(bare, ibis.null("string"))


def _judged(entries: ibis.Table, declared: CategoryMap) -> ibis.Table:
    """Entries with the reason why one doesn't count; one of each version and domain has none."""
    last = len(declared.prefer)
    places = {label: place for place, label in enumerate(declared.prefer)}
    place = entries.category.cases(*places.items(), else_=last) if places else ibis.literal(last)
    ranked = entries.mutate(place=entries.category.isnull().ifelse(last + 1, place))
    same = ibis.window(group_by=["version_date", "domain"], order_by=["place", "category", "file", "record"])
    ranked = ranked.mutate(before=ranked.category.first().over(same), number=ibis.row_number().over(same))
    return ranked.mutate(
        reject_reason=ibis.cases(
            (ranked.domain.isnull(), DOMAIN_UNREADABLE),
            (ranked.version_date.isnull(), VERSION_DATE_UNREADABLE),
            (ranked.category.isnull(), NO_CATEGORY),
            ((ranked.number > 0) & (ranked.category == ranked.before), REPEATED),
            (ranked.number > 0, OTHER_CATEGORY),
        )
    )


def _stretches(entries: ibis.Table, *, keeps_absent: bool) -> ibis.Table:
    """The days from which to which a domain stays in one category: domain, category, valid_from, valid_to."""
    good = entries.filter(entries.reject_reason.isnull()).select("version_date", "domain", "category")
    in_order = ibis.window(group_by="domain", order_by="version_date")
    if keeps_absent:
        until = good.mutate(until=good.version_date.lead().over(in_order))
    else:
        versions = entries.filter(entries.version_date.notnull()).select("version_date").distinct()
        following = versions.version_date.lead().over(ibis.window(order_by="version_date"))
        until = good.left_join(versions.mutate(until=following), "version_date").drop("version_date_right")
    ended = until.mutate(until=until.until.fill_null(ibis.literal(_NEVER)))
    before = ended.mutate(old=ended.category.lag().over(in_order), end=ended.until.lag().over(in_order))
    begins = before.old.isnull() | (before.old != before.category) | (before.end != before.version_date)
    numbered = before.mutate(begins=begins.cast("int64"))
    stretches = numbered.mutate(
        stretch=numbered.begins.sum().over(ibis.cumulative_window(group_by="domain", order_by="version_date"))
    )
    return stretches.group_by("domain", "category", "stretch").aggregate(
        valid_from=stretches.version_date.min(), valid_to=stretches.until.max().nullif(ibis.literal(_NEVER))
    )
