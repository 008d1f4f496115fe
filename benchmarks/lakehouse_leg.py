"""One leg of the lakehouse measurement, in a process of its own: `python -m benchmarks.lakehouse_leg <leg> <folder>`.

Prints one line of JSON. A table of days with two thousand small rows each stands for every table that is cut by day.
"""

import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import dagster as dg
import ibis

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.table_asset import table_asset
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager, read
from resources.lakehouse.publish import publish
from resources.lakehouse.slicing import Slicing
from resources.lakehouse.tables import Lakehouse

FIRST_DAY = date(2023, 1, 1)
ROWS_A_DAY = 2000
SALES = Contract(
    "sales",
    "One row is one sale.",
    ("day", "number"),
    (
        Column("day", "date", "The day of the sale."),
        Column("number", "int64", "Which sale of the day."),
        Column("spent", "float64", "Its worth."),
        Column("shop", "string", "Where."),
    ),
    "day",
)
WRITERS, PUBLICATIONS = 8, 10
REPETITIONS = 31


def days(count: int) -> list[date]:
    return [FIRST_DAY + timedelta(days=number) for number in range(count)]


def sales(count: int, first: int = 0) -> ibis.Table:
    """Sales of `count` days from the day `first` on."""
    rows = ibis.range(ROWS_A_DAY * first, ROWS_A_DAY * (first + count)).unnest().name("row").as_table()
    start = ibis.literal(FIRST_DAY)
    return rows.select(
        day=(start + (rows.row // ROWS_A_DAY).as_interval("D")).cast("date"),
        number=rows.row.cast("int64"),
        spent=(rows.row % 97) / 7.0,
        shop="shop " + (rows.row % 13).cast("string"),
    )


class Nothing(dg.IOManager):
    """Keeps nothing: what is left is Dagster's own cost."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None: ...

    def load_input(self, context: dg.InputContext) -> None: ...


def lake(folder: Path) -> tuple[Lakehouse, DuckDBEngine]:
    return Lakehouse(str(folder / "lake")), DuckDBEngine(spill_folder=folder / "spill")


def published(folder: Path, count: int, first: int = 0) -> None:
    lakehouse, engine = lake(folder)
    keys = [day.isoformat() for day in days(first + count)[first:]]
    publish(
        sales(count, first),
        SALES,
        Slicing("day"),
        keys,
        engine=engine,
        lakehouse=lakehouse,
        staging_folder=folder / "staging",
        provenance={},
    )


def materialised(folder: Path, count: int, io_manager: dg.IOManager | None) -> float:
    """Seconds of one run over a range of partitions, on an instance on disk."""
    partitions = dg.DailyPartitionsDefinition(
        FIRST_DAY.isoformat(), end_date=(FIRST_DAY + timedelta(days=count)).isoformat()
    )
    lakehouse, engine = lake(folder)
    if io_manager is None:

        def compute() -> ibis.Table:
            return sales(count)

        compute.__module__ = "benchmarks.lakehouse_leg"
        asset = table_asset(SALES, partitions_def=partitions)(compute)
        io_manager = DeltaIOManager(lakehouse, engine, folder / "staging")
    else:

        @dg.asset(
            name="sales",
            partitions_def=partitions,
            backfill_policy=dg.BackfillPolicy.single_run(),
            io_manager_key="lakehouse",
        )
        def asset() -> int:
            return 1

    tags = {
        "dagster/asset_partition_range_start": FIRST_DAY.isoformat(),
        "dagster/asset_partition_range_end": days(count)[-1].isoformat(),
    }
    home = folder / "dagster"
    home.mkdir(parents=True)
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        began = time.monotonic()
        assert dg.materialize([asset], resources={"lakehouse": io_manager}, instance=instance, tags=tags).success
        return time.monotonic() - began


def backfill(folder: Path, count: int) -> dict[str, float]:
    """One run over `count` partitions; Dagster alone; the bare engine; a bare Delta write."""
    materialised(folder / "warm", 3, None)
    ours = materialised(folder / "ours", count, None)
    dagster_alone = materialised(folder / "dagster", count, Nothing())
    engine = lake(folder / "bare")[1]
    engine.backend.con.execute("SELECT 1")
    sql, target = engine.to_sql(sales(count)), folder / "bare" / "out"
    began = time.monotonic()
    engine.backend.con.execute(f"COPY ({sql}) TO '{target}' (FORMAT parquet, PARTITION_BY (day))")
    bare_engine = time.monotonic() - began
    return {
        "seconds": ours,
        "dagster_alone_seconds": dagster_alone,
        "bare_engine_seconds": bare_engine,
        "bare_delta_seconds": _bare_delta_write(folder / "delta", engine, sql),
    }


def _bare_delta_write(folder: Path, engine: DuckDBEngine, sql: str) -> float:
    from deltalake import write_deltalake

    write_deltalake(str(folder / "warm"), engine.backend.con.execute(f"{sql} LIMIT 10").to_arrow_table())
    began = time.monotonic()
    write_deltalake(str(folder / "t"), engine.backend.con.execute(sql).to_arrow_table(), partition_by=["day"])
    return time.monotonic() - began


def timed(work: Callable[[], Any]) -> float:
    """Median milliseconds."""
    work()
    taken = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken) * 1000


def reading(folder: Path) -> dict[str, float]:
    """Opening a table of 1,000 partitions and reading one and a hundred of them, against the bare engine."""
    published(folder, 1000)
    lakehouse, engine = lake(folder)
    con = engine.backend.con
    one = [days(1000)[500].isoformat()]
    hundred = [day.isoformat() for day in days(600)[500:]]

    def ours(values: list[str]) -> None:
        table = read(lakehouse, engine, lakehouse.snapshot("sales"), values)
        con.execute(f"SELECT * FROM {table.get_name()}").to_arrow_table()

    def bare(files: list[str]) -> None:
        con.execute(f"SELECT * FROM read_parquet({files}, hive_partitioning = true)").to_arrow_table()

    snapshot = lakehouse.snapshot("sales")
    files = {
        count: lakehouse.local_paths("sales", snapshot.files_of(values))
        for count, values in (("one", one), ("hundred", hundred))
    }
    return {
        "one": timed(lambda: ours(one)),
        "one_bare": timed(lambda: bare(files["one"])),
        "hundred": timed(lambda: ours(hundred)),
        "hundred_bare": timed(lambda: bare(files["hundred"])),
        "open": timed(lambda: lakehouse.snapshot("sales").files),
    }


def latency(folder: Path) -> dict[str, float]:
    """Publishing one small partition again and again, against the bare engine writing the same file."""
    lakehouse, engine = lake(folder)
    keys = [FIRST_DAY.isoformat()]

    def ours() -> None:
        publish(
            sales(1),
            SALES,
            Slicing("day"),
            keys,
            engine=engine,
            lakehouse=lakehouse,
            staging_folder=folder / "staging",
            provenance={},
        )

    sql = engine.to_sql(sales(1))
    return {
        "publish": timed(ours),
        "bare": timed(lambda: engine.backend.con.execute(f"COPY ({sql}) TO '{folder}/bare.parquet'")),
    }


def _write(folder: Path, writer: int, answers: Any) -> None:
    taken = []
    published(folder / f"warm-{writer}", 1)
    answers.put(None)
    for number in range(PUBLICATIONS):
        began = time.perf_counter()
        published(folder, 1, writer * PUBLICATIONS + number)
        taken.append(time.perf_counter() - began)
    answers.put(taken)


def writers(folder: Path) -> dict[str, float]:
    """Eight processes that publish partitions of their own to one table, against one process that publishes all."""
    began = time.perf_counter()
    published(folder / "warm", 1)
    for number in range(WRITERS * PUBLICATIONS):
        published(folder / "alone", 1, number)
    alone = time.perf_counter() - began
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    published(folder, 1, WRITERS * PUBLICATIONS)
    processes = [context.Process(target=_write, args=(folder, writer, answers)) for writer in range(WRITERS)]
    for process in processes:
        process.start()
    for _ in processes:
        answers.get()
    began = time.perf_counter()
    taken = sorted(seconds for _ in processes for seconds in answers.get())
    together = time.perf_counter() - began
    for process in processes:
        process.join()
    rows = sum(lake(folder)[0].snapshot("sales").rows_by_slice().values())
    return {
        "alone_seconds": alone,
        "together_seconds": together,
        "median_ms": median(taken) * 1000,
        "worst_ms": taken[-1] * 1000,
        "lost": float(ROWS_A_DAY * (WRITERS * PUBLICATIONS + 1) - rows),
    }


LEGS: dict[str, Callable[[Path], dict[str, float]]] = {
    "backfill_365": lambda folder: backfill(folder, 365),
    "backfill_1000": lambda folder: backfill(folder, 1000),
    "reading": reading,
    "latency": latency,
    "writers": writers,
}

if __name__ == "__main__":
    print(json.dumps(LEGS[sys.argv[1]](Path(sys.argv[2]))))
