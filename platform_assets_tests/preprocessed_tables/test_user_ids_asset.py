"""`user_ids` in the graph: it finds the planted persons, ranges and single days agree, a missing day is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from platform_assets.cli.simulate import truth_folder
from platform_assets.demo.planted_identity import PlantedIdentity, planted_identity, read_planted
from platform_assets.domain.identity.user_ids import EarlierDayMissing
from platform_assets_tests.small_platform import DAYS, FIRST_DAY, KEYS, SmallPlatform
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse

PERSONS = ("raw_web_events", "events", "identifier_pairs", "user_ids", "user_id_merges")


def rows(platform: SmallPlatform) -> list[dict]:
    lakehouse = Lakehouse(platform.settings.lake_root)
    engine = DuckDBEngine(spill_folder=platform.settings.home_folder / "spill")
    found = read(lakehouse, engine, lakehouse.snapshot("user_ids"), None).to_pyarrow().to_pylist()
    return sorted(found, key=lambda row: (row["event_date"], row["identifier"]))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> SmallPlatform:
    """Six days of pairs; persons of all of them, computed as one range."""
    platform = SmallPlatform.simulated(tmp_path_factory.mktemp("persons"))
    platform.materialise(*PERSONS)
    return platform


def test_days_one_by_one_and_days_again_give_the_rows_of_the_range(platform: SmallPlatform) -> None:
    wanted = rows(platform)
    assert len({row["user_id"] for row in wanted}) > 50
    for key in (KEYS[3], KEYS[0], KEYS[5]):
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


def quality(platform: SmallPlatform, *, with_hubs: bool = False) -> PlantedIdentity:
    """How well the persons of a platform's last day agree with the planted ones."""
    settings = platform.settings
    lakehouse = Lakehouse(settings.lake_root)
    engine = DuckDBEngine.from_settings(settings, settings.require_pseudonym_key(only_simulated_data=True))
    found = read(lakehouse, engine, lakehouse.snapshot("user_ids"), None)
    planted = read_planted(engine.backend, truth_folder(settings))
    return planted_identity(found, *planted, FIRST_DAY + timedelta(days=DAYS - 1), with_hubs=with_hubs)


def test_planted_persons_are_found(platform: SmallPlatform) -> None:
    found = quality(platform)
    assert found.planted > 200
    assert found.f1 >= 0.99


def test_planted_persons_are_found_among_kiosks_test_logins_and_offices(tmp_path: Path) -> None:
    crowded = SmallPlatform.simulated(tmp_path, hubs=True)
    crowded.materialise(*PERSONS)
    left_out, counted = quality(crowded), quality(crowded, with_hubs=True)
    assert counted.identifiers > left_out.identifiers
    assert min(left_out.f1, counted.f1) >= 0.95
