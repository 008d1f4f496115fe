"""Small maps, and what a plain reading of them says: the yardstick for everything that handles categories."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import ibis
import pyarrow as pa

from platform_assets.domain.categories.category_map import CategoryMap, MapFormat
from platform_assets.domain.categories.domain_categories import RECEIVED
from platform_assets.domain.contracts.domain_categories import DOMAIN_CATEGORIES

START = date(2026, 1, 5)
SUFFIXES = ("example", "co.uk", "gov.uk", "5.7")
"""Of the names that the tests use, those that are no one's parent."""


@dataclass(frozen=True)
class Entry:
    """A row of a map's file, as received; `day` is days from START, or None for text that is no day."""

    day: int | None
    domain: str | None
    category: str | None

    @property
    def version(self) -> str:
        return "soon" if self.day is None else f"{START + timedelta(days=self.day)}"

    @property
    def clean_domain(self) -> str | None:
        text = re.sub(r"^www\.", "", (self.domain or "").strip().lower().strip("."))
        return text if re.fullmatch(r"[^\s/:@?#.]+(\.[^\s/:@?#.]+)*", text) else None

    def clean_category(self, declared: CategoryMap) -> str | None:
        label = re.sub(r"[\s-]+", "_", (self.category or "").strip().lower())
        return None if label in ("", *declared.no_category) else declared.rename.get(label, label)

    def reason(self, declared: CategoryMap) -> str | None:
        if self.clean_domain is None:
            return "domain_unreadable"
        if self.day is None:
            return "version_date_unreadable"
        return "no_category" if self.clean_category(declared) is None else None


def declared_map(name: str = "one", **given: object) -> CategoryMap:
    made = CategoryMap(name, "", "free", MapFormat.CSV, "/maps/*.csv", "domain", "category")
    return replace(made, **given)  # type: ignore[arg-type]


def received(entries: Sequence[Entry]) -> ibis.Table:
    rows = [{"file": "f", "version_date": e.version, "domain": e.domain, "category": e.category} for e in entries]
    return ibis.memtable(pa.Table.from_pylist(rows, schema=RECEIVED.to_pyarrow()))


def said_by(declared: CategoryMap, entries: Sequence[Entry], domain: str, day: int) -> str | None:
    """The category that a map gives this very domain on a day, read off its versions one by one."""
    versions = sorted({e.day for e in entries if e.day is not None and e.day <= day}, reverse=True)
    for version in versions:
        here = [e for e in entries if e.day == version and e.clean_domain == domain and not e.reason(declared)]
        found = {str(e.clean_category(declared)) for e in here}
        if found:
            return min(found, key=lambda label: (*_preference(label, declared), label))
        if not declared.keeps_absent:
            return None
    return None


def _preference(label: str, declared: CategoryMap) -> tuple[int]:
    return (declared.prefer.index(label) if label in declared.prefer else len(declared.prefer),)


def category_of(worlds: Sequence[tuple[CategoryMap, Sequence[Entry]]], domain: str | None, day: int) -> str | None:
    """The category of a visit: map by map, and in each from the domain up through its parents."""
    if domain is None:
        return None
    labels = domain.split(".")
    names = [".".join(labels[above:]) for above in range(len(labels))]
    names = [name for above, name in enumerate(names) if not above or ("." in name and name not in SUFFIXES)]
    for declared, entries in worlds:
        for name in names:
            if found := said_by(declared, entries, name, day):
                return found
    return None


def history_table(rows: Sequence[tuple[int, str, str, int, int | None]]) -> ibis.Table:
    """`domain_categories` from (precedence, domain, category, from, to), days counted from START."""

    def on(day: int | None) -> date | None:
        return None if day is None else START + timedelta(days=day)

    records = [
        {
            "map": f"m{precedence}",
            "precedence": precedence,
            "domain": domain,
            "category": category,
            "valid_from": on(start),
            "valid_to": on(end),
            "known_until": START + timedelta(days=40),
        }
        for precedence, domain, category, start, end in rows
    ]
    return ibis.memtable(pa.Table.from_pylist(records, schema=DOMAIN_CATEGORIES.schema().to_pyarrow()))
