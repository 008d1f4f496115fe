"""The baseline of `raw_to_events`: the platform's own SQL, run by DuckDB alone on the same files, into Parquet.

No identifier is hashed (`keyed_hash` gives back what it gets), no row is audited, rejected rows are left out. Files are
read by DuckDB's own CSV reader, one line a value, the fastest of its readers in this query. Its lines are not numbered:
every way to number them costs DuckDB its parallel reading, and the baseline is to be the fastest there is.
"""

from datetime import date
from pathlib import Path

import duckdb
import ibis

from platform_assets.domain.contracts.contract import REJECT_REASON, Contract
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.events import events as canonical_events
from platform_assets.domain.source import Source
from platform_assets.raw_events.landed_records import batch_schema
from platform_assets.raw_events.parsing import parse_records


def connect(spill_folder: Path, memory: str) -> duckdb.DuckDBPyConnection:
    """A connection with the settings that the platform's engine has."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"SET memory_limit = '{memory}'")
    connection.execute(f"SET temp_directory = '{spill_folder}'")
    connection.execute("SET partitioned_write_max_open_files = 1000")
    connection.execute("CREATE MACRO try_url_decode(x) AS TRY(url_decode(x))")
    connection.execute("CREATE MACRO keyed_hash(x) AS x")
    return connection


def raw_sql(source: Source, landing_zone: Path) -> str:
    """Landed files → the good rows of the raw table."""
    lines = ibis.table(ibis.Schema.from_pyarrow(batch_schema(source)), name="lines")
    return f"WITH lines AS ({_scan(landing_zone)}) {_good_rows(parse_records(lines, source), source.raw_contract())}"


def events_sql(source: Source, first: date, last: date) -> str:
    """The raw table → the good rows of `events`."""
    contract = source.raw_contract()
    raw = ibis.table(contract.schema(), name=contract.name)
    return _good_rows(canonical_events({source.name: raw}, {source.name: source}, first, last), EVENTS)


def view(connection: duckdb.DuckDBPyConnection, source: Source, folder: Path) -> None:
    """The raw table's Parquet files under the name that `events_sql` reads."""
    name = source.raw_contract().name
    connection.execute(
        f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true)"
    )


def copy(connection: duckdb.DuckDBPyConnection, sql: str, folder: Path, partition_column: str) -> None:
    """Write a query's rows to Parquet files, one folder a partition value."""
    connection.execute(
        f"COPY ({sql}) TO '{folder}' (FORMAT parquet, PARTITION_BY ({partition_column}), COMPRESSION snappy)"
    )


def _good_rows(result: ibis.Table, contract: Contract) -> str:
    good = result.filter(result[REJECT_REASON].isnull()).select(*contract.column_names)
    return ibis.to_sql(good, dialect="duckdb")


def _scan(landing_zone: Path) -> str:
    return (
        f"SELECT split_part(file, '/', -2)::DATE AS landing_date, file, 0::BIGINT AS line, record, "
        f"NULL::VARCHAR AS read_problem "
        f"FROM (SELECT substr(filename, {len(str(landing_zone)) + 2}) AS file, record "
        f"FROM read_csv('{landing_zone}/*/*/*.jsonl.gz', filename = true, columns = {{'record': 'VARCHAR'}}, "
        f"header = false, auto_detect = false, delim = E'\\x01', quote = '', escape = '', max_line_size = 2097152))"
    )
