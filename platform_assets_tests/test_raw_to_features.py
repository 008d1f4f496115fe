"""Landed files to features through the graph: every line is accounted for, on a local lake and on S3."""

from dataclasses import replace

import pytest

from platform_assets_tests.small_platform import KEYS, SmallPlatform
from platform_assets_tests.stores import Store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.tables import Lakehouse, SliceNote


@pytest.fixture
def platform(small_platform: SmallPlatform, store: Store) -> SmallPlatform:
    """The small platform's landing zone and pseudonym key, with an empty lake."""
    key = small_platform.settings.require_pseudonym_key(only_simulated_data=True)
    engine = DuckDBEngine(spill_folder=store.staging / "spill", pseudonym_key=key)
    manager = DeltaIOManager(store.lakehouse, engine, store.staging, allow_emptying=False)
    return replace(small_platform, overrides={"lakehouse": manager, "engine": engine})


def totals(lakehouse: Lakehouse, table: str) -> SliceNote:
    notes = lakehouse.slice_notes(table).values()
    counts = (sum(getattr(note, name) for note in notes) for name in ("rows", "quarantined", "dropped"))
    return SliceNote(*counts, digest="")


def test_every_landed_line_is_an_event_a_duplicate_or_quarantined(platform: SmallPlatform, store: Store) -> None:
    platform.materialise("raw_web_events", "events", "identifier_pairs", "user_ids", "user_features")
    truth, raw, events = platform.truth, *(totals(store.lakehouse, name) for name in ("raw_web_events", "events"))
    assert (raw.rows, raw.quarantined, raw.dropped) == (truth.lines - truth.malformed, truth.malformed, 0)
    assert (events.rows, events.quarantined, events.dropped) == (truth.events, 0, truth.duplicates)
    assert truth.lines == truth.events + truth.duplicates + truth.malformed
    assert sum(store.lakehouse.snapshot("events").rows_by_slice().values()) == truth.events
    assert totals(store.lakehouse, "user_features").rows > 0
    assert totals(store.lakehouse, "user_features").quarantined == 0


def test_single_days_and_a_range_publish_the_same(platform: SmallPlatform, store: Store) -> None:
    wanted = Lakehouse(platform.settings.lake_root)
    platform.materialise("raw_web_events")
    for day in KEYS[2:4]:
        platform.materialise("events", first=day, last=day)
    alone, in_range = (lakehouse.slice_notes("events") for lakehouse in (store.lakehouse, wanted))
    assert alone == {day: in_range[day] for day in KEYS[2:4]}


def test_runs_of_the_same_range_publish_the_same_again(small_platform: SmallPlatform) -> None:
    lakehouse = Lakehouse(small_platform.settings.lake_root)
    before = lakehouse.slice_notes("user_features")
    small_platform.materialise("user_features")
    assert lakehouse.slice_notes("user_features") == before
