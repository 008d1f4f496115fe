"""A migration brings a table to the next version of its contract at once, judged like a publication."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import ibis
import pytest

from platform_assets.domain.contracts.contract import Column, Contract, RowRule
from platform_assets.domain.errors import ContractViolation
from platform_assets_tests.lakehouse.publishing import VISITS, Shop, visits
from platform_assets_tests.stores import local_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse import migration
from resources.lakehouse.commit import TableChangedMeanwhile
from resources.lakehouse.io_manager import read
from resources.lakehouse.migration import MigratedTable, MigrationChangesRowCount
from resources.lakehouse.publish import publish
from resources.lakehouse.schema_evolution import OlderContract, published_contract
from resources.lakehouse.slicing import InexactPartitioning, Slicing, slicing_for

SHOP, VISIT, SPENT = VISITS.columns


def in_cents(table: ibis.Table) -> ibis.Table:
    return table.mutate(cents=table.spent.cast("string") + "00").drop("spent")


def in_euros(table: ibis.Table) -> ibis.Table:
    return table.mutate(euros=table.cents.cast("float64") / 100).drop("cents")


CENTS = replace(
    VISITS,
    columns=(SHOP, VISIT, Column("cents", "string", "How much.")),
    rules=(RowRule("nothing_spent", "somebody spent something", lambda table: table.cents != "000"),),
    version=2,
    migrations={1: in_cents},
)
EUROS = replace(
    CENTS,
    columns=(SHOP, VISIT, Column("euros", "float64", "How much.")),
    rules=(),
    version=3,
    migrations={1: in_cents, 2: in_euros},
)
BY_VISIT = replace(VISITS, partition_column="visit", version=2, migrations={1: lambda table: table})
WHOLE = replace(VISITS, partition_column=None, version=2, migrations={1: lambda table: table})


def migrate(shop: Shop, contract: Contract, slicing: Slicing | None = None, **how: Any) -> MigratedTable | None:
    return migration.migrate(
        contract,
        slicing or Slicing(contract.partition_column),
        engine=shop.engine,
        lakehouse=shop.store.lakehouse,
        staging_folder=shop.store.staging,
        **how,
    )


def under(shop: Shop, contract: Contract) -> Shop:
    return Shop(shop.store, shop.engine, contract, contract.partition_column)


in_a_folder = pytest.mark.parametrize("store", ["local"], indirect=True)
"""What doesn't depend on the store is tested on one."""


@pytest.fixture
def filled(shop: Shop) -> Shop:
    fill(shop)
    return shop


def fill(shop: Shop) -> None:
    """Two shops; one visit is in the quarantine, one was dropped."""
    shop.publish(visits(("a", 1, 5), ("a", 2, 0), ("a", 3, -1), ("a", 4, 1, "staff"), ("b", 5, 7)), ["a", "b"])


def test_rows_schema_and_version_change_in_one_commit(filled: Shop) -> None:
    lakehouse = filled.store.lakehouse
    before = lakehouse.snapshot("visits").version
    done = migrate(filled, EUROS)
    assert done == MigratedTable("visits", 1, 3, 3, 0, 0, 2, before + 1)
    assert under(filled, EUROS).rows() == [
        {"shop": "a", "visit": 1, "euros": 5.0},
        {"shop": "a", "visit": 2, "euros": 0.0},
        {"shop": "b", "visit": 5, "euros": 7.0},
    ]
    snapshot = lakehouse.snapshot("visits")
    assert (snapshot.version, published_contract(snapshot).version) == (before + 1, 3)
    assert filled.store.staging.exists() and not list(filled.store.staging.iterdir())


@in_a_folder
def test_the_version_of_before_is_read_as_it_was(filled: Shop) -> None:
    lakehouse = filled.store.lakehouse
    before = lakehouse.snapshot("visits").version
    migrate(filled, EUROS)
    rows = read(lakehouse, filled.engine, lakehouse.snapshot("visits", before), ["b"]).to_pyarrow().to_pylist()
    assert rows == [{"shop": "b", "visit": 5, "spent": 7}]


@in_a_folder
def test_a_second_migration_finds_nothing_to_do(filled: Shop) -> None:
    migrate(filled, CENTS)
    version = filled.store.lakehouse.snapshot("visits").version
    assert migrate(filled, CENTS) is None
    assert filled.store.lakehouse.snapshot("visits").version == version


@in_a_folder
def test_a_table_that_is_not_there_needs_no_migration(shop: Shop) -> None:
    assert migrate(shop, CENTS) is None


def test_rows_that_break_a_new_rule_join_the_quarantine(filled: Shop) -> None:
    done = migrate(filled, CENTS)
    assert done and (done.rows, done.quarantined) == (2, 1)
    assert [(row["shop"], row["reason"]) for row in filled.quarantined()] == [
        ("a", "nothing_spent"),
        ("a", "spent_negative"),
    ]


@in_a_folder
def test_the_notes_tell_of_every_partition_what_was_rejected_before_and_now(filled: Shop) -> None:
    before = filled.store.lakehouse.slice_notes("visits")
    migrate(filled, CENTS)
    lakehouse = filled.store.lakehouse
    notes = lakehouse.slice_notes("visits")
    assert {value: note[:3] for value, note in notes.items()} == {"a": (1, 2, 1), "b": (1, 0, 0)}
    assert notes["b"].digest != before["b"].digest
    entry = lakehouse.snapshot("visits").delta.history(1)[0]
    assert json.loads(entry["migrated_from"]) == {"contract_version": 1, "delta_version": entry["version"] - 1}


def test_publications_go_on_under_the_new_version_and_not_under_the_old_one(filled: Shop) -> None:
    migrate(filled, CENTS)
    new = under(filled, CENTS)
    new.publish(in_cents(visits(("b", 6, 1))), ["b"])
    assert [row["visit"] for row in new.rows()] == [1, 6]
    with pytest.raises(OlderContract):
        filled.publish(visits(("b", 7, 1)), ["b"])
    with pytest.raises(OlderContract):
        migrate(filled, VISITS)


@pytest.mark.parametrize("contract", [BY_VISIT, WHOLE], ids=["by another column", "one piece"])
def test_a_table_is_cut_anew(filled: Shop, contract: Contract) -> None:
    column = contract.partition_column
    migrate(filled, contract)
    lakehouse = filled.store.lakehouse
    new = under(filled, contract)
    assert new.told() == [("a", 1, 5), ("a", 2, 0), ("b", 5, 7)]
    assert lakehouse.snapshot("visits").slice_column == column
    assert set(lakehouse.slice_notes("visits")) == ({"1", "2", "5"} if column else {"None"})
    new.publish(visits(("a", 5, 9), ("a", 5, -1)), ["5"] if column else None)
    assert new.told() == ([("a", 1, 5), ("a", 2, 0), ("a", 5, 9)] if column else [("a", 5, 9)])


def test_a_table_in_one_piece_is_cut(shop: Shop) -> None:
    under(shop, replace(VISITS, partition_column=None)).publish(visits(("a", 1, 5), ("b", 2, 6)), None)
    migrate(shop, replace(VISITS, version=2, migrations={1: lambda table: table}))
    assert shop.store.lakehouse.snapshot("visits").rows_by_slice() == {"a": 1, "b": 1}
    assert shop.told(["b"]) == [("b", 2, 6)]


def test_the_quarantine_of_a_table_that_is_cut_anew_keeps_its_rows_and_where_they_were(filled: Shop) -> None:
    migrate(filled, BY_VISIT)
    (row,) = filled.quarantined()
    assert (row["visit"], row["reason"]) == (None, "spent_negative: shop=a until version 2")
    under(filled, BY_VISIT).publish(visits(("b", 9, -1), ("b", 9, 1)), ["9"])
    assert sorted(row["visit"] or 0 for row in filled.quarantined()) == [0, 9]


def test_a_partition_column_of_another_type_keeps_its_partitions(shop: Shop) -> None:
    shop.publish(visits(("1", 1, 5), ("1", 2, -1), ("2", 3, 6)), ["1", "2"])
    numbered = replace(
        VISITS,
        columns=(replace(SHOP, dtype="int64"), VISIT, SPENT),
        version=2,
        migrations={1: lambda table: table.mutate(shop=table.shop.cast("int64"))},
    )
    migrate(shop, numbered)
    assert [(row["shop"], row["reason"]) for row in shop.quarantined()] == [(1, "spent_negative")]
    assert {value: note[:3] for value, note in shop.store.lakehouse.slice_notes("visits").items()} == {
        "1": (1, 0, 0),
        "2": (1, 0, 0),
    }
    under(shop, numbered).publish(visits(("1", 9, 9)).mutate(shop=ibis.literal(1, "int64")), ["1"])
    assert under(shop, numbered).told() == [(1, 9, 9), (2, 3, 6)]
    assert shop.quarantined() == []


@in_a_folder
def test_a_table_without_rows_is_cut_anew(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    shop.publish(visits(("a", 1, 5)).limit(0), ["a"], allow_emptying=True)
    assert migrate(shop, BY_VISIT) == MigratedTable("visits", 1, 2, 0, 0, 0, 0, 2)
    under(shop, BY_VISIT).publish(visits(("a", 1, 5)), ["1"])
    assert shop.told() == [("a", 1, 5)]


SEEN = replace(VISITS, columns=(*VISITS.columns, Column("seen_at", "timestamp", "When.")), partition_column="seen_at")
DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-05")
HOURS = dg.HourlyPartitionsDefinition(start_date="2026-01-05-00:00")


def test_days_become_hours(shop: Shop) -> None:
    by_day, by_hour = slicing_for(SEEN, DAYS), slicing_for(SEEN, HOURS)
    told = visits(("a", 1, 5), ("a", 14, 6), ("a", 15, -1))
    seen = told.mutate(seen_at=ibis.timestamp("2026-01-05 00:30:00") + told.visit.as_interval("h"))

    def publish_by(slicing: Slicing, contract: Contract, slices: list[str]) -> None:
        where = {"engine": shop.engine, "lakehouse": shop.store.lakehouse, "staging_folder": shop.store.staging}
        publish(seen, contract, slicing, slices, provenance={}, **where)

    publish_by(by_day, SEEN, ["2026-01-05"])
    hourly = replace(SEEN, version=2, migrations={1: lambda table: table})
    with pytest.raises(InexactPartitioning, match=r"raise the contract's version .* run `platform migrate visits`"):
        publish_by(by_hour, SEEN, ["2026-01-05-01:00"])
    assert migrate(shop, hourly, by_hour)
    snapshot = shop.store.lakehouse.snapshot("visits")
    assert snapshot.rows_by_slice() == {"2026-01-05-01:00": 1, "2026-01-05-14:00": 1}
    (row,) = shop.quarantined()
    assert (row["partition_key"], row["reason"][:40]) == (None, "spent_negative: partition_key=2026-01-05")
    publish_by(by_hour, hourly, ["2026-01-05-01:00", "2026-01-05-14:00", "2026-01-05-15:00"])
    assert [row["partition_key"] for row in shop.quarantined()] == ["2026-01-05-15:00", None]


@in_a_folder
def test_a_dry_run_judges_and_changes_nothing(filled: Shop) -> None:
    lakehouse = filled.store.lakehouse
    before = [lakehouse.snapshot(name).version for name in ("visits", "visits_quarantine")]
    done = migrate(filled, CENTS, dry_run=True)
    assert done and (done.rows, done.quarantined, done.delta_version) == (2, 1, None)
    assert [lakehouse.snapshot(name).version for name in ("visits", "visits_quarantine")] == before


REFUSED: dict[str, tuple[Callable[[ibis.Table], ibis.Table], type[Exception], str]] = {
    "loses rows": (lambda t: in_cents(t.filter(t.spent > 0)), MigrationChangesRowCount, "3 rows would become 2"),
    "multiplies rows": (lambda t: in_cents(t.union(t)), ContractViolation, r"the key \(visit\) is not unique"),
    "other type": (lambda t: t.rename(cents="spent"), ContractViolation, "cents: int64 instead of string"),
    "no partition": (lambda t: in_cents(t).mutate(shop=ibis.null(str)), ContractViolation, "belong to no partition"),
}


@in_a_folder
@pytest.mark.parametrize("wrong", sorted(REFUSED))
def test_a_wrong_migration_is_refused_and_changes_nothing(filled: Shop, wrong: str) -> None:
    function, kind, said = REFUSED[wrong]
    with pytest.raises(kind, match=said):
        migrate(filled, replace(CENTS, rules=(), migrations={1: function}))
    assert filled.told() == [("a", 1, 5), ("a", 2, 0), ("b", 5, 7)]
    assert len(filled.quarantined()) == 1


class Overtaken:
    """An engine under which somebody publishes while a migration is computed."""

    def __init__(self, shop: Shop, times: int) -> None:
        self.shop, self.left = shop, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shop.engine, name)

    def audit(self, *args: Any, **how: Any) -> Any:
        if self.left:
            self.left -= 1
            self.shop.publish(visits(("b", 50 + self.left, 8)), ["b"])
        return self.shop.engine.audit(*args, **how)


@pytest.mark.parametrize("contract", [CENTS, BY_VISIT], ids=["schema", "cut"])
def test_what_is_published_while_a_table_is_migrated_is_migrated_too(filled: Shop, contract: Contract) -> None:
    told: list[str] = []
    migrate(replace_engine(filled, Overtaken(filled, 1)), contract, tell=told.append)
    assert [row["visit"] for row in under(filled, contract).rows()] in ([1, 50], [1, 2, 50])
    assert "visits: somebody published meanwhile; beginning again" in told
    assert [row["reason"] for row in filled.quarantined()].count("nothing_spent") == (contract is CENTS)


@in_a_folder
def test_a_migration_that_is_always_overtaken_gives_up(filled: Shop) -> None:
    with pytest.raises(TableChangedMeanwhile, match="stop what publishes"):
        migrate(replace_engine(filled, Overtaken(filled, 99)), CENTS)
    assert published_contract(filled.store.lakehouse.snapshot("visits")).version == 1


def replace_engine(shop: Shop, engine: Any) -> Shop:
    return Shop(shop.store, engine, shop.contract, shop.column)


KILLS = {
    "cents": (
        *(("audited", 1, "after"), ("put_beside_table", 1, "after"), ("_commit", 1, "before"), ("_commit", 1, "after")),
        *(("move_quarantine", 1, "after"), ("put_beside_table", 2, "after"), ("_commit", 2, "before")),
        ("_commit", 2, "after"),
    ),
    "by_visit": (
        *(("audited", 1, "after"), ("_write", 1, "before"), ("_write", 1, "after"), ("move_quarantine", 1, "after")),
        *(("_write", 2, "before"), ("_write", 2, "after")),
    ),
}
COMMITTED = {("_commit", 2, "after"), ("_write", 2, "after")}


def test_a_migration_that_is_killed_leaves_the_old_table_or_the_new_one_and_goes_on(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    jobs = [(contract, step) for contract, steps in KILLS.items() for step in steps]
    shops = {job: Shop(local_store(tmp_path / str(number)), engine) for number, job in enumerate(jobs)}
    for shop in shops.values():
        fill(shop)
    command = [sys.executable, "-m", "platform_assets_tests.lakehouse.killed_migrations"]
    texts = [f"{tmp_path / str(number)}|{name}|{'|'.join(map(str, step))}" for number, (name, step) in enumerate(jobs)]
    subprocess.run([*command, *texts], check=True, cwd=Path(__file__).parents[2])
    for (name, step), shop in shops.items():
        contract = {"cents": CENTS, "by_visit": BY_VISIT}[name]
        if step in COMMITTED:
            assert published_contract(shop.store.lakehouse.snapshot("visits")).version == 2
        else:
            assert shop.told() == [("a", 1, 5), ("a", 2, 0), ("b", 5, 7)], step
        migrate(shop, contract)
        assert [row["visit"] for row in under(shop, contract).rows()] == ([1, 5] if name == "cents" else [1, 2, 5])
        reasons = sorted(row["reason"] for row in shop.quarantined())
        expected = {"cents": ["nothing_spent", "spent_negative"]}
        assert reasons == expected.get(name, ["spent_negative: shop=a until version 2"]), step
        assert {note.rows for note in shop.store.lakehouse.slice_notes("visits").values()} == {1}
