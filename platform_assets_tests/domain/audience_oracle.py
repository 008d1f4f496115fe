"""Who belongs to which audience, by plain Python over the declarations as they stand in YAML.

It shares no code with what it is compared with: `re`, `urllib.parse` and loops.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote_to_bytes

Declaration = Mapping[str, Any]
Event = Mapping[str, Any]
History = Mapping[tuple[str, date], str | None]
"""Identifier and day → the person that it belongs to when the day ends (None: nobody)."""


def members(
    events: Iterable[Event], history: History, audiences: Sequence[Declaration], first: date, last: date
) -> list[dict[str, Any]]:
    found = []
    known: dict[str, list[tuple[date, str | None]]] = defaultdict(list)
    for (identifier, when), user in sorted(history.items(), key=lambda entry: entry[0]):
        known[identifier].append((when, user))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    for day in days:
        for audience in audiences:
            within = audience.get("within_days", 28)
            counted: dict[str, list[date]] = defaultdict(list)
            excluded = set()
            for event in events:
                person = person_of(event, known, day)
                if event["is_bot"] or person is None or not 0 <= (day - event["event_date"]).days < within:
                    continue
                if any(meets(event, rule) for rule in audience["any_of"]):
                    counted[person].append(event["event_date"])
                if any(meets(event, rule) for rule in audience.get("none_of", [])):
                    excluded.add(person)
            for person, dates in counted.items():
                enough = len(dates) >= audience.get("at_least", 1) and len(set(dates)) >= audience.get("on_days", 1)
                if enough and person not in excluded:
                    found.append(
                        {
                            "event_date": day,
                            "audience": audience["name"],
                            "user_id": person,
                            "events": len(dates),
                            "last_event_date": max(dates),
                        }
                    )
    return sorted(found, key=lambda row: (row["event_date"], row["audience"], row["user_id"]))


def person_of(event: Event, known: Mapping[str, list[tuple[date, str | None]]], day: date) -> str | None:
    for column in ("login_hash", "cookie_id", "device_id"):
        until_day = [user for when, user in known.get(event[column], []) if when <= day]
        if until_day and until_day[-1]:
            return until_day[-1]
    return None


def meets(event: Event, rule: Declaration) -> bool:
    return all(CONDITIONS[name](event, value) for name, value in rule.items())


def _listed(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def _is_host(host: str | None, wanted: Any) -> bool:
    if not host:
        return False
    return any(
        host == each.removeprefix("*.") or (each.startswith("*.") and host.endswith("." + each.removeprefix("*.")))
        for each in _listed(wanted)
    )


def _is_like(text: str, wanted: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), text, re.DOTALL) is not None


def decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        return text
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        return text


def _path(event: Event) -> str | None:
    return decoded(event["path"]) if event["path"] else None


def _has_path(event: Event, wanted: Any) -> bool:
    path = _path(event)
    return path is not None and any(_is_like(path, each) for each in _listed(wanted))


def _has_path_like(event: Event, wanted: Any) -> bool:
    path = _path(event)
    return path is not None and any(re.search(each, path, re.DOTALL | re.ASCII) for each in _listed(wanted))


def _has_parameters(event: Event, wanted: Mapping[str, str]) -> bool:
    query = (event["url"] or "").split("#")[0].partition("?")[2]
    given = [part.partition("=") for part in query.split("&") if "=" in part]
    return all(
        any(name == key and _is_like(decoded(value.replace("+", " ")), value_wanted) for key, _, value in given)
        for name, value_wanted in wanted.items()
    )


CONDITIONS = {
    "domain": lambda event, wanted: _is_host(event["domain"], wanted),
    "path": _has_path,
    "path_regex": _has_path_like,
    "query": _has_parameters,
    "referrer": lambda event, wanted: _is_host(event["referrer_domain"], wanted),
    "event_type": lambda event, wanted: event["event_type"] in _listed(wanted),
}
