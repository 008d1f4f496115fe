"""Which category a visit is of: joins the history `domain_categories` to whatever has a domain and a day.

How maps become that history stands in `domain_categories`; every later table asks here.
"""

import ibis
import ibis.expr.types as ir

_SECOND_LEVELS = (
    *("ac", "co", "com", "ed", "edu", "gob", "gouv", "gov", "govt", "gv", "go", "info", "ltd", "mil", "ne", "net"),
    *("nom", "or", "org", "plc", "sch"),
)
"""Labels below which countries register names: what ends in `co.uk` belongs to many. A list of all such suffixes is
not needed, because nobody's map names them; the few that are names of sites too (gov.uk) count for themselves only."""


def with_categories(rows: ibis.Table, domain_categories: ibis.Table, as_of: str) -> ibis.Table:
    """`rows` with the column `category`: that of their `domain` on the day in the column `as_of`, null if unknown.

    The first map in precedence that knows the domain or one of its parents decides; within a map the nearest does, the
    domain itself before its parent. A public suffix is nobody's parent. Rows are neither lost nor doubled.
    """
    asked = rows.filter(rows.domain.notnull(), rows[as_of].notnull()).select("domain", _day=rows[as_of]).distinct()
    found = categories_of_domains(asked, domain_categories)
    joined = rows.left_join(found, [rows.domain == found._domain, rows[as_of] == found._as_of])
    kept = [name for name in rows.columns if name != "category"]
    return joined.select(*(rows[name] for name in kept), category=joined._category)


def categories_of_domains(asked: ibis.Table, domain_categories: ibis.Table) -> ibis.Table:
    """The category of every asked domain and day that has one: _domain, _as_of, _category; one row each at most."""
    names = _with_parents(asked)
    joined = names.join(
        domain_categories,
        [
            names._name == domain_categories.domain,
            names._day >= domain_categories.valid_from,
            (names._day < domain_categories.valid_to) | domain_categories.valid_to.isnull(),
        ],
        rname="_known_{name}",
    )
    nearest = ibis.window(group_by=["domain", "_day"], order_by=["precedence", "_above"])
    ranked = joined.mutate(_place=ibis.row_number().over(nearest))
    return ranked.filter(ranked._place == 0).select(_domain="domain", _as_of="_day", _category="category")


def _with_parents(asked: ibis.Table) -> ibis.Table:
    """Every asked domain and day with the domain itself and its parents: _name, and how far above it is, _above."""
    labels = asked.mutate(_labels=asked.domain.split("."))
    each = labels.mutate(_above=ibis.range(0, labels._labels.length()).unnest())
    named = each.select("domain", "_day", "_above", _name=each._labels[each._above :].join("."))
    return named.filter((named._above == 0) | _can_be_a_parent(named._name))


def _can_be_a_parent(name: ir.StringValue) -> ir.BooleanValue:
    """Whether a name can stand for what ends in it: not a top level, not a country's second level, not an address."""
    suffix = rf"^[^.]*$|^({'|'.join(_SECOND_LEVELS)})\.[^.][^.]$|^[0-9.]+$"
    return ~name.re_search(suffix)
