"""Reads what a source declares about fields that come and go: `optional`, `defaults`, `unmapped`.

What becomes of a field that is absent without being declared so is decided by the readers of each format and by the
check `source_fields`.
"""

from collections.abc import Mapping
from dataclasses import replace

from platform_assets.domain.source import Format, Source
from platform_assets.domain.yaml_lines import Entry, nearest

ABSENCE_KEYS = ("optional", "defaults", "unmapped")
_NEVER_ABSENT = ("event_id", "event_time")


def with_absences(source: Source, given: Mapping[str, Entry]) -> Source:
    """The source with the fields that its entries declare; mistakes are noted as problems of the file."""
    if source.format is Format.ACCESS_LOG:
        for key in ("optional", "defaults", "unmapped"):
            if key in given:
                given[key].problem("an access_log always has the same fields")
        return source
    optional = _listed(given.get("optional"))
    defaults = given["defaults"].entries(source.source_fields) if "defaults" in given else {}
    for field, entry in [*optional.items(), *defaults.items()]:
        for name in _NEVER_ABSENT:
            if name in source.fields and field in source.fields[name].fields:
                entry.problem(f"{field} makes {name}, without which a record is no event")
        if field not in source.source_fields:
            known = ", ".join(source.source_fields)
            entry.problem(f"{field} is mapped to nothing{nearest(field, source.source_fields)}; mapped are {known}")
    for field in optional.keys() & defaults.keys():
        optional[field].problem(f"{field} has a default, so it needn't be optional as well")
    unmapped = _listed(given.get("unmapped"))
    for field in unmapped.keys() & set(source.source_fields):
        unmapped[field].problem(f"{field} is mapped under fields")
    texts = {field: text for field, entry in defaults.items() if (text := entry.text())}
    return replace(source, optional=tuple(sorted(optional)), defaults=texts, unmapped=tuple(sorted(unmapped)))


def _listed(entry: Entry | None) -> dict[str, Entry]:
    return {text: item for item in (entry.items() if entry else []) if (text := item.text())}
