"""`audience_report` and `audience_overlap` in the graph: planted odds, ranges and days, pictures, what is needed."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from platform_assets.audiences.audience_tables import NoAudiences
from platform_assets.demo.planted_odds import planted_odds
from platform_assets.demo.planted_quality import read_truth
from platform_assets.domain.audience_reports.members import members_of
from platform_assets_tests.small_platform import DAYS, FIRST_DAY, KEYS, SmallPlatform
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

REPORTS = ("audience_report", "audience_overlap")


def copied(platform: SmallPlatform, home: Path) -> SmallPlatform:
    """The same platform below a home of its own, which may be written to."""
    shutil.copytree(platform.settings.home_folder, home, dirs_exist_ok=True)
    return SmallPlatform(Settings(**{**platform.settings.model_dump(), "home": home}), platform.truth)


@pytest.fixture(scope="module")
def platform(small_platform: SmallPlatform, tmp_path_factory: pytest.TempPathFactory) -> SmallPlatform:
    return copied(small_platform, tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def run(platform: SmallPlatform) -> dg.ExecuteInProcessResult:
    return platform.materialise("url_audiences", *REPORTS)


def test_without_any_audience_it_says_what_to_materialise(small_platform: SmallPlatform, tmp_path: Path) -> None:
    with pytest.raises(NoAudiences, match="materialise one of url_audiences, category_audiences first"):
        copied(small_platform, tmp_path).materialise("audience_overlap")


def test_planted_odds_ratios_lie_in_their_intervals(platform: SmallPlatform, run: dg.ExecuteInProcessResult) -> None:
    settings = platform.settings
    key = settings.require_pseudonym_key(only_simulated_data=True)
    engine, lakehouse = DuckDBEngine.from_settings(settings, key), Lakehouse(settings.lake_root)
    tables = {
        name: read(lakehouse, engine, lakehouse.snapshot(name), None)
        for name in ("audience_report", "url_audiences", "events", "user_ids")
    }
    found = planted_odds(
        tables["audience_report"],
        members_of({"url_audiences": tables["url_audiences"]}),
        tables["events"],
        tables["user_ids"],
        read_truth(engine.backend, settings.home_folder / "truth"),
        FIRST_DAY,
        platform.truth.last_day,
    )
    assert found.unknown == 0
    assert found.intervals >= 5 * (DAYS - 1)
    assert found.coverage >= 0.9
    assert found.coverage_of_few >= 0.9


def test_a_single_day_publishes_what_the_range_has_published(
    platform: SmallPlatform, run: dg.ExecuteInProcessResult
) -> None:
    lakehouse = Lakehouse(platform.settings.lake_root)
    in_range = {name: lakehouse.slice_notes(name) for name in REPORTS}
    platform.materialise(*REPORTS, first=KEYS[3], last=KEYS[3])
    assert {name: lakehouse.slice_notes(name) for name in REPORTS} == in_range
    assert all(len(notes) >= DAYS - 1 for notes in in_range.values())


@pytest.mark.parametrize(("name", "picture"), [("audience_report", "odds_ratios"), ("audience_overlap", "overlap")])
def test_the_newest_day_has_a_picture_and_every_day_its_figures(
    name: str, picture: str, platform: SmallPlatform, run: dg.ExecuteInProcessResult
) -> None:
    told = {each.partition: each.metadata for each in run.asset_materializations_for_node(name)}
    assert picture in told[KEYS[-1]] and picture not in told[KEYS[-2]]
    assert all(told[key]["audiences"].value >= 5 for key in KEYS[1:])
    drawn = platform.settings.home_folder / "pictures" / name / KEYS[-1] / f"{picture}.png"
    assert drawn.read_bytes().startswith(b"\x89PNG")


def test_a_day_before_which_nobody_is_known_has_no_row(platform: SmallPlatform, tmp_path: Path) -> None:
    fresh = copied(platform, tmp_path)
    for name in REPORTS:
        shutil.rmtree(Path(fresh.settings.lake_root) / name)
    fresh.materialise(*REPORTS, first=KEYS[0], last=KEYS[0])
    lakehouse = Lakehouse(fresh.settings.lake_root)
    assert [sum(lakehouse.snapshot(name).rows_by_slice().values()) for name in REPORTS] == [0, 0]
