"""A year of daily publications: what lies in a table's folder, and how fast it opens, with and without maintenance."""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import ibis

from benchmarks.report import Section
from platform_assets.domain.contracts.contract import Column, Contract
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.maintenance import maintain_table
from resources.lakehouse.publish import publish
from resources.lakehouse.slicing import Slicing
from resources.lakehouse.sweeping import Horizon
from resources.lakehouse.table_folder import TableFolder
from resources.lakehouse.tables import Lakehouse

DAYS, SHOWN_DAYS, RETENTION_DAYS = 365, (90, 180, 365), 30
DAYS_REOPENED, ROWS_A_DAY = 3, 1000
FIRST_DAY = date(2026, 1, 1)
DAILY = Contract(
    name="daily",
    description="One row is one thing that happened.",
    key=("event_id",),
    columns=(
        Column("event_date", "date", "Day.", nullable=False),
        Column("event_id", "int64", "Which.", nullable=False),
        Column("user_id", "string", "Who."),
        Column("value", "float64", "How much."),
    ),
)
METHOD = f"""\
{DAYS} daily publications; each publishes its own day and the {DAYS_REOPENED - 1} days before it again, as late
files do, {ROWS_A_DAY:,} rows a day. One leg is maintained after every publication, with a retention of
{RETENTION_DAYS} days (of {RETENTION_DAYS} publications here), the other never. `open` is the time to the table's latest
version, `read` that to the rows of one day (medians of 7)."""


def measure(scratch: Path) -> Section:
    """Run both legs."""
    rows: list[tuple[str, ...]] = []
    figures: dict[str, Any] = {}
    for name, maintained in (("never maintained", False), ("maintained", True)):
        folder = scratch / "upkeep"
        shutil.rmtree(folder, ignore_errors=True)
        for day, found in _year(folder, maintained=maintained):
            rows.append((name, str(day), *(shown(found[key]) for key, shown in COLUMNS.values())))
            figures[f"{name} {day}"] = found
            print(rows[-1], flush=True)
        shutil.rmtree(folder)
    return Section(
        title="A year of daily publications",
        command="python -m benchmarks upkeep",
        method=METHOD,
        header=("", "day", *COLUMNS),
        rows=rows,
        notes=[
            "The log is kept for good: it holds what every publication was made of. It grows by one small file a "
            "commit, and by a checkpoint of the live files every 20 commits.",
        ],
        figures=figures,
    )


COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    "live files": ("live_files", "{:.0f}".format),
    "stored files": ("stored_files", "{:.0f}".format),
    "stored MB": ("stored_bytes", lambda value: f"{value / 1e6:.1f}"),
    "log files": ("log_files", "{:.0f}".format),
    "log MB": ("log_bytes", lambda value: f"{value / 1e6:.1f}"),
    "open ms": ("open_seconds", lambda value: f"{value * 1e3:.1f}"),
    "read ms": ("read_seconds", lambda value: f"{value * 1e3:.1f}"),
    "publish ms": ("publish_seconds", lambda value: f"{value * 1e3:.0f}"),
    "maintain ms": ("maintain_seconds", lambda value: f"{value * 1e3:.0f}"),
}


def _year(folder: Path, *, maintained: bool) -> Any:
    lakehouse, engine = Lakehouse(str(folder / "lake")), DuckDBEngine(spill_folder=folder / "spill", threads=1)
    published: list[datetime] = []
    publishing, maintaining = [0.0], [0.0]
    for number in range(DAYS):
        began = time.perf_counter()
        _publish_day(lakehouse, engine, folder, number)
        publishing.append(time.perf_counter() - began)
        published.append(datetime.now(UTC))
        if maintained and number >= RETENTION_DAYS:
            began = time.perf_counter()
            until = Horizon(published[number - RETENTION_DAYS], "retention")
            maintain_table(lakehouse, engine, DAILY.name, folder / "staging", until)
            maintaining.append(time.perf_counter() - began)
        if number + 1 in SHOWN_DAYS:
            spent = {"publish_seconds": median(publishing[-30:]), "maintain_seconds": median(maintaining[-30:])}
            yield number + 1, {**_look(lakehouse, engine), **spent}


def _publish_day(lakehouse: Lakehouse, engine: DuckDBEngine, folder: Path, number: int) -> None:
    days = [FIRST_DAY + timedelta(days=each) for each in range(max(0, number - DAYS_REOPENED + 1), number + 1)]
    ids = ibis.range(0, ROWS_A_DAY * len(days)).unnest().name("event_id").as_table()
    day = ibis.literal(days[0]) + (ids.event_id // ROWS_A_DAY).cast("int32").as_interval("D")
    rows = ids.select(
        event_date=day.cast("date"),
        event_id=ids.event_id.cast("int64"),
        user_id=(ids.event_id * 7919 % 977).cast("string"),
        value=ids.event_id / 3,
    )
    publish(
        rows,
        DAILY,
        Slicing("event_date"),
        [each.isoformat() for each in days],
        engine=engine,
        lakehouse=lakehouse,
        staging_folder=folder / "staging",
        provenance={"dagster_run_id": "benchmark", "input_versions": "{}", "code_version": "0"},
    )


def _look(lakehouse: Lakehouse, engine: DuckDBEngine) -> dict[str, float]:
    files = TableFolder(lakehouse, DAILY.name).files()
    data, log = [file for file in files if file.is_data], [file for file in files if file.is_log]
    one_day = [FIRST_DAY.isoformat()]
    return {
        "live_files": len(lakehouse.snapshot(DAILY.name).files),
        "stored_files": len(data),
        "stored_bytes": sum(file.bytes for file in data),
        "log_files": len(log),
        "log_bytes": sum(file.bytes for file in log),
        "open_seconds": _timed(lambda: lakehouse.snapshot(DAILY.name)),
        "read_seconds": _timed(
            lambda: read(lakehouse, engine, lakehouse.snapshot(DAILY.name), one_day).count().to_pyarrow()
        ),
    }


def _timed(action: Callable[[], object]) -> float:
    spent = []
    for _ in range(7):
        began = time.perf_counter()
        action()
        spent.append(time.perf_counter() - began)
    return median(spent)
