"""What runs cost, from a real instance: retried, failed and killed runs, published as the table `model_costs`."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from platform_assets.domain.model_costs import day_bounds
from platform_assets.partitions import calendar_days
from platform_assets.validation_reports.model_costs import model_costs_asset
from platform_assets_tests.model_worlds import small_spec
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.tables import Lakehouse
from resources.run_history import work_between
from resources.run_recovery.dead_runs import close_dead_runs

SECONDS = 0.2


def slow_asset(name: str, *, fails: int = 0, group: str = "trained_models") -> dg.AssetsDefinition:
    """An asset that takes `SECONDS`, fails so many times, and is tried twice a run."""
    left = {"failures": fails}

    @dg.asset(name=name, group_name=group, retry_policy=dg.RetryPolicy(max_retries=1))
    def slow() -> dg.MaterializeResult:
        time.sleep(SECONDS)
        if left["failures"]:
            left["failures"] -= 1
            raise RuntimeError("planted")
        return dg.MaterializeResult(metadata={"dagster/row_count": 5})

    return slow


def costs_of(instance: dg.DagsterInstance, assets: list[dg.AssetsDefinition], folder: Path) -> pd.DataFrame:
    """The rows that the asset publishes for the days up to tomorrow."""
    today = datetime.now(UTC).date()
    end = today + timedelta(days=2)
    calendar = dg.DailyPartitionsDefinition(str(today - timedelta(days=1)), end_date=str(end), end_offset=2)
    manager = DeltaIOManager(Lakehouse(str(folder / "lake")), DuckDBEngine(spill_folder=folder), folder / "staging")
    costs = model_costs_asset(assets, [small_spec()], calendar, cost_per_hour=36.0)
    first, last = str(today - timedelta(days=1)), str(end - timedelta(days=1))
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    for _ in range(2):  # asked again, the same is published
        dg.materialize([costs], instance=instance, resources={"lakehouse": manager}, tags=tags)
    rows = manager.published_rows("model_costs", None).to_pandas()
    return rows.groupby(["model", "stage"], as_index=False).sum(numeric_only=True)


def test_all_attempts_of_retried_and_failed_runs_are_booked_where_they_belong(tmp_path: Path) -> None:
    retried, failing = slow_asset("conversion_model", fails=1), slow_asset("conversion_scores", fails=2)
    shared = slow_asset("events", group="preprocessed_tables")
    assets = [retried, failing, shared]
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize(assets, instance=instance, raise_on_error=False)
        rows = costs_of(instance, assets, tmp_path).set_index(["model", "stage"])
    training, scoring = rows.loc[("conversion", "training")], rows.loc[("conversion", "scoring")]
    assert (training.attempts, training.failed, training.rows) == (2, 1, 5)
    assert (scoring.attempts, scoring.failed, scoring.rows) == (2, 2, 0)
    assert min(training.seconds, scoring.seconds) >= 2 * SECONDS
    assert SECONDS <= rows.loc[("shared", "preprocessed_tables")].seconds < 2 * SECONDS
    assert training.cost == pytest.approx(training.seconds / 100)
    assert ("shared", "validation_reports") in rows.index  # what this table costs itself


WORKER = """
import time
import dagster as dg
from resources.run_recovery.dead_runs import note_worker
from resources.run_recovery.worker_process import WorkerProcess

@dg.asset
def conversion_model(context: dg.AssetExecutionContext):
    note_worker(context.instance, context.run, WorkerProcess.current())
    print("working", flush=True)
    time.sleep(60)

with dg.DagsterInstance.get() as instance:
    dg.materialize([conversion_model], instance=instance)
"""


def test_a_killed_attempt_counts_until_its_run_was_closed(tmp_path: Path) -> None:
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path)}
    (tmp_path / "dagster.yaml").touch()
    worker = subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE, env=environment, text=True)
    assert worker.stdout is not None and "working" in worker.stdout.readline()
    time.sleep(SECONDS)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    begin, end = day_bounds(datetime.now(UTC).date() - timedelta(days=1), datetime.now(UTC).date())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        (lasting,) = work_between(instance, begin, end).attempts
        assert (lasting.ended, lasting.died) == (None, False)
        close_dead_runs(instance)
        (closed,) = work_between(instance, begin, end).attempts
    assert closed.died and closed.ended is not None
    assert closed.ended - closed.began >= timedelta(seconds=SECONDS)


def test_the_calendar_goes_on_when_the_data_ends() -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    assert calendar_days(yesterday - timedelta(days=3)).get_partition_keys()[-1] == str(yesterday)
