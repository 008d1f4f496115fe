"""What is published is exactly what the contract allows; the rest is quarantined, dropped as declared, or refused."""

import json
from dataclasses import replace

import ibis
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_assets.cli.quarantine.quarantined_rows import quarantined_rows
from platform_assets.domain.errors import ContractViolation
from platform_assets_tests.lakehouse.publishing import VISITS, Shop, visits
from platform_assets_tests.stores import local_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.publish import (
    OtherPseudonymKey,
    PublishedPartitionWouldBeEmptied,
    total_rejected,
)
from resources.lakehouse.quarantine import quarantine_contract

AWKWARD = ["a/b", "two words", "50%", "100%25", "Zürich", "東京", "it's", 'say "so"', "a=b", "..", "#1?", "a+b", " x "]


def test_published_rows_are_read_back_by_partition(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5), ("b", 2, 6), ("b", 3, 7)), ["a", "b"])
    assert shop.told(["b"]) == [("b", 2, 6), ("b", 3, 7)]
    assert shop.told() == [("a", 1, 5), ("b", 2, 6), ("b", 3, 7)]


def test_publishing_a_partition_again_replaces_it_and_no_other(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5), ("b", 2, 6)), ["a", "b"])
    shop.publish(visits(("a", 7, 8)), ["a"])
    assert shop.told() == [("a", 7, 8), ("b", 2, 6)]


def test_rows_that_break_a_rule_are_quarantined_with_the_rule_and_the_record(shop: Shop) -> None:
    publication = shop.publish(visits(("a", 1, -5), ("a", None, 5), ("a", 3, 6, "odd: because"), ("a", 4, 7)), ["a"])
    assert shop.told() == [("a", 4, 7)]
    found = {row["reason"]: json.loads(row["record"]) for row in shop.quarantined()}
    assert found["spent_negative"] == {"shop": "a", "visit": 1, "spent": -5}
    assert set(found) == {"spent_negative", "visit_missing", "odd: because"}
    assert total_rejected(publication) == {"spent_negative": 1, "visit_missing": 1, "odd": 1}


def test_a_quarantined_row_keeps_where_it_came_from(shop: Shop) -> None:
    context = {"source": "tills", "file": "a.csv", "line": 12, "record": "a;1;-5"}
    shop.publish(visits(("a", 1, -5)).mutate(**{name: ibis.literal(text) for name, text in context.items()}), ["a"])
    (row,) = shop.quarantined()
    assert row == {"shop": "a", "rule": "spent_negative", "reason": "spent_negative", **context, "line": "12"}


def test_a_quarantine_that_was_made_without_rules_takes_rows_with_them(shop: Shop) -> None:
    today = quarantine_contract(VISITS, "shop", "string")
    before = replace(today, columns=tuple(column for column in today.columns if column.name != "rule"))
    texts = dict.fromkeys(before.column_names, "x") | {"shop": "b", "reason": "odd: because"}
    replace(shop, contract=before).publish(ibis.memtable([texts]), ["b"])
    shop.publish(visits(("a", 1, -5), ("a", 2, 5, "odd: because")), ["a"])
    assert {(row["shop"], row["rule"]) for row in shop.quarantined()} == {
        ("a", "spent_negative"),
        ("a", "odd"),
        ("b", None),
    }
    shown = quarantined_rows(shop.store.lakehouse, shop.engine, "visits", rule="odd")
    assert sorted(shown.partition.to_pyarrow().to_pylist()) == ["a", "b"]


def test_a_rule_that_gives_null_does_not_hold(shop: Shop) -> None:
    shop.publish(visits(("a", 1, None)), ["a"])
    assert [row["reason"] for row in shop.quarantined()] == ["spent_negative"]


def test_declared_drops_are_counted_and_kept_nowhere(shop: Shop) -> None:
    publication = shop.publish(visits(("a", 1, 5), ("a", 2, 5, "staff"), ("a", 3, 5, "staff: Bob")), ["a"])
    (piece,) = publication.slices
    assert (piece.rows, piece.quarantined, piece.dropped, piece.rejected) == (1, 0, 2, {"staff": 2})
    assert not shop.store.lakehouse.exists("visits_quarantine")


def test_publishing_a_partition_again_replaces_its_quarantine_and_no_other(shop: Shop) -> None:
    shop.publish(visits(("a", 1, -1), ("b", 2, -1), ("a", 5, 5), ("b", 6, 6)), ["a", "b"])
    shop.publish(visits(("a", 1, 1)), ["a"])
    assert [row["shop"] for row in shop.quarantined()] == ["b"]


@pytest.mark.parametrize("rows", [[("a", 1, 5), ("a", 1, 6)], [("a", 1, 5), ("a", 1, 5)]])
def test_a_key_that_comes_twice_publishes_nothing(shop: Shop, rows: list[tuple]) -> None:
    shop.publish(visits(("a", 9, 9)), ["a"])
    with pytest.raises(ContractViolation, match="not unique"):
        shop.publish(visits(*rows, ("a", 2, -1)), ["a"])
    assert shop.told() == [("a", 9, 9)]
    assert not shop.store.lakehouse.exists("visits_quarantine")


def test_a_table_without_a_key_takes_the_same_row_twice(shop: Shop) -> None:
    keyless = Shop(shop.store, shop.engine, replace(VISITS, key=()))
    keyless.publish(visits(("a", 1, 5), ("a", 1, 5)), ["a"])
    assert keyless.told() == [("a", 1, 5), ("a", 1, 5)]


def test_the_same_key_in_two_partitions_is_fine(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5), ("b", 1, 5)), ["a", "b"])
    assert len(shop.told()) == 2


@pytest.mark.parametrize("outside", [("c", 2, 5), ("c", 2, -5), ("c", 2, 5, "staff")])
def test_rows_outside_of_the_asked_partitions_are_refused_whatever_becomes_of_them(shop: Shop, outside: tuple) -> None:
    with pytest.raises(ContractViolation, match="outside of the asked partitions"):
        shop.publish(visits(("a", 1, 5), outside), ["a", "b"])
    assert not shop.store.lakehouse.exists("visits")


@pytest.mark.parametrize("reason", [None, "odd", "staff"])
@pytest.mark.parametrize("asked", [["a"], None])
def test_rows_that_belong_to_no_partition_are_refused(shop: Shop, reason: str | None, asked: list[str] | None) -> None:
    with pytest.raises(ContractViolation, match="without a value in shop"):
        shop.publish(visits(("a", 1, 5), (None, 2, 5, reason)), asked)
    assert not shop.store.lakehouse.exists("visits")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (visits(("a", 1, 5.5), spent="float64"), "spent: float64 instead of int64"),
        (visits(("a", 1, "5"), spent="string"), "spent: string instead of int64"),
        (visits(("a", 1, 5), spent="int32"), "spent: int32 instead of int64"),
        (visits(("a", 1, 5)).mutate(more=1), r"extra \['more'\]"),
        (visits(("a", 1, 5)).drop("spent"), r"missing \['spent'\]"),
    ],
)
def test_other_columns_or_types_than_the_contracts_are_refused(shop: Shop, wrong: ibis.Table, said: str) -> None:
    with pytest.raises(ContractViolation, match=said):
        shop.publish(wrong, ["a"])
    assert not shop.store.lakehouse.exists("visits")


def test_a_sum_of_integers_stays_an_integer_at_rest(shop: Shop) -> None:
    large = 2**53 + 1
    summed = visits(("a", 1, large), ("a", 1, 2)).group_by("shop", "visit").aggregate(spent=lambda t: t.spent.sum())
    shop.publish(summed, ["a"])
    assert shop.told() == [("a", 1, large + 2)]
    assert shop.store.lakehouse.snapshot("visits").delta.schema().to_arrow().field("spent").type == pa.int64()


def test_a_sum_too_large_for_its_column_is_an_error_and_publishes_nothing(shop: Shop) -> None:
    summed = visits(("a", 1, 2**62), ("a", 1, 2**62)).group_by("shop", "visit")
    with pytest.raises(Exception, match=r"(?i)out of range|overflow"):
        shop.publish(summed.aggregate(spent=lambda t: t.spent.sum()), ["a"])
    assert not shop.store.lakehouse.exists("visits")


def test_an_empty_result_never_wipes_a_published_partition(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5), ("b", 2, 6)), ["a", "b"])
    for nothing in (visits(("b", 3, 7)), visits(("b", 3, 7), ("a", 1, -5))):
        with pytest.raises(PublishedPartitionWouldBeEmptied, match="1 published partition"):
            shop.publish(nothing, ["a", "b"])
    assert shop.told() == [("a", 1, 5), ("b", 2, 6)]
    assert not shop.store.lakehouse.exists("visits_quarantine")


def test_an_empty_result_wipes_a_partition_where_that_is_allowed(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5), ("b", 2, 6)), ["a", "b"])
    publication = shop.publish(visits(("a", 1, 5)).limit(0), ["a"], allow_emptying=True)
    assert [(piece.slice_value, piece.rows) for piece in publication.slices] == [("a", 0)]
    assert shop.told() == [("b", 2, 6)]


def test_a_partition_without_rows_that_never_had_any_is_published_as_empty(shop: Shop) -> None:
    publication = shop.publish(visits(("a", 1, 5)), ["a", "b"])
    assert [(piece.slice_value, piece.rows) for piece in publication.slices] == [("a", 1), ("b", 0)]
    assert shop.told(["b"]) == []


def test_a_table_without_partitions_is_replaced_as_a_whole(shop: Shop) -> None:
    whole = Shop(shop.store, shop.engine, replace(VISITS, partition_column=None), None)
    for rows in ([("a", 1, 5), ("b", 2, 6)], [("c", 3, 7)]):
        whole.publish(visits(*rows), None)
    assert whole.told() == [("c", 3, 7)]


def test_a_table_cut_by_a_column_is_replaced_as_a_whole_where_no_partitions_are_asked_for(shop: Shop) -> None:
    for rows in ([("a", 1, 5), ("b", 2, 6)], [("c", 3, 7)]):
        shop.publish(visits(*rows), None, allow_emptying=True)
    assert shop.told() == [("c", 3, 7)]


def test_awkward_partition_values_are_told_apart_and_replaced_exactly(shop: Shop) -> None:
    for spent in (1, 2):
        shop.publish(visits(*((value, number, spent) for number, value in enumerate(AWKWARD))), AWKWARD)
    shop.publish(visits(("a/b", 0, 3), ("50%", 2, 3), ("it's", 6, -3), ("it's", 7, 3)), ["a/b", "50%", "it's"])
    changed = {"a/b": (0, 3), "50%": (2, 3), "it's": (7, 3)}
    assert shop.told() == sorted((value, *changed.get(value, (n, 2))) for n, value in enumerate(AWKWARD))
    assert shop.told(["50%", "a/b"]) == [("50%", 2, 3), ("a/b", 0, 3)]
    assert [row["shop"] for row in shop.quarantined()] == ["it's"]


def test_the_commit_says_what_was_published_and_from_what(shop: Shop) -> None:
    publication = shop.publish(visits(("a", 1, 5), ("a", 2, -5), ("b", 3, 5, "staff"), ("b", 4, 4)), ["a", "b"])
    entry = shop.store.lakehouse.snapshot("visits").delta.history(1)[0]
    assert (entry["dagster_run_id"], entry["code_version"], entry["input_versions"]) == ("run-1", "abc", '{"tills": 3}')
    assert entry["batch_id"] == publication.batch_id
    notes = shop.store.lakehouse.slice_notes("visits")
    assert {value: note[:3] for value, note in notes.items()} == {"a": (1, 1, 0), "b": (1, 0, 1)}


def test_the_digest_of_a_partition_follows_its_rows_and_not_their_order(shop: Shop) -> None:
    rows = [("a", 1, 5), ("a", 2, 6)]
    digests = [shop.publish(visits(*order), ["a"]).slices[0].digest for order in (rows, rows[::-1], [("a", 1, 6)])]
    assert digests[0] == digests[1] != digests[2]


def test_nothing_is_left_in_the_staging_folder(shop: Shop) -> None:
    shop.publish(visits(("a", 1, -5), ("a", 2, 5)), ["a"])
    with pytest.raises(ContractViolation):
        shop.publish(visits(("a", 1, 5), ("a", 1, 5)), ["a"])
    assert list(shop.store.staging.iterdir()) == []


ROW = st.tuples(
    st.sampled_from("ab"),
    st.none() | st.integers(0, 10**6),
    st.integers(-2, 5),
    st.sampled_from([None, "odd", "staff"]),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, max_size=30, unique_by=lambda row: row[1]))
def test_rows_in_are_published_quarantined_or_dropped(
    rows: list[tuple], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("lake")
    shop = Shop(local_store(folder), DuckDBEngine(spill_folder=folder, threads=1))
    publication = shop.publish(visits(*rows), ["a", "b"])
    good = sorted(row[:3] for row in rows if row[3] is None and row[1] is not None and row[2] >= 0)
    assert shop.told() == good
    quarantined = shop.quarantined() if shop.store.lakehouse.exists("visits_quarantine") else []
    assert len(quarantined) == sum(piece.quarantined for piece in publication.slices)
    assert len(good) + len(quarantined) + sum(piece.dropped for piece in publication.slices) == len(rows)


def test_rows_under_another_pseudonym_key_are_refused(shop: Shop) -> None:
    shop.key_id = "first"
    shop.publish(visits(("north", 1, 10)), ["north"])
    shop.key_id = "second"
    with pytest.raises(OtherPseudonymKey, match="former key"):
        shop.publish(visits(("south", 2, 10)), ["south"])
    shop.key_id = "first"
    shop.publish(visits(("south", 2, 10)), ["south"])
