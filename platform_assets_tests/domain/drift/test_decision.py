"""Planted changes are found on their day; days like the reference are not called drifted."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.drift.comparison import FEATURE, LABEL, TRAINING, Pair, Volume, compared
from platform_assets.domain.drift.decision import decided, holm
from platform_assets.domain.drift.distribution import Sample
from platform_assets.domain.model_policies import DriftPolicy

DAY = date(2026, 3, 1)
LEARNT = tuple(DAY - timedelta(days=number) for number in (28, 21, 14))
POLICY = DriftPolicy()


def persons(size: int, seed: int) -> dict[str, Any]:
    """A day's columns: a count, an amount that some lack, a category of three values, a flag and a constant."""
    random = np.random.default_rng(seed)
    return {
        "visits": random.poisson(6.0, size).astype(float),
        "value": np.where(random.random(size) < 0.3, np.nan, random.lognormal(2, 1, size)),
        "device": random.choice([0.0, 1.0, 2.0], size, p=[0.5, 0.3, 0.2]),
        "is_member": random.random(size) < 0.4,
        "constant": np.ones(size),
    }


def sample(columns: dict[str, Any], *days: date, entities: int | None = None) -> Sample:
    rows = pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})
    return Sample.of(rows, days or (DAY,), entities or rows.num_rows)


REFERENCE = sample(persons(3_000, seed=1), *LEARNT, entities=1_000)


def rows_of(columns: dict[str, Any]) -> pd.DataFrame:
    pair = Pair(TRAINING, FEATURE, sample(columns), REFERENCE)
    return decided(compared([pair], []), POLICY).set_index("subject")


def drifted(columns: dict[str, Any]) -> set[str]:
    rows = rows_of(columns)
    return set(rows.index[rows["drifted"]])


def test_a_day_like_the_reference_has_not_drifted() -> None:
    rows = rows_of(persons(1_000, seed=2))
    assert not rows["drifted"].any()
    assert rows["reason"].isna().all()
    assert (rows["rows"] == 1_000).all() and (rows["reference_rows"] == 3_000).all()


def test_at_most_one_quiet_day_in_a_hundred_is_called_drifted() -> None:
    days = [bool(drifted(persons(60, seed=seed))) for seed in range(100, 300)]
    assert sum(days) <= 2


def test_a_scaled_feature_is_found_and_only_it() -> None:
    today = persons(1_000, seed=3)
    today["visits"] = today["visits"] * 1.5
    assert drifted(today) == {"visits"}
    reason = rows_of(today)["reason"]["visits"]
    assert reason.startswith("values have moved, their mean from 5.9") and "PSI" in reason


def test_twenty_points_more_missing_values_are_found_and_said() -> None:
    today = persons(1_000, seed=4)
    today["value"][:290] = np.nan
    assert drifted(today) == {"value"}
    assert "are missing instead of" in rows_of(today)["reason"]["value"]


def test_a_new_category_in_five_of_a_hundred_rows_is_found_and_said() -> None:
    today = persons(1_000, seed=5)
    today["device"][:50] = 9.0
    assert drifted(today) == {"device"}
    assert "5.0% have values that the reference never saw" in rows_of(today)["reason"]["device"]


def test_a_flag_that_turns_and_a_constant_that_changes_are_found() -> None:
    today = persons(1_000, seed=6)
    today["is_member"], today["constant"] = ~today["is_member"], np.full(1_000, 2.0)
    assert drifted(today) >= {"constant"}
    assert rows_of(today)["psi"]["is_member"] > 0.1


def test_a_column_without_values_today_is_missing_and_has_no_index() -> None:
    today = persons(1_000, seed=7) | {"value": np.full(1_000, np.nan)}
    row = rows_of(today).loc["value"]
    assert row["drifted"] and np.isnan(row["psi"]) and row["missing_share"] == 1


def test_infinite_values_are_values() -> None:
    today = persons(1_000, seed=8)
    today["visits"][:400] = np.inf
    row = rows_of(today).loc["visits"]
    assert row["drifted"] and np.isfinite(row["wasserstein"]) and np.isfinite(row["mean"])


def test_a_shift_that_many_rows_show_and_nobody_minds_is_no_drift() -> None:
    today = persons(20_000, seed=14)
    today["value"] *= 1.3
    row = rows_of(today).loc["value"]
    assert row["adjusted_p_value"] < POLICY.significance and 0 < row["psi"] < POLICY.psi
    assert not row["drifted"] and row["reason"] is None


def test_few_rows_show_nothing_however_far_they_lie() -> None:
    rows = rows_of({name: values[:5] for name, values in persons(1_000, seed=9).items()})
    assert rows["psi"].max() > POLICY.psi
    assert not rows["drifted"].any()


def test_persons_who_repeat_count_once() -> None:
    """Thirty rows of each of ten persons tell what ten rows tell."""
    today, repeated = persons(1_000, seed=10), persons(10, seed=12)
    before = sample({name: np.repeat(values, 30) for name, values in repeated.items()}, *LEARNT, entities=10)
    rows = decided(compared([Pair(TRAINING, FEATURE, sample(today), before)], []), POLICY).set_index("subject")
    assert rows["psi"]["visits"] > POLICY.psi and not rows["drifted"]["visits"]


def test_columns_that_one_side_lacks_are_left_out() -> None:
    today = persons(500, seed=11)
    del today["device"]
    assert set(rows_of(today | {"later": np.ones(500)}).index) == {"visits", "value", "is_member", "constant"}


@pytest.mark.parametrize(("rows", "found"), [(100, False), (75, False), (50, True), (0, True), (170, True)])
def test_half_the_rows_gone_are_found(rows: int, found: bool) -> None:
    volume = Volume(TRAINING, "user_features", DAY, rows, (95, 100, 104))
    (row,) = decided(compared([], [volume]), POLICY).to_dict("records")
    assert (row["drifted"], row["reference_rows"], row["rows"]) == (found, 100, rows)
    assert not found or row["reason"].startswith(f"{rows} rows instead of 100")


def test_an_empty_day_has_a_volume_only() -> None:
    nobody = Pair(TRAINING, FEATURE, sample({"visits": np.empty(0)}), REFERENCE)
    rows = decided(compared([nobody], [Volume(TRAINING, "user_features", DAY, 0, (100,))]), POLICY)
    assert rows["kind"].tolist() == ["volume"]


def test_nothing_to_compare_gives_no_rows() -> None:
    assert len(decided(compared([], []), POLICY)) == 0


@pytest.mark.parametrize(("positives", "found"), [(55, False), (110, True), (10, True)])
def test_twice_the_positive_labels_are_found(positives: int, found: bool) -> None:
    pair = Pair(TRAINING, LABEL, Sample.of_labels(1_000, positives, DAY), Sample.of_labels(1_000, 50, DAY))
    (row,) = decided(compared([pair], []), POLICY).to_dict("records")
    assert row["drifted"] == found
    assert not found or row["reason"].startswith(f"{positives / 1000:.1%} of labels are positive instead of 5.0%")


def test_references_are_tested_apart() -> None:
    """What one reference finds changes nothing of what the other does."""
    columns = persons(400, seed=13)
    columns["value"] *= 1.35
    today = sample(columns)
    training, last_week = Pair(TRAINING, FEATURE, today, REFERENCE), Pair("last_week", FEATURE, today, today)
    both = decided(compared([training, last_week], []), POLICY)
    alone = decided(compared([training], []), POLICY)
    assert 0 < alone["adjusted_p_value"].min() < 0.5
    pd.testing.assert_frame_equal(both[both["reference"] == TRAINING], alone)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.001, 0.4))
@settings(deadline=None)
def test_holm_rejects_step_by_step_until_one_stands(chances: list[float], significance: float) -> None:
    rejected = 0
    for number, chance in enumerate(sorted(chances)):
        if chance * (len(chances) - number) > significance:
            break
        rejected += 1
    adjusted = holm(np.array([np.nan, *chances]))
    assert np.isnan(adjusted[0])
    assert (adjusted[1:] <= significance).sum() == rejected
