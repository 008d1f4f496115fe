"""Which days count as bad for a version: rows of validation and drift, against plain Python."""

from datetime import date, timedelta
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.model_policies import DriftPolicy
from platform_assets.domain.retraining.evidence import ObservedDay
from platform_assets.domain.retraining.observed_days import LEARNABLE_KINDS, drifted_days, matured_days, new_positives
from platform_assets_tests.model_worlds import small_spec

FIRST = date(2026, 1, 1)
DATES = st.integers(0, 9).map(lambda number: FIRST + timedelta(days=number))
SPEC = small_spec(drift=DriftPolicy(columns=2))
VALIDATED = st.lists(
    st.fixed_dictionaries(
        {
            "event_date": DATES,
            "model_version": st.integers(1, 2),
            "in_sample": st.booleans(),
            "positives": st.integers(0, 9),
            "auc_high": st.one_of(st.none(), st.sampled_from([0.60, 0.76, 0.78, 0.90])),
        }
    ),
    unique_by=lambda row: (row["event_date"], row["model_version"]),
)
COMPARED = st.lists(
    st.fixed_dictionaries(
        {
            "event_date": DATES,
            "model_version": st.one_of(st.none(), st.integers(1, 2)),
            "reference": st.sampled_from(["training", "last_week"]),
            "kind": st.sampled_from(["feature", "score", "label", "volume"]),
            "subject": st.sampled_from("abcd"),
            "drifted": st.booleans(),
        }
    ),
    unique_by=lambda row: tuple(row[name] for name in ("event_date", "reference", "kind", "subject")),
)


def frame(rows: list[dict[str, Any]], **more: Any) -> pd.DataFrame | None:
    return pd.DataFrame([row | {name: of(row) for name, of in more.items()} for row in rows]) if rows else None


@settings(max_examples=60, deadline=None)
@given(VALIDATED)
def test_a_matured_day_is_bad_where_the_upper_end_lies_below_what_is_tolerated(rows: list[dict[str, Any]]) -> None:
    table = frame(rows, mature_at=lambda row: row["event_date"] + timedelta(days=8))
    expected = [
        ObservedDay(
            row["event_date"],
            row["event_date"] + timedelta(days=8),
            row["auc_high"] is not None and row["auc_high"] < 0.80 - 0.03,
        )
        for row in sorted(rows, key=lambda row: row["event_date"])
        if row["model_version"] == 1 and not row["in_sample"]
    ]
    assert matured_days(table, 1, 0.80, SPEC) == expected


@settings(max_examples=60, deadline=None)
@given(COMPARED)
def test_a_drifted_day_has_enough_columns_that_training_again_can_answer_to(rows: list[dict[str, Any]]) -> None:
    def observed(row: dict[str, Any]) -> date:
        return row["event_date"] - timedelta(days=8 if row["kind"] == "label" else 0)

    days, columns = drifted_days(frame(rows, observed_date=observed), 1, SPEC)
    own = [
        row
        for row in rows
        if row["model_version"] == 1 and row["reference"] == "training" and row["kind"] in LEARNABLE_KINDS
    ]
    expected = []
    for known in sorted({row["event_date"] for row in own}):
        moved = [row for row in own if row["event_date"] == known and row["drifted"]]
        assert columns.get(known, []) == sorted(row["subject"] for row in moved)
        expected.append(ObservedDay(min(map(observed, moved), default=known), known, len(moved) >= 2))
    assert days == expected


@settings(max_examples=40, deadline=None)
@given(VALIDATED, DATES, DATES)
def test_labels_that_two_versions_scored_count_once(rows: list[dict[str, Any]], after: date, until: date) -> None:
    by_day: dict[date, int] = {}
    for row in rows:
        if after < row["event_date"] <= until:
            by_day[row["event_date"]] = max(by_day.get(row["event_date"], 0), row["positives"])
    assert new_positives(frame(rows), after, until) == sum(by_day.values())
