"""One step of one leg of `raw_to_events`, to be run in a process of its own; prints what it took as JSON.

    python -m benchmarks.raw_to_events_leg <bare|published|full> <raw|events> <landing zone> <days> <folder>

The clock starts when everything is imported and stops when the result can be read by others.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import deltalake  # noqa: F401 - what the platform imports late is not part of the measured work
import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import bare_duckdb
from platform_assets.domain.contracts.contract import REJECT_REASON, Contract
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.events import events as canonical_events
from platform_assets.domain.source import Source
from platform_assets.domain.sources import load_sources
from platform_assets.raw_events.landed_records import read_landing_days
from platform_assets.raw_events.parsing import parse_records
from resources.compute.duckdb_engine import DuckDBEngine
from resources.compute.engine import PUBLISH
from resources.lakehouse.io_manager import read
from resources.lakehouse.publish import publish
from resources.lakehouse.replacement import replace_slices
from resources.lakehouse.slicing import slicing_for
from resources.lakehouse.tables import Lakehouse

FIRST_DAY = date(2026, 1, 5)
MEMORY = os.environ.get("BENCHMARK_MEMORY", "4GB")
"""DuckDB's memory limit, the same for every leg."""
KEY = b"a-key-that-only-benchmarks-know"


class Platform:
    """The two steps as the assets do them, in full or without audit, quarantine and pseudonyms."""

    def __init__(self, source: Source, landing_zone: Path, days: list[date], folder: Path, *, full: bool) -> None:
        self._source, self._landing_zone, self._days, self._full = source, landing_zone, days, full
        self._staging = folder / "staging"
        self._lakehouse = Lakehouse(str(folder / "lake"))
        self._engine = DuckDBEngine(spill_folder=folder / "spill", memory=MEMORY, pseudonym_key=KEY if full else None)
        if not full:
            self._engine.backend.con.execute("CREATE MACRO keyed_hash(x) AS x")

    def raw(self) -> None:
        """Landed files → the raw table."""
        records = read_landing_days(self._source, self._days, str(self._landing_zone))
        lines = self._engine.from_arrow("lines", records.reader, lambda: records.failure)
        self._publish(parse_records(lines, self._source), self._source.raw_contract())

    def events(self) -> None:
        """The raw table → `events`."""
        contract = self._source.raw_contract()
        raw = read(self._lakehouse, self._engine, self._lakehouse.snapshot(contract.name), _keys(self._days))
        name = self._source.name
        self._publish(canonical_events({name: raw}, {name: self._source}, self._days[0], self._days[-1]), EVENTS)

    def rows(self, table: str) -> int:
        """Rows that readers see."""
        return sum(self._lakehouse.snapshot(table).rows_by_slice().values())

    def _publish(self, result: ibis.Table, contract: Contract) -> None:
        slicing, keys = slicing_for(contract, None), _keys(self._days)
        if self._full:
            publish(
                result,
                contract,
                slicing,
                keys,
                engine=self._engine,
                lakehouse=self._lakehouse,
                staging_folder=self._staging,
                provenance={},
            )
            return
        good = result.filter(result[REJECT_REASON].isnull()).select(*contract.column_names)
        staged = self._engine.stage(
            good.mutate(outcome=ibis.literal(PUBLISH)), slicing.column, self._staging / contract.name
        )
        replace_slices(
            self._lakehouse, contract, slicing.column, _schema_at_rest(contract), staged, keys, "benchmark", {}
        )


class Bare:
    """The same SQL by DuckDB alone, into Parquet."""

    def __init__(self, source: Source, landing_zone: Path, days: list[date], folder: Path) -> None:
        self._source, self._folder = source, folder
        self._connection = bare_duckdb.connect(folder / "spill", MEMORY)
        self._raw_sql = bare_duckdb.raw_sql(source, landing_zone)
        self._events_sql = bare_duckdb.events_sql(source, days[0], days[-1])

    def raw(self) -> None:
        """Landed files → Parquet by landing day."""
        table = self._source.raw_contract()
        bare_duckdb.copy(self._connection, self._raw_sql, self._folder / table.name, table.partition_column or "")

    def events(self) -> None:
        """Parquet of raw records → Parquet of events by event day."""
        bare_duckdb.view(self._connection, self._source, self._folder / self._source.raw_contract().name)
        bare_duckdb.copy(self._connection, self._events_sql, self._folder / EVENTS.name, EVENTS.partition_column or "")

    def rows(self, table: str) -> int:
        """Rows of the files that were written."""
        return sum(pq.read_metadata(file).num_rows for file in (self._folder / table).rglob("*.parquet"))


def _schema_at_rest(contract: Contract) -> pa.Schema:
    return pa.schema(
        [
            (name, pa.timestamp("us", tz="UTC") if dtype.is_timestamp() else dtype.to_pyarrow())
            for name, dtype in contract.schema().items()
        ]
    )


def _keys(days: list[date]) -> list[str]:
    return [day.isoformat() for day in days]


def main(leg: str, step: str, landing_zone: Path, day_count: int, folder: Path) -> None:
    """Do one step and print seconds, CPU seconds and rows."""
    days = [FIRST_DAY + timedelta(days=number) for number in range(day_count)]
    source = load_sources(Path("config/sources.yaml"))[0]
    folder.mkdir(parents=True, exist_ok=True)
    made: Bare | Platform = (
        Bare(source, landing_zone, days, folder)
        if leg == "bare"
        else Platform(source, landing_zone, days, folder, full=leg == "full")
    )
    work: Callable[[], None] = made.raw if step == "raw" else made.events
    began, cpu_began = time.monotonic(), time.process_time()
    work()
    seconds, cpu_seconds = time.monotonic() - began, time.process_time() - cpu_began
    rows = made.rows(source.raw_contract().name if step == "raw" else EVENTS.name)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "rows": rows}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
