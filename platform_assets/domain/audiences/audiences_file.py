"""Reads `config/audiences.yaml`: every declared audience, or every mistake with its line and audience, at once.

What an audience is stands in `audience`; which texts and regular expressions are taken, in `patterns` and
`regular_expressions`.
"""

import re
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import TypeVar

from platform_assets.domain.audiences.audience import (
    DEFAULT_WARN_AFTER_DAYS,
    DEFAULT_WITHIN_DAYS,
    LONGEST_WITHIN_DAYS,
    Audience,
    Rule,
)
from platform_assets.domain.audiences.patterns import BREAK, Pattern, glob, parameter
from platform_assets.domain.audiences.regular_expressions import PatternRefused, regular_expression
from platform_assets.domain.yaml_lines import Entry, YamlFile

_KEYS = (
    *("name", "description", "owner", "any_of", "none_of"),
    *("within_days", "at_least", "on_days", "warn_after_days"),
)
_RULE_KEYS = ("domain", "path", "path_regex", "query", "referrer", "event_type")
MOST_COMBINATIONS = 1_000
"""A rule with several values in several conditions stands for every combination of them; more are refused."""
_Value = TypeVar("_Value")
MOST_PARAMETERS = 5
"""Query parameters in one rule."""


def load_audiences(path: Path | str) -> tuple[Audience, ...]:
    """The audiences that a file declares, in its order.

    Raises ConfigurationError whose `where` is `file:line` of the first mistake; its text lists all of them, each with
    the audience's name.
    """
    file = YamlFile(Path(path))
    declared = file.top.entries(("audiences",), required=("audiences",))
    audiences: list[Audience] = []
    named: dict[str, int] = {}
    for item in declared["audiences"].items() if "audiences" in declared else []:
        found_before = len(file.problems)
        audience, name = _audience(item)
        if name in named:
            item.problem(f"the name is taken by the audience in line {named[name]}")
        elif audience:
            audiences.append(audience)
        named.setdefault(name, item.line)
        told = f"audience {name}: " if name else ""
        file.problems[found_before:] = [(line, told + text) for line, text in file.problems[found_before:]]
    if "audiences" in declared and not audiences and not file.problems:
        declared["audiences"].problem("declares no audience")
    file.raise_problems(f"mend {path}, then run `platform audiences check`")
    return tuple(audiences)


def _audience(item: Entry) -> tuple[Audience | None, str]:
    """One declaration, None if it is so wrong that no Audience can be made (the problems are noted), and its name."""
    given = item.entries(_KEYS, required=("name", "any_of"))
    name = _text(given, "name")
    if name and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        given["name"].problem("must be small letters, digits and _, beginning with a letter")
    within_days = _whole_number(given, "within_days", DEFAULT_WITHIN_DAYS)
    at_least, on_days = _whole_number(given, "at_least", 1), _whole_number(given, "on_days", 1)
    if within_days > LONGEST_WITHIN_DAYS:
        given["within_days"].problem(f"{within_days} days are too many to read for a day; {LONGEST_WITHIN_DAYS} may be")
    if on_days > within_days:
        given["on_days"].problem(f"there are no {on_days} different days within {within_days}")
    any_of, none_of = _rules(given, "any_of"), _rules(given, "none_of")
    if not name or not any_of:
        return None, name
    audience = Audience(
        name=name,
        any_of=any_of,
        none_of=none_of,
        description=_text(given, "description"),
        owner=_text(given, "owner"),
        within_days=within_days,
        at_least=at_least,
        on_days=on_days,
        warn_after_days=_whole_number(given, "warn_after_days", DEFAULT_WARN_AFTER_DAYS),
        line=item.line,
    )
    return audience, name


def _text(given: dict[str, Entry], key: str) -> str:
    return (given[key].text() or "") if key in given else ""


def _whole_number(given: dict[str, Entry], key: str, default: int) -> int:
    return (given[key].integer(at_least=1) or default) if key in given else default


def _rules(given: dict[str, Entry], key: str) -> tuple[Rule, ...]:
    if key not in given:
        return ()
    items = given[key].items()
    if given[key].is_list() and not items:
        given[key].problem("lists no rule")
    return tuple(_rule(item) for item in items)


def _rule(item: Entry) -> Rule:
    given = item.entries(_RULE_KEYS)
    if item.is_mapping() and not item.node.value:
        item.problem(f"a rule without a condition would match every event; give one of {', '.join(_RULE_KEYS)}")
    if "path" in given and "path_regex" in given:
        given["path_regex"].problem("a rule takes path or path_regex, not both; write two rules")
    paths = _values(given, "path", _path)
    rule = Rule(
        domains=_values(given, "domain", _host),
        paths=paths or _values(given, "path_regex", lambda text, _: regular_expression(text)),
        query=_query(given["query"]) if "query" in given else (),
        referrers=_values(given, "referrer", _host),
        event_types=_values(given, "event_type", lambda text, _: text),
        line=item.line,
    )
    combinations = prod(len(part) or 1 for part in (rule.domains, rule.paths, rule.referrers, rule.event_types))
    if combinations > MOST_COMBINATIONS:
        item.problem(f"stands for {combinations:,} combinations of values, more than {MOST_COMBINATIONS:,}; split it")
    return rule


def _values(given: dict[str, Entry], key: str, read: Callable[[str, Entry], _Value]) -> tuple[_Value, ...]:
    """The value of a condition, or the values of its list, without repetitions."""
    if key not in given:
        return ()
    entries = given[key].items() if given[key].is_list() else [given[key]]
    if not entries:
        given[key].problem("lists nothing")
    found: dict[_Value, None] = {}
    for entry in entries:
        if text := entry.text():
            try:
                found[read(text, entry)] = None
            except PatternRefused as refused:
                entry.problem(f"{text if len(text) < 80 else text[:77] + '…'} {refused}")
    return tuple(found)


def _host(text: str, entry: Entry) -> str:
    host = text.removeprefix("*.")
    if text.startswith(("www.", "*.www.")):
        entry.problem(f"{text}: events have domains without www.; write {text.replace('www.', '', 1)}")
    elif host != host.lower():
        entry.problem(f"{text}: events have domains in small letters; write {text.lower()}")
    elif not re.fullmatch(r"[^\s*/?#:@.]+(\.[^\s*/?#:@.]+)*", host):
        entry.problem(
            f"{text} is no host; write shop.example.org for that host alone, *.example.org for it and all below it"
        )
    return text


def _path(text: str, entry: Entry) -> Pattern:
    if "?" in text or "#" in text:
        entry.problem(f"{text}: a path ends before ? and #; write what follows ? under query")
    elif not text.strip("*"):
        entry.problem(f"{text} matches every path; leave it out")
    elif not text.startswith(("/", "*")):
        entry.problem(f"{text}: a path begins with /; write /{text} or *{text}")
    elif re.search(r"%[0-9A-Fa-f]{2}", text):
        entry.problem(f"{text}: paths are compared decoded; write the character instead of its escape")
    return glob(text)


def _query(entry: Entry) -> tuple[tuple[str, Pattern], ...]:
    if not entry.is_mapping():
        entry.problem('must be a mapping of parameters to values, such as {utm_source: newsletter, q: "*shoes*"}')
        return ()
    names = [str(key.value) for key, _ in entry.node.value]
    if not 1 <= len(names) <= MOST_PARAMETERS:
        entry.problem(f"names {len(names)} parameters; name from 1 to {MOST_PARAMETERS}")
    found = []
    for name, value in entry.entries(names).items():
        text = "" if value.node.value == "" else value.text()  # a parameter may be given without a value
        if re.search(r"[=&#?%+\s]", name) or not name:
            value.problem("is no name of a parameter; it is compared as it stands in the address")
        elif text is not None and BREAK in text:
            value.problem("holds the character U+001F, which is no text")
        elif text is not None:
            found.append((name, parameter(name, text)))
    return tuple(found)
