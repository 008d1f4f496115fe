"""`platform status` on real homes: one screen, honest about what it can't read, and it changes nothing."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import ibis
import pytest

from platform_assets.cli import main
from platform_assets.cli.dagster_runs import prepare_instance
from platform_assets.cli.status.instance import runs_of
from platform_assets.cli.status.lake import Lake
from platform_assets.cli.status.screen import condensed
from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.domain.status.data import Quarantined
from platform_assets.domain.status.line import Line, Mark
from platform_assets_tests.small_platform import KEYS, SmallPlatform
from platform_assets_tests.stores import Store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.publish import publish
from resources.lakehouse.slicing import Slicing
from resources.run_recovery.dead_runs import note_worker
from resources.run_recovery.worker_process import WorkerProcess
from resources.settings import Settings

Told = Callable[..., tuple[int, str]]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs the command on a home of its own; gives the exit code and what was printed."""
    monkeypatch.setenv("PLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))

    def told(*options: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["platform", "status", *options])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().out

    return told


def lines_of(out: str) -> dict[str, dict]:
    return {line["subject"] or line["section"]: line for line in json.loads(out)["lines"]}


@pytest.fixture
def lake(small_platform: SmallPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small platform's lake, for tests that break it."""
    copy = tmp_path / "lake"
    shutil.copytree(small_platform.settings.lake_root, copy)
    monkeypatch.setenv("PLATFORM_LAKE", str(copy))
    return copy


def test_a_screen_is_one_screen(told: Told, lake: Path) -> None:
    code, out = told()
    shown = out.rstrip().splitlines()
    assert len(shown) <= 45
    assert max(map(len, shown)) <= 112
    assert f"newest landing day {KEYS[-1]}" in out
    assert code == int(shown[0].startswith("Needs a person"))


def test_machines_get_the_same_with_figures(told: Told, lake: Path) -> None:
    code, out = told("--format", "json")
    assert json.loads(out)["healthy"] == (code == 0)
    lines = lines_of(out)
    assert lines["landed"]["figures"]["newest_landing_dates"] == {"raw_web_events": KEYS[-1]}
    assert lines["events"]["mark"] == "ok"
    assert lines["products"]["figures"]["behind"]["traffic_series"] is None  # it was never computed


def test_an_empty_home_says_where_to_begin_and_stays_empty(told: Told, tmp_path: Path) -> None:
    code, out = told()
    assert code == 1
    assert "nothing has been published yet" in out and "platform demo" in out
    assert not (tmp_path / "home").exists()


def test_a_broken_table_is_unknown_and_the_rest_is_told(told: Told, lake: Path) -> None:
    for entry in (lake / "user_features" / "_delta_log").glob("*.json"):
        entry.write_text("{}")
    code, out = told("--format", "json")
    lines = lines_of(out)
    assert code == 1
    assert lines["user_features"]["mark"] == "unknown"
    assert [lines[name]["mark"] for name in ("landed", "events", "runs", "disk")] == ["ok", "ok", "watch", "ok"]


def test_a_lake_that_can_not_be_listed_is_unknown(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORM_LAKE", "s3://nowhere/lake")
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "ENDPOINT_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    code, out = told("--format", "json")
    assert code == 1
    assert lines_of(out)["data"]["mark"] == "unknown"


def test_a_registry_that_is_away_is_said_and_the_rest_is_there(
    told: Told, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_MLFLOW_URI", "http://127.0.0.1:9")
    code, out = told("--format", "json")
    lines = lines_of(out)
    assert code == 1
    assert lines["registry"]["mark"] == "unknown" and "PLATFORM_MLFLOW_URI" in lines["registry"]["todo"]
    assert lines["landed"]["mark"] == "ok"


def test_runs_and_checks_of_the_instance_are_told(told: Told, lake: Path) -> None:
    os.environ.update(prepare_instance(Settings()))
    verdict = dg.AssetCheckEvaluation(dg.AssetKey("events"), "quarantine_share", passed=False, metadata={})
    with dg.DagsterInstance.get() as instance:
        instance.report_runless_asset_event(verdict)
        dg.materialize([failing_asset("user_features")], instance=instance, raise_on_error=False)
    code, out = told("--format", "json")
    lines = lines_of(out)
    assert code == 1
    assert (lines["runs"]["mark"], lines["checks"]["mark"]) == ("act", "act")
    assert lines["runs"]["says"].startswith("1 failed") and lines["runs"]["says"].endswith(": planted")
    assert lines["cost"]["figures"]["runs_since"] == 1


def test_one_model_tells_what_it_cost(told: Told, lake: Path) -> None:
    os.environ.update(prepare_instance(Settings()))
    with dg.DagsterInstance.get() as instance:
        dg.materialize([failing_asset("conversion_model")], instance=instance, raise_on_error=False)
    _, out = told("--model", "conversion", "--format", "json")
    (training,) = json.loads(out)["cost_by_stage"]
    assert (training["stage"], training["failed"]) == ("training", 1)
    assert "training" in told("--model", "conversion")[1]


def test_an_unknown_model_is_refused_with_the_nearest_name(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    assert told("--model", "convertion")[0] == 1


def test_many_models_are_told_by_a_line_each_and_what_is_not_well() -> None:
    lines = [
        line
        for name in "abcd"
        for line in (
            Line("models", name, Mark.OK, "serves"),
            Line("models", "scores", Mark.OK, "fine", of=name),
            Line("models", "drift", Mark.WATCH, "moved", of=name),
        )
    ]
    assert [line.subject for line in condensed(lines)] == ["a", "drift", "b", "drift", "c", "drift", "d", "drift"]
    assert condensed(lines[:9]) == lines[:9]


def failing_asset(name: str) -> dg.AssetsDefinition:
    @dg.asset(name=name, partitions_def=dg.StaticPartitionsDefinition(["a", "b"]) if name == "parts" else None)
    def fails() -> None:
        raise RuntimeError("planted")

    return fails


def working_asset(name: str) -> dg.AssetsDefinition:
    @dg.asset(name=name, partitions_def=dg.StaticPartitionsDefinition(["a", "b"]) if name == "parts" else None)
    def works() -> None: ...

    return works


def test_a_failed_run_is_made_up_for_by_a_later_one_of_the_same_partition() -> None:
    with dg.DagsterInstance.ephemeral() as instance:

        def made_later() -> bool:
            (failed,) = runs_of(instance, datetime.now(UTC)).failed
            return failed.made_later

        dg.materialize([failing_asset("parts")], instance=instance, partition_key="a", raise_on_error=False)
        assert not made_later()
        dg.materialize([working_asset("parts")], instance=instance, partition_key="b")
        assert not made_later()
        dg.materialize([working_asset("parts")], instance=instance, partition_key="a")
        assert made_later()


@dg.job
def held() -> None:
    """A job without steps: only its run's record matters here."""


def test_a_run_whose_process_is_gone_is_told_as_dead() -> None:
    here = WorkerProcess.current()
    assert here is not None
    with dg.DagsterInstance.ephemeral() as instance:
        for worker in (here, WorkerProcess(**{**vars(here), "started": "never"})):
            run = instance.create_run_for_job(held, status=dg.DagsterRunStatus.STARTED)
            note_worker(instance, run, worker)
        found = runs_of(instance, datetime.now(UTC))
    assert (len(found.in_flight), len(found.dead)) == (1, 1)


VISITS = Contract(
    "visits",
    "One row is one visit.",
    key=("event_date", "visit"),
    columns=(Column("event_date", "date", "The day", nullable=False), Column("visit", "int64", "Which")),
)


def test_days_and_rows_are_told_of_any_store_and_empty_days_are_not_missing(store: Store, engine: DuckDBEngine) -> None:
    days = ["2026-03-01", "2026-03-02", "2026-03-03"]
    rows = ibis.memtable({"event_date": [date(2026, 3, 1), date(2026, 3, 3)], "visit": [1, 2]}, schema=VISITS.schema())
    publish(
        rows,
        VISITS,
        Slicing("event_date"),
        days,
        engine=engine,
        lakehouse=store.lakehouse,
        staging_folder=store.staging,
        provenance={},
    )
    lake = Lake(store.lakehouse)
    assert lake.daily("visits").newest == date(2026, 3, 3)
    assert lake.daily("visits").missing == []
    assert [row["visit"] for row in lake.rows("visits", newest=1)] == [2]
    assert lake.rows("visits", since=date(2026, 3, 4)) == []
    assert lake.quarantined("visits", 7) == Quarantined("visits", 2, 0)
    assert lake.rows("nothing") == [] and lake.daily("nothing").newest is None
