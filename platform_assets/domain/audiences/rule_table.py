"""Compiles declared audiences to one table of rules, which events are joined to, and a few regular expressions.

One row is one combination of a rule's values. What the columns mean to an event stands in `rule_matches`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import ibis

from platform_assets.domain.audiences.audience import Audience, Rule
from platform_assets.domain.audiences.patterns import BREAK, Pattern, literal

ANY_DOMAIN = ""
"""The domain key of rules that have no domain and can be found by the beginning of their path."""

CUTS = (0, 2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128)
"""The beginning of a path is looked up by so many characters of it: the most that the rule's own beginning has."""
WHOLE = -1
"""The cut of rules that are looked up by the whole path."""

PATTERNS_IN_ONE = 200
CHARACTERS_IN_ONE = 12_000
"""So many regular expressions are joined into one: with more, RE2 gives up its fast automaton."""
PATTERNS_IN_FILTER = 16
"""So many of the expressions that nothing else leads to are first searched together."""

BY_ADDRESS, BY_PATTERN, BY_PARAMETER, BY_REFERRER, BY_TYPE = "address", "pattern", "parameter", "referrer", "type"
"""What leads from an event to a rule: the most telling of its conditions."""


@dataclass(frozen=True)
class RuleTable:
    """The compiled rules of audiences.

    `rules` are audience and rule by the rule's number, `rows` their combinations; `expressions` the regular expressions
    by number, from 1; `names` the query parameters that rules ask for, `query_conditions` how many a rule has at most.
    """

    audiences: tuple[Audience, ...]
    rules: tuple[tuple[str, Rule], ...]
    rows: tuple[dict, ...]
    expressions: tuple[str, ...]
    names: tuple[str, ...]
    query_conditions: int

    @cached_property
    def table(self) -> ibis.Table:
        """The rules as a table; null where a rule has no such condition."""
        return ibis.memtable(list(self.rows), schema=self._schema)

    @property
    def _schema(self) -> ibis.Schema:
        texts = ("access", "domain_key", "beginning", "path_exact", "path_begins", "parameter_key", "referrer_key")
        columns = {"rule": "int64", "audience": "int64", "is_exclusion": "boolean", "cut": "int64"}
        columns |= dict.fromkeys((*texts, "event_type_is"), "string")
        columns |= {"path_expression": "int64", "filter_number": "int64"}
        for number in range(self.query_conditions):
            columns |= {f"query_{number}_holds": "string", f"query_{number}_expression": "int64"}
        return ibis.schema(columns)

    @cached_property
    def settings(self) -> ibis.Table:
        """What each audience asks of its members, by the audience's number."""
        kept = ("name", "within_days", "at_least", "on_days")
        rows = [
            {"audience": number, **{key: getattr(audience, key) for key in kept}}
            for number, audience in enumerate(self.audiences)
        ]
        schema = {"audience": "int64", "name": "string", **dict.fromkeys(kept[1:], "int64")}
        return ibis.memtable(rows, schema=ibis.schema(schema))

    @cached_property
    def columns(self) -> frozenset[str]:
        """The columns of `events` that a rule asks for, beside parameters of the address."""
        asked = {
            "event_type": any(rule.event_types for _, rule in self.rules),
            "domain": any(rule.domains for _, rule in self.rules),
            "path": any(rule.paths for _, rule in self.rules),
            "referrer_domain": any(rule.referrers for _, rule in self.rules),
        }
        return frozenset(name for name, is_asked in asked.items() if is_asked)

    def accesses(self) -> frozenset[str]:
        """The ways that lead to at least one of the rules."""
        return frozenset(row["access"] for row in self.rows)

    def filters(self) -> dict[int, str]:
        """By number: an expression that matches every path which a rule of that `filter_number` matches."""
        found: dict[int, list[str]] = {}
        for row in self.rows:
            if row["filter_number"] is not None:
                number = row["path_expression"]
                expression = self.expressions[number - 1] if number else literal(row["path_begins"])
                found.setdefault(row["filter_number"], []).append(expression)
        return {number: f"^(?:{'|'.join(dict.fromkeys(parts))})" for number, parts in found.items()}

    def joined_expressions(self) -> Iterator[tuple[int, int, str]]:
        """First and last number of expressions, and one expression for texts `<number>:<text>` of any of them.

        The number leads the automaton to one alternative, so it costs what that one costs.
        """
        first, parts = 1, list[str]()
        for number, expression in enumerate(self.expressions, start=1):
            parts.append(f"{number}:{expression}")
            is_full = len(parts) == PATTERNS_IN_ONE or sum(map(len, parts)) > CHARACTERS_IN_ONE
            if is_full or number == len(self.expressions):
                yield first, number, f"^(?:{'|'.join(parts)})"
                first, parts = number + 1, []


def rule_table(audiences: Sequence[Audience]) -> RuleTable:
    """The compiled rules of these audiences; the same audiences always give the same table."""
    expressions: dict[str, int] = {}
    rows: list[dict] = []
    rules = [
        (place, rule, rule_is_exclusion)
        for place, audience in enumerate(audiences)
        for rules_of_kind, rule_is_exclusion in ((audience.any_of, False), (audience.none_of, True))
        for rule in rules_of_kind
    ]
    most_parameters = max(len(rule.query) for _, rule, _ in rules)
    searched = 0
    for number, (place, rule, is_exclusion) in enumerate(rules):
        for row in _combinations(rule, most_parameters, expressions):
            if row["access"] == BY_PATTERN:
                row["filter_number"], searched = searched // PATTERNS_IN_FILTER, searched + 1
            rows.append({"rule": number, "audience": place, "is_exclusion": is_exclusion, **row})
    names = {name for _, rule, _ in rules for name, _ in rule.query}
    told = tuple((audiences[place].name, rule) for place, rule, _ in rules)
    return RuleTable(tuple(audiences), told, tuple(rows), tuple(expressions), tuple(sorted(names)), most_parameters)


def _combinations(rule: Rule, query_conditions: int, expressions: dict[str, int]) -> Iterator[dict]:
    """Every combination of one domain, path, referrer and event type of a rule."""
    none = (None,)
    combinations = product(rule.domains or none, rule.paths or none, rule.referrers or none, rule.event_types or none)
    for domain, path, referrer, event_type in combinations:
        pattern = path or Pattern()
        row: dict = {
            "access": _access(rule, domain, path),
            "domain_key": domain or ANY_DOMAIN,
            "cut": _cut(pattern),
            "beginning": pattern.beginning[: _cut(pattern)] if _cut(pattern) != WHOLE else pattern.exact,
            "path_exact": pattern.exact or None,
            "path_begins": pattern.begins or None,
            "path_expression": _number(expressions, pattern.regex),
            "filter_number": None,
            "parameter_key": _parameter_key(*rule.query[0]) if rule.query else None,
            "referrer_key": referrer,
            "event_type_is": event_type,
        }
        for place in range(query_conditions):
            value = rule.query[place][1] if place < len(rule.query) else Pattern()
            row |= {
                f"query_{place}_holds": value.beginning or None,
                f"query_{place}_expression": _number(expressions, value.regex),
            }
        yield row


def _access(rule: Rule, domain: str | None, path: Pattern | None) -> str:
    if domain or (path and _cut(path)):
        return BY_ADDRESS
    if rule.query:
        return BY_PARAMETER
    if rule.referrers:
        return BY_REFERRER
    return BY_PATTERN if path else BY_TYPE


def _parameter_key(name: str, value: Pattern) -> str:
    return value.exact.strip(BREAK) if value.exact else f"{name}="


def _cut(path: Pattern) -> int:
    return WHOLE if path.exact else max(cut for cut in CUTS if cut <= len(path.begins))


def _number(expressions: dict[str, int], expression: str) -> int | None:
    return expressions.setdefault(expression, len(expressions) + 1) if expression else None
