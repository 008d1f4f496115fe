"""What the lakehouse leans on in the packages below it. A test that fails here after an upgrade says where to look."""

import json
from pathlib import Path
from urllib.parse import quote, unquote

import dagster as dg
import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction, RemoveAction

AWKWARD = "a/b %é"


@pytest.fixture
def table(tmp_path: Path) -> DeltaTable:
    """A Delta table of one file, which lies under a partition value with awkward signs."""
    schema = pa.schema({"part": pa.string(), "x": pa.int64()})
    delta = DeltaTable.create(str(tmp_path / "t"), Schema.from_arrow(schema), partition_by=["part"])
    file = tmp_path / "t" / f"part={quote(AWKWARD, safe='')}" / "one.parquet"
    file.parent.mkdir()
    pq.write_table(pa.table({"x": [1, 2]}), file)
    size, path = file.stat().st_size, f"{file.parent.name}/one.parquet"
    add = AddAction(path, size, {"part": AWKWARD}, 0, True, json.dumps({"numRecords": 2}))
    delta.create_write_transaction([add], "append", schema, ["part"])
    return DeltaTable(str(tmp_path / "t"))


def test_deltalake_encodes_the_paths_of_a_commit_itself(table: DeltaTable, tmp_path: Path) -> None:
    log = (tmp_path / "t" / "_delta_log" / f"{1:020}.json").read_text()
    (path,) = [action["add"]["path"] for action in map(json.loads, log.splitlines()) if "add" in action]
    assert unquote(path) == f"part={quote(AWKWARD, safe='')}/one.parquet"
    assert path != unquote(path)
    assert table.to_pyarrow_table()["part"].to_pylist() == [AWKWARD] * 2


def test_deltalake_gives_the_paths_of_live_files_encoded(table: DeltaTable) -> None:
    (path,) = pa.table(table.get_add_actions(flatten=True))["path"].to_pylist()
    assert unquote(path) == f"part={quote(AWKWARD, safe='')}/one.parquet"
    assert path != unquote(path)


def test_deltalake_removes_a_file_by_its_path_without_encoding(table: DeltaTable) -> None:
    path = f"part={quote(AWKWARD, safe='')}/one.parquet"
    remove = RemoveAction(path=path, deletion_timestamp=0, data_change=True, partition_values={"part": AWKWARD}, size=1)
    table.create_write_transaction([remove], "append", pa.schema({"part": pa.string(), "x": pa.int64()}), ["part"])
    assert DeltaTable(table.table_uri).to_pyarrow_table().num_rows == 0


def test_the_change_feed_of_deltalake_cant_open_files_whose_paths_hold_encoded_signs(table: DeltaTable) -> None:
    table.alter.set_table_properties({"delta.enableChangeDataFeed": "true"})
    with pytest.raises(Exception, match="No such file"):
        DeltaTable(table.table_uri).load_cdf(1, 1).read_all()


def test_an_io_manager_can_add_metadata_to_one_partition_of_a_range() -> None:
    days = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-03")

    class Marking(dg.IOManager):
        def handle_output(self, context: dg.OutputContext, obj: object) -> None:
            for key in context.asset_partition_keys:
                context.step_context.add_asset_metadata({"key": key}, context.asset_key, key)

        def load_input(self, context: dg.InputContext) -> None: ...

    @dg.asset(partitions_def=days, backfill_policy=dg.BackfillPolicy.single_run())
    def thing() -> int:
        return 1

    tags = {"dagster/asset_partition_range_start": "2026-01-01", "dagster/asset_partition_range_end": "2026-01-02"}
    result = dg.materialize([thing], resources={"io_manager": Marking()}, tags=tags)
    events = result.get_asset_materialization_events()
    found = {event.partition: event.materialization.metadata["key"].value for event in events}
    assert found == {"2026-01-01": "2026-01-01", "2026-01-02": "2026-01-02"}


def test_duckdb_sums_integers_to_a_hugeint_which_parquet_holds_as_a_double(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        assert str(connection.sql("SELECT sum(x) AS s FROM (VALUES (1::BIGINT)) t(x)").types[0]) == "HUGEINT"
        connection.execute(f"COPY (SELECT sum(x) AS s FROM (VALUES (1::BIGINT)) t(x)) TO '{tmp_path}/s.parquet'")
    assert pq.read_schema(tmp_path / "s.parquet").field("s").type == pa.float64()


def test_duckdb_names_the_folder_of_rows_without_a_partition_value_like_hive(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        query = "SELECT 1 AS x, NULL::VARCHAR AS part"
        connection.execute(f"COPY ({query}) TO '{tmp_path}/out' (FORMAT parquet, PARTITION_BY (part))")
    assert [folder.name for folder in (tmp_path / "out").iterdir()] == ["part=__HIVE_DEFAULT_PARTITION__"]


def test_duckdbs_seconds_since_1970_carry_a_fraction_and_the_others_do_not() -> None:
    with duckdb.connect() as connection:
        assert connection.sql("SELECT epoch(TIMESTAMP '1970-01-01 00:00:01')::VARCHAR").fetchone() == ("1.0",)


def test_ibis_cant_drop_a_view_of_a_connection_in_memory() -> None:
    backend = ibis.duckdb.connect()
    backend.create_view("v", ibis.memtable({"x": [1]}))
    with pytest.raises(duckdb.ParserException):
        backend.drop_view("v")
