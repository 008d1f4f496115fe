"""Which rules an event's shape meets: thousands of rules in one pass.

The most telling condition of a rule leads to it by a hash join (tuple space search; Srinivasan, Suri and Varghese
1999): its domain with the beginning of its path, a query parameter, the referrer, or the event type. Only the few rules
that a shape is led to are then asked for all of their conditions. Rules with nothing but an expression that may match
anywhere are searched sixteen at a time, and singly where that finds something.
"""

from collections.abc import Callable

import ibis
import ibis.expr.types as ir

from platform_assets.domain.audiences.event_shapes import SHAPE, decoded_parameters, decoded_path
from platform_assets.domain.audiences.patterns import BREAK
from platform_assets.domain.audiences.rule_table import (
    ANY_DOMAIN,
    BY_ADDRESS,
    BY_PARAMETER,
    BY_PATTERN,
    BY_REFERRER,
    BY_TYPE,
    WHOLE,
    RuleTable,
)


def rule_matches(shapes: ibis.Table, rules: RuleTable) -> ibis.Table:
    """Every shape with each of the rules that it meets: SHAPE, rule, audience, is_exclusion.

    A rule of several values, of which a shape meets more than one, comes more than once.
    """
    ways: dict[str, Callable[[ibis.Table, RuleTable], ibis.Table]] = {
        BY_ADDRESS: _by_address,
        BY_PARAMETER: _by_parameter,
        BY_REFERRER: _by_referrer,
        BY_PATTERN: _by_pattern,
        BY_TYPE: _by_type,
    }
    plain = shapes.mutate(plain_path=decoded_path(shapes.path))
    if rules.names:
        plain = plain.mutate(values=decoded_parameters(plain.parameters))
    met = []
    for access in sorted(rules.accesses()):
        candidates = ways[access](plain, rules)
        met.append(
            candidates.filter(_all_conditions(candidates, rules)).select(*SHAPE, "rule", "audience", "is_exclusion")
        )
    return ibis.union(*met) if len(met) > 1 else met[0]


def _by_address(shapes: ibis.Table, rules: RuleTable) -> ibis.Table:
    """Candidates by domain and beginning of the path; a domain has rules with few different lengths of beginnings."""
    leading = rules.table.filter(rules.table.access == BY_ADDRESS)
    ways = _domain_keys(shapes.domain, leading.domain_key, is_any_asked=True).join(
        leading.select("domain_key", "cut").distinct(), "domain_key"
    )
    led = shapes.join(ways, shapes.domain == ways.domain_of_key).drop("domain_of_key")
    looked_up = ibis.cases((led.cut == WHOLE, led.plain_path), else_=led.plain_path.left(led.cut))
    return led.mutate(beginning=looked_up).join(leading, ["domain_key", "cut", "beginning"])


def _by_referrer(shapes: ibis.Table, rules: RuleTable) -> ibis.Table:
    leading = rules.table.filter(rules.table.access == BY_REFERRER)
    ways = _domain_keys(shapes.referrer_domain, leading.referrer_key, is_any_asked=False)
    ways = ways.rename(referrer_key="domain_key")
    return shapes.join(ways, shapes.referrer_domain == ways.domain_of_key).join(leading, "referrer_key")


def _by_parameter(shapes: ibis.Table, rules: RuleTable) -> ibis.Table:
    """Candidates by the rule's first parameter: with its value where that is exact, else by the name."""
    leading = rules.table.filter(rules.table.access == BY_PARAMETER)
    with_any = shapes.filter(shapes.parameters != "")
    each = with_any.mutate(value=with_any["values"].split(BREAK).unnest())
    keys = ibis.array([each.value, each.value.re_extract("^[^=]*=", 0)])
    return each.mutate(parameter_key=keys.unnest()).drop("value").join(leading, "parameter_key")


def _by_pattern(shapes: ibis.Table, rules: RuleTable) -> ibis.Table:
    leading = rules.table.filter(rules.table.access == BY_PATTERN)
    filters = rules.filters()
    found = shapes.filter(ibis.or_(*(shapes.plain_path.re_search(joined) for joined in filters.values())))
    numbers = [
        ibis.cases((found.plain_path.re_search(joined), ibis.literal(number, "int64")))
        for number, joined in filters.items()
    ]
    searched = found.mutate(filter_number=ibis.array(numbers).unnest())
    return searched.filter(searched.filter_number.notnull()).join(leading, "filter_number")


def _by_type(shapes: ibis.Table, rules: RuleTable) -> ibis.Table:
    leading = rules.table.filter(rules.table.access == BY_TYPE)
    return shapes.join(leading, shapes.event_type == leading.event_type_is)


def _domain_keys(domain: ir.StringValue, asked: ir.StringValue, *, is_any_asked: bool) -> ibis.Table:
    """The keys that lead from a domain (`domain_of_key`) to rules: itself, `*.` before it and before each part of it
    that follows a dot, and the key of rules for any domain; only keys that rules ask for."""
    domains = domain.name("domain_of_key").as_table().distinct()
    parts = domains.domain_of_key.split(".")
    below = ibis.range(0, parts.length()).map(lambda place: "*." + parts[place:].join("."))
    every = below.concat(ibis.array([domains.domain_of_key, ibis.literal(ANY_DOMAIN)]))
    keys = domains.mutate(domain_key=every.unnest()).distinct()
    known = asked.name("domain_key").as_table().distinct()
    if not is_any_asked:
        keys = keys.filter(keys.domain_key != ANY_DOMAIN)
    return keys.semi_join(known, "domain_key")


def _all_conditions(row: ibis.Table, rules: RuleTable) -> ir.BooleanValue:
    """Whether the event meets all conditions of the rule beside it; a condition that is null is none."""
    path = row.plain_path
    conditions = [
        row.event_type_is.isnull() | (row.event_type == row.event_type_is),
        row.referrer_key.isnull() | _is_host(row.referrer_domain, row.referrer_key),
        row.path_exact.isnull() | (path == row.path_exact),
        row.path_begins.isnull() | path.startswith(row.path_begins),
        row.path_expression.isnull() | _matches(row.path_expression, path, rules),
    ]
    for number in range(rules.query_conditions):
        holds, expression = row[f"query_{number}_holds"], row[f"query_{number}_expression"]
        conditions.append(holds.isnull() | row["values"].contains(holds))
        conditions.append(expression.isnull() | _matches(expression, row["values"], rules))
    return ibis.and_(*conditions)


def _matches(number: ir.IntegerValue, text: ir.StringValue, rules: RuleTable) -> ir.BooleanValue:
    """Whether the text matches the expression of that number."""
    numbered = number.cast(str) + ":" + text
    joined = [
        (number.between(first, last), numbered.re_search(expression))
        for first, last, expression in rules.joined_expressions()
    ]
    return ibis.cases(*joined, else_=False) if joined else ibis.literal(False)


def _is_host(domain: ir.StringValue, key: ir.StringValue) -> ir.BooleanValue:
    """Whether a domain is the one that a key names, or one below it where the key begins with `*.`."""
    below = key.startswith("*.") & (("." + domain).endswith(key.substr(1)))
    return (domain == key) | below
