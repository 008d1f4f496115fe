"""Features of several tables are joined by day and entity, and a fraction keeps whole entities."""

from dataclasses import replace
from datetime import date, timedelta

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.model_spec import FeatureColumns
from platform_assets.domain.modelling.feature_rows import FeatureMissing, feature_rows, sampled_entities
from platform_assets_tests.model_worlds import small_spec

DAY = date(2026, 1, 31)
SPEC = replace(
    small_spec(),
    features=(
        FeatureColumns("user_features", ("visits",)),
        FeatureColumns("user_moods", ("mood",), date_column="mood_date"),
    ),
)
KEYS = st.sets(st.tuples(st.integers(0, 3), st.sampled_from(["ann", "bob", "cem"])), max_size=8)


def table(keys: set[tuple[int, str]], day: str, **columns: float) -> ibis.Table:
    rows = [(DAY + timedelta(days=after), who, *columns.values()) for after, who in sorted(keys)]
    schema = {day: "date", "user_id": "string", **dict.fromkeys(columns, "float64")}
    return ibis.memtable(pd.DataFrame(rows, columns=list(schema)), schema=schema)


def tables(first: set[tuple[int, str]], second: set[tuple[int, str]]) -> dict[str, ibis.Table]:
    return {
        "user_features": table(first, "event_date", visits=3.0, carts=1.0),
        "user_moods": table(second, "mood_date", mood=0.5),
    }


@settings(max_examples=15, deadline=None)
@given(first=KEYS, second=KEYS)
def test_the_first_table_says_who_has_a_row_and_what_others_lack_is_missing(
    first: set[tuple[int, str]], second: set[tuple[int, str]]
) -> None:
    rows = feature_rows(tables(first, second), SPEC).to_pandas()
    found = {
        ((pd.Timestamp(row.feature_date).date() - DAY).days, row.user_id): (
            row.visits,
            None if pd.isna(row.mood) else 0.5,
        )
        for row in rows.itertuples()
    }
    assert len(rows) == len(first)
    assert found == {key: (3.0, 0.5 if key in second else None) for key in first}


def test_a_model_of_an_earlier_spec_gets_the_columns_that_it_was_trained_on() -> None:
    rows = feature_rows(tables({(0, "ann")}, set()), SPEC, names=("mood", "carts", "visits"))
    assert rows.columns == ("feature_date", "user_id", "carts", "visits", "mood")


def test_a_column_that_no_table_has_any_more_says_what_to_do() -> None:
    with pytest.raises(FeatureMissing, match="no column shoes in user_features, user_moods") as caught:
        feature_rows(tables(set(), set()), SPEC, names=("visits", "shoes"))
    assert "FeatureColumns('<table>', ())" in caught.value.todo


def people(fraction: float) -> set[str]:
    frame = pd.DataFrame({"user_id": [f"u{number % 2000}" for number in range(6000)]})
    return set(sampled_entities(ibis.memtable(frame), "user_id", fraction).to_pandas()["user_id"])


def test_a_fraction_keeps_about_so_many_entities_and_those_of_a_smaller_one() -> None:
    tenth, third = people(0.1), people(0.3)
    assert 150 < len(tenth) < 250
    assert 520 < len(third) < 680
    assert tenth < third < people(1.0)


def test_of_an_entity_all_rows_are_kept_or_none() -> None:
    frame = pd.DataFrame({"user_id": [f"u{number % 50}" for number in range(500)]})
    kept = sampled_entities(ibis.memtable(frame), "user_id", 0.5).to_pandas()
    assert set(kept.groupby("user_id").size()) == {10}
