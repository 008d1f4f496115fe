"""Kinds of partitions, each told twice: to Dagster, and in plain Python; and tables that are cut by them.

A `Layout` is how one table is partitioned: one dimension, or two. `Link` says which upstream partitions a downstream
run reads, again told twice.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets_tests.lakehouse.plain_partitions import (
    BERLIN,
    DAY,
    HOUR,
    Refused,
    Window,
    berlin_days,
    berlin_hours,
    instants,
    mapped,
    months,
    steps,
)

SHOPS = dg.DynamicPartitionsDefinition(name="shops")
AWKWARD = ["red", "a/b", "50%", "two words", "Zürich", "it's", "a=b", "..", "01", "A", "a"]


@dataclass(frozen=True)
class Dimension:
    """Partition keys in their order, as Dagster and as plain windows (None: the keys are values)."""

    definition: dg.PartitionsDefinition
    keys: Sequence[str]
    windows: Sequence[Window] | None = None

    def values(self, key: str, dtype: str) -> list[Any]:
        """Values of a partition column that belong to a key."""
        if dtype == "integer":
            return [int(key)]
        if self.windows is None or dtype == "string":
            return [key]
        found = instants(self.windows[self.keys.index(key)])
        if dtype == "date":
            return sorted({instant.date() for instant in found})
        if dtype == "timestamp":
            return [instant.replace(tzinfo=None) for instant in found]
        return [instant.astimezone(BERLIN if dtype == "berlin" else UTC) for instant in found]


def _time(definition: dg.PartitionsDefinition, windows: Sequence[Window]) -> Dimension:
    return Dimension(definition, [window.key for window in windows], windows)


def _cron(schedule: str, first: datetime, last: datetime) -> dg.TimeWindowPartitionsDefinition:
    return dg.TimeWindowPartitionsDefinition(start=first, end=last, cron_schedule=schedule, fmt="%Y-%m-%d-%H:%M")


def days(first: str, count: int) -> Dimension:
    """Days in UTC."""
    start = datetime.fromisoformat(first)
    return _time(
        dg.DailyPartitionsDefinition(first, end_date=f"{start + count * DAY:%Y-%m-%d}"),
        steps(start, start + count * DAY, DAY, "%Y-%m-%d"),
    )


def hours(first: str, count: int) -> Dimension:
    """Hours in UTC."""
    start = datetime.fromisoformat(first)
    end = start + count * HOUR
    return _time(
        dg.HourlyPartitionsDefinition(f"{start:%Y-%m-%d-%H:%M}", end_date=f"{end:%Y-%m-%d-%H:%M}"),
        steps(start, end, HOUR, "%Y-%m-%d-%H:%M"),
    )


def weeks(first: str, count: int) -> Dimension:
    """Weeks in UTC that begin on the weekday of `first`."""
    start = datetime.fromisoformat(first)
    end = start + count * 7 * DAY
    offset = start.isoweekday() % 7
    return _time(
        dg.WeeklyPartitionsDefinition(first, end_date=f"{end:%Y-%m-%d}", day_offset=offset),
        steps(start, end, 7 * DAY, "%Y-%m-%d"),
    )


def days_of_berlin(first: str, count: int) -> Dimension:
    """Days of a zone that changes its clock."""
    start = date.fromisoformat(first)
    end = str(start + count * DAY)
    definition = dg.DailyPartitionsDefinition(first, end_date=end, timezone="Europe/Berlin")
    return _time(definition, berlin_days(start, count))


def hours_of_berlin(first: str, count: int) -> Dimension:
    """Hours of a zone that changes its clock, of some whole days."""
    start = date.fromisoformat(first)
    definition = dg.HourlyPartitionsDefinition(
        f"{first}-00:00", end_date=f"{start + count * DAY}-00:00", timezone="Europe/Berlin"
    )
    return _time(definition, berlin_hours(start, start + count * DAY))


DAYS, HOURS = days("2024-02-24", 9), hours("2024-02-28T00:00", 72)
WEEKS, MONDAYS = weeks("2024-02-11", 4), weeks("2024-02-12", 4)
MONTHS = _time(dg.MonthlyPartitionsDefinition("2024-01-01", end_date="2024-05-01"), months(date(2024, 1, 1), 4))
_FIRST, _LAST = datetime(2024, 2, 27), datetime(2024, 3, 2)
SIX_HOURS = _time(_cron("0 */6 * * *", _FIRST, _LAST), steps(_FIRST, _LAST, 6 * HOUR, "%Y-%m-%d-%H:%M"))
AUTUMN_DAYS, AUTUMN_HOURS = days_of_berlin("2024-10-25", 5), hours_of_berlin("2024-10-26", 3)
SPRING_DAYS, SPRING_HOURS = days_of_berlin("2024-03-29", 5), hours_of_berlin("2024-03-30", 3)
COLOURS = Dimension(dg.StaticPartitionsDefinition(AWKWARD), AWKWARD)
NUMBERS = Dimension(dg.StaticPartitionsDefinition(["7", "-3", "0", "12"]), ["7", "-3", "0", "12"])
DYNAMIC = Dimension(SHOPS, AWKWARD)


@dataclass(frozen=True)
class Layout:
    """How a table is partitioned: its dimensions by name, sorted, each with the type that its column has in a result.

    Without partitions (`partitioned=False`, or no dimension) there is one key, the empty text.
    """

    dimensions: Mapping[str, tuple[Dimension, str]]
    partitioned: bool = True

    @property
    def definition(self) -> dg.PartitionsDefinition | None:
        """What Dagster is told."""
        if not self.partitioned or not self.dimensions:
            return None
        if len(self.dimensions) == 1:
            return self._own[0][0].definition
        return dg.MultiPartitionsDefinition({name: own.definition for name, (own, _) in self.dimensions.items()})

    @property
    def keys(self) -> list[str]:
        """Every partition key."""
        return self.range([(0, len(own.keys)) for own, _ in self._own])

    def range(self, spans: Sequence[tuple[int, int]]) -> list[str]:
        """The keys of a range: for each dimension, from one position to another."""
        if self.definition is None:
            return [""]
        axes = [own.keys[first : last + 1] for (own, _), (first, last) in zip(self._own, spans, strict=True)]
        return list(map("|".join, itertools.product(*axes)))

    @property
    def _own(self) -> list[tuple[Dimension, str]]:
        return list(self.dimensions.values())

    def rows(self, key: str, count: int, first: int, batch: int) -> list[tuple]:
        """Rows that belong to a key, numbered from `first`: one value for each dimension, number, batch."""
        parts = key.split("|") if len(self.dimensions) > 1 else [key]
        if not self.partitioned:
            parts = [self._own[0][0].keys[0]]
        axes = [own.values(part, dtype) for (own, dtype), part in zip(self._own, parts, strict=False)]
        values = list(itertools.product(*axes))
        return [(*values[number * 3 % len(values)], first + number, batch) for number in range(count)]

    def contract(self, name: str) -> Contract:
        """A table of numbered rows."""
        at_rest = {"integer": "int32", "berlin": "timestamp", "utc": "timestamp"}
        columns = [
            Column(column, at_rest.get(dtype, dtype), "Where.") for column, (_, dtype) in self.dimensions.items()
        ]
        return Contract(
            name,
            "One row is one numbered thing.",
            key=("number",),
            columns=(*columns, Column("number", "int64", "Which."), Column("batch", "int64", "Written by.")),
            partition_column=partition_column(list(self.dimensions)),
        )

    def arrow_schema(self) -> Any:
        """The types of what a step returns."""
        import pyarrow as pa

        types = {
            "date": pa.date32(),
            "timestamp": pa.timestamp("us"),
            "utc": pa.timestamp("us", tz="UTC"),
            "berlin": pa.timestamp("us", tz="Europe/Berlin"),
            "string": pa.string(),
            "integer": pa.int32(),
        }
        fields = [(column, types[dtype]) for column, (_, dtype) in self.dimensions.items()]
        return pa.schema([*fields, ("number", pa.int64()), ("batch", pa.int64())])


def partition_column(dimensions: Sequence[str]) -> str | Mapping[str, str] | None:
    """What a contract says where every dimension has a column of its name."""
    if len(dimensions) > 1:
        return {name: name for name in dimensions}
    return dimensions[0] if dimensions else None


def at_rest(row: Sequence[Any]) -> tuple:
    """A row as readers see it: instants in UTC without a zone."""
    return tuple(
        value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value
        for value in row
    )


@dataclass(frozen=True)
class Link:
    """A downstream table: its partitions (None: one piece), Dagster's mapping, and which upstream keys a run reads."""

    layout: Layout | None
    mapping: dg.PartitionMapping | None
    reads: Callable[[Sequence[str]], Sequence[str]]

    @property
    def dimensions(self) -> list[str]:
        """Names of its dimensions."""
        return list(self.layout.dimensions) if self.layout else []


def everything(upstream: Layout) -> Link:
    """All partitions into one."""
    return Link(None, None, lambda _: upstream.keys)


def same(upstream: Layout) -> Link:
    """Partition by partition."""
    return Link(upstream, None, list)


def every_one_reads_all(upstream: Layout) -> Link:
    """Each partition reads the whole table."""
    return Link(upstream, dg.AllPartitionMapping(), lambda _: upstream.keys)


def named_partitions(upstream: Layout) -> Link:
    """One piece that reads two named partitions."""
    keys = [upstream.keys[0], upstream.keys[-2]]
    return Link(None, dg.SpecificPartitionsPartitionMapping(keys), lambda _: keys)


def last_partition(upstream: Layout) -> Link:
    """Each partition reads the upstream's last one."""
    return Link(upstream, dg.LastPartitionMapping(), lambda _: upstream.keys[-1:])


def window(upstream: Dimension, own: Dimension, first: int = 0, last: int = 0) -> Link:
    """Time windows that read those they overlap, shifted by own windows."""
    mapping = dg.TimeWindowPartitionMapping(first, last, allow_nonexistent_upstream_partitions=True)
    assert upstream.windows and own.windows
    windows, sources = own.windows, upstream.windows
    return Link(one("when", own, "string"), mapping, lambda keys: mapped(windows, keys, sources, first, last))


def same_keys(own: Dimension, upstream: Dimension) -> Link:
    """Another definition with some of the same keys; a key that the upstream lacks is refused."""

    def reads(keys: Sequence[str]) -> Sequence[str]:
        if not set(keys) <= set(upstream.keys):
            raise Refused
        return keys

    return Link(one("key", own, "string"), dg.IdentityPartitionMapping(), reads)


def one_dimension(upstream: Layout, name: str) -> Link:
    """Reads every partition of two dimensions with its own key in one of them."""
    position = list(upstream.dimensions).index(name)
    own, _ = upstream.dimensions[name]
    return Link(
        one(name, own, "string"),
        dg.MultiToSingleDimensionPartitionMapping(name),
        lambda keys: [key for key in upstream.keys if key.split("|")[position] in keys],
    )


def one(name: str, dimension: Dimension, dtype: str) -> Layout:
    """A layout of one dimension."""
    return Layout({name: (dimension, dtype)})


def two(**dimensions: tuple[Dimension, str]) -> Layout:
    """A layout of two dimensions, in the order of their names as in Dagster."""
    return Layout(dict(sorted(dimensions.items())))
