"""The asset `url_audiences` and its check, from simulated events to what the UI shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import ibis
import pytest

from platform_assets.audiences.silent_audiences import silent_audiences_check
from platform_assets.audiences.url_audiences import url_audiences_asset
from platform_assets.domain.audiences.audience import Audience, Rule
from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.domain.url_audiences import silent_audiences
from platform_assets.partitions import daily
from platform_assets.table_asset import table_asset
from platform_assets_tests.small_platform import DAYS, FIRST_DAY, KEYS, SmallPlatform
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.tables import Lakehouse

BUYERS = Audience("buyers", any_of=(Rule(event_types=("purchase",)),), within_days=3)
NOBODY = Audience("nobody", any_of=(Rule(domains=("nowhere.example",)),), warn_after_days=2, line=9)
READERS = Audience("readers", any_of=(Rule(event_types=("page_view",)),), within_days=2, at_least=3)


@dataclass
class AudiencePlatform:
    """The small platform's events, a table of persons made of cookies alone, and audiences over both."""

    platform: SmallPlatform
    home: Path
    audiences: Sequence[Audience]

    def __post_init__(self) -> None:
        events = Lakehouse(self.platform.settings.lake_root)
        self.lakehouse = Lakehouse(str(self.home / "lake"))
        self.engine = DuckDBEngine(spill_folder=self.home / "spill")
        (self.home / "lake").mkdir()
        (self.home / "lake" / "events").symlink_to(Path(events.root) / "events")
        self.io_manager = DeltaIOManager(self.lakehouse, self.engine, self.home / "staging")

    def materialise(self, asset: str, first: str = KEYS[0], last: str = KEYS[-1]) -> dg.ExecuteInProcessResult:
        days = daily(FIRST_DAY, FIRST_DAY + timedelta(days=DAYS - 1))
        assets = [
            dg.AssetSpec("events", partitions_def=days).with_io_manager_key("lakehouse"),
            cookies_as_persons(days),
            url_audiences_asset(self.audiences, days),
        ]
        definitions = dg.Definitions(assets=assets, resources={"lakehouse": self.io_manager})
        job = definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection={dg.AssetKey(asset)})
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        with dg.DagsterInstance.ephemeral() as instance:
            return job.execute_in_process(instance=instance, tags=tags)

    def rows(self) -> list[dict]:
        return self.lakehouse.snapshot("url_audiences").delta.to_pyarrow_table().to_pylist()


def cookies_as_persons(days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(USER_IDS, partitions_def=days)
    def user_ids(events: ibis.Table) -> ibis.Table:
        seen = events.filter(events.cookie_id.notnull()).select("event_date", identifier="cookie_id").distinct()
        return seen.mutate(
            kind=ibis.literal("cookie"),
            user_id=ibis.literal("of_") + seen.identifier,
            is_hub=ibis.literal(False),
            previous_user_id=ibis.null(str),
        )

    return user_ids


@pytest.fixture
def made(small_platform: SmallPlatform, tmp_path: Path) -> AudiencePlatform:
    platform = AudiencePlatform(small_platform, tmp_path, (BUYERS, NOBODY, READERS))
    assert platform.materialise("user_ids").success
    return platform


def test_members_are_published_with_what_the_ui_shows_of_them(made: AudiencePlatform) -> None:
    result = made.materialise("url_audiences")
    rows = made.rows()
    assert {row["audience"] for row in rows} == {"buyers", "readers"}
    assert all(row["user_id"].startswith("of_") for row in rows)
    told = {event.partition: event.metadata for event in result.asset_materializations_for_node("url_audiences")}
    for day in KEYS:
        buyers = sum(row["audience"] == "buyers" and str(row["event_date"]) == day for row in rows)
        members = {record["audience"]: record["members"] for record in records(told[day]["members_by_audience"])}
        assert members.get("buyers", 0) == buyers
        assert told[day]["audiences_with_members"].value == len([count for count in members.values() if count])


def records(value: dg.MetadataValue) -> list[dict]:
    assert isinstance(value, dg.TableMetadataValue)
    return [dict(record.data) for record in value.records]


def test_days_alone_and_again_publish_what_a_range_publishes(made: AudiencePlatform) -> None:
    made.materialise("url_audiences")
    in_range = made.lakehouse.slice_notes("url_audiences")
    for day in (KEYS[3], KEYS[1]):
        made.materialise("url_audiences", first=day, last=day)
    assert made.lakehouse.slice_notes("url_audiences") == in_range


def test_an_audience_that_brings_nobody_is_reported_by_name(made: AudiencePlatform) -> None:
    made.materialise("url_audiences")
    check = silent_audiences_check(made.audiences)
    result = check(lakehouse=made.io_manager)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "nobody (line 9)" in result.description
    assert result.metadata["silent_audiences"].value == {"nobody": 9}
    assert silent_audiences_check((BUYERS, READERS))(lakehouse=made.io_manager).passed


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
