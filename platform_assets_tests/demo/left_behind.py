"""A simulated world read back from its files, the way a stranger would read them."""

import gzip
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from platform_assets.demo import SimulationSummary

FIRST_DAY = date(2026, 1, 5)
ARGUMENTS = {"first_day": FIRST_DAY, "days": 30, "events": 300_000, "seed": 11}

FIELDS = {
    "event_id": "VARCHAR",
    "event_time": "TIMESTAMP",
    **dict.fromkeys(("event_type", "login", "cookie_id", "device_id", "ip", "url", "referrer"), "VARCHAR"),
    **dict.fromkeys(("user_agent", "country", "item", "consent"), "VARCHAR"),
    "value": "DOUBLE",
}


@dataclass(frozen=True)
class LeftBehind:
    """A simulated world as it lies on disk. `connection` has `lines`, `records`, `events`, the truth
    tables, and `events_of_persons`: each event with the person behind it."""

    landing_zone: Path
    truth_folder: Path
    summary: SimulationSummary
    connection: duckdb.DuckDBPyConnection

    def rows(self, sql: str) -> list[tuple]:
        return self.connection.sql(sql).fetchall()

    def value(self, sql: str) -> object:
        return self.rows(sql)[0][0]


def content(folder: Path) -> dict[str, bytes]:
    """Bytes of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def read_back(landing_zone: Path, truth_folder: Path, summary: SimulationSummary) -> LeftBehind:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    tables = [_lines(landing_zone, path) for path in sorted(landing_zone.rglob("*.jsonl.gz"))]
    connection.register("lines", pa.concat_tables(tables))
    fields = ", ".join(f'"{name}": "{dtype}"' for name, dtype in FIELDS.items())
    connection.execute(
        f"""
        CREATE TABLE records AS
        SELECT * FROM (
            SELECT file, line, CAST(split_part(file, '/', 2) AS DATE) AS landing_date, text,
                   unnest(from_json(text, '{{{fields}}}'))
            FROM lines WHERE json_valid(text) AND text LIKE '{{%'
        )
        """
    )
    connection.execute("CREATE TABLE events AS SELECT DISTINCT ON (event_id) * EXCLUDE (text, file, line) FROM records")
    for path in truth_folder.glob("*.parquet"):
        connection.execute(f"CREATE TABLE {path.stem} AS FROM read_parquet('{path}')")
    connection.execute(
        "CREATE VIEW events_of_persons AS SELECT e.*, coalesce(l.person_id, c.person_id) AS person_id FROM events e"
        " LEFT JOIN identifiers l ON l.kind = 'login' AND l.identifier = e.login"
        " LEFT JOIN identifiers c ON c.kind = 'cookie_id' AND c.identifier = e.cookie_id"
    )
    return LeftBehind(landing_zone, truth_folder, summary, connection)


def _lines(landing_zone: Path, path: Path) -> pa.Table:
    text = gzip.decompress(path.read_bytes()).decode().removesuffix("\n").split("\n")
    name = path.relative_to(landing_zone).as_posix()
    columns = {"file": pa.repeat(name, len(text)), "line": range(1, len(text) + 1), "text": text}
    return pa.table({key: value if isinstance(value, pa.Array) else pa.array(value) for key, value in columns.items()})
