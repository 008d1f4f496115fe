"""A partition is stale when, and only when, rows that it was computed from have changed, however they were computed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import ibis
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.table_asset import table_asset
from platform_assets_tests.stores import local_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.data_versions import content_version
from resources.lakehouse.io_manager import DeltaIOManager

KEYS = [f"2026-01-0{day}" for day in range(1, 7)]
DAYS = dg.DailyPartitionsDefinition(KEYS[0], end_date="2026-01-07")
BEFORE = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1, allow_nonexistent_upstream_partitions=True)
SAME = dg.TimeWindowPartitionMapping()


def contract(name: str) -> Contract:
    return Contract(
        name,
        "One row is one count of a day.",
        ("day", "number"),
        (Column("day", "string", "The day."), Column("number", "int64", "Which."), Column("spent", "int64", "Spent.")),
        "day",
    )


def reading(mapping: dg.PartitionMapping) -> dict[str, dg.AssetIn]:
    return {"sales": dg.AssetIn(partition_mapping=mapping)}


class World:
    """`sales` by day, `today` made of the same day and `yesterday` of the day before."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.spent = dict.fromkeys(KEYS, 5)
        store = local_store(folder)
        self.io_manager = DeltaIOManager(
            store.lakehouse, DuckDBEngine(spill_folder=folder / "spill", threads=1), store.staging
        )
        self.instance = instance
        self.assets = [
            table_asset(contract("sales"), partitions_def=DAYS)(self.sales()),
            table_asset(contract("today"), partitions_def=DAYS, ins=reading(SAME))(as_read),
            table_asset(contract("yesterday"), partitions_def=DAYS, ins=reading(BEFORE))(at_its_day),
        ]

    def sales(self):
        def sales(context: dg.AssetExecutionContext) -> ibis.Table:
            rows = [(key, number, self.spent[key]) for key in context.partition_keys for number in (1, 2)]
            return ibis.memtable(rows, schema=contract("sales").schema())

        sales.__module__ = __name__
        return sales

    def run(self, asset: str, first: str | None = None, last: str | None = None) -> dg.ExecuteInProcessResult:
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        return dg.materialize(
            self.assets,
            selection=asset,
            resources={"lakehouse": self.io_manager},
            instance=self.instance,
            partition_key=None if last else first,
            tags=tags if first and last else {},
        )

    def stale(self, asset: str, keys: Sequence[str] = KEYS) -> list[str]:
        """Partitions that the UI marks stale."""
        graph = dg.Definitions(assets=self.assets, resources={"lakehouse": self.io_manager}).resolve_asset_graph()
        resolver = CachingStaleStatusResolver(self.instance, graph, LoadingContextForTest(self.instance))
        return [key for key in keys if resolver.get_status(dg.AssetKey(asset), key).value != "FRESH"]


def as_read(sales: ibis.Table) -> ibis.Table:
    """A step that gives the rows it was given."""
    return sales


def at_its_day(context: dg.AssetExecutionContext, sales: ibis.Table) -> ibis.Table:
    """A step that gives the rows it was given, at the day of its run."""
    return sales.mutate(day=ibis.literal(context.partition_key))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(tmp_path, instance)
        assert world.run("sales", KEYS[0], KEYS[-1]).success
        assert world.run("today", KEYS[0], KEYS[-1]).success
        for key in KEYS:
            assert world.run("yesterday", key).success
        yield world


def everything_stale(world: World) -> dict[str, list[str]]:
    stale = {asset: world.stale(asset) for asset in ("sales", "today", "yesterday")}
    return {asset: keys for asset, keys in stale.items() if keys}


def test_what_was_just_computed_is_fresh(world: World) -> None:
    assert everything_stale(world) == {}


@pytest.mark.parametrize(("first", "last"), [(KEYS[2], None), (KEYS[1], KEYS[4]), (KEYS[0], KEYS[5])])
def test_computed_again_with_the_same_rows_leaves_everything_fresh(world: World, first: str, last: str | None) -> None:
    world.run("sales", first, last)
    assert everything_stale(world) == {}


@pytest.mark.parametrize(("first", "last"), [(KEYS[2], None), (KEYS[1], KEYS[4])])
def test_a_changed_day_makes_exactly_the_partitions_stale_that_read_it(
    world: World, first: str, last: str | None
) -> None:
    world.spent[KEYS[2]] = 7
    world.run("sales", first, last)
    assert everything_stale(world) == {"today": [KEYS[2]], "yesterday": [KEYS[3]]}


def test_a_stale_partition_computed_again_is_fresh_and_the_others_stay_as_they_were(world: World) -> None:
    world.spent[KEYS[2]], world.spent[KEYS[4]] = 7, 8
    world.run("sales", KEYS[0], KEYS[-1])
    world.run("today", KEYS[2])
    assert everything_stale(world) == {"today": [KEYS[4]], "yesterday": [KEYS[3], KEYS[5]]}


def test_a_run_says_each_partition_once_with_its_rows_and_inputs(world: World) -> None:
    events = world.run("today", KEYS[1], KEYS[3]).get_asset_materialization_events()
    assert [event.partition for event in events] == KEYS[1:4]
    told = [event.materialization for event in events]
    assert {item.metadata["dagster/partition_row_count"].value for item in told} == {2}
    assert {item.metadata["partitions_in_run"].value for item in told} == {3}
    assert all("dagster/input_data_version/sales" in item.tags for item in told)


def test_the_version_of_several_slices_follows_each_of_them() -> None:
    assert content_version({None: "a"}) == content_version({"x": "a"}) == "a"
    versions = [content_version(d) for d in ({"x": "a", "y": "b"}, {"x": "b", "y": "a"}, {"x": "a", "y": "c"})]
    assert len(set(versions)) == 3
    assert content_version({"y": "b", "x": "a"}) == versions[0]
