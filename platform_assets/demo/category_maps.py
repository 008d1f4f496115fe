"""The domain → category maps of the simulated world, as a vendor and a team of editors would deliver them.

The vendor delivers twice: at first with wrong, missing and doubtful entries, some of which the second version mends,
while it moves other sites to a new category and forgets one. The editors mend two mistakes of the vendor. Which
category follows for every domain and day is written beside the other truth, for tests only.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from platform_assets.demo.landing_files import write_if_changed
from platform_assets.demo.truth import write_table
from platform_assets.demo.web import SITES_PER_TOPIC, TOPICS, site_domains
from platform_assets.demo.world import World

FOLDER, VENDOR, EDITORS = "category_maps", "site_topics", "editors_choice"

WRONG, MENDED_BY_VENDOR, MENDED_BY_EDITORS = 6, 2, 2
MISSING, FOUND_LATER = 4, 2
NOT_FOUND, MOVED, FORGOTTEN = 2, 3, 1

_LABELS = {"electronics": "Consumer Electronics", "cooking": "Food and Cooking", "home": "Home and Garden"}
_SPELLINGS = ("{}", "{} ", " {}")
_PAGE, _BROKEN = "news-gazette.example/results,url,Sports\n", "moved to/another address,domain,News\n"
"""A row of a kind that isn't wanted, and one that is no domain."""

TRUTH = pa.schema({"domain": pa.string(), "category": pa.string(), "valid_from": pa.date32(), "valid_to": pa.date32()})


@dataclass(frozen=True)
class _Plan:
    """What each map says of every site, by site number: a topic's number, -1 for not known."""

    vendor: tuple[np.ndarray, np.ndarray]
    editors: np.ndarray
    doubtful: np.ndarray


def write_category_maps(landing_zone: Path, truth_folder: Path, world: World) -> None:
    """Write the maps into the landing zone and what follows from them as `categories.parquet` into the truth."""
    plan, folder = _plan(world), landing_zone / FOLDER
    days = _version_days(world)
    files = {
        folder / VENDOR / f"{day}" / "site_topics.csv.gz": _vendor_file(world, number, plan)
        for number, day in enumerate(days)
    }
    files[folder / EDITORS / "editors_choice.parquet"] = _editors_file(plan, days[0])
    for path, content in files.items():
        write_if_changed(path, content)
    for earlier in sorted(folder.rglob("*.*")):
        if earlier.is_file() and earlier not in files:
            earlier.unlink()
    write_table(truth_folder, "categories", pa.Table.from_pylist(list(_truth(plan, days)), TRUTH))


def _version_days(world: World) -> list[date]:
    """The days of the vendor's versions: the first day, and one in the middle."""
    return [world.date_of(day) for day in sorted({0, world.days // 2})]


def _plan(world: World) -> _Plan:
    """Who is wrong about what. Every site has at most one kind of trouble."""
    rng = world.rng("category maps")
    topics = np.repeat(np.arange(len(TOPICS)), SITES_PER_TOPIC)
    parts = np.cumsum([WRONG, MISSING, NOT_FOUND, MOVED, FORGOTTEN])
    wrong, missing, doubtful, moved, forgotten, _ = np.split(rng.permutation(len(topics)), parts)
    others = (topics + rng.integers(1, len(TOPICS), len(topics))) % len(TOPICS)
    first, editors = topics.copy(), np.full(len(topics), -1)
    first[wrong], first[missing] = others[wrong], -1
    second = first.copy()
    second[wrong[:MENDED_BY_VENDOR]] = topics[wrong[:MENDED_BY_VENDOR]]
    second[missing[:FOUND_LATER]] = topics[missing[:FOUND_LATER]]
    second[moved], second[forgotten] = others[moved], -1
    mended = wrong[MENDED_BY_VENDOR : MENDED_BY_VENDOR + MENDED_BY_EDITORS]
    editors[mended] = topics[mended]
    return _Plan((first, second), editors, doubtful)


def _vendor_file(world: World, number: int, plan: _Plan) -> bytes:
    """One version as CSV: labels as people type them, some addresses with www., one row twice, some of no use."""
    rng = world.rng("category map labels", number)
    domains, topics = site_domains(), plan.vendor[number]
    rows = []
    for site in np.flatnonzero(topics >= 0):
        name = TOPICS[topics[site]]
        label = _SPELLINGS[rng.integers(len(_SPELLINGS))].format(_LABELS.get(name, name.capitalize()))
        entry = domains[site] if rng.random() < 0.3 else domains[site].removeprefix("www.")
        rows.append(f"{entry},domain,{'NOT FOUND' if site in plan.doubtful else label}\n")
    return gzip.compress(
        "".join(["entry,kind,category\n", *rows, rows[0], _PAGE, *([] if number else [_BROKEN])]).encode(), mtime=0
    )


def _editors_file(plan: _Plan, day: date) -> bytes:
    sites = np.flatnonzero(plan.editors >= 0)
    table = pa.table(
        {
            "site": [site_domains()[site] for site in sites],
            "topic": [TOPICS[topic] for topic in plan.editors[sites]],
            "valid_from": pa.array([day] * len(sites), pa.date32()),
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def _truth(plan: _Plan, days: list[date]) -> Iterator[dict]:
    """What follows for every domain: its category by the editors, else by the vendor's version of the day."""
    for site, domain in enumerate(site_domains()):
        known = [plan.editors[site] if plan.editors[site] >= 0 else version[site] for version in plan.vendor]
        if site in plan.doubtful:
            known = [-1, -1]
        stretches = [*days, None] if known[0] != known[1] else [days[0], None]
        for topic, start, end in zip(known, stretches, stretches[1:], strict=False):
            if topic >= 0:
                yield {
                    "domain": domain.removeprefix("www."),
                    "category": TOPICS[topic],
                    "valid_from": start,
                    "valid_to": end,
                }
