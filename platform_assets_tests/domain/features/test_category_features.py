"""Category features of a day are a plain count over the audiences of the day before, and null where there are none."""

from datetime import date, timedelta

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.category_audiences import CATEGORY_AUDIENCES
from platform_assets.domain.contracts.user_features import CATEGORY_FEATURES, USER_FEATURES
from platform_assets.domain.features.category_features import with_category_features
from resources.compute.duckdb_engine import DuckDBEngine

DAY = date(2026, 2, 10)
NAMES = [each.name for each in CATEGORY_FEATURES]
SCHEMA = CATEGORY_AUDIENCES.schema().to_pyarrow()
PERSONS = ["ann", "bob", "eve"]

members = st.dictionaries(
    st.tuples(st.integers(-3, 2), st.sampled_from(["news", "shoes", "books"]), st.sampled_from(PERSONS)),
    st.integers(1, 9),
    max_size=15,
)


def features(engine: DuckDBEngine, found: dict | None, commerce: tuple[str, ...] = ("shoes", "books")) -> list[dict]:
    """The features of DAY and the day after, from {(days from DAY, category, person): visits}."""
    rows = [{"event_date": DAY + timedelta(days=day), "user_id": who} for day in (0, 1) for who in PERSONS]
    persons = ibis.memtable(pa.Table.from_pylist(rows, pa.schema({"event_date": pa.date32(), "user_id": pa.string()})))
    audiences = None
    if found is not None:
        records = [
            {"event_date": DAY + timedelta(days=day), "category": category, "user_id": who, "events": visits}
            for (day, category, who), visits in found.items()
        ]
        audiences = ibis.memtable(pa.Table.from_pylist(records, schema=SCHEMA))
    made = engine.backend.to_pyarrow(with_category_features(persons, audiences, commerce)).to_pylist()
    return sorted(made, key=lambda row: (row["event_date"], row["user_id"]))


def counted(found: dict, day: int, who: str) -> dict:
    own = {category: visits for (on, category, person), visits in found.items() if (on, person) == (day - 1, who)}
    if not own:
        return dict.fromkeys(NAMES)
    total = sum(own.values())
    return {
        "categories_28d": len(own),
        "top_category_share_28d": max(own.values()) / total,
        "category_concentration_28d": sum(visits**2 for visits in own.values()) / total**2,
        "commerce_share_28d": (own.get("shoes", 0) + own.get("books", 0)) / total,
    }


@settings(max_examples=20, deadline=None)
@given(found=members)
def test_features_are_what_a_plain_count_gives(found: dict, one_engine: DuckDBEngine) -> None:
    expected = [
        {"event_date": DAY + timedelta(days=day), "user_id": who, **counted(found, day, who)}
        for day in (0, 1)
        for who in PERSONS
    ]
    assert features(one_engine, found) == expected


@pytest.mark.parametrize("day", [-2, 0, 1])
def test_audiences_of_another_day_than_the_one_before_say_nothing(day: int, one_engine: DuckDBEngine) -> None:
    today = [row for row in features(one_engine, {(day, "news", "ann"): 3}) if row["event_date"] == DAY]
    assert all(row[name] is None for row in today for name in NAMES)


def test_without_audiences_all_is_null_in_the_contracts_types(one_engine: DuckDBEngine) -> None:
    rows = features(one_engine, None)
    assert len(rows) == 6
    assert all(row[name] is None for row in rows for name in NAMES)
    table = with_category_features(ibis.memtable({"user_id": ["ann"]}), None, ())
    assert {name: table.schema()[name] for name in NAMES} == {name: USER_FEATURES.schema()[name] for name in NAMES}


def test_where_nothing_is_commerce_its_share_is_zero(one_engine: DuckDBEngine) -> None:
    (row, *_) = features(one_engine, {(-1, "shoes", "ann"): 3}, commerce=())
    assert (row["commerce_share_28d"], row["top_category_share_28d"]) == (0.0, 1.0)
