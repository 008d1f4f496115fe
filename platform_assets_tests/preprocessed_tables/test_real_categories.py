"""Real maps over real visits: every visit gets the category that a plain look-up gives, and the unknown are counted."""

import csv
import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import ibis
import pyarrow.parquet as pq
import pytest

from platform_assets.domain import urls
from platform_assets.domain.categories.category_map import CategoryMap, clean_label
from platform_assets.domain.categories.category_maps import load_categories
from platform_assets.domain.categories.domain_categories import domain_categories
from platform_assets.domain.categories.visit_categories import with_categories
from platform_assets.preprocessed_tables.map_files import read_map
from resources.compute.duckdb_engine import DuckDBEngine

MAPS = Path(__file__).parents[1] / "config" / "real_categories.yaml"
VISITS, KNOWN = 49_612, 21_610


@pytest.fixture(scope="module")
def maps(shared_data: Path) -> Iterator[tuple[CategoryMap, ...]]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SHARED_DATA", str(shared_data))
        yield load_categories(MAPS).maps


def look_up(
    domain: str | None, day: str, sites: dict[str, list[tuple[str, str]]], lists: dict[str, set[str]]
) -> str | None:
    """The latest month that has the nearest name in the first map, else the preferred of its lists in the second."""
    if domain is None:
        return None
    labels = domain.split(".")
    names = [".".join(labels[above:]) for above in range(max(1, len(labels) - 1))]
    names = [name for name in names if name == domain or name.split(".")[0] not in ("co", "com", "org", "gov", "ac")]
    names = [name for name in names if name == domain or not name.replace(".", "").isdigit()]
    renamed = {"e_commerce": "shopping", "news_and_portals": "press", "banking": "bank"}
    for name in names:
        if months := [entry for entry in sites.get(name, []) if entry[0] <= day]:
            label = clean_label(max(months)[1])
            return renamed.get(label, label)
    preference = ["press", "shopping", "gambling", "games"]
    for name in names:
        if found := {clean_label(label) for label in lists.get(name, ())}:
            preferred = [label for label in preference if label in found]
            return preferred[0] if preferred else min(found)
    return None


def test_real_visits_are_of_the_categories_that_a_plain_look_up_gives(
    engine: DuckDBEngine, shared_data: Path, maps: tuple[CategoryMap, ...]
) -> None:
    history = domain_categories({each.name: ibis.memtable(read_map(each, "")) for each in maps}, maps)
    backend = engine.backend
    kept = backend.create_table("history", history.filter(history.reject_reason.isnull()))
    visits = backend.read_parquet(str(shared_data / "webtrackr_visits" / "visits.parquet"))
    by_domain = visits.group_by(domain=urls.domain(visits.url), event_date=visits.timestamp.date()).aggregate(
        visits=visits.count()
    )
    found = backend.to_pyarrow(with_categories(by_domain, kept, as_of="event_date")).to_pylist()

    sites: dict[str, list[tuple[str, str]]] = {}
    (months,) = (shared_data / "whotracksme_sites").glob("*.parquet")
    for row in pq.read_table(months, columns=["site", "file_month", "category"]).to_pylist():
        if row["category"] != "NOT FOUND":
            sites.setdefault(row["site"], []).append((row["file_month"], row["category"]))
    lists: dict[str, set[str]] = {}
    with gzip.open(shared_data / "ut1_domain_categories" / "ut1_current.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["kind"] == "domain":
                lists.setdefault(row["entry"].strip("."), set()).add(row["category"])

    assert {(row["domain"], row["category"]) for row in found} == {
        (row["domain"], look_up(row["domain"], f"{row['event_date']:%Y-%m}", sites, lists)) for row in found
    }
    assert {row["event_date"] >= date(2019, 2, 27) for row in found} == {True}
    assert sum(row["visits"] for row in found) == VISITS
    assert sum(row["visits"] for row in found if row["category"]) == KNOWN  # 43.6 %
