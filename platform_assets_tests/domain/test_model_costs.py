"""Costs of models: every second of every attempt is booked once, on the day and the model that spent it."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.model_costs import MODEL_COSTS
from platform_assets.domain.model_costs import (
    Attempt,
    Charge,
    Published,
    charge_of,
    charges_of,
    day_bounds,
    model_costs,
)
from platform_assets_tests.model_worlds import small_spec

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 4)
BEGIN, END = day_bounds(FIRST, LAST)
CHARGES = charges_of(
    {
        "events": "preprocessed_tables",
        "conversion_model": "trained_models",
        "conversion_scores": "predictions",
        "conversion_validation": "validation_reports",
    },
    [small_spec()],
)


def costs(attempts, published=(), first=FIRST, last=LAST, until=END, cost_per_hour=3.6):
    return model_costs(attempts, published, CHARGES, first, last, until=until, cost_per_hour=cost_per_hour)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def test_failed_and_retried_attempts_cost_what_they_took() -> None:
    attempts = [
        Attempt("r1", "conversion_model", at(1, 10), at(1, 11), failed=True),
        Attempt("r1", "conversion_model", at(1, 12), at(1, 14)),
        Attempt("r2", "conversion_model", at(1, 20), at(1, 20, 30), failed=True),
    ]
    (row,) = costs(attempts).to_dict("records")
    assert (row["model"], row["stage"], row["seconds"]) == ("conversion", "training", 3.5 * 3600)
    assert (row["runs"], row["attempts"], row["failed"]) == (2, 3, 2)
    assert row["cost"] == pytest.approx(3.5 * 3.6)


def test_a_step_over_midnight_counts_on_both_days_and_fails_on_the_second() -> None:
    rows = costs([Attempt("r", "conversion_scores", at(1, 23), at(2, 2), failed=True)])
    assert rows["seconds"].tolist() == [3600, 7200]
    assert rows["failed"].tolist() == [0, 1]


def test_what_still_lasts_counts_until_the_day_is_over_whenever_it_is_asked() -> None:
    lasting = [Attempt("r", "conversion_model", at(1, 22), None)]
    early, late = (costs(lasting, last=FIRST, until=until) for until in (at(2, 0), at(9, 5)))
    assert early["seconds"].tolist() == late["seconds"].tolist() == [7200]


def test_rows_are_those_published_and_checks_cost_their_table() -> None:
    attempts = [
        Attempt("r", "conversion_validation", at(1, 1), at(1, 2)),
        Attempt("r", "conversion_validation_metric_holds", at(1, 2), at(1, 3)),
        Attempt("r", "of_a_table_that_is_gone", at(1, 2), at(1, 3)),
    ]
    rows = costs(attempts, [Published("conversion_validation", at(1, 2), 7), Published("events", at(1, 2), 9)])
    told = rows[["model", "stage", "seconds", "rows"]].values.tolist()
    assert told == [["conversion", "validation", 7200, 7], ["shared", "other", 3600, 0]]


def test_a_longer_name_is_not_taken_for_a_check_of_a_shorter_one() -> None:
    charges = {"domain_clusters": Charge("shared", "a"), "domain_clusters_model": Charge("shared", "b")}
    assert charge_of("domain_clusters_model", charges).stage == "b"
    assert charge_of("domain_clusters_named", charges).stage == "a"


def test_a_day_without_work_has_no_rows_and_the_columns_are_those_of_the_contract() -> None:
    assert costs([]).empty
    assert set(costs([]).columns) == set(MODEL_COSTS.column_names)


instants = st.integers(-100_000, 500_000).map(lambda seconds: BEGIN + timedelta(seconds=seconds))
attempts = st.lists(
    st.builds(
        Attempt,
        st.sampled_from(["r1", "r2", "r3"]),
        st.sampled_from(["events", "conversion_model", "conversion_model_fits", "unknown"]),
        instants,
        st.none() | instants,
        failed=st.booleans(),
        died=st.booleans(),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(attempts)
def test_days_and_models_together_are_what_was_spent_and_a_range_is_its_days(given: list[Attempt]) -> None:
    expected: dict[tuple, float] = defaultdict(float)
    runs: dict[tuple, set[str]] = defaultdict(set)
    for each in given:
        ended = max(each.began, each.ended or END)
        day = each.began.date()
        while day == each.began.date() or datetime(day.year, day.month, day.day, tzinfo=UTC) < ended:
            begin, end = day_bounds(day, day)
            key = (day, *charge_of(each.step, CHARGES))
            expected[key] += (min(ended, end) - max(each.began, begin)).total_seconds()
            runs[key].add(each.run_id)
            day += timedelta(days=1)
    found = costs(given)
    keys = [tuple(key) for key in found[["run_date", "model", "stage"]].itertuples(index=False)]
    wanted = {key for key in expected if FIRST <= key[0] <= LAST}
    assert sorted(wanted) == keys
    assert found["seconds"].tolist() == pytest.approx([expected[key] for key in keys])
    assert found["runs"].tolist() == [len(runs[key]) for key in keys]
    days = [FIRST + timedelta(days=number) for number in range(4)]
    parts = [row for day in days for row in costs(given, first=day, last=day).to_dict("records")]
    assert parts == found.to_dict("records")
