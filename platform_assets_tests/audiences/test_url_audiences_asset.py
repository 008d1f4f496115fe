"""The asset `url_audiences` and its check, from simulated events to what the UI shows."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from platform_assets.audiences.silent_audiences import silent_audiences_check
from platform_assets.audiences.url_audiences import url_audiences_asset
from platform_assets.domain.audiences.audience import Audience, Rule
from platform_assets.domain.audiences.audiences_file import load_audiences
from platform_assets.domain.audiences.url_audiences import silent_audiences
from platform_assets.partitions import daily
from platform_assets_tests.small_platform import FIRST_DAY, KEYS, SmallPlatform
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.tables import Lakehouse

BUYERS = Audience("buyers", any_of=(Rule(event_types=("purchase",)),), within_days=3)
FILE = """audiences:
  - {name: buyers, within_days: 3, warn_after_days: 2, any_of: [event_type: purchase]}
  - {name: readers, within_days: 2, at_least: 3, any_of: [event_type: page_view]}
  - name: nobody
    warn_after_days: 2
    any_of: [domain: nowhere.example]
"""


@pytest.fixture(scope="module")
def made(small_platform: SmallPlatform, tmp_path_factory: pytest.TempPathFactory) -> SmallPlatform:
    """The small platform's events, with persons in a lake of their own, and settings that name other audiences."""
    home = tmp_path_factory.mktemp("audiences")
    (home / "lake").mkdir()
    (home / "lake" / "events").symlink_to(Path(small_platform.settings.lake_root) / "events")
    (home / "audiences.yaml").write_text(FILE)
    own = {"lake": str(home / "lake"), "home": home, "audiences_file": home / "audiences.yaml"}
    platform = SmallPlatform(small_platform.settings.model_copy(update=own), small_platform.truth)
    platform.materialise("identifier_pairs", "user_ids")
    return platform


@pytest.fixture(scope="module")
def published(made: SmallPlatform) -> dg.ExecuteInProcessResult:
    """The run that made the table of audiences, all days in one step."""
    return made.materialise("url_audiences")


def rows_of(platform: SmallPlatform, table: str) -> list[dict]:
    return Lakehouse(platform.settings.lake_root).snapshot(table).delta.to_pyarrow_table().to_pylist()


def test_members_are_published_with_what_the_ui_shows_of_them(
    made: SmallPlatform, published: dg.ExecuteInProcessResult
) -> None:
    rows = rows_of(made, "url_audiences")
    assert {row["audience"] for row in rows} == {"buyers", "readers"}
    assert {row["user_id"] for row in rows} <= {row["user_id"] for row in rows_of(made, "user_ids")}
    told = {event.partition: event.metadata for event in published.asset_materializations_for_node("url_audiences")}
    for day in KEYS:
        buyers = sum(row["audience"] == "buyers" and str(row["event_date"]) == day for row in rows)
        members = {record["audience"]: record["members"] for record in records(told[day]["members_by_audience"])}
        assert members.get("buyers", 0) == buyers
        assert told[day]["audiences_with_members"].value == len(members)


def records(value: dg.MetadataValue) -> list[dict]:
    assert isinstance(value, dg.TableMetadataValue)
    return [dict(record.data) for record in value.records]


def test_days_alone_and_again_publish_what_a_range_publishes(
    made: SmallPlatform, published: dg.ExecuteInProcessResult
) -> None:
    in_range = Lakehouse(made.settings.lake_root).slice_notes("url_audiences")
    for day in (KEYS[4], KEYS[1]):
        made.materialise("url_audiences", first=day, last=day)
    assert Lakehouse(made.settings.lake_root).slice_notes("url_audiences") == in_range


def test_an_audience_that_brings_nobody_is_reported_by_name(
    made: SmallPlatform, published: dg.ExecuteInProcessResult
) -> None:
    engine = DuckDBEngine(spill_folder=made.settings.home / "spill")
    io_manager = DeltaIOManager(Lakehouse(made.settings.lake_root), engine, made.settings.home / "staging")
    audiences = load_audiences(made.settings.audiences_file)
    result = silent_audiences_check(audiences)(lakehouse=io_manager)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "nobody (line 4)" in result.description
    assert result.metadata["silent_audiences"].value == {"nobody": 4}
    assert silent_audiences_check(audiences[:2])(lakehouse=io_manager).passed


@pytest.mark.parametrize(
    ("first", "last_match", "is_silent"),
    [
        pytest.param(1, 10, False, id="matched today"),
        pytest.param(1, 4, False, id="matched on the first of the last seven days"),
        pytest.param(1, 3, True, id="matched on the day before"),
        pytest.param(1, None, True, id="never matched"),
        pytest.param(4, None, True, id="seven days are known"),
        pytest.param(5, None, False, id="six days are known"),
    ],
)
def test_silence_is_counted_in_days(first: int, last_match: int | None, is_silent: bool) -> None:
    matches = {} if last_match is None else {"buyers": date(2026, 1, last_match)}
    found = silent_audiences([BUYERS], matches, date(2026, 1, first), date(2026, 1, 10))
    assert bool(found) is is_silent


def test_another_rule_is_another_code_version() -> None:
    days = daily(FIRST_DAY, None)
    changed = Audience("buyers", any_of=(Rule(event_types=("order",)),), within_days=3)
    versions = {
        next(iter(url_audiences_asset([each], days).code_versions_by_key.values()))
        for each in (BUYERS, changed, BUYERS)
    }
    assert len(versions) == 2
