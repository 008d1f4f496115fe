"""A window taken apart gives the parts that it was put together from, whatever is missing or odd in it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.traffic.decomposition import as_counts, decompose, quantile_of_known, stabilised
from platform_assets_tests.domain.traffic.made_up import counts, rates

DAYS = 42
WEEKDAYS = np.arange(DAYS) % 7


def whole(values: np.ndarray) -> np.ndarray:
    return np.ones(values.shape, dtype=bool)


def expected_counts(values: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    parts = decompose(values, whole(values) if known is None else known, WEEKDAYS)
    sums = parts.trend + parts.season_day[:, None] + parts.season_week[:, WEEKDAYS]
    return as_counts(sums, parts.spread[:, None])


def test_the_parts_add_up_to_the_course_that_counts_were_drawn_from() -> None:
    found = expected_counts(counts(20, DAYS, level=100))
    error = np.abs(found / rates(DAYS, level=100) - 1)
    assert error.mean() < 0.03
    assert np.abs(found.sum() / (20 * rates(DAYS, level=100).sum()) - 1) < 0.005


def test_parts_and_residual_add_up_to_what_was_observed() -> None:
    values = counts(3, DAYS)
    parts = decompose(values, whole(values), WEEKDAYS)
    sums = parts.trend + parts.season_day[:, None] + parts.season_week[:, WEEKDAYS] + parts.residual
    np.testing.assert_allclose(sums, stabilised(values), atol=1e-12)


def test_a_series_with_no_week_season_gets_next_to_none() -> None:
    flat = np.random.default_rng(2).poisson(rates(7)[0], (20, DAYS, 24)).astype(float)
    parts = decompose(flat, whole(flat), WEEKDAYS)
    season = np.ptp(parts.season_day, axis=1).mean()
    assert np.abs(parts.season_week).mean() < 0.02 * season


def test_growth_becomes_trend_and_slope() -> None:
    values = counts(10, DAYS, level=200, growth=0.02)
    parts = decompose(values, whole(values), WEEKDAYS)
    level = as_counts(parts.trend.mean(axis=(0, 2)))
    assert level[-1] / level[0] == pytest.approx(1 + 0.02 * (DAYS - 1), rel=0.06)
    assert (parts.slope > 0).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), lost=st.floats(0.0, 0.3), wrong=st.sampled_from([0.0, 5.0, 1e6]))
def test_what_stands_in_unknown_hours_changes_nothing(seed: int, lost: float, wrong: float) -> None:
    values = counts(2, DAYS, seed)
    known = np.random.default_rng(seed).random(values.shape) >= lost
    parts, other = (
        decompose(np.where(known, values, filling), known, WEEKDAYS) for filling in (0.0, wrong)
    )  # fmt: skip
    for name, part in vars(parts).items():
        np.testing.assert_array_equal(part, getattr(other, name))
    assert np.isnan(parts.residual).sum() == (~known).sum()


def test_missing_hours_and_days_leave_the_course_as_it_is() -> None:
    values = counts(20, DAYS, level=100)
    known = whole(values)
    known[:, 10, 13] = known[:, 20] = known[:, 41, 5:9] = False
    assert np.abs(expected_counts(values, known) / rates(DAYS, level=100) - 1).mean() < 0.035


def test_outliers_hardly_move_the_parts() -> None:
    values = counts(20, DAYS, level=100)
    odd = values.copy()
    odd[:, 40, 9:15] = 0
    odd[:, 38, 9:15] *= 5
    assert np.abs(expected_counts(odd) / rates(DAYS, level=100) - 1).mean() < 0.035


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), level=st.floats(0.5, 200), days=st.integers(14, DAYS))
def test_a_series_alone_and_among_others_has_the_same_parts_to_the_bit(seed: int, level: float, days: int) -> None:
    values = counts(5, days, seed, level)
    together = decompose(values, whole(values), WEEKDAYS[:days])
    for name, part in vars(together).items():
        alone = getattr(decompose(values[2:3], whole(values[2:3]), WEEKDAYS[:days]), name)
        np.testing.assert_array_equal(part[2:3], alone, err_msg=name)


def test_statsmodels_mstl_finds_the_same_parts() -> None:
    from statsmodels.tsa.seasonal import MSTL

    values = counts(3, DAYS, level=200)
    parts = decompose(values, whole(values), WEEKDAYS)
    course = stabilised(rates(DAYS, level=200))
    for number in range(3):
        reference = MSTL(stabilised(values[number]).ravel(), periods=(24, 168)).fit()
        ours = (parts.trend + parts.season_day[:, None] + parts.season_week[:, WEEKDAYS])[number].ravel()
        theirs = reference.trend + reference.seasonal.sum(axis=1)
        assert np.corrcoef(ours, theirs)[0, 1] > 0.995
        assert np.corrcoef(parts.trend[number].ravel(), reference.trend)[0, 1] > 0 or np.ptp(reference.trend) < 0.5
        assert np.mean((ours - course.ravel()) ** 2) < np.mean((theirs - course.ravel()) ** 2)


numbers = st.lists(st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6)), min_size=1, max_size=20)


@settings(max_examples=50, deadline=None)
@given(values=numbers, share=st.sampled_from([0.05, 0.5, 0.95]), smallest=st.integers(1, 5))
def test_quantiles_are_those_of_the_known_values(values: list[float], share: float, smallest: int) -> None:
    known = sorted(value for value in values if not np.isnan(value))
    (found,) = quantile_of_known(np.array([values]), share, smallest)
    if len(known) < smallest:
        assert np.isnan(found)
    else:
        expected = np.quantile(known, share, method="weibull")
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_counts_come_back_from_the_even_scale() -> None:
    values = np.arange(0, 500.0)
    np.testing.assert_allclose(as_counts(stabilised(values)), values, atol=1e-9)
    assert as_counts(np.array([-3.0])) == 0
