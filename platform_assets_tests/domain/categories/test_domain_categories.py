"""The history of the maps says of every domain and day what a plain reading of them says, and no entry is lost."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.categories.category_map import CategoryMap, clean_label
from platform_assets.domain.categories.domain_categories import (
    clean_labels,
    domain_categories,
    no_categories,
    rewritten_history,
)
from platform_assets.domain.contracts.domain_categories import DOMAIN_CATEGORIES
from platform_assets_tests.domain.category_worlds import START, Entry, declared_map, received, said_by
from resources.compute.duckdb_engine import DuckDBEngine

DOMAINS = ["a.example", "b.a.example", "c.example", "d.co.uk"]
entries = st.lists(
    st.builds(
        Entry,
        st.sampled_from([0, 0, 1, 2, 5, 9, None]),
        st.sampled_from([*DOMAINS, "WWW.A.Example", ".c.example", " c.example. ", "no domain", "x/y", None]),
        st.sampled_from(["News", " news ", "E-Commerce", "NOT FOUND", "Sports", "two  words", "", None]),
    ),
    max_size=24,
)
maps = st.builds(
    declared_map,
    rename=st.sampled_from([{}, {"e_commerce": "shopping"}]),
    no_category=st.sampled_from([(), ("not_found",)]),
    prefer=st.sampled_from([(), ("sports", "shopping")]),
    keeps_absent=st.booleans(),
)


def told(engine: DuckDBEngine, declared: CategoryMap, rows: list[Entry]) -> list[dict]:
    return engine.backend.to_pyarrow(domain_categories({"one": received(rows)}, [declared])).to_pylist()


def good(rows: list[dict]) -> list[dict]:
    return sorted((r for r in rows if r["reject_reason"] is None), key=lambda r: (r["domain"], r["valid_from"]))


@settings(max_examples=25, deadline=None)
@given(declared=maps, rows=entries)
def test_on_every_day_a_domain_is_of_the_category_that_the_version_of_the_day_says(
    declared: CategoryMap, rows: list[Entry], one_engine: DuckDBEngine
) -> None:
    history = good(told(one_engine, declared, rows))
    for day in range(-1, 12):
        on = START + timedelta(days=day)
        valid = [r for r in history if r["valid_from"] <= on and (r["valid_to"] is None or on < r["valid_to"])]
        found = {r["domain"]: r["category"] for r in valid}
        assert len(found) == len(valid)
        assert found == {d: said for d in DOMAINS if (said := said_by(declared, rows, d, day)) is not None}


@settings(max_examples=12, deadline=None)
@given(declared=maps, rows=entries)
def test_a_stretch_ends_only_where_something_changes(
    declared: CategoryMap, rows: list[Entry], one_engine: DuckDBEngine
) -> None:
    history = good(told(one_engine, declared, rows))
    for row, following in pairwise(history):
        if row["domain"] == following["domain"] and row["valid_to"] == following["valid_from"]:
            assert row["category"] != following["category"]


@settings(max_examples=12, deadline=None)
@given(declared=maps, rows=entries)
def test_every_entry_counts_or_has_a_reason(declared: CategoryMap, rows: list[Entry], one_engine: DuckDBEngine) -> None:
    found = Counter(r["reject_reason"] for r in told(one_engine, declared, rows) if r["reject_reason"])
    plain = Counter(reason for e in rows if (reason := e.reason(declared)))
    usable = [e for e in rows if e.reason(declared) is None]
    counting = {(e.day, e.clean_domain) for e in usable}
    assert {reason: found.pop(reason, 0) for reason in plain} == plain
    assert found["repeated"] + found["other_category"] == len(usable) - len(counting)
    assert set(found) <= {"repeated", "other_category"}


def test_only_what_another_version_said_of_the_past_is_rewriting(one_engine: DuckDBEngine) -> None:
    def history(*rows: Entry, name: str = "one") -> ibis.Table:
        found = domain_categories({name: received(rows)}, [declared_map(name)])
        return found.filter(found.reject_reason.isnull()).select(*DOMAIN_CATEGORIES.column_names)

    def changed(then: ibis.Table, now: ibis.Table) -> bool:
        return bool(one_engine.backend.to_pyarrow(rewritten_history(then, now)).num_rows)

    first, second = Entry(0, "a.example", "news"), Entry(5, "a.example", "sports")
    before = history(first, Entry(3, "a.example", "news"))
    assert not changed(before, history(first, Entry(3, "a.example", "news"), second))
    assert not changed(before, history(first, Entry(3, "a.example", "news"), Entry(5, "b.example", "news")))
    assert not changed(before, history(first, name="another"))
    assert not changed(history(first), before)
    assert changed(before, history(second))
    assert changed(before, history(first, Entry(2, "a.example", "sports"), Entry(3, "a.example", "news")))
    assert changed(before, history(first, Entry(3, "a.example", "sports")))
    assert changed(before, history(first, Entry(3, "b.example", "news"), Entry(3, "a.example", "news")))
    assert changed(history(first, second), history(first))


@pytest.mark.parametrize("label", ["News", " E-Commerce ", "two   words", "News - and\tPortals", "Ärzte", ""])
def test_labels_in_data_and_in_declarations_are_cleaned_alike(label: str, one_engine: DuckDBEngine) -> None:
    table = ibis.memtable({"label": [label]})
    cleaned = one_engine.backend.to_pyarrow(table.select(label=clean_labels(table.label)))
    assert cleaned["label"].to_pylist() == [clean_label(label)]


def test_without_a_map_there_is_a_history_without_rows(one_engine: DuckDBEngine) -> None:
    found = one_engine.backend.to_pyarrow(no_categories())
    assert (found.num_rows, tuple(found.column_names)) == (0, DOMAIN_CATEGORIES.column_names)
