"""`category_audiences`: against plain DuckDB that does the same, on a simulated world, and over real visits."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import ibis

from benchmarks.fresh_process import Spent, run
from benchmarks.report import Section
from platform_assets.domain import urls
from platform_assets.domain.categories.category_maps import load_categories
from platform_assets.domain.categories.domain_categories import domain_categories
from platform_assets.domain.categories.visit_categories import with_categories
from platform_assets.preprocessed_tables.map_files import read_map
from resources.compute.duckdb_engine import DuckDBEngine

VOLUMES, DAYS, QUALITY_EVENTS = (300_000, 3_000_000), (1, 7), 1_000_000
REAL_MAPS = Path(__file__).parents[1] / "platform_assets_tests" / "config" / "real_categories.yaml"
METHOD = """\
Made-up events of 35 days, 50 for every person, half of the persons with a login; 40,000 addresses on 20,000 domains,
a third of them subdomains; two maps, one of 360,000 domains and one of 7,200 before it. Both legs read the same Parquet
and write the audiences of one day, or of seven in one step: **plain** is SQL written by hand for DuckDB, **platform**
the function that the asset calls. They run in fresh processes with 4 GB, and their rows must have one digest.
Publication is not in here. Seconds depend on what else the machine does; CPU seconds compare."""


def measure(scratch: Path) -> Section:
    """Run both legs at both volumes, then look at the simulated world and at real visits."""
    rows: list[tuple[str, ...]] = []
    figures: dict[str, Any] = {}
    for volume in VOLUMES:
        folder = scratch / "category_audiences"
        shutil.rmtree(folder, ignore_errors=True)
        _leg("world", folder, volume, 1)
        for days in DAYS:
            told = {leg: _leg(leg, folder, volume, days) for leg in ("plain", "platform")}
            if len({(found["rows"], found["digest"]) for found, _ in told.values()}) != 1:
                raise AssertionError(f"the legs don't compute the same: {told}")
            plain = told["plain"][0]["cpu_seconds"]
            for leg, (found, spent) in told.items():
                cpu, rows_made = found["cpu_seconds"], found["rows"]
                shown = (f"{cpu:.1f}", f"{cpu / plain:.2f}", f"{spent.peak_megabytes:,.0f}")
                rows.append((f"{volume:,}", str(days), leg, f"{rows_made:,}", *shown))
                figures[f"{volume} {days} {leg}"] = {**found, "peak_megabytes": spent.peak_megabytes}
                print(rows[-1], flush=True)
        shutil.rmtree(folder)
    quality = _quality(scratch / "category_audiences_world")
    return Section(
        title="Audiences of categories",
        command="python -m benchmarks category_audiences",
        method=METHOD,
        header=("events", "days", "leg", "rows", "CPU seconds", "ratio", "peak MB"),
        rows=rows,
        notes=[_of_world(quality), *_of_real_visits(scratch)],
        figures=figures | {"quality": quality},
    )


def _leg(leg: str, folder: Path, volume: int, days: int) -> tuple[dict[str, Any], Spent]:
    spent, output = run(["-m", "benchmarks.category_audiences_leg", leg, str(folder), str(volume), str(days)])
    return (json.loads(output.strip().splitlines()[-1]) if leg != "world" else {}), spent


def _quality(folder: Path) -> dict[str, Any]:
    shutil.rmtree(folder, ignore_errors=True)
    _, output = run(["-m", "benchmarks.category_audiences_quality", str(folder), str(QUALITY_EVENTS)])
    shutil.rmtree(folder)
    return dict(json.loads(output.strip().splitlines()[-1]))


def _of_world(found: dict[str, Any]) -> str:
    return (
        f"Simulated world, {QUALITY_EVENTS:,} events of 60 days: of {found['visits']:,} visits {found['wrong']:,} have "
        f"another category than planted, {found['unknown'] / found['visits']:.1%} none. A logistic regression on the "
        f"next week's purchases has an AUC of {found['auc']:.4f} on later days with the category features, and of "
        f"{found['auc_without']:.4f} without them (difference {found['auc'] - found['auc_without']:+.4f}, 95 % "
        f"interval over persons {found['difference_low']:+.4f} to {found['difference_high']:+.4f})."
    )


def _of_real_visits(scratch: Path) -> list[str]:
    """How many real visits the real maps know, where the data is there."""
    data = Path(os.environ.get("SHARED_DATA", "../shared/data")).resolve()
    if not data.is_dir():
        return []
    os.environ["SHARED_DATA"] = str(data)
    maps = load_categories(REAL_MAPS).maps
    engine = DuckDBEngine(spill_folder=scratch / "spill")
    history = domain_categories({each.name: ibis.memtable(read_map(each, "")) for each in maps}, maps)
    kept = engine.backend.create_table("history", history.filter(history.reject_reason.isnull()))
    visits = engine.backend.read_parquet(str(data / "webtrackr_visits" / "visits.parquet"))
    visits = visits.select(domain=urls.domain(visits.url), event_date=visits.timestamp.date())
    told = with_categories(visits, kept, as_of="event_date")
    counted = told.aggregate(visits=told.count(), known=told.category.count()).to_pyarrow().to_pylist()[0]
    share = counted["known"] / counted["visits"]
    known = f"{counted['known']:,} of {counted['visits']:,}"
    return [f"Real visits (webtrackr): WhoTracks.Me, then UT1, have a category for {known}, {share:.1%}."]
