"""`user_ids` in the graph: ranges and single days agree, runs repeat, a missing day is refused, figures are told."""

from pathlib import Path

import pytest

from platform_assets.domain.user_ids import EarlierDayMissing
from platform_assets_tests.small_platform import KEYS, SmallPlatform
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse


def rows(platform: SmallPlatform) -> list[dict]:
    lakehouse = Lakehouse(platform.settings.lake_root)
    engine = DuckDBEngine(spill_folder=platform.settings.home_folder / "spill")
    found = read(lakehouse, engine, lakehouse.snapshot("user_ids"), None).to_pyarrow().to_pylist()
    return sorted(found, key=lambda row: (row["event_date"], row["identifier"]))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> SmallPlatform:
    """Six days of pairs; persons of all of them, computed as one range."""
    platform = SmallPlatform.simulated(tmp_path_factory.mktemp("persons"))
    platform.materialise("raw_web_events", "events", "identifier_pairs", "user_ids")
    return platform


def test_days_one_by_one_and_days_again_give_the_rows_of_the_range(platform: SmallPlatform) -> None:
    wanted = rows(platform)
    assert len({row["user_id"] for row in wanted}) > 50
    for key in (KEYS[3], KEYS[0], KEYS[5], KEYS[1], KEYS[2], KEYS[4]):
        platform.materialise("user_ids", first=key, last=key)
        assert rows(platform) == wanted
    platform.materialise("user_ids", first=KEYS[2], last=KEYS[4])
    assert rows(platform) == wanted


def test_a_day_after_one_that_is_missing_is_refused(tmp_path: Path) -> None:
    platform = SmallPlatform.simulated(tmp_path)
    platform.materialise("raw_web_events", "events", "identifier_pairs")
    with pytest.raises(EarlierDayMissing, match=f"in order|{KEYS[0]}"):
        platform.materialise("user_ids", first=KEYS[1], last=KEYS[1])
    platform.materialise("user_ids", first=KEYS[0], last=KEYS[0])
    platform.materialise("user_ids", first=KEYS[1], last=KEYS[1])
    with pytest.raises(EarlierDayMissing, match=KEYS[2]):
        platform.materialise("user_ids", first=KEYS[4], last=KEYS[5])


def test_every_day_says_how_many_persons_and_hubs_there_are(platform: SmallPlatform) -> None:
    result = platform.materialise("user_ids")
    (last,) = [
        event.materialization
        for event in result.get_asset_materialization_events()
        if event.materialization.partition == KEYS[-1]
    ]
    told = {name: value.value for name, value in last.metadata.items()}
    today = [row for row in rows(platform) if row["event_date"].isoformat() == KEYS[-1]]
    assert told["identifiers"] == len(today)
    assert told["persons"] == len({row["user_id"] for row in today} - {None})
    assert told["hubs"] == sum(row["is_hub"] for row in today)
    assert told["moved"] == sum(row["previous_user_id"] is not None for row in today)
