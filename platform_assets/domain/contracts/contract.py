"""The language in which a table's promises are written: columns, key, row rules, declared drops.

Which tables exist stands in the sibling modules, one contract a file. How a contract is enforced (audit before
publish) stands in `resources.lakehouse.publish`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import ibis

REJECT_REASON = "reject_reason"
"""Reserved column of a step's result: null for a good row, else `<rule>` or `<rule>: <detail>`.

A reason whose rule is one of the contract's `drops` is counted and dropped; any other goes to the quarantine.
"""

RESERVED_COLUMNS = frozenset({REJECT_REASON, "outcome", "partition_key"})
"""Names that publication gives to columns of its own; no contract may use them, nor a name that begins `rejected_`."""

QUARANTINE_SUFFIX = "_quarantine"
"""Ends the name of every quarantine; such a table is cut like the one it belongs to, also by a derived column."""

REJECT_CONTEXT = ("source", "file", "line", "record")
"""Optional columns of a step's result that a rejected row takes into the quarantine, where the contract lacks them."""


class Pii(StrEnum):
    """What a column says about a person. Only `RAW` identifies somebody without the pseudonym key."""

    NONE = "none"
    PSEUDONYM = "pseudonym"
    RAW = "raw"


@dataclass(frozen=True)
class Column:
    """One column. `dtype` is an Ibis type name; a `timestamp` is UTC with microseconds, without a zone in memory."""

    name: str
    dtype: str
    description: str
    nullable: bool = True
    pii: Pii = Pii.NONE


@dataclass(frozen=True)
class RowRule:
    """A promise about one row. `holds` maps the table to a boolean expression; a row where it is false or null
    is quarantined under `name`, with `description` as the explanation people read."""

    name: str
    description: str
    holds: Callable[[ibis.Table], ibis.expr.types.BooleanValue]


Migration = Callable[[ibis.Table], ibis.Table]
"""From the rows of one version of a contract to those of the next: a pure function that keeps every row.

A row that has no place in the next version gets a `reject_reason`, as a step's result does. Nullable columns that the
table didn't have may be left out; they begin empty.
"""


@dataclass(frozen=True)
class Contract:
    """What one table promises to its readers.

    `description` says what one row is. `partition_column` says which partition a row belongs to (None: the table is one
    piece); multi-partitions take one column for each dimension, by the dimension's name. `key` is unique within a
    slice: the rows of one partition key, UTC day or UTC hour, whatever cuts the table. `drops` names the reasons for
    which rows are left out on purpose, with the explanation; they are counted with every publication. Every
    non-nullable column is a row rule of its own. `event_time_column` names the instant whose days a partition's rows
    touch: every publication notes them (None: nothing is noted).

    A further nullable column is the only change that published tables take without ado. Any other raises `version` by
    one, and `migrations` says, by the version it starts from, how rows of that version become rows of the next.
    `declared_by` names the declaration that a contract is made from, where that decides its version and migrations.
    """

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partition_column: str | Mapping[str, str] | None = "event_date"
    rules: tuple[RowRule, ...] = ()
    drops: Mapping[str, str] = field(default_factory=dict)
    owner: str = "team:data-platform"
    event_time_column: str | None = None
    version: int = 1
    migrations: Mapping[int, Migration] = field(default_factory=dict)
    declared_by: str = ""

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        missing = [
            name
            for name in (*self.key, *self.partition_columns, self.event_time_column)
            if name is not None and name not in names
        ]
        if missing:
            raise ValueError(
                f"contract {self.name}: key, partition or event time column {missing} is not among its columns"
            )
        reserved = [name for name in names if name in RESERVED_COLUMNS or name.startswith("rejected_")]
        if self.name.endswith(QUARANTINE_SUFFIX):
            reserved = [name for name in reserved if name not in self.partition_columns]
        if reserved:
            raise ValueError(f"contract {self.name}: {reserved} are reserved column names")
        zoned = [column.name for column in self.columns if _zone(column.dtype)]
        if zoned:
            raise ValueError(
                f"contract {self.name}: {zoned} name a time zone. Every timestamp is UTC: declare them as `timestamp`; "
                "what a step returns in any zone is published as the same instant"
            )
        if sorted(self.migrations) != list(range(1, self.version)):
            raise ValueError(
                f"contract {self.name}: version {self.version} needs one migration from each earlier version, "
                f"{list(range(1, self.version))}, and has them from {sorted(self.migrations)}"
            )

    @property
    def partition_columns(self) -> tuple[str, ...]:
        """The columns that say which partition a row belongs to."""
        named = self.partition_column
        return tuple(named.values()) if isinstance(named, Mapping) else (named,) if named else ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in the table's order."""
        return tuple(column.name for column in self.columns)

    def schema(self) -> ibis.Schema:
        """The Ibis schema, in the table's order."""
        return ibis.schema({column.name: column.dtype for column in self.columns})

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that must have a value, in the table's order."""
        return tuple(column.name for column in self.columns if not column.nullable)

    def all_rules(self) -> tuple[RowRule, ...]:
        """The row rules, those that follow from non-nullable columns first."""
        return (*(_not_null(column.name) for column in self.columns if not column.nullable), *self.rules)


def _zone(dtype: str) -> str | None:
    parsed = ibis.dtype(dtype)
    return parsed.timezone if parsed.is_timestamp() else None


def _not_null(name: str) -> RowRule:
    return RowRule(f"{name}_missing", f"{name} must have a value", lambda table: table[name].notnull())
