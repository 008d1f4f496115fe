"""Run again, only what changed is recomputed: per partition, by content and code, transitively."""

import gzip
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from platform_assets.cli.changed_partitions import WHOLE, ChangedPartitions, contiguous
from platform_assets.definitions import build_definitions, declared_categories
from platform_assets.demo import simulate
from platform_assets.domain.sources import load_sources
from resources.lakehouse.tables import Lakehouse, SliceNote
from resources.settings import Settings

FIRST = date(2026, 1, 5)
DAYS = [f"2026-01-{day:02d}" for day in range(5, 13)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path, last_day=date(2026, 1, 12), first_day=FIRST)
    simulate(Path(settings.landing_root), first_day=FIRST, days=8, events=4_000)
    return settings


def changed(settings: Settings, definitions: dg.Definitions, lakehouse: Lakehouse | None = None) -> ChangedPartitions:
    sources = load_sources(settings.sources_file)
    lakehouse = lakehouse or Lakehouse(settings.lake_root)
    maps, memory = declared_categories(settings).maps, settings.home / "memory.json"
    return ChangedPartitions(definitions, sources, lakehouse, settings.landing_root, memory, maps)


def compute(settings: Settings, definitions: dg.Definitions, asset: str, keys: list[str]) -> None:
    tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    job = definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection={dg.AssetKey(asset)})
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance, tags=tags).success
    changed(settings, definitions).remember(asset, keys)


def test_a_changed_file_makes_its_day_and_the_event_days_it_can_touch_stale(settings: Settings) -> None:
    definitions = build_definitions(settings)
    assert changed(settings, definitions).stale("raw_web_events", DAYS) == DAYS
    for asset in ("raw_web_events", "events"):
        compute(settings, definitions, asset, DAYS)
        assert changed(settings, definitions).stale(asset, DAYS) == []

    landed = Path(settings.landing_root) / "web_events" / "2026-01-08" / "more.jsonl.gz"
    event = '{"event_id": "new", "event_time": "2026-01-08T01:00:00Z", "event_type": "page_view", "cookie_id": "c"}\n'
    landed.write_bytes(gzip.compress(event.encode()))
    assert changed(settings, definitions).stale("raw_web_events", DAYS) == ["2026-01-08"]
    assert changed(settings, definitions).stale("events", DAYS) == []
    compute(settings, definitions, "raw_web_events", ["2026-01-08"])
    assert changed(settings, definitions).stale("events", DAYS) == [f"2026-01-{day:02d}" for day in range(6, 11)]


def test_recomputing_a_day_with_the_same_content_leaves_what_follows_fresh(settings: Settings) -> None:
    definitions = build_definitions(settings)
    for asset in ("raw_web_events", "events"):
        compute(settings, definitions, asset, DAYS)
    compute(settings, definitions, "raw_web_events", DAYS[2:4])
    assert changed(settings, definitions).stale("events", DAYS) == []


def test_a_day_of_persons_that_changes_makes_later_days_of_the_same_table_stale(settings: Settings) -> None:
    definitions = build_definitions(settings)
    for asset in ("raw_web_events", "events", "identifier_pairs", "user_ids"):
        compute(settings, definitions, asset, DAYS)
    assert changed(settings, definitions).stale("user_ids", DAYS) == []
    assert changed(settings, definitions, OneDayDiffers(settings.lake_root)).stale("user_ids", DAYS) == DAYS[4:]


class OneDayDiffers(Lakehouse):
    """The lake as if the fourth day of `user_ids` had other rows."""

    def slice_notes(self, table: str) -> dict[str, SliceNote]:
        notes = super().slice_notes(table)
        return notes | {DAYS[3]: SliceNote(0, 0, 0, "other")} if table == "user_ids" else notes


def test_ranges_are_cut_where_a_day_is_missing() -> None:
    assert contiguous(["b", "c", "e"], ["a", "b", "c", "d", "e"]) == [("b", "c"), ("e", "e")]


def test_a_new_file_of_a_map_makes_the_categories_stale(settings: Settings) -> None:
    definitions, maps = build_definitions(settings), ["domain_categories"]
    job = definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection={dg.AssetKey(maps)})
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance).success
    changed(settings, definitions).remember(*maps, [WHOLE])
    assert changed(settings, definitions).stale(*maps, [WHOLE]) == []
    version = Path(settings.landing_root) / "category_maps" / "site_topics" / "2026-01-11" / "more.csv.gz"
    version.parent.mkdir()
    version.write_bytes(gzip.compress(b"entry,kind,category\nnew.example,domain,News\n"))
    assert changed(settings, definitions).stale(*maps, [WHOLE]) == [WHOLE]
