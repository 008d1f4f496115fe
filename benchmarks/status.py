"""`platform status` as a process of its own: on an empty home, and on one with years of tables and many runs."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import ibis
from dagster._core.test_utils import create_run_for_test

from benchmarks.fresh_process import Spent, middle, run
from benchmarks.report import Section
from platform_assets.domain.contracts.contract import Column, Contract
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.publish import publish
from resources.lakehouse.slicing import Slicing
from resources.lakehouse.tables import Lakehouse

DAYS, LATER_COMMITS, RUNS, REPETITIONS = 1_000, 4, 300, 3
REQUIRED_SECONDS = 3
FIRST_DAY = date(2023, 1, 1)
TABLES = (
    *("raw_web_events", "events", "identifier_pairs", "user_ids", "user_id_merges", "user_features", "traffic_series"),
    *("url_audiences", "category_audiences", "audience_report", "audience_overlap", "traffic_decomposition"),
    *("forecast_validation", "domain_clusters", *(f"table_{number:02}" for number in range(26))),
)
BASELINE, EMPTY, LARGE = "`platform --help`", "an empty home", "a large home"


def measure(scratch: Path) -> Section:
    """Make a large home, then ask for help and for the status of both homes, alternating."""
    home = (scratch / "status").absolute()
    shutil.rmtree(home, ignore_errors=True)
    _large_home(home / "large")
    legs = {
        BASELINE: (["-m", "benchmarks.platform_command", "--help"], home / "empty"),
        EMPTY: (["-m", "benchmarks.platform_command", "status"], home / "empty"),
        LARGE: (["-m", "benchmarks.platform_command", "status"], home / "large"),
    }
    runs: dict[str, list[Spent]] = {leg: [] for leg in legs}
    for _ in range(REPETITIONS):
        for leg, (command, place) in legs.items():
            spent, _ = run(command, {"PLATFORM_HOME": str(place), "PYTHONDONTWRITEBYTECODE": ""})
            runs[leg].append(spent)
            print(f"{leg:20} {spent.seconds:5.1f} s {spent.cpu_seconds:5.2f} CPU s", flush=True)
    shutil.rmtree(home)
    middles = {leg: middle(spent) for leg, spent in runs.items()}
    least = {leg: min(each.cpu_seconds for each in spent) for leg, spent in runs.items()}
    return Section(
        title="The status of everything",
        command="python -m benchmarks status",
        method=(
            f"Whole processes, alternating, {REPETITIONS} times. Large: {len(TABLES)} tables of {DAYS:,} days, "
            f"the last {LATER_COMMITS} in commits of their own, and {RUNS:,} runs in the instance. Required are "
            f"{REQUIRED_SECONDS} s on an idle machine; CPU seconds say what that would take."
        ),
        header=("command", "seconds, median", "CPU seconds, median", "CPU seconds, least"),
        rows=[
            (leg, f"{spent.seconds:.2f}", f"{spent.cpu_seconds:.2f}", f"{least[leg]:.2f}")
            for leg, spent in middles.items()
        ],
        notes=[
            f"Other processes used up to {max(spent.busy_elsewhere for spent in middles.values()):.0%} of the machine."
        ],
        figures={leg: {**vars(spent), "least_cpu_seconds": least[leg]} for leg, spent in middles.items()},
    )


def _large_home(home: Path) -> None:
    engine, lakehouse = DuckDBEngine(spill_folder=home / "spill", threads=1), Lakehouse(str(home / "lake"))
    for table in TABLES:
        days = [FIRST_DAY + timedelta(days=number) for number in range(DAYS)]
        for part in (days[:-LATER_COMMITS], *([day] for day in days[-LATER_COMMITS:])):
            _publish(engine, lakehouse, home, table, part)
    (home / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(home / "dagster")) as instance:
        for _ in range(RUNS):
            create_run_for_test(instance, job_name="earlier", status=dg.DagsterRunStatus.SUCCESS)


def _publish(engine: DuckDBEngine, lakehouse: Lakehouse, home: Path, table: str, days: list[date]) -> None:
    contract = Contract(
        name=table,
        description="One row is one day.",
        key=("event_date", "number"),
        columns=(Column("event_date", "date", "The day", nullable=False), Column("number", "int64", "Which")),
    )
    rows = ibis.memtable({"event_date": days, "number": list(range(len(days)))}, schema=contract.schema())
    publish(
        rows,
        contract,
        Slicing("event_date"),
        [day.isoformat() for day in days],
        engine=engine,
        lakehouse=lakehouse,
        staging_folder=home / "staging",
        provenance={},
    )
