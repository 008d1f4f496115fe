"""No kind of partition, mapping or re-run loses, repeats or invents a row.

Each case is one in which a published Delta IO manager was seen to lose rows without an error.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import dagster as dg
import ibis
import pytest

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.table_asset import table_asset
from platform_assets_tests.stores import Store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager, NoPartitions, read
from resources.lakehouse.slicing import InexactPartitioning

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-07")
HOURS = dg.HourlyPartitionsDefinition("2026-01-01-00:00", end_date="2026-01-02-00:00")
WEEKS = dg.WeeklyPartitionsDefinition("2026-01-04", end_date="2026-02-01")
COLOURS = dg.StaticPartitionsDefinition(["red", "green", "blue"])
ROWS_A_PARTITION = 2


def contract(name: str, dtype: str, column: str = "moment") -> Contract:
    """A table of numbered rows cut by one column."""
    return Contract(
        name,
        "One row is one numbered thing.",
        key=(column, "number"),
        columns=(Column(column, dtype, "When."), Column("number", "int64", "Which.")),
        partition_column=column,
    )


def value_of(dtype: str, partitions: dg.PartitionsDefinition, key: str) -> object:
    """A partition column's value that belongs to a key."""
    if dtype == "string":
        return key
    if not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        return key
    start = partitions.time_window_for_partition_key(key).start.replace(tzinfo=None)
    return start.date() if dtype == "date" else start + timedelta(minutes=17)


def numbered(dtype: str, partitions: dg.PartitionsDefinition, extra: int = 0) -> Callable[..., ibis.Table]:
    """A step that gives every partition of its run the same number of rows."""

    def upstream(context: dg.AssetExecutionContext) -> ibis.Table:
        rows = [
            {"moment": value_of(dtype, partitions, key), "number": number}
            for key in context.partition_keys
            for number in range(ROWS_A_PARTITION + extra)
        ]
        return ibis.memtable(rows, schema={"moment": dtype, "number": "int64"})

    upstream.__module__ = __name__
    return upstream


def upstream_asset(
    dtype: str, partitions: dg.PartitionsDefinition, extra: int = 0, name: str = "upstream"
) -> dg.AssetsDefinition:
    return table_asset(contract(name, dtype), partitions_def=partitions)(numbered(dtype, partitions, extra))


def downstream_asset(
    partitions: dg.PartitionsDefinition | None = None, mapping: dg.PartitionMapping | None = None
) -> dg.AssetsDefinition:
    """Counts the rows it was given."""
    counted = Contract("downstream", "One row is one count.", (), (Column("rows", "int64", "How many."),), None)
    if partitions is not None:
        counted = Contract(
            "downstream",
            "One row is one count.",
            ("day",),
            (Column("day", "date", "The day."), Column("rows", "int64", "How many.")),
            "day",
        )

    def downstream(context: dg.AssetExecutionContext, upstream: ibis.Table) -> ibis.Table:
        total = upstream.aggregate(rows=upstream.count())
        if context.has_partition_key:
            return total.mutate(day=ibis.literal(date.fromisoformat(context.partition_key)))
        return total

    downstream.__module__ = __name__
    return table_asset(counted, partitions_def=partitions, ins={"upstream": dg.AssetIn(partition_mapping=mapping)})(
        downstream
    )


@pytest.fixture
def io_manager(store: Store, engine: DuckDBEngine) -> DeltaIOManager:
    return DeltaIOManager(store.lakehouse, engine, store.staging, allow_emptying=False)


def materialise(
    assets: Sequence[dg.AssetsDefinition],
    io_manager: DeltaIOManager,
    instance: dg.DagsterInstance,
    *,
    select: str,
    key: str | None = None,
    through: str | None = None,
) -> dg.ExecuteInProcessResult:
    """One run: one partition, a range (`through`), or an unpartitioned asset."""
    tags = {"dagster/asset_partition_range_start": key, "dagster/asset_partition_range_end": through} if through else {}
    return dg.materialize(
        assets,
        resources={"lakehouse": io_manager},
        instance=instance,
        selection=select,
        partition_key=None if through else key,
        tags={name: value for name, value in tags.items() if value},
    )


def rows(io_manager: DeltaIOManager, table: str) -> list[tuple]:
    """All rows of a table, sorted."""
    snapshot = io_manager.lakehouse.snapshot(table)
    everything = read(io_manager.lakehouse, io_manager.engine, snapshot, None)
    columns = [name for name in everything.columns if name != "partition_key"]
    return sorted(tuple(row) for row in everything.select(*columns).execute().itertuples(index=False))


@pytest.mark.parametrize("dtype", ["date", "timestamp", "string"])
def test_daily_partitions_written_one_by_one_keep_every_row(io_manager: DeltaIOManager, dtype: str) -> None:
    assets = [upstream_asset(dtype, DAYS)]
    with dg.instance_for_test() as instance:
        for key in ["2026-01-01", "2026-01-03", "2026-01-02"]:
            assert materialise(assets, io_manager, instance, select="upstream", key=key).success
    assert len(rows(io_manager, "upstream")) == 3 * ROWS_A_PARTITION


@pytest.mark.parametrize("dtype", ["date", "timestamp", "string"])
def test_the_same_range_again_replaces_its_rows(io_manager: DeltaIOManager, dtype: str) -> None:
    with dg.instance_for_test() as instance:
        for extra in (0, 1):
            assets = [upstream_asset(dtype, DAYS, extra)]
            materialise(assets, io_manager, instance, select="upstream", key="2026-01-01", through="2026-01-03")
    assert len(rows(io_manager, "upstream")) == 3 * (ROWS_A_PARTITION + 1)


def test_hourly_partitions_keep_every_hour(io_manager: DeltaIOManager) -> None:
    assets = [upstream_asset("timestamp", HOURS)]
    with dg.instance_for_test() as instance:
        for key in ["2026-01-01-00:00", "2026-01-01-01:00", "2026-01-01-02:00", "2026-01-01-01:00"]:
            materialise(assets, io_manager, instance, select="upstream", key=key)
    moments = [moment for moment, _ in rows(io_manager, "upstream")]
    assert [moment.hour for moment in moments] == [0, 0, 1, 1, 2, 2]
    assert moments[0].to_pydatetime() == datetime(2026, 1, 1, 0, 17)


def test_weekly_partitions_of_a_date_column_replace_the_whole_week(io_manager: DeltaIOManager) -> None:
    assets = [upstream_asset("date", WEEKS)]
    with dg.instance_for_test() as instance:
        for key in ["2026-01-04", "2026-01-11", "2026-01-04"]:
            materialise(assets, io_manager, instance, select="upstream", key=key)
    assert len(rows(io_manager, "upstream")) == 2 * ROWS_A_PARTITION


@pytest.mark.parametrize("dtype", ["date", "timestamp", "string"])
def test_a_trailing_window_reads_every_day_of_the_window(io_manager: DeltaIOManager, dtype: str) -> None:
    window = dg.TimeWindowPartitionMapping(start_offset=-2, allow_nonexistent_upstream_partitions=True)
    assets = [upstream_asset(dtype, DAYS), downstream_asset(DAYS, window)]
    with dg.instance_for_test() as instance:
        materialise(assets, io_manager, instance, select="upstream", key="2026-01-01", through="2026-01-05")
        materialise(assets, io_manager, instance, select="downstream", key="2026-01-04")
        materialise(assets, io_manager, instance, select="downstream", key="2026-01-01")
    assert [count for _, count in rows(io_manager, "downstream")] == [ROWS_A_PARTITION, 3 * ROWS_A_PARTITION]


@pytest.mark.parametrize("dtype", ["date", "timestamp", "string"])
def test_an_unpartitioned_asset_reads_all_days(io_manager: DeltaIOManager, dtype: str) -> None:
    assets = [upstream_asset(dtype, DAYS), downstream_asset()]
    with dg.instance_for_test() as instance:
        materialise(assets, io_manager, instance, select="upstream", key="2026-01-01", through="2026-01-06")
        materialise(assets, io_manager, instance, select="downstream")
    assert rows(io_manager, "downstream") == [(6 * ROWS_A_PARTITION,)]


def test_an_unpartitioned_asset_reads_all_static_partitions(io_manager: DeltaIOManager) -> None:
    assets = [upstream_asset("string", COLOURS), downstream_asset()]
    with dg.instance_for_test() as instance:
        for key in ["red", "green", "blue", "red"]:
            materialise(assets, io_manager, instance, select="upstream", key=key)
        materialise(assets, io_manager, instance, select="downstream")
    assert rows(io_manager, "downstream") == [(3 * ROWS_A_PARTITION,)]


def test_hours_of_a_date_column_are_refused_before_anything_is_written(io_manager: DeltaIOManager) -> None:
    with dg.instance_for_test() as instance, pytest.raises(InexactPartitioning, match="timestamp for hours"):
        materialise([upstream_asset("date", HOURS)], io_manager, instance, select="upstream", key="2026-01-01-05:00")
    assert not io_manager.lakehouse.exists("upstream")


def test_days_of_another_time_zone_are_refused(io_manager: DeltaIOManager) -> None:
    berlin = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-07", timezone="Europe/Berlin")
    with dg.instance_for_test() as instance, pytest.raises(InexactPartitioning, match="in UTC"):
        materialise([upstream_asset("date", berlin)], io_manager, instance, select="upstream", key="2026-01-02")


def test_a_multi_partitioned_table_is_refused(io_manager: DeltaIOManager) -> None:
    both = dg.MultiPartitionsDefinition({"day": DAYS, "colour": COLOURS})
    assets = [upstream_asset("string", both)]
    with dg.instance_for_test() as instance, pytest.raises(InexactPartitioning, match="daily, hourly, static"):
        key = dg.MultiPartitionKey({"day": "2026-01-02", "colour": "red"})
        materialise(assets, io_manager, instance, select="upstream", key=key)


def test_a_range_given_backwards_is_refused(io_manager: DeltaIOManager) -> None:
    assets = [upstream_asset("date", DAYS)]
    with dg.instance_for_test() as instance, pytest.raises(NoPartitions, match="from an earlier to a later"):
        materialise(assets, io_manager, instance, select="upstream", key="2026-01-03", through="2026-01-01")
    assert not io_manager.lakehouse.exists("upstream")
