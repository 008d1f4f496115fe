"""A contract that changes: what published tables take without ado, what is refused, and in which words."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.domain.errors import ContractViolation
from platform_assets_tests.lakehouse.publishing import VISITS, Shop, visits
from platform_assets_tests.stores import Store, local_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.schema_evolution import ContractChanged, MigrationNeeded, OlderContract

NOTE, SEEN = Column("note", "string", "What was said."), Column("seen_at", "timestamp", "When.")
SHOP, VISIT, SPENT = VISITS.columns
NOTED = replace(VISITS, columns=(SHOP, NOTE, VISIT, SPENT))
"""The contract with one more nullable column, in the middle."""


def keeping(shop: Shop, contract: Contract) -> Shop:
    """The same table under another contract."""
    return Shop(shop.store, shop.engine, contract)


def noted(*rows: tuple):
    """Visits as (shop, visit, spent, note)."""
    told = visits(*(row[:3] for row in rows))
    said = {row[1]: row[3] for row in rows}
    return told.mutate(note=told.visit.cases(*said.items(), else_=None))


def test_rows_of_before_read_null_in_a_column_that_was_added(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5), ("b", 2, 6)), ["a", "b"])
    wide = keeping(shop, NOTED)
    wide.publish(noted(("b", 3, 7, "hi")), ["b"])
    assert [(row["visit"], row["note"]) for row in wide.rows()] == [(1, None), (3, "hi")]
    assert [row["note"] for row in wide.rows(["a"])] == [None]
    assert [row["note"] for row in wide.rows(["b"])] == ["hi"]


def test_a_version_of_before_keeps_its_columns(shop: Shop) -> None:
    before = shop.publish(visits(("a", 1, 5)), ["a"]).version
    keeping(shop, NOTED).publish(noted(("a", 3, 7, "hi")), ["a"])
    lakehouse = shop.store.lakehouse
    table = read(lakehouse, shop.engine, lakehouse.snapshot("visits", before), None)
    assert table.to_pyarrow().to_pylist() == [{"shop": "a", "visit": 1, "spent": 5}]


def test_an_instant_that_was_added_is_read_in_utc_without_a_zone(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    wide = keeping(shop, replace(VISITS, columns=(*VISITS.columns, SEEN)))
    told = visits(("b", 2, 6))
    wide.publish(told.mutate(seen_at=told.visit.cast("timestamp")), ["b"])
    assert [str(row["seen_at"]) for row in wide.rows()] == ["None", "1970-01-01 00:00:02"]


def test_the_change_feed_goes_on_over_an_added_column(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    keeping(shop, NOTED).publish(noted(("a", 3, 7, "hi")), ["a"])
    changes = pa.table(shop.store.lakehouse.snapshot("visits").delta.load_cdf(starting_version=0)).to_pylist()
    told = sorted((row["_change_type"], row["visit"], row["note"]) for row in changes)
    assert told == [("delete", 1, None), ("insert", 1, None), ("insert", 3, "hi")]


def test_the_commit_that_adds_a_column_says_so_and_is_no_publication(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    wide = Shop(shop.store, shop.engine, NOTED, key_id="k1")
    batch = wide.publish(noted(("a", 3, 7, "hi")), ["a"]).batch_id
    publication, addition, _ = shop.store.lakehouse.snapshot("visits").delta.history()
    assert (addition["columns_added"], addition["pseudonym_key_id"]) == ('["note"]', "k1")
    assert publication["batch_id"] == batch and "batch_id" not in addition and "slices" not in addition


def test_a_table_that_was_not_widened_is_read_as_one(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    assert shop.store.lakehouse.snapshot("visits").later_columns == ()


def other(position: int, **changes) -> Callable[[Contract], Contract]:
    def changed(contract: Contract) -> Contract:
        columns = list(contract.columns)
        columns[position] = replace(columns[position], **changes)
        return replace(contract, columns=tuple(columns))

    return changed


CHANGES = {
    "type": (other(2, dtype="string"), "spent is int64, now string"),
    "rename": (other(2, name="cents"), "spent is gone from the contract; cents is new"),
    "removal": (lambda contract: replace(contract, columns=(SHOP, VISIT), rules=()), "spent is gone from the contract"),
    "must have a value": (other(2, nullable=False), "spent may be empty, now it must have a value"),
    "may be empty": (other(1, nullable=True), "visit must have a value, now it may be empty"),
    "key": (lambda contract: replace(contract, key=("shop", "visit")), r"the key is \(visit\), now \(shop, visit\)"),
    "new and needed": (
        lambda contract: replace(contract, columns=(*contract.columns, replace(NOTE, nullable=False))),
        "note is new and must have a value. What to do: declare the new column",
    ),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_any_other_change_is_refused_with_what_changed_and_what_to_do(
    change: str, engine: DuckDBEngine, tmp_path
) -> None:
    shop = Shop(local_store(tmp_path), engine)
    shop.publish(visits(("a", 1, 5)), ["a"])
    changed, said = CHANGES[change]
    with pytest.raises(ContractChanged, match=rf"visits, Delta version \d+: .*still version 1: {said}") as refused:
        keeping(shop, changed(VISITS)).publish(visits(("a", 1, 5)), ["a"])
    assert "raise the contract's version to 2" in str(refused.value)
    assert "platform migrate visits" in str(refused.value)
    assert shop.told() == [("a", 1, 5)]


def test_another_partition_column_is_refused(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    moved = Shop(shop.store, shop.engine, replace(VISITS, partition_column="visit"), column="visit")
    with pytest.raises(ContractChanged, match="it is cut by shop, now by visit"):
        moved.publish(visits(("a", 1, 5)), ["1"])


def test_a_newer_version_asks_for_its_migration(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    second = replace(VISITS, version=2, migrations={1: lambda table: table})
    with pytest.raises(MigrationNeeded, match=r"keeps version 1 .* has version 2\. .* run `platform migrate vis"):
        keeping(shop, second).publish(visits(("a", 2, 6)), ["a"])
    assert shop.told() == [("a", 1, 5)]


def test_an_older_version_is_refused(shop: Shop) -> None:
    second = replace(VISITS, version=2, migrations={1: lambda table: table})
    keeping(shop, second).publish(visits(("a", 1, 5)), ["a"])
    with pytest.raises(OlderContract, match=r"keeps version 2 .* has version 1\. .* update the code"):
        shop.publish(visits(("a", 2, 6)), ["a"])


def test_code_that_lacks_an_added_column_does_not_drop_it(shop: Shop) -> None:
    keeping(shop, VISITS).publish(visits(("a", 1, 5)), ["a"])
    wide = keeping(shop, NOTED)
    wide.publish(noted(("a", 1, 5, "hi")), ["a"])
    with pytest.raises(OlderContract, match=r"column\(s\) note, which a newer contract added"):
        shop.publish(visits(("a", 2, 6)), ["a"])
    assert [row["note"] for row in wide.rows()] == ["hi"]


def test_a_version_without_its_migrations_is_no_contract() -> None:
    with pytest.raises(ValueError, match=r"visits: version 3 needs one migration from each .* \[1, 2\].* from \[2\]"):
        replace(VISITS, version=3, migrations={2: lambda table: table})


def test_a_table_without_a_note_keeps_version_1(store: Store, engine: DuckDBEngine) -> None:
    schema = pa.schema([("shop", pa.string()), ("visit", pa.int64()), ("spent", pa.int64())])
    options = dict(store.lakehouse.storage_options)
    DeltaTable.create(store.lakehouse.uri("visits"), schema, partition_by=["shop"], storage_options=options)
    shop = Shop(store, engine)
    shop.publish(visits(("a", 1, 5)), ["a"])
    keeping(shop, NOTED).publish(noted(("b", 2, 6, "hi")), ["b"])
    assert [row["note"] for row in keeping(shop, NOTED).rows()] == [None, "hi"]


def test_writers_who_add_the_same_column_at_once_add_it_once(store: Store, engine: DuckDBEngine, tmp_path) -> None:
    Shop(store, engine).publish(visits(("a", 1, 5)), ["a"])
    begin, failures = threading.Barrier(4), []

    def write(number: int) -> None:
        shop = Shop(store, DuckDBEngine(spill_folder=tmp_path / f"spill-{number}", threads=1), NOTED)
        result = noted((f"shop {number}", number, 0, "hi"))
        begin.wait()
        try:
            shop.publish(result, [f"shop {number}"])
        except ContractViolation as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(10, 14)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    rows = Shop(store, engine, NOTED).rows()
    history = store.lakehouse.snapshot("visits").delta.history()
    assert not failures
    assert [row["note"] for row in rows] == [None, "hi", "hi", "hi", "hi"]
    assert sum("columns_added" in entry for entry in history) == 1
