"""Which rows belong to which Dagster partition: exact, or refused.

A table is cut physically by one column, the slice column, whose values stand in the Delta log. For every kind of
partition this module says which slice values a set of partition keys means, and how a row gets its slice value.
What can't be exact raises `InexactPartitioning` before anything is computed.

| partitions | partition column | slice column |
|---|---|---|
| daily, weekly, monthly | date | the column itself, one value a day |
| daily, hourly | timestamp | `partition_key`, derived from the instant |
| time windows | string | the column itself; its values are the partition keys |
| static, dynamic | string, integer | the column itself; its values are the partition keys |
| none | any or none | the column where the contract names one; all of it is read and written |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import ibis
from dagster import (
    DynamicPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)

from platform_assets.domain.errors import PlatformError

DERIVED_COLUMN = "partition_key"
"""Name of the slice column where it is derived from an instant; its values are Dagster's partition keys."""


class InexactPartitioning(PlatformError):
    """A partitioning whose rows can't be told apart exactly. Nothing was read or written."""


@dataclass(frozen=True)
class Slicing:
    """How one table is cut. `column` is the slice column; `derived_from` the instant it is computed from."""

    column: str | None
    derived_from: str | None = None
    window_unit: Literal["h", "D"] = "D"
    key_format: str = ""

    def add_to(self, table: ibis.Table) -> ibis.Table:
        """The table with its slice column."""
        if self.derived_from is None or self.column is None:
            return table
        start = table[self.derived_from].truncate(self.window_unit)
        return table.mutate(**{self.column: start.strftime(self.key_format)})


def slicing_for(
    table: str, column: str | None, dtype: ibis.expr.datatypes.DataType | None, partitions: PartitionsDefinition | None
) -> Slicing:
    """How a table with this partition column is cut under these partitions. Raises InexactPartitioning."""
    if partitions is None or column is None or dtype is None:
        if partitions is not None:
            raise InexactPartitioning(
                "the asset is partitioned, its contract names no partition column",
                where=f"table {table}",
                todo="name the column that says which partition a row belongs to",
            )
        return Slicing(column)
    if isinstance(partitions, TimeWindowPartitionsDefinition):
        return _time_slicing(table, column, dtype, partitions)
    if isinstance(partitions, StaticPartitionsDefinition | DynamicPartitionsDefinition):
        if dtype.is_string() or dtype.is_integer():
            return Slicing(column)
        raise _inexact(table, column, dtype, partitions, "use a string or integer column that holds the partition key")
    raise _inexact(table, column, dtype, partitions, "use daily, hourly, static or dynamic partitions")


def _time_slicing(
    table: str, column: str, dtype: ibis.expr.datatypes.DataType, partitions: TimeWindowPartitionsDefinition
) -> Slicing:
    if dtype.is_string():
        return Slicing(column)
    if partitions.timezone != "UTC":
        raise _inexact(table, column, dtype, partitions, "declare the partitions in UTC; every instant here is UTC")
    if dtype.is_date() and partitions.minute_offset == 0 and not _is_shorter_than_a_day(partitions):
        return Slicing(column)
    if dtype.is_timestamp() and partitions.cron_schedule in ("0 * * * *", "0 0 * * *"):
        unit: Literal["h", "D"] = "h" if partitions.cron_schedule.startswith("0 *") else "D"
        return Slicing(DERIVED_COLUMN, derived_from=column, window_unit=unit, key_format=partitions.fmt)
    raise _inexact(table, column, dtype, partitions, "use a date column for days and longer, a timestamp for hours")


def _is_shorter_than_a_day(partitions: TimeWindowPartitionsDefinition) -> bool:
    return not partitions.is_basic_daily and partitions.cron_schedule.split()[1] in ("*", "*/1")


def _inexact(
    table: str, column: str, dtype: object, partitions: PartitionsDefinition, todo: str
) -> InexactPartitioning:
    return InexactPartitioning(
        f"column {column} of type {dtype} can't tell the partitions of {type(partitions).__name__} apart",
        where=f"table {table}",
        todo=todo,
    )


def slice_values(
    table: str,
    slice_column: str | None,
    slice_dtype: ibis.expr.datatypes.DataType | None,
    partitions: PartitionsDefinition | None,
    keys: Sequence[str] | None,
) -> list[str] | None:
    """The slice values that partition keys mean; None means the whole table. Raises InexactPartitioning."""
    if partitions is None or keys is None:
        return None
    if slice_column is None or slice_dtype is None:
        raise InexactPartitioning(
            "partitions are asked for of a table that was published in one piece",
            where=f"table {table}",
            todo="read it without partitions, or rebuild it with a partition column",
        )
    if not (isinstance(partitions, TimeWindowPartitionsDefinition) and slice_dtype.is_date()):
        return list(keys)
    days = []
    for key in keys:
        window = partitions.time_window_for_partition_key(key)
        count = (window.end.date() - window.start.date()).days
        days += [(window.start.date() + timedelta(days=offset)).isoformat() for offset in range(count)]
    return days
