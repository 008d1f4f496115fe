"""Reads `config/categories.yaml`: every declared domain → category map, or every mistake with its line, at once.

What a map is stands in `category_map`, the language of places in `map_places`, YAML with lines in `yaml_lines`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from platform_assets.domain.categories.category_map import Categories, CategoryMap, MapFormat, MapVersion, clean_label
from platform_assets.domain.categories.map_places import date_format, map_place_problems
from platform_assets.domain.yaml_lines import Entry, YamlFile

__all__ = ["Categories", "CategoryMap", "MapFormat", "MapVersion", "load_categories"]

_KEYS = (
    *("name", "description", "licence", "format", "place", "columns", "version_date", "only", "no_category", "rename"),
    *("prefer", "absent", "delimiter", "simulated"),
)
_REQUIRED = ("name", "licence", "format", "place", "columns")


def load_categories(path: Path | str) -> Categories:
    """What a file declares, maps in its order: the first that knows a domain wins.

    Raises ConfigurationError whose `where` is `file:line` of the first mistake; its text lists all of them.
    """
    file = YamlFile(Path(path))
    given = file.top.entries(("maps", "commerce", "unknown_limit"), required=("maps",))
    maps: list[CategoryMap] = []
    named: dict[str, int] = {}
    for item in given["maps"].items() if "maps" in given else []:
        declared = _map(item)
        if declared and declared.name in named:
            item.problem(f"the name {declared.name} is taken by the map in line {named[declared.name]}")
        elif declared:
            maps.append(declared)
            named[declared.name] = item.line
    limit = given["unknown_limit"].share() if "unknown_limit" in given else None
    commerce = _labels(given, "commerce")
    file.raise_problems(f"mend {path}; its head says what every key means")
    found = Categories(tuple(maps), commerce)
    return found if limit is None else replace(found, unknown_limit=limit)


def _map(item: Entry) -> CategoryMap | None:
    """One declaration; None if it is so wrong that no map can be made (the problems are noted)."""
    given = item.entries(_KEYS, required=_REQUIRED)
    name = given["name"].text() if "name" in given else None
    if name and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        given["name"].problem(f"{name} must be small letters, digits and _")
    format_text = given["format"].choice([str(known) for known in MapFormat]) if "format" in given else None
    place = given["place"].text() if "place" in given else None
    for problem in map_place_problems(place) if place else []:
        given["place"].problem(f"{place} {problem}")
    columns = given["columns"].entries(("domain", "category"), required=("domain", "category")) if place else {}
    column_names = {key: entry.text() for key, entry in columns.items()}
    found = CategoryMap(
        name=name or "",
        description=(given["description"].text() if "description" in given else "") or "",
        licence=(given["licence"].text() if "licence" in given else "") or "",
        format=MapFormat(format_text or MapFormat.CSV),
        place=place or "",
        domain_column=column_names.get("domain") or "",
        category_column=column_names.get("category") or "",
        version=_version(given, item, place),
        only=_texts(given, "only"),
        no_category=_labels(given, "no_category"),
        rename={clean_label(old): clean_label(new) for old, new in _texts(given, "rename").items()},
        prefer=_labels(given, "prefer"),
        keeps_absent=(given["absent"].choice(("ends", "keeps")) if "absent" in given else "ends") == "keeps",
        delimiter=_delimiter(given, format_text),
        simulated=bool(given["simulated"].boolean()) if "simulated" in given else False,
    )
    return found if name and format_text and place and all(column_names.values()) else None


def _version(given: Mapping[str, Entry], item: Entry, place: str | None) -> MapVersion:
    """Where the day of a version is told; exactly one of the place and `version_date` must tell it."""
    entry = given.get("version_date")
    in_place = place is not None and date_format(place) is not None
    if entry is None:
        if place is not None and not in_place:
            item.problem("from when do its entries hold? Put {version_date} into place, or give version_date")
        return MapVersion()
    if in_place:
        entry.problem("the place names the day of a version already")
    if entry.is_mapping():
        column = entry.entries(("column",), required=("column",)).get("column")
        return MapVersion(column=column.text() if column else None)
    return MapVersion(day=entry.day())


def _labels(given: Mapping[str, Entry], key: str) -> tuple[str, ...]:
    """A list of labels, clean, each once, in the order of the file."""
    texts: Iterable[str | None] = (part.text() for part in given[key].items()) if key in given else ()
    return tuple(dict.fromkeys(clean_label(text) for text in texts if text))


def _texts(given: Mapping[str, Entry], key: str) -> dict[str, str]:
    """A mapping of texts whose keys are free."""
    if key not in given:
        return {}
    entries = given[key].entries(given[key].keys())
    return {name: text for name, entry in entries.items() if (text := entry.text())}


def _delimiter(given: Mapping[str, Entry], format_text: str | None) -> str:
    if "delimiter" not in given:
        return ","
    delimiter = given["delimiter"].text() or ","
    if format_text not in (None, MapFormat.CSV):
        given["delimiter"].problem("only csv has a delimiter")
    elif len(delimiter.encode()) != 1 or delimiter in '"\r\n':
        given["delimiter"].problem("must be one ASCII character, and neither a quote nor a line end")
    return delimiter
