"""The nightly job: when it runs, what it spares, and what it tells; the same by hand."""

import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from platform_assets.automation.maintenance import (
    MaintenanceIncomplete,
    maintain,
    maintenance_schedule,
    oldest_run_in_progress,
)
from platform_assets.cli import main
from platform_assets.definitions import build_definitions
from platform_assets_tests.lakehouse.publishing import Shop, visits
from platform_assets_tests.stores import Store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

LATER = datetime.now(UTC) + timedelta(days=60)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A platform with one table that was published three times."""
    settings = Settings(home=tmp_path / "home")
    store = Store(Lakehouse(settings.lake_root), settings.staging_folder)
    shop = Shop(store, DuckDBEngine(spill_folder=tmp_path / "spill"))
    for number in range(3):
        shop.publish(visits(("a", number, number)), ["a"])
    return settings


def stored(settings: Settings) -> int:
    return len(list(Path(settings.lake_root).rglob("*.parquet")))


def test_it_runs_every_night_without_being_switched_on() -> None:
    schedule = maintenance_schedule(Settings())
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 3 * * *", "UTC")
    assert "lakehouse_maintenance" in {schedule.job_name for schedule in build_definitions().schedules or ()}


def test_the_job_tells_what_it_did_to_every_table(home: Settings) -> None:
    job = build_definitions(home).resolve_job_def("lakehouse_maintenance")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance)
        (output,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    told = {name: value.value for name, value in output.step_output_data.metadata.items()}
    assert (told["live_files"], told["freed_bytes"], told["horizon"]) == (1, 0, "30 days of retention")
    assert [record.data["table"] for record in told["tables"].records] == ["visits"]
    assert stored(home) == 3


def test_old_versions_go_and_a_run_that_may_read_them_keeps_them(home: Settings) -> None:
    lakehouse = Lakehouse(home.lake_root)
    began = datetime.now(UTC) - timedelta(hours=1)
    kept = maintain(home, lakehouse, LATER, began)
    assert (kept.horizon.instant, kept.tables[0].expired_files, stored(home)) == (began, 0, 3)
    swept = maintain(home, lakehouse, LATER, None)
    assert (swept.tables[0].expired_files, stored(home)) == (2, 1)


def test_a_table_that_fails_keeps_no_other_from_being_maintained(home: Settings) -> None:
    log = Path(home.lake_root) / "broken" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("no log entry")
    with pytest.raises(MaintenanceIncomplete, match=r"^broken: 1 of 2 tables") as caught:
        maintain(home, Lakehouse(home.lake_root), LATER, None)
    assert caught.value.__cause__ is not None
    assert stored(home) == 1


def test_only_runs_that_may_hold_a_version_count_as_in_progress() -> None:
    reading = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    with dg.DagsterInstance.ephemeral() as instance:
        without_origin = dg.DagsterRunStatus.QUEUED  # such a run can't be made without its code location
        for status in set(dg.DagsterRunStatus) - {*reading, without_origin}:
            instance.add_run(dg.DagsterRun(job_name="job", run_id=str(uuid.uuid4()), status=status))
        assert oldest_run_in_progress(instance) is None
        own, other = (dg.DagsterRun(job_name="job", status=dg.DagsterRunStatus.STARTED) for _ in range(2))
        instance.add_run(own)
        assert oldest_run_in_progress(instance, besides=own.run_id) is None
        instance.add_run(other)
        found = oldest_run_in_progress(instance, besides=own.run_id)
        assert found is not None
        assert abs(found - datetime.now(UTC)) < timedelta(minutes=5)


def run(monkeypatch: pytest.MonkeyPatch, home: Settings, *arguments: str) -> int:
    monkeypatch.setenv("PLATFORM_HOME", str(home.home))
    monkeypatch.setenv("DAGSTER_HOME", str(home.home_folder / "dagster"))
    monkeypatch.setattr(sys, "argv", ["platform", "maintain", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_by_hand_a_dry_run_tells_and_changes_nothing(
    home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in Path(home.lake_root).rglob("*"))
    assert run(monkeypatch, home, "visits", "--dry-run") == 0
    told = capsys.readouterr()
    assert "visits" in told.out
    assert "Nothing was changed" in told.out
    assert "30 days of retention" in told.err
    assert sorted((path, path.stat().st_mtime_ns) for path in Path(home.lake_root).rglob("*")) == before


def test_by_hand_an_unknown_table_is_told_with_those_there_are(
    home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, home, "vists") == 1
    assert "there are: visits" in capsys.readouterr().err
