"""The engine contract: what a compute engine must do so that every step runs on it unchanged.

The embedded engine is `duckdb_engine`. A distributed one (Spark) implements the same protocol and offers the same
named functions; no step knows which engine it runs on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Protocol

import ibis

from platform_assets.domain.event_days import DayContent

PUBLISH, QUARANTINE, DROP = "publish", "quarantine", "drop"


@dataclass(frozen=True)
class StagedFile:
    """One Parquet file that was computed and is not yet visible to any reader.

    `slice_value` is the partition value of all its rows (None: the table is not partitioned).
    """

    path: Path
    outcome: str
    slice_value: str | None
    rows: int
    bytes: int


@dataclass(frozen=True)
class SliceAudit:
    """What one partition value of a staged result holds.

    `digest` is a hash of the published rows that does not depend on their order. `rejected` counts rows by
    reason rule: quarantined and dropped ones. `event_days` says what it holds of every day, where that was asked for.
    """

    slice_value: str | None
    rows: int
    duplicate_keys: int
    digest: str
    rejected: dict[str, int]
    event_days: Mapping[date, DayContent] = field(default_factory=dict)


class Engine(Protocol):
    """A compute engine.

    Besides the methods, an engine offers `keyed_hash(text) -> text`: HMAC-SHA256 under the pseudonym key, as 64
    lower-case hex digits, null for null; and the functions that `platform_assets.raw_events` declares for JSON.
    Timestamps inside expressions are UTC without a zone, with microseconds.
    """

    name: str

    def from_arrow(self, name: str, batches: Any, failure: Callable[[], Exception | None] = lambda: None) -> ibis.Table:
        """A table over an Arrow stream. The stream is consumed by the first computation and can't be read twice.

        `failure` tells what broke the stream, if anything did: staging raises that instead of the engine's account
        of it, and never takes a stream that broke for one that ended.
        """
        ...

    def read_parquet(
        self,
        table: str,
        files: Sequence[str],
        schema: ibis.Schema,
        slice_column: str | None,
        later_columns: Sequence[str] = (),
        path_column: str | None = None,
    ) -> ibis.Table:
        """A table over Parquet files; `slice_column` is read from the folder names, not from the files.

        `later_columns` may be missing in some files, and are null there; any other column must be in all of them.
        `path_column`, where one is named, is a column of the schema that says in which file a row stands.
        """
        ...

    def read_dataset(self, table: str, dataset: Any, schema: ibis.Schema) -> ibis.Table:
        """A table over a pyarrow data set (stores the engine can't open itself)."""
        ...

    def computed(self, expression: ibis.Table) -> ibis.Table:
        """See `platform_assets.domain.identity.iterating_engine`."""
        ...

    def prepared(self, expression: ibis.Table) -> Callable[..., ibis.Table]:
        """See `platform_assets.domain.identity.iterating_engine`."""
        ...

    def stage(self, expression: ibis.Table, slice_column: str | None, folder: Path) -> list[StagedFile]:
        """Compute an expression once into Parquet files below `folder`, cut by its `outcome` and `slice_column`."""
        ...

    def audit(
        self,
        files: Sequence[StagedFile],
        slice_column: str | None,
        key: Sequence[str],
        columns: Sequence[str],
        *,
        event_time: str | None = None,
        last_minutes: timedelta = timedelta(0),
    ) -> list[SliceAudit]:
        """Look at staged files: rows, broken keys (none without a key), digest, rejects, per partition value.

        Where `event_time` names an instant, also what each partition value holds of every UTC day, and of the
        `last_minutes` of that day.
        """
        ...

    def digest(self, table: ibis.Table) -> str:
        """An order-free digest of a table's rows: equal where rows and columns are equal."""
        ...

    def read_staged(self, name: str, files: Sequence[StagedFile], slice_column: str | None) -> ibis.Table:
        """A table over staged files with all their columns; the slice column comes as text."""
        ...

    def source_tables(self) -> dict[str, str]:
        """Names under which tables stand in compiled expressions → names of the tables (for lineage)."""
        ...

    def to_sql(self, expression: ibis.Table) -> str:
        """The expression in the engine's SQL."""
        ...
