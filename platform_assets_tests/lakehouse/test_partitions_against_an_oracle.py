"""Whatever is materialised in whatever order: every table, and what every downstream saw, is what plain Python says."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import ibis
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.domain.errors import PlatformError
from platform_assets.table_asset import table_asset
from platform_assets_tests.lakehouse.partition_kinds import KINDS
from platform_assets_tests.lakehouse.partition_worlds import AWKWARD, SHOPS, Layout, Link, at_rest, partition_column
from platform_assets_tests.lakehouse.plain_partitions import PlainTable, Refused
from platform_assets_tests.stores import Store, local_store, moto_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager, read
from resources.lakehouse.tables import TableNotPublished

LONGEST_RANGE = 26
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
Spans = list[tuple[int, int]]


@dataclass
class World:
    """Assets over a lakehouse, and the plain tables that they must equal."""

    store: Store
    engine: DuckDBEngine
    instance: dg.DagsterInstance
    layout: Layout
    links: Sequence[Link]
    to_write: dict[str, list[tuple]] = field(default_factory=dict)
    seen: list[tuple] | None = None

    def __post_init__(self) -> None:
        self.io_manager = DeltaIOManager(self.store.lakehouse, self.engine, self.store.staging)
        self.assets = [self._upstream(), *(self._downstream(link, number) for number, link in enumerate(self.links))]
        self.plain, self.plain_downstream = PlainTable(), [PlainTable() for _ in self.links]

    def _upstream(self) -> dg.AssetsDefinition:
        import pyarrow as pa

        schema = self.layout.arrow_schema()

        def upstream(context: dg.AssetExecutionContext) -> ibis.Table:
            rows = (row for key in _keys(context) for row in self.to_write[key])
            named = [dict(zip(schema.names, row, strict=True)) for row in rows]
            return ibis.memtable(pa.Table.from_pylist(named, schema=schema))

        upstream.__module__ = __name__
        return table_asset(self.layout.contract("upstream"), partitions_def=self.layout.definition)(upstream)

    def _downstream(self, link: Link, number: int) -> dg.AssetsDefinition:
        columns, dimensions = self.layout.arrow_schema().names, list(link.layout.dimensions) if link.layout else []
        contract = Contract(
            f"downstream_{number}",
            "One row is the number of rows that one partition was made from.",
            (),
            (*(Column(name, "string", "Key.") for name in dimensions), Column("rows", "int64", "How many.")),
            partition_column(dimensions),
        )

        def downstream(context: dg.AssetExecutionContext, upstream: ibis.Table) -> ibis.Table:
            found = upstream.select(*columns).to_pyarrow().to_pylist()
            self.seen = sorted((tuple(row.values()) for row in found), key=repr)
            rows = [(*_parts(key, dimensions), len(found)) for key in _keys(context)]
            return ibis.memtable(rows, schema=contract.schema())

        downstream.__module__ = __name__
        return table_asset(
            contract,
            partitions_def=link.layout.definition if link.layout else None,
            ins={"upstream": dg.AssetIn(partition_mapping=link.mapping)},
        )(downstream)

    def write(self, keys: Sequence[str], parts: dict[str, list[tuple]]) -> None:
        """Materialise upstream partitions in one run, in Dagster and in the plain table."""
        self.to_write = parts
        self._both("upstream", keys, lambda: self.plain.replace({k: list(map(at_rest, v)) for k, v in parts.items()}))

    def read(self, number: int, keys: Sequence[str]) -> None:
        """Materialise downstream partitions in one run, in Dagster and in the plain tables."""
        self.seen = None

        def plain() -> None:
            expected = self.plain.read(self.links[number].reads(keys))
            if not self.plain.published:
                raise Refused
            self.plain_downstream[number].replace(
                {key: [(*_parts(key, self.links[number].dimensions), len(expected))] for key in keys}
            )
            assert self.seen == expected

        self._both(f"downstream_{number}", keys, plain)

    def _both(self, asset: str, keys: Sequence[str], plain: Any) -> None:
        refusal = None
        try:
            self._materialise(asset, keys)
        except (PlatformError, dg.DagsterError) as error:
            refusal = error
        try:
            plain()
        except Refused:
            assert refusal is not None
        else:
            assert refusal is None, refusal

    def _materialise(self, asset: str, keys: Sequence[str]) -> None:
        ends = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
        dg.materialize(
            self.assets,
            resources={"lakehouse": self.io_manager},
            instance=self.instance,
            selection=asset,
            partition_key=keys[0] if len(keys) == 1 and keys != [""] else None,
            tags=ends if len(keys) > 1 else None,
            run_config=QUIET,
        )

    def check(self) -> None:
        """Compare every table, row by row."""
        tables = {"upstream": self.plain} | {f"downstream_{n}": t for n, t in enumerate(self.plain_downstream)}
        for name, plain in tables.items():
            assert self._rows(name) == plain.read(), name

    def _rows(self, table: str) -> list[tuple]:
        try:
            snapshot = self.store.lakehouse.snapshot(table)
        except TableNotPublished:
            return []
        found = read(self.store.lakehouse, self.engine, snapshot, None)
        columns = [name for name in found.columns if name != "partition_key"]
        return sorted((tuple(row.values()) for row in found.select(*columns).to_pyarrow().to_pylist()), key=repr)


def _keys(context: dg.AssetExecutionContext) -> list[str]:
    return list(context.partition_keys) if context.has_partition_key or context.has_partition_key_range else [""]


def _parts(key: str, dimensions: Sequence[str]) -> list[str]:
    return key.split("|") if len(dimensions) > 1 else [key][: len(dimensions)]


@st.composite
def ranges(draw: st.DrawFn, layout: Layout | None) -> list[str]:
    """The keys of one run: a partition, or a range in one run."""
    spans = []
    for own, _ in layout.dimensions.values() if layout else ():
        first = draw(st.sampled_from(range(len(own.keys))))
        spans.append((first, first + draw(st.sampled_from([3, 0, 1, 2, 8]))))
    return layout.range(spans) if layout else [""]


def broad(layout: Layout) -> list[str]:
    """The keys of a run over most of a table."""
    longest = LONGEST_RANGE if len(layout.dimensions) == 1 else 4
    return layout.range([(len(own.keys) // 5, len(own.keys) // 5 + longest) for own, _ in layout.dimensions.values()])


COUNTS = st.sampled_from([[1], [3, 1], [2], [1, 2, 3], [2, 0]])
"""Rows of one partition after the other, from the beginning again where there are more of them."""


@st.composite
def histories(draw: st.DrawFn, kind: str) -> tuple[Layout, list[Link], list[tuple]]:
    """A layout, two downstreams of it, and what is materialised one after the other (None: the table itself).

    Most of the table is written first, so that whatever comes after can lose something.
    """
    layout, links = draw(st.sampled_from(KINDS[kind]))
    chosen = draw(st.lists(st.sampled_from(links), min_size=1, max_size=2, unique_by=id))
    steps = [(None, broad(layout), [3, 2]), (None, draw(ranges(layout)), draw(COUNTS))]
    for _ in range(draw(st.integers(1, 3))):
        target = draw(st.sampled_from([None, *range(len(chosen))]))
        keys = draw(ranges(layout if target is None else chosen[target].layout))
        steps.append((target, keys, draw(COUNTS) if target is None else []))
    return layout, chosen, [*steps, *((number, draw(ranges(link.layout)), []) for number, link in enumerate(chosen))]


def tell(world: World, steps: Sequence[tuple]) -> None:
    """Go through a history and compare after it."""
    numbers = itertools.count(step=100)
    for batch, (target, keys, counts) in enumerate(steps):
        if target is None:
            cycle = itertools.cycle(counts)
            world.write(keys, {key: world.layout.rows(key, next(cycle), next(numbers), batch) for key in keys})
        else:
            world.read(target, keys)
    world.check()


@contextmanager
def an_instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory that knows the dynamic partitions."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(SHOPS.name, AWKWARD)
        yield instance


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with an_instance() as instance:
        yield instance


@pytest.fixture(scope="module")
def quick_engine(tmp_path_factory: pytest.TempPathFactory) -> DuckDBEngine:
    return DuckDBEngine(spill_folder=tmp_path_factory.mktemp("spill"), threads=1)


RULES = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "database": None,
    # A history is short as it is drawn; making it shorter would take minutes.
    "phases": [Phase.generate],
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=4, **RULES)
@given(data=st.data())
def test_tables_and_what_downstreams_saw_are_exact(
    data: st.DataObject,
    kind: str,
    instance: dg.DagsterInstance,
    quick_engine: DuckDBEngine,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    layout, links, steps = data.draw(histories(kind))
    tell(World(local_store(tmp_path_factory.mktemp("world")), quick_engine, instance, layout, links), steps)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=170, **RULES)
@given(data=st.data())
def test_many_histories_are_exact(
    data: st.DataObject,
    kind: str,
    quick_engine: DuckDBEngine,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    layout, links, steps = data.draw(histories(kind))
    with an_instance() as instance:
        tell(World(local_store(tmp_path_factory.mktemp("world")), quick_engine, instance, layout, links), steps)


@settings(max_examples=3, **RULES)
@given(data=st.data())
def test_tables_on_s3_are_exact(
    data: st.DataObject,
    moto_server: str,
    instance: dg.DagsterInstance,
    quick_engine: DuckDBEngine,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    layout, links, steps = data.draw(histories(data.draw(st.sampled_from(["hours", "static", "multi", "weeks"]))))
    store = moto_store(moto_server, tmp_path_factory.mktemp("world"))
    tell(World(store, quick_engine, instance, layout, links), steps)
