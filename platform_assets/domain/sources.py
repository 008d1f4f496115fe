"""Reads `config/sources.yaml`: every declared source, or every mistake in the file with its line and key, at once.

What a source is stands in `source`, the language of places in `places`, YAML with lines in `yaml_lines`.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import available_timezones

from platform_assets.domain.absent_fields import ABSENCE_KEYS, with_absences
from platform_assets.domain.places import place_problems
from platform_assets.domain.source import (
    ACCESS_LOG_FIELDS,
    ACCESS_LOG_TIME_FORMAT,
    CANONICAL_FIELDS,
    Combine,
    EventType,
    FieldMapping,
    Format,
    Source,
)
from platform_assets.domain.yaml_lines import Entry, YamlFile, nearest

__all__ = ["Combine", "EventType", "FieldMapping", "Format", "Source", "load_sources"]

_KEYS = (
    *("name", "description", "format", "place", "time_zone", "time_format", "lateness_days", "event_type", "fields"),
    *("simulated", "delimiter", "host", "version", *ABSENCE_KEYS),
)
_TIME_FORMATS = ("iso8601", "epoch_seconds", "epoch_millis")
_NEVER_JOINED = ("event_time", "value")


def load_sources(path: Path | str) -> tuple[Source, ...]:
    """The sources that a file declares, in its order.

    Raises ConfigurationError whose `where` is `file:line` of the first mistake; its text lists all of them.
    """
    file = YamlFile(Path(path))
    declared = file.top.entries(("sources",), required=("sources",))
    sources = []
    named: dict[str, int] = {}
    for item in declared["sources"].items() if "sources" in declared else []:
        source = _source(item)
        if source and source.name in named:
            item.problem(f"the name {source.name} is taken by the source in line {named[source.name]}")
        elif source:
            sources.append(source)
            named[source.name] = item.line
    file.raise_problems(f"mend {path}, then run `platform sources check`")
    return tuple(sources)


def _source(item: Entry) -> Source | None:
    """One declaration; None if it is so wrong that no Source can be made (the problems are noted)."""
    needed = ("name", "format", "place", "event_type")
    is_log = item.is_mapping() and any(
        key.value == "format" and value.value == "access_log" for key, value in item.node.value
    )
    given = item.entries(_KEYS, required=needed if is_log else (*needed, "fields"))
    name = _name(given)
    format_text = given["format"].choice([str(known) for known in Format]) if "format" in given else None
    place = _place(given)
    event_type = _event_type(given["event_type"]) if "event_type" in given else None
    fields = _fields(given.get("fields"), item, format_text, _host(given, format_text))
    delimiter = _delimiter(given, format_text)
    description = given["description"].text() if "description" in given else ""
    time_zone, time_format = _time_zone(given), _time_format(given, format_text)
    lateness_days = given["lateness_days"].integer(at_least=0) if "lateness_days" in given else 3
    simulated = given["simulated"].boolean() if "simulated" in given else False
    version = given["version"].integer(at_least=1) if "version" in given else 1
    if not (name and format_text and place and event_type):
        return None
    source = Source(
        name=name,
        description=description or "",
        format=Format(format_text),
        place=place,
        event_type=event_type,
        fields=fields,
        time_zone=time_zone,
        time_format=time_format,
        lateness_days=lateness_days if lateness_days is not None else 3,
        simulated=bool(simulated),
        delimiter=delimiter,
        version=version or 1,
    )
    _check_columns(source, item)
    return with_absences(source, given)


def _name(given: dict[str, Entry]) -> str | None:
    name = given["name"].text() if "name" in given else None
    if name and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        given["name"].problem(f"{name} must be small letters, digits and _, because it names the table raw_<name>")
    return name


def _place(given: dict[str, Entry]) -> str | None:
    place = given["place"].text() if "place" in given else None
    for problem in place_problems(place) if place else []:
        given["place"].problem(f"{place} {problem}")
    return place


def _host(given: dict[str, Entry], format_text: str | None) -> str:
    if "host" not in given:
        return ""
    host = given["host"].text() or ""
    if format_text not in (None, Format.ACCESS_LOG):
        given["host"].problem("only an access_log has paths that need a host")
    elif host and not re.fullmatch(r"https?://[^/\s]+", host):
        given["host"].problem(f"{host} must look like https://www.example.org, without a path")
    return host


def _delimiter(given: dict[str, Entry], format_text: str | None) -> str:
    if "delimiter" not in given:
        return ","
    delimiter = given["delimiter"].text() or ","
    if format_text not in (None, Format.CSV):
        given["delimiter"].problem("only csv has a delimiter")
    elif len(delimiter.encode()) != 1 or delimiter in '"\r\n':
        given["delimiter"].problem(
            'must be one ASCII character, and neither a quote nor a line end, such as ";" or "\\t"'
        )
    return delimiter


def _time_zone(given: dict[str, Entry]) -> str | None:
    zone = given["time_zone"].text() if "time_zone" in given else None
    if zone and zone not in available_timezones():
        given["time_zone"].problem(f"{zone} is no IANA zone{nearest(zone, available_timezones())}")
    return zone


def _time_format(given: dict[str, Entry], format_text: str | None) -> str:
    if "time_format" not in given:
        return ACCESS_LOG_TIME_FORMAT if format_text == Format.ACCESS_LOG else "iso8601"
    text = given["time_format"].text() or "iso8601"
    if text in _TIME_FORMATS:
        return text
    if "%" not in text:
        known = f"known are {', '.join(_TIME_FORMATS)} and strptime patterns such as %d.%m.%Y %H:%M:%S"
        given["time_format"].problem(f"{text} is not known{nearest(text, _TIME_FORMATS)}; {known}")
        return text
    try:
        datetime.strptime(datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC).strftime(text), text)
    except ValueError as error:
        given["time_format"].problem(f"{text} is no strptime pattern: {error}")
    return text


def _event_type(entry: Entry) -> EventType | None:
    given = entry.entries(("field", "constant"))
    if entry.is_mapping() and len(given) != 1:
        entry.problem("must be {field: <field of the record>} or {constant: <one type for all>}")
        return None
    values = {key: value.text() for key, value in given.items()}
    return EventType(**values) if any(values.values()) else None


def _fields(entry: Entry | None, item: Entry, format_text: str | None, host: str) -> dict[str, FieldMapping]:
    mapped: dict[str, FieldMapping] = {}
    for name, value in entry.entries(CANONICAL_FIELDS).items() if entry else []:
        if mapping := _mapping(name, value):
            mapped[name] = mapping
            for field in mapping.fields if format_text == Format.ACCESS_LOG else ():
                if field not in ACCESS_LOG_FIELDS:
                    known = f"known are {', '.join(ACCESS_LOG_FIELDS)}"
                    value.problem(f"{field} is no field of an access log{nearest(field, ACCESS_LOG_FIELDS)}; {known}")
    if format_text == Format.ACCESS_LOG:
        return _access_log_fields(mapped, host)
    if format_text is not None and "event_time" not in mapped and (entry is None or entry.is_mapping()):
        (entry or item).problem("fields.event_time is not mapped: say which field tells when the event happened")
    return mapped


def _access_log_fields(mapped: dict[str, FieldMapping], host: str) -> dict[str, FieldMapping]:
    """What the log format itself says, under what the declaration maps. Without a host a path is no URL."""
    fields = {
        "event_time": FieldMapping(("time",)),
        "cookie_id": FieldMapping(("ip", "user_agent"), Combine.JOIN),
        "ip": FieldMapping(("ip",)),
        "user_agent": FieldMapping(("user_agent",)),
        "referrer": FieldMapping(("referrer",)),
        **({"url": FieldMapping(("path",))} if host else {}),
        **mapped,
    }
    if host and fields["url"].combine is Combine.ONE:
        fields["url"] = replace(fields["url"], prefix=host)
    return fields


def _mapping(name: str, value: Entry) -> FieldMapping | None:
    if value.is_list():
        if name in _NEVER_JOINED:
            value.problem(f"takes one field{' or {multiply: [...]}' if name == 'value' else ''}, not a list")
            return None
        fields = tuple(text for part in value.items() if (text := part.text()))
        if not fields:
            value.problem("lists no field")
            return None
        return FieldMapping(fields, Combine.JOIN if len(fields) > 1 else Combine.ONE)
    if value.is_mapping():
        parts = value.entries(("multiply",), required=("multiply",))
        if name != "value":
            value.problem("takes a field or a list of fields; only value can be a product")
            return None
        fields = tuple(text for part in parts["multiply"].items() if (text := part.text())) if parts else ()
        return FieldMapping(fields, Combine.MULTIPLY) if fields else None
    field = value.text()
    return FieldMapping((field,)) if field else None


def _check_columns(source: Source, item: Entry) -> None:
    """Two fields whose raw columns differ in nothing but case or signs would overwrite one another."""
    taken: dict[str, str] = {}
    for field in source.source_fields:
        other = taken.setdefault(source.raw_column(field).lower(), field)
        if other != field:
            item.problem(f"the fields {other} and {field} would share the raw column {source.raw_column(field)}")
