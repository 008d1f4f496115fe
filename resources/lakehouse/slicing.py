"""Which rows belong to which Dagster partition: exact, or refused.

A table is cut physically by one column, the slice column, whose values stand in the Delta log. This module says how
a table is cut for its partitions and how a row gets its slice value; which slice values a partition key means stands in
`slice_values`. What can't be exact raises `InexactPartitioning`: most of it when the asset is defined, the rest before
anything is computed or read.

| partitions | partition column | slice column |
|---|---|---|
| time windows that begin at midnight UTC (daily, weekly, monthly, any cron) | date | the column itself, a slice a day |
| time windows of whole UTC hours, of any time zone | timestamp | derived: a slice a UTC day, else a UTC hour |
| time windows of any kind | string | the column itself; its values are the partition keys |
| static, dynamic | string, integer | the column itself; its values are the partition keys |
| multi | a column for each dimension | derived: each dimension's part as above, joined by `|` |
| none | date, string, integer or none | the column itself; all of it is read and written |
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, Self

import ibis
from dagster import (
    DynamicPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from ibis.expr.datatypes import DataType

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.errors import PlatformError
from resources.lakehouse.tables import Snapshot

DERIVED_COLUMN = "partition_key"
"""Name of the slice column where it is derived from columns of the contract."""

JOINT = "|"
"""Stands between the dimensions in a slice value, as in Dagster's keys; no key of a dimension may hold it."""

UTC_ZONES = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT"})
NICKNAMES = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0"} | {
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
Cut = Literal["day", "hour", "text", "integer"]
FORMAT: Mapping[Cut, str] = {"day": "%Y-%m-%d", "hour": "%Y-%m-%d-%H:%M"}


class InexactPartitioning(PlatformError):
    """A partitioning whose rows can't be told apart exactly. Nothing was read or written."""


@dataclass(frozen=True)
class Part:
    """What one column gives to the slice value: the UTC day or hour it falls in, or its own value as text.

    `dimension` names the dimension of multi-partitions that the column tells apart.
    """

    column: str
    cut: Cut
    dimension: str = ""

    def value(self, table: ibis.Table) -> ibis.Value:
        """The part as text."""
        column = table[self.column]
        if column.type().is_timestamp():
            return column.truncate("h" if self.cut == "hour" else "D").strftime(FORMAT[self.cut])
        return column.cast(str)


@dataclass(frozen=True)
class Slicing:
    """How one table is cut. `column` is the slice column, None where the table is one piece.

    `parts` say what a slice value is made of; they are empty where nobody asks for partitions.
    """

    column: str | None
    parts: tuple[Part, ...] = ()

    @property
    def derived(self) -> bool:
        """Whether the slice column is made by `add_to`, beside the columns of the contract."""
        return bool(self.parts) and self.column not in {part.column for part in self.parts}

    @property
    def note(self) -> str:
        """What a derived slice column is made of, as text; what `from_note` reads."""
        return json.dumps([asdict(part) for part in self.parts]) if self.derived else ""

    @classmethod
    def from_note(cls, note: str) -> Self:
        """The slicing of a table with a derived slice column."""
        return cls(DERIVED_COLUMN, tuple(Part(**part) for part in json.loads(note)))

    def add_to(self, table: ibis.Table) -> ibis.Table:
        """The table with its slice column; null where one of the parts is null."""
        if not self.derived:
            return table
        first, *others = (part.value(table) for part in self.parts)
        joined = first
        for other in others:
            joined = joined + JOINT + other
        return table.mutate(**{DERIVED_COLUMN: joined})


def slicing_for(contract: Contract, partitions: PartitionsDefinition | None) -> Slicing:
    """How the table of a contract is cut under these partitions. Raises InexactPartitioning."""
    column, schema = contract.partition_column, contract.schema()
    if partitions is None:
        if column is None or (isinstance(column, str) and _can_stand_in_paths(schema[column])):
            return Slicing(column)
        what = column if isinstance(column, str) else f"each of {sorted(column)}"
        raise inexact(contract.name, f"the asset has no partitions to cut {what} by", "set partition_column=None")
    if column is None:
        raise inexact(
            contract.name,
            "the asset is partitioned, its contract names no partition column",
            "name the column that says which partition a row belongs to",
        )
    if isinstance(partitions, MultiPartitionsDefinition):
        return _multi_slicing(contract.name, column, schema, partitions)
    if not isinstance(column, str):
        raise inexact(contract.name, "its contract names columns for dimensions", "name one partition column")
    part = Part(column, _cut(contract.name, column, schema[column], partitions))
    return Slicing(DERIVED_COLUMN if schema[column].is_timestamp() else column, (part,))


def _multi_slicing(
    table: str, columns: str | Mapping[str, str], schema: ibis.Schema, partitions: MultiPartitionsDefinition
) -> Slicing:
    names = partitions.partition_dimension_names
    if isinstance(columns, str) or set(columns) != set(names):
        wanted = ", ".join(f"{name!r}: <column>" for name in names)
        raise inexact(
            table,
            f"the partitions have the dimensions {names}, the contract's partition column is {columns!r}",
            f"name a column for each dimension: partition_column={{{wanted}}}",
        )
    parts = [
        Part(columns[name], _cut(table, columns[name], schema[columns[name]], own), name)
        for name, own in dimensions(partitions).items()
    ]
    return Slicing(DERIVED_COLUMN, tuple(parts))


def _cut(table: str, column: str, dtype: DataType, partitions: PartitionsDefinition) -> Cut:
    what = f"column {column} of type {dtype} can't tell the partitions of {type(partitions).__name__} apart"
    if dtype.is_string():
        return "text"
    if isinstance(partitions, StaticPartitionsDefinition | DynamicPartitionsDefinition):
        if dtype.is_signed_integer():
            return "integer"
        raise inexact(table, what, "use a string or integer column that holds the partition key")
    if not isinstance(partitions, TimeWindowPartitionsDefinition):
        raise inexact(table, what, "use time windows, static, dynamic or multi-partitions")
    if not (dtype.is_date() or dtype.is_timestamp()):
        raise inexact(table, what, "use a date, timestamp or string column")
    unit = _largest_unit(partitions)
    if dtype.is_date() and unit != "day":
        if partitions.timezone in UTC_ZONES:
            raise inexact(table, what, "use a date column for days and longer, a timestamp for hours")
        raise inexact(table, what, "declare the partitions in UTC, or let a timestamp column tell them apart")
    if unit is None:
        raise inexact(table, what, "let every window begin on the hour, or use a string column with the partition key")
    return unit


def _largest_unit(partitions: TimeWindowPartitionsDefinition) -> Literal["day", "hour"] | None:
    """The largest unit of which all windows consist, as far as the schedule tells; None: they begin off the hour."""
    schedule = partitions.cron_schedule
    fields = NICKNAMES.get(schedule, schedule).split()
    minute, hour = fields[:2]
    if len(fields) != 5 or not _is_zero(minute):
        return None
    return "day" if _is_zero(hour) and partitions.timezone in UTC_ZONES else "hour"


def _is_zero(field: str) -> bool:
    return field.isdigit() and int(field) == 0


def _can_stand_in_paths(dtype: DataType) -> bool:
    return dtype.is_date() or dtype.is_string() or dtype.is_signed_integer()


def dimensions(partitions: MultiPartitionsDefinition) -> dict[str, PartitionsDefinition]:
    """The definition of every dimension by its name, in the order in which keys and slice values name them."""
    return {dimension.name: dimension.partitions_def for dimension in partitions.partitions_defs}


def inexact(table: str, what: str, todo: str) -> InexactPartitioning:
    """The refusal of a table's partitioning."""
    return InexactPartitioning(what, where=f"table {table}", todo=todo)


def published_slicing(snapshot: Snapshot, schema: ibis.Schema, partitions: PartitionsDefinition | None) -> Slicing:
    """How a published table is cut, for a reader that asks for these partitions. Raises InexactPartitioning."""
    column = snapshot.slice_column
    if partitions is None or column is None:
        return Slicing(column)
    if snapshot.slicing_note:
        return Slicing.from_note(snapshot.slicing_note)
    if column == DERIVED_COLUMN and isinstance(partitions, TimeWindowPartitionsDefinition):
        # Tables that don't say what their slice column is made of are cut by the unit of their windows.
        return Slicing(column, (Part("", _largest_unit(partitions) or "hour"),))
    return Slicing(column, (Part(column, _cut(snapshot.table, column, schema[column], partitions)),))


def refuse_other_slicing(snapshot: Snapshot, slicing: Slicing) -> None:
    """Raise InexactPartitioning where a table's derived slice column is made of something else than it would be now."""
    published = snapshot.slicing_note
    if published and slicing.derived and published != slicing.note:
        raise inexact(
            snapshot.table,
            f"the published table is cut in another way ({published} instead of {slicing.note})",
            "restore the partitions, or raise the contract's version (its migration may change nothing) and run "
            f"`platform migrate {snapshot.table}`",
        )
