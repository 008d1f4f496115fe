"""A visit's category is that of the first map that knows its domain or the nearest of its parents, on its day."""

from datetime import timedelta

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.categories.domain_categories import domain_categories
from platform_assets.domain.categories.visit_categories import with_categories
from platform_assets_tests.domain.category_worlds import (
    START,
    Entry,
    category_of,
    declared_map,
    history_table,
    received,
)
from resources.compute.duckdb_engine import DuckDBEngine

NAMES = ["a.example", "b.a.example", "c.b.a.example", "gov.uk", "d.gov.uk", "co.uk", "d.co.uk", "x.d.co.uk", "example"]
entries = st.lists(
    st.builds(Entry, st.integers(0, 6), st.sampled_from(NAMES), st.sampled_from(["news", "sports", "games"])),
    min_size=3,
    max_size=12,
)
visits = st.lists(st.tuples(st.sampled_from([*NAMES, "z.example", None]), st.integers(-1, 8)), min_size=12, max_size=20)


def categories(engine: DuckDBEngine, history: ibis.Table, asked: list[tuple[str | None, int]]) -> list[str | None]:
    """The categories of (domain, day), in the order asked for; every row must come back once."""
    rows = pa.table(
        {
            "number": pa.array(range(len(asked)), pa.int64()),
            "domain": pa.array([domain for domain, _ in asked], pa.string()),
            "event_date": pa.array([START + timedelta(days=day) for _, day in asked], pa.date32()),
        }
    )
    found = engine.backend.to_pyarrow(with_categories(ibis.memtable(rows), history, as_of="event_date")).to_pylist()
    assert sorted(row["number"] for row in found) == list(range(len(asked)))
    return [row["category"] for row in sorted(found, key=lambda row: row["number"])]


@settings(max_examples=20, deadline=None)
@given(first=entries, second=entries, keeps=st.booleans(), asked=visits)
def test_categories_are_those_of_a_plain_look_up(
    first: list[Entry], second: list[Entry], keeps: bool, asked: list, one_engine: DuckDBEngine
) -> None:
    worlds = [(declared_map("one"), first), (declared_map("two", keeps_absent=keeps), second)]
    told = domain_categories({each.name: received(rows) for each, rows in worlds}, [each for each, _ in worlds])
    history = told.filter(told.reject_reason.isnull())
    assert categories(one_engine, history, asked) == [category_of(worlds, domain, day) for domain, day in asked]


@pytest.mark.parametrize(
    ("domain", "category"),
    [
        ("shop.example.org", "news"),  # the first map knows a parent; the second knows the domain itself
        ("deep.mail.other.org", "webmail"),  # the nearest parent, not the furthest
        ("other.org", "portal"),
        ("notother.org", None),  # ends in the same letters, is no subdomain
        ("anything.co.uk", None),  # a public suffix is nobody's parent
        ("gov.uk", "government"),  # and counts for itself where it is a site, too
        ("tax.gov.uk", None),
        ("com", None),
        ("1.2.3.4", None),
        ("localhost", "own"),
    ],
)
def test_the_first_map_wins_then_the_nearest_name(domain: str, category: str | None, one_engine: DuckDBEngine) -> None:
    history = history_table(
        [
            (1, "example.org", "news", 0, None),
            (2, "shop.example.org", "shopping", 0, None),
            (2, "other.org", "portal", 0, None),
            (2, "mail.other.org", "webmail", 0, None),
            (2, "co.uk", "registry", 0, None),
            (2, "gov.uk", "government", 0, None),
            (2, "org", "registry", 0, None),
            (2, "3.4", "wrong", 0, None),
            (2, "localhost", "own", 0, None),
        ]
    )
    assert categories(one_engine, history, [(domain, 3)]) == [category]


def test_a_category_holds_from_its_first_day_to_the_day_before_its_end(one_engine: DuckDBEngine) -> None:
    history = history_table([(1, "a.example", "news", 2, 5), (1, "a.example", "sports", 5, None)])
    asked = [("a.example", day) for day in (1, 2, 4, 5, 9)]
    assert categories(one_engine, history, asked) == [None, "news", "news", "sports", "sports"]
