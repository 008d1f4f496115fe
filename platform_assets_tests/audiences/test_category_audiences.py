"""`category_audiences` in the graph: what was planted comes out, runs repeat, and unknown visits are told."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest

from platform_assets.audiences.category_audiences import verdict
from platform_assets_tests.small_platform import DAYS, FIRST_DAY, KEYS, SmallPlatform
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> SmallPlatform:
    platform = SmallPlatform.simulated(tmp_path_factory.mktemp("audiences"))
    platform.materialise("raw_web_events", "events", "identifier_pairs", "user_ids")
    platform.materialise("domain_categories")
    return platform


@pytest.fixture(scope="module")
def run(platform: SmallPlatform) -> dg.ExecuteInProcessResult:
    return platform.materialise("category_audiences")


def table(platform: SmallPlatform, name: str) -> list[dict]:
    lakehouse = Lakehouse(platform.settings.lake_root)
    engine = DuckDBEngine(spill_folder=platform.settings.home_folder / "spill")
    return read(lakehouse, engine, lakehouse.snapshot(name), None).to_pyarrow().to_pylist()


def audiences(platform: SmallPlatform) -> list[dict]:
    return sorted(table(platform, "category_audiences"), key=lambda row: str(sorted(row.items(), key=str)))


def visits_by_category(platform: SmallPlatform) -> dict[date, Counter]:
    """What was planted: the visits of every day by the category that their site had, None where no map knew it."""
    planted = pq.read_table(Path(platform.settings.landing_root).parent / "truth" / "categories.parquet").to_pylist()

    def category(domain: str, day: date) -> str | None:
        return next(
            (
                row["category"]
                for row in planted
                if row["domain"] == domain
                and row["valid_from"] <= day
                and (not row["valid_to"] or day < row["valid_to"])
            ),
            None,
        )

    found: dict[date, Counter] = {FIRST_DAY + timedelta(days=number): Counter() for number in range(DAYS)}
    for row in table(platform, "events"):
        if not row["is_bot"] and row["domain"] and row["event_type"] != "ad_impression":
            found[row["event_date"]][category(row["domain"], row["event_date"])] += 1
    return found


def test_the_visits_of_all_members_are_those_of_the_planted_categories(
    platform: SmallPlatform, run: dg.ExecuteInProcessResult
) -> None:
    planted = visits_by_category(platform)
    people = {row["user_id"] for row in table(platform, "user_ids")}
    last = [row for row in audiences(platform) if row["event_date"] == max(planted)]
    found = Counter()
    for row in last:
        found[row["category"]] += row["events"]
    every = sum(planted.values(), Counter())
    assert found == {category: count for category, count in every.items() if category}
    assert {row["user_id"] for row in last} <= people
    shares = Counter()
    for row in last:
        shares[row["user_id"]] += row["share"]
    assert all(share == pytest.approx(1) for share in shares.values())


def test_single_days_and_days_again_give_the_rows_of_the_range(
    platform: SmallPlatform, run: dg.ExecuteInProcessResult
) -> None:
    wanted = audiences(platform)
    for key in (KEYS[4], KEYS[0]):
        assert platform.materialise("category_audiences", first=key, last=key).success
        assert audiences(platform) == wanted


def test_every_day_tells_its_unknown_visits(platform: SmallPlatform, run: dg.ExecuteInProcessResult) -> None:
    planted = visits_by_category(platform)
    told = {event.partition: event.metadata for event in run.asset_materializations_for_node("category_audiences")}
    assert set(told) == set(KEYS)
    for day, visits in planted.items():
        metadata = told[day.isoformat()]
        assert (metadata["visits"].value, metadata["visits_unknown"].value) == (visits.total(), visits[None])
        assert metadata["unknown_share"].value == visits[None] / visits.total()
    (check,) = [each for each in run.get_asset_check_evaluations() if each.asset_check_key.name == "visits_categorised"]
    assert check.metadata["days"].value == DAYS
    assert check.severity is dg.AssetCheckSeverity.WARN


def test_days_with_too_many_unknown_visits_are_named() -> None:
    assert verdict({"2026-01-05": 0.2, "2026-01-06": 0.1}, 0.2).passed
    told = verdict({"2026-01-05": 0.2, "2026-01-06": 0.35}, 0.2)
    assert not told.passed
    assert "2026-01-06 (35%)" in str(told.description)
    assert "2026-01-05" not in str(told.description)
    assert verdict({}, 0.2).passed


def test_features_take_the_audiences_of_the_day_before_and_do_without(
    platform: SmallPlatform, run: dg.ExecuteInProcessResult
) -> None:
    assert platform.materialise("user_features").success
    commerce = {"travel", "home", "fashion", "electronics"}
    visits: dict[tuple, Counter] = {}
    for row in audiences(platform):
        day = row["event_date"] + timedelta(days=1)
        visits.setdefault((day, row["user_id"]), Counter())[row["category"]] += row["events"]
    for row in table(platform, "user_features"):
        own = visits.get((row["event_date"], row["user_id"]))
        assert row["categories_28d"] == (len(own) if own else None)
        sold = sum(own[category] for category in commerce) / own.total() if own else None
        assert row["commerce_share_28d"] == sold
    assert sum(row["categories_28d"] is not None for row in table(platform, "user_features")) > 100
