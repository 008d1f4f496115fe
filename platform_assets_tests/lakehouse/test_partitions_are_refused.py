"""What can't be exact is refused before anything is computed or written, and the refusal says what to change."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import dagster as dg
import ibis
import pytest

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.domain.errors import ContractViolation
from platform_assets.table_asset import table_asset
from platform_assets_tests.stores import Store, local_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.slice_values import slice_values
from resources.lakehouse.slicing import InexactPartitioning, slicing_for

DAYS = dg.DailyPartitionsDefinition("2024-03-29", end_date="2024-04-03")
HOURS = dg.HourlyPartitionsDefinition("2024-03-30-00:00", end_date="2024-04-01-00:00")
DAYS_OF_BERLIN = dg.DailyPartitionsDefinition("2024-03-29", end_date="2024-04-03", timezone="Europe/Berlin")
DAYS_OF_KOLKATA = dg.DailyPartitionsDefinition("2024-03-29", end_date="2024-04-03", timezone="Asia/Kolkata")
COLOURS = dg.StaticPartitionsDefinition(["red", "green"])
BOTH = dg.MultiPartitionsDefinition({"day": DAYS, "colour": COLOURS})


def cron(schedule: str, fmt: str = "%Y-%m-%d-%H:%M") -> dg.TimeWindowPartitionsDefinition:
    return dg.TimeWindowPartitionsDefinition(
        start=datetime(2024, 3, 29), end=datetime(2024, 4, 3), cron_schedule=schedule, fmt=fmt
    )


def static(*keys: str) -> dg.StaticPartitionsDefinition:
    return dg.StaticPartitionsDefinition(list(keys))


def contract(dtype: str, column: str | Mapping[str, str] | None = "part") -> Contract:
    columns = (Column("part", dtype, "Where."), Column("other", "string", "Where else."))
    return Contract("things", "One row is one thing.", (), columns, column)


def asset(
    dtype: str,
    partitions: dg.PartitionsDefinition | None,
    value: Any = None,
    column: str | Mapping[str, str] | None = "part",
    computed: Callable[[], None] = lambda: None,
) -> dg.AssetsDefinition:
    """A table of one row."""

    def things() -> ibis.Table:
        computed()
        return ibis.memtable([(value, "a")], schema={"part": dtype, "other": "string"})

    things.__module__ = __name__
    return table_asset(contract(dtype, column), partitions_def=partitions)(things)


@pytest.mark.parametrize(
    ("dtype", "partitions", "column", "said"),
    [
        ("date", HOURS, "part", "use a date column for days and longer, a timestamp for hours"),
        ("date", cron("0 6 * * *"), "part", "use a date column for days and longer, a timestamp for hours"),
        ("date", DAYS_OF_BERLIN, "part", "declare the partitions in UTC, or let a timestamp column tell them apart"),
        ("timestamp", cron("*/15 * * * *"), "part", "let every window begin on the hour, or use a string column"),
        ("timestamp", cron("30 * * * *"), "part", "let every window begin on the hour, or use a string column"),
        ("int64", DAYS, "part", "use a date, timestamp or string column"),
        ("float64", DAYS, "part", "use a date, timestamp or string column"),
        ("float64", COLOURS, "part", "use a string or integer column that holds the partition key"),
        ("boolean", COLOURS, "part", "use a string or integer column that holds the partition key"),
        ("date", COLOURS, "part", "use a string or integer column that holds the partition key"),
        ("timestamp", COLOURS, "part", "use a string or integer column that holds the partition key"),
        ("uint8", COLOURS, "part", "use a string or integer column that holds the partition key"),
        ("string", DAYS, None, "name the column that says which partition a row belongs to"),
        ("string", BOTH, "part", r"partition_column=\{'colour': <column>, 'day': <column>\}"),
        ("date", BOTH, {"day": "part"}, r"partition_column=\{'colour': <column>, 'day': <column>\}"),
        ("date", BOTH, {"day": "part", "shade": "other"}, r"partition_column=\{'colour': <column>, 'day': <column>\}"),
        ("int64", BOTH, {"day": "part", "colour": "other"}, "use a date, timestamp or string column"),
        ("string", DAYS, {"day": "part"}, "name one partition column"),
        ("timestamp", None, "part", "set partition_column=None"),
        ("float64", None, "part", "set partition_column=None"),
        ("date", None, {"day": "part", "colour": "other"}, "set partition_column=None"),
    ],
)
def test_a_definition_that_cant_be_exact_is_refused_when_it_is_made(
    dtype: str, partitions: dg.PartitionsDefinition, column: str | Mapping[str, str] | None, said: str
) -> None:
    with pytest.raises(InexactPartitioning, match=said):
        asset(dtype, partitions, column=column)


@pytest.mark.parametrize("dtype", ["timestamp('UTC')", "timestamp('Europe/Berlin')"])
def test_a_contract_names_no_time_zone(dtype: str) -> None:
    with pytest.raises(ValueError, match="Every timestamp is UTC: declare them as `timestamp`"):
        contract(dtype)


def materialise(store: Store, engine: DuckDBEngine, definition: dg.AssetsDefinition, key: str | None) -> None:
    io_manager = DeltaIOManager(store.lakehouse, engine, store.staging)
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([definition], resources={"lakehouse": io_manager}, instance=instance, partition_key=key)


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return local_store(tmp_path_factory.mktemp("lake"))


@pytest.mark.parametrize(
    ("dtype", "partitions", "key", "said"),
    [
        ("timestamp", DAYS_OF_KOLKATA, "2024-03-30", "whole UTC hours: 2024-03-29T18:30 to 2024-03-30T18:30"),
        ("string", static("null", "a"), "null", "can't be told from a missing value"),
        ("string", static("__HIVE_DEFAULT_PARTITION__"), "__HIVE_DEFAULT_PARTITION__", "told from a missing value"),
        ("int64", static("01"), "01", "no integer is written '01'"),
        ("int64", static("+1"), "+1", "no integer is written"),
        ("int64", static("1_0"), "1_0", "no integer is written"),
        ("int64", static("one"), "one", "name the partition as the number is written"),
        ("string", cron("0 0,12 * * *", "%Y-%m-%d"), "2024-03-30", "doesn't say which window it means"),
        ("timestamp", cron("0 0,12 * * *", "%Y-%m-%d"), "2024-03-30", "give the partitions a finer fmt"),
    ],
)
def test_a_key_that_cant_be_exact_is_refused_before_anything_is_written(
    dtype: str, partitions: dg.PartitionsDefinition, key: str, said: str, store: Store, engine: DuckDBEngine
) -> None:
    with pytest.raises(InexactPartitioning, match=said):
        materialise(store, engine, asset(dtype, partitions), key)
    assert not store.lakehouse.exists("things")
    assert not store.staging.exists()


@pytest.mark.parametrize(
    ("dtype", "partitions", "column", "key", "said"),
    [
        ("string", static("", "a"), "part", "", "can't be told from a missing value"),
        ("date", DAYS, "part", "2024-3-30", "doesn't say which window it means"),
        ("string", DAYS, "part", "2024-3-30", "doesn't say which window it means"),
        ("date", cron("0 0 * * 0", "%Y-%m-%d"), "part", "2024-04-01", "doesn't say which window it means"),
        ("date", cron("0 0 * * *", "%m-%d"), "part", "03-30", "doesn't say which window it means"),
        ("date", cron("0 0 * * *", "%Y-%m"), "part", "2024-03", "give the partitions a finer fmt"),
        ("date", BOTH, {"day": "part", "colour": "other"}, "red|2024-03-30|x", "within a dimension"),
        ("date", BOTH, {"day": "part", "colour": "other"}, "|2024-03-30", "can't be told from a missing value"),
    ],
)
def test_a_key_that_no_partition_has_means_no_slice(
    dtype: str, partitions: dg.PartitionsDefinition, column: str | Mapping[str, str], key: str, said: str
) -> None:
    slicing = slicing_for(contract(dtype, column), partitions)
    with pytest.raises(InexactPartitioning, match=said):
        slice_values("things", slicing, partitions, [key])


@pytest.mark.parametrize("value", [None, "", "NULL", "null", "__HIVE_DEFAULT_PARTITION__"])
def test_a_text_that_readers_take_for_a_missing_value_is_refused_also_without_partitions(
    value: str | None, store: Store, engine: DuckDBEngine
) -> None:
    with pytest.raises(ContractViolation, match="rows without a value in part belong to no partition"):
        materialise(store, engine, asset("string", None, value), None)
    assert not store.lakehouse.exists("things")


@pytest.mark.parametrize(
    ("dtype", "column", "value", "said"),
    [
        ("timestamp", {"day": "part", "colour": "other"}, None, "rows without a value in part and other"),
        ("timestamp", {"day": "part", "colour": "other"}, datetime(2024, 3, 30, 5), "part and other lies in"),
        ("date", {"day": "part", "colour": "other"}, date(2024, 3, 30), "part and other lies in"),
    ],
)
def test_rows_of_no_asked_combination_are_refused(
    dtype: str, column: Mapping[str, str], value: Any, said: str, store: Store, engine: DuckDBEngine
) -> None:
    with pytest.raises(ContractViolation, match=said):
        materialise(store, engine, asset(dtype, BOTH, value, column), "red|2024-03-30")
    assert not store.lakehouse.exists("things")


def test_a_key_of_two_dimensions_with_a_joint_too_many_is_refused(store: Store, engine: DuckDBEngine) -> None:
    sneaky = Contract("things", "d", (), (Column("a", "string", "."), Column("b", "string", ".")), {"x": "a", "y": "b"})

    def things() -> ibis.Table:
        return ibis.memtable([("red|green", "red"), ("red", "green|red")], schema={"a": "string", "b": "string"})

    things.__module__ = __name__
    both = dg.MultiPartitionsDefinition({"x": COLOURS, "y": COLOURS})
    with pytest.raises(ContractViolation, match="outside of the asked partitions"):
        materialise(store, engine, table_asset(sneaky, partitions_def=both)(things), "red|green")


@pytest.mark.parametrize(
    ("before", "now", "key"),
    [(HOURS, DAYS, "2024-03-30"), (DAYS, HOURS, "2024-03-30-05:00"), (DAYS, DAYS_OF_BERLIN, "2024-03-30")],
)
def test_partitions_that_cut_a_published_table_in_another_way_are_refused(
    before: dg.PartitionsDefinition, now: dg.PartitionsDefinition, key: str, store: Store, engine: DuckDBEngine
) -> None:
    noon = {HOURS: "2024-03-30-12:00", DAYS: "2024-03-30"}[before]
    materialise(store, engine, asset("timestamp", before, datetime(2024, 3, 30, 12)), noon)
    computed = []
    later = asset("timestamp", now, datetime(2024, 3, 30, 5), computed=lambda: computed.append(1))
    with pytest.raises(InexactPartitioning, match=r"cut in another way.*platform migrate things"):
        materialise(store, engine, later, key)
    assert store.lakehouse.snapshot("things").version == 0
    assert not store.staging.exists() or not list(store.staging.iterdir())
