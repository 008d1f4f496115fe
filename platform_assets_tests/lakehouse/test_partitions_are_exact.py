"""No kind of partition, mapping or re-run loses, repeats or invents a row.

Each case is one in which a published Delta IO manager was seen to lose rows without an error, or to fail. All
combinations are drawn in `test_partitions_against_an_oracle`; refusals stand in `test_partitions_are_refused`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import ibis
import pytest

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.table_asset import table_asset
from platform_assets_tests.stores import Store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import NEVER_PUBLISHED, DeltaIOManager, NoPartitions, read
from resources.lakehouse.migration import migrate
from resources.lakehouse.slicing import slicing_for

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-07")
HOURS = dg.HourlyPartitionsDefinition("2024-01-01-00:00", end_date="2024-01-02-00:00")
WEEKS = dg.WeeklyPartitionsDefinition("2024-01-07", end_date="2024-02-04")
COLOURS = dg.StaticPartitionsDefinition(["red", "green", "blue"])
ROWS_A_PARTITION = 2


def contract(name: str, dtype: str, column: str = "moment") -> Contract:
    """A table of numbered rows cut by one column."""
    return Contract(
        name,
        "One row is one numbered thing.",
        key=(column, "number"),
        columns=(Column(column, dtype.split("(")[0], "When."), Column("number", "int64", "Which.")),
        partition_column=column,
    )


def value_of(dtype: str, partitions: dg.PartitionsDefinition, key: str) -> object:
    """A partition column's value that belongs to a key."""
    if dtype == "string":
        return key
    if not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        return key
    start = partitions.time_window_for_partition_key(key).start
    if dtype == "date":
        return start.date()
    return start.replace(tzinfo=UTC if "UTC" in dtype else None) + timedelta(minutes=17)


def numbered(
    dtype: str, partitions: dg.PartitionsDefinition, extra: int = 0, rejected: int = 0
) -> Callable[..., ibis.Table]:
    """A step that gives every partition of its run the same number of rows and rejects the first ones."""

    def upstream(context: dg.AssetExecutionContext) -> ibis.Table:
        rows = [
            {"moment": value_of(dtype, partitions, key), "number": number}
            for key in context.partition_keys
            for number in range(ROWS_A_PARTITION + extra)
        ]
        table = ibis.memtable(rows, schema={"moment": dtype, "number": "int64"})
        return table.mutate(reject_reason=ibis.cases((table.number < rejected, "odd"), else_=ibis.null("string")))

    upstream.__module__ = __name__
    return upstream


def upstream_asset(
    dtype: str, partitions: dg.PartitionsDefinition, extra: int = 0, name: str = "upstream"
) -> dg.AssetsDefinition:
    return table_asset(contract(name, dtype), partitions_def=partitions)(numbered(dtype, partitions, extra))


def both_asset() -> dg.AssetsDefinition:
    """Cut by colour and day; colour is text, day an instant."""
    both = dg.MultiPartitionsDefinition({"colour": COLOURS, "day": DAYS})
    cut = Contract(
        "upstream",
        "One row is one numbered thing.",
        key=("number",),
        columns=(Column("shade", "string", "."), Column("moment", "timestamp", "."), Column("number", "int64", ".")),
        partition_column={"colour": "shade", "day": "moment"},
    )

    def upstream(context: dg.AssetExecutionContext) -> ibis.Table:
        keys = [key.split("|") for key in context.partition_keys]
        found = [
            {"shade": colour, "moment": value_of("timestamp", DAYS, day), "number": number}
            for colour, day in keys
            for number in range(ROWS_A_PARTITION)
        ]
        return ibis.memtable(found, schema=cut.schema())

    upstream.__module__ = __name__
    return table_asset(cut, partitions_def=both)(upstream)


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


@pytest.mark.parametrize("dtype", ["date", "timestamp", "timestamp('UTC')", "string"])
def test_daily_partitions_written_one_by_one_keep_every_row(io_manager: DeltaIOManager, dtype: str) -> None:
    assets = [upstream_asset(dtype, DAYS)]
    with dg.DagsterInstance.ephemeral() as instance:
        for key in ["2024-01-01", "2024-01-03", "2024-01-02"]:
            assert materialise(assets, io_manager, instance, select="upstream", key=key).success
    assert len(rows(io_manager, "upstream")) == 3 * ROWS_A_PARTITION


@pytest.mark.parametrize("dtype", ["date", "timestamp", "string"])
def test_the_same_range_again_replaces_its_rows(io_manager: DeltaIOManager, dtype: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        for extra in (0, 1):
            assets = [upstream_asset(dtype, DAYS, extra)]
            materialise(assets, io_manager, instance, select="upstream", key="2024-01-01", through="2024-01-03")
    assert len(rows(io_manager, "upstream")) == 3 * (ROWS_A_PARTITION + 1)


def test_hourly_partitions_keep_every_hour(io_manager: DeltaIOManager) -> None:
    assets = [upstream_asset("timestamp", HOURS)]
    with dg.DagsterInstance.ephemeral() as instance:
        for key in ["2024-01-01-00:00", "2024-01-01-01:00", "2024-01-01-02:00", "2024-01-01-01:00"]:
            materialise(assets, io_manager, instance, select="upstream", key=key)
    moments = [moment for moment, _ in rows(io_manager, "upstream")]
    assert [moment.hour for moment in moments] == [0, 0, 1, 1, 2, 2]
    assert moments[0].to_pydatetime() == datetime(2024, 1, 1, 0, 17)


def test_weekly_partitions_of_a_date_column_replace_the_whole_week(io_manager: DeltaIOManager) -> None:
    assets = [upstream_asset("date", WEEKS)]
    with dg.DagsterInstance.ephemeral() as instance:
        for key in ["2024-01-07", "2024-01-14", "2024-01-07"]:
            materialise(assets, io_manager, instance, select="upstream", key=key)
    assert len(rows(io_manager, "upstream")) == 2 * ROWS_A_PARTITION


@pytest.mark.parametrize("dtype", ["date", "timestamp", "string"])
def test_a_trailing_window_reads_every_day_of_the_window(io_manager: DeltaIOManager, dtype: str) -> None:
    window = dg.TimeWindowPartitionMapping(start_offset=-2, allow_nonexistent_upstream_partitions=True)
    assets = [upstream_asset(dtype, DAYS), downstream_asset(DAYS, window)]
    with dg.DagsterInstance.ephemeral() as instance:
        materialise(assets, io_manager, instance, select="upstream", key="2024-01-01", through="2024-01-05")
        materialise(assets, io_manager, instance, select="downstream", key="2024-01-04")
        materialise(assets, io_manager, instance, select="downstream", key="2024-01-01")
    assert [count for _, count in rows(io_manager, "downstream")] == [ROWS_A_PARTITION, 3 * ROWS_A_PARTITION]


@pytest.mark.parametrize("dtype", ["date", "timestamp", "string"])
def test_partitions_that_were_never_published_are_named_and_empty_ones_are_not(
    io_manager: DeltaIOManager, dtype: str
) -> None:
    window = dg.TimeWindowPartitionMapping(start_offset=-2, allow_nonexistent_upstream_partitions=True)
    nothing = upstream_asset(dtype, DAYS, extra=-ROWS_A_PARTITION)
    with dg.DagsterInstance.ephemeral() as instance:
        materialise([upstream_asset(dtype, DAYS)], io_manager, instance, select="upstream", key="2024-01-02")
        materialise([nothing], io_manager, instance, select="upstream", key="2024-01-03")
        assets = [upstream_asset(dtype, DAYS), downstream_asset(DAYS, window)]
        materialise(assets, io_manager, instance, select="downstream", key="2024-01-04")
        records = instance.fetch_materializations(dg.AssetKey("downstream"), limit=1).records
    (record,) = records
    assert record.asset_materialization is not None
    told = record.asset_materialization.metadata[NEVER_PUBLISHED].value
    assert told == {"upstream": {"partitions": 1, "first": "2024-01-04", "last": "2024-01-04"}}


@pytest.mark.parametrize("dtype", ["date", "timestamp", "string"])
def test_an_unpartitioned_asset_reads_all_days(io_manager: DeltaIOManager, dtype: str) -> None:
    assets = [upstream_asset(dtype, DAYS), downstream_asset()]
    with dg.DagsterInstance.ephemeral() as instance:
        materialise(assets, io_manager, instance, select="upstream", key="2024-01-01", through="2024-01-06")
        materialise(assets, io_manager, instance, select="downstream")
    assert rows(io_manager, "downstream") == [(6 * ROWS_A_PARTITION,)]


def test_an_unpartitioned_asset_reads_all_static_partitions(io_manager: DeltaIOManager) -> None:
    assets = [upstream_asset("string", COLOURS), downstream_asset()]
    with dg.DagsterInstance.ephemeral() as instance:
        for key in ["red", "green", "blue", "red"]:
            materialise(assets, io_manager, instance, select="upstream", key=key)
        materialise(assets, io_manager, instance, select="downstream")
    assert rows(io_manager, "downstream") == [(3 * ROWS_A_PARTITION,)]


def test_a_combination_of_two_dimensions_is_replaced_and_no_other(io_manager: DeltaIOManager) -> None:
    assets = [both_asset()]
    with dg.DagsterInstance.ephemeral() as instance:
        for key in ["red|2024-01-02", "red|2024-01-03", "green|2024-01-02", "red|2024-01-02"]:
            materialise(assets, io_manager, instance, select="upstream", key=key)
    at = [datetime(2024, 1, day, 0, 17) for day in (2, 3)]
    assert [row[:2] for row in rows(io_manager, "upstream")[::ROWS_A_PARTITION]] == [
        ("green", at[0]),
        ("red", at[0]),
        ("red", at[1]),
    ]


def test_a_day_reads_every_combination_with_that_day(io_manager: DeltaIOManager) -> None:
    assets = [both_asset(), downstream_asset(DAYS, dg.MultiToSingleDimensionPartitionMapping("day"))]
    with dg.DagsterInstance.ephemeral() as instance:
        materialise(assets, io_manager, instance, select="upstream", key="red|2024-01-02", through="blue|2024-01-03")
        materialise(assets, io_manager, instance, select="downstream", key="2024-01-02")
    assert [count for _, count in rows(io_manager, "downstream")] == [3 * ROWS_A_PARTITION]


def test_rejected_rows_of_an_hour_are_replaced_with_that_hour(io_manager: DeltaIOManager) -> None:
    first, second = "2024-01-01-00:00", "2024-01-01-01:00"
    with dg.DagsterInstance.ephemeral() as instance:
        for key, rejected in [(first, 1), (second, 1), (first, 0)]:
            step = numbered("timestamp", HOURS, rejected=rejected)
            assets = [table_asset(contract("upstream", "timestamp"), partitions_def=HOURS)(step)]
            materialise(assets, io_manager, instance, select="upstream", key=key)
    quarantine = io_manager.lakehouse.snapshot("upstream_quarantine")
    assert quarantine.rows_by_slice() == {second: 1}
    assert len(rows(io_manager, "upstream")) == 2 * ROWS_A_PARTITION - 1


def test_a_range_given_backwards_is_refused(io_manager: DeltaIOManager) -> None:
    assets = [upstream_asset("date", DAYS)]
    with dg.DagsterInstance.ephemeral() as instance, pytest.raises(NoPartitions, match="from an earlier to a later"):
        materialise(assets, io_manager, instance, select="upstream", key="2024-01-03", through="2024-01-01")
    assert not io_manager.lakehouse.exists("upstream")


def test_a_migration_cuts_a_table_for_other_partitions(io_manager: DeltaIOManager) -> None:
    second = replace(contract("upstream", "timestamp"), version=2, migrations={1: lambda table: table})
    with dg.DagsterInstance.ephemeral() as instance:
        for hour in ("05", "07"):
            assets = [upstream_asset("timestamp", HOURS)]
            materialise(assets, io_manager, instance, select="upstream", key=f"2024-01-01-{hour}:00")
        migrate(
            second,
            slicing_for(second, DAYS),
            engine=io_manager.engine,
            lakehouse=io_manager.lakehouse,
            staging_folder=io_manager.staging_folder,
        )
        assets = [table_asset(second, partitions_def=DAYS)(numbered("timestamp", DAYS)), downstream_asset(DAYS)]
        materialise(assets, io_manager, instance, select="downstream", key="2024-01-01")
        assert [count for _, count in rows(io_manager, "downstream")] == [2 * ROWS_A_PARTITION]
        materialise(assets, io_manager, instance, select="upstream", key="2024-01-01")
    assert [moment.hour for moment, _ in rows(io_manager, "upstream")] == [0] * ROWS_A_PARTITION
