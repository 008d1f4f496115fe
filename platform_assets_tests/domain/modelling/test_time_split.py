"""No label of a training day reaches into the days that a model is tested on."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from platform_assets.domain.modelling.time_split import TrainingSetUnusable, as_days, split_by_time, time_folds
from platform_assets_tests.model_worlds import small_spec, training_rows

SPEC = small_spec()
DAYS = st.lists(st.integers(0, 60), min_size=1, max_size=120)


@given(days=DAYS, folds=st.integers(2, 5), embargo=st.integers(1, 10))
def test_every_training_day_ends_its_horizon_before_the_first_test_day(
    days: list[int], folds: int, embargo: int
) -> None:
    when = np.array(days, dtype="datetime64[D]")
    try:
        pairs = time_folds(when, folds, embargo)
    except TrainingSetUnusable:
        assume(False)
    assert len(pairs) == folds
    for train, test in pairs:
        assert len(train) and len(test)
        assert when[train].max() + np.timedelta64(embargo, "D") <= when[test].min()
    tested = [set(when[test]) for _, test in pairs]
    assert all(max(early) < min(late) for early, late in pairwise(tested))
    assert when.max() == when[pairs[-1][1]].max()


def test_too_few_days_for_the_folds_say_what_to_do() -> None:
    days = np.arange(5).astype("datetime64[D]")
    with pytest.raises(TrainingSetUnusable, match="5 days give 0 test days") as caught:
        time_folds(days, folds=3, embargo_days=7)
    assert "more days" in caught.value.todo


def test_the_holdout_is_the_last_days_and_lies_after_all_that_learning_has_seen() -> None:
    split = split_by_time(training_rows(SPEC, users=3), SPEC)
    held_out = as_days(split.holdout["feature_date"])
    assert held_out.max() == np.datetime64("2026-02-21")
    assert held_out.min() == np.datetime64("2026-02-15")
    assert split.trained_until < date(2026, 2, 15)
    last_search_day = as_days(split.search["feature_date"]).max().astype(object)
    assert split.trained_until == last_search_day + timedelta(days=SPEC.label.horizon_days - 1)


def test_an_empty_training_set_says_what_to_materialise() -> None:
    with pytest.raises(TrainingSetUnusable, match="no rows") as caught:
        split_by_time(training_rows(SPEC, users=3).head(0), SPEC)
    assert "user_features" in caught.value.todo


def test_a_training_set_from_before_a_feature_says_to_make_it_again() -> None:
    with pytest.raises(TrainingSetUnusable, match="made before the model read carts") as caught:
        split_by_time(training_rows(SPEC, users=3).drop(columns="carts"), SPEC)
    assert "conversion_training_set" in caught.value.todo


def test_days_that_all_fall_into_the_holdout_leave_nothing_to_learn_from() -> None:
    frame = training_rows(SPEC, users=3)
    recent = frame[as_days(frame["feature_date"]) > np.datetime64("2026-02-14")]
    with pytest.raises(TrainingSetUnusable, match="leave none to learn from"):
        split_by_time(recent, SPEC)
