"""Distances agree with scipy and with plain Python, also on ties, infinities, constants and missing values."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact, ks_2samp, wasserstein_distance

from platform_assets.domain.drift.distances import (
    binned,
    kolmogorov_smirnov,
    ratio_index,
    share_chances,
    smirnov_chances,
    stability_index,
    unseen_share,
    wasserstein,
)
from platform_assets.domain.drift.distribution import Distribution

NUMBER = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3).map(lambda x: round(x, 1)))
NUMBERS = st.lists(NUMBER, min_size=2, max_size=80)
WITH_EXTREMES = st.lists(st.one_of(NUMBER, st.sampled_from([math.nan, math.inf, -math.inf])), min_size=0, max_size=60)
of = Distribution.of


@settings(deadline=None)
@given(today=NUMBERS, before=NUMBERS)
def test_kolmogorov_smirnov_agrees_with_scipy(today: list[float], before: list[float]) -> None:
    expected = ks_2samp(today, before, method="asymp")
    distance = kolmogorov_smirnov(of(today), of(before))
    assert distance == pytest.approx(expected.statistic, abs=1e-12)
    chance = smirnov_chances(*(np.array([float(each)]) for each in (distance, len(today), len(before))))
    assert chance[0] == pytest.approx(expected.pvalue, abs=1e-9)


@settings(deadline=None)
@given(today=NUMBERS, before=NUMBERS)
def test_wasserstein_agrees_with_scipy(today: list[float], before: list[float]) -> None:
    spread = np.std(before)
    found = wasserstein(of(today), of(before))
    if spread > 1e-9:
        assert found == pytest.approx(wasserstein_distance(today, before) / spread, rel=1e-6, abs=1e-9)


def plain_index(today: Sequence[float], before: Sequence[float]) -> float:
    """The stability index over the deciles of `before`, one value after the other."""
    ordered = sorted(before)
    cuts = {ordered[max(math.ceil(len(ordered) * k / 10 - 1e-9), 1) - 1] for k in range(1, 10)}
    edges = [*sorted(cut for cut in cuts if cut < ordered[-1]), math.inf]
    total, lower = 0.0, -math.inf
    for number, upper in enumerate(edges):
        inside = [sum((lower < x or number == 0) and x <= upper for x in side) / len(side) for side in (today, before)]
        now, then = (max(share, 1e-4) for share in inside)
        total += (now - then) * math.log(now / then)
        lower = upper
    return total


@settings(deadline=None)
@given(today=NUMBERS, before=NUMBERS.filter(lambda values: not of(values).is_categorical))
def test_stability_index_is_that_of_the_deciles_of_the_reference(today: list[float], before: list[float]) -> None:
    assert stability_index(of(today), of(before)) == pytest.approx(plain_index(today, before), abs=1e-9)


def test_stability_index_of_categories_counts_every_value_and_one_more_for_the_unseen() -> None:
    before, today = of([0.0] * 60 + [1.0] * 40), of([0.0] * 50 + [1.0] * 40 + [7.0] * 10)
    expected = (0.5 - 0.6) * math.log(0.5 / 0.6) + (0.1 - 1e-4) * math.log(0.1 / 1e-4)
    assert stability_index(today, before) == pytest.approx(expected)
    assert unseen_share(today, before) == pytest.approx(0.1)


@settings(deadline=None)
@given(today=WITH_EXTREMES, before=WITH_EXTREMES)
def test_every_value_falls_into_one_bin_and_figures_are_numbers_or_nan(today: list[float], before: list[float]) -> None:
    now, then = of(today), of(before)
    if then.size:
        assert [side.sum() for side in binned(now, then)] == [now.size, then.size]
    for figure in (stability_index, kolmogorov_smirnov, wasserstein):
        found = figure(now, then)
        assert np.isnan(found) or 0 <= found < math.inf
        assert math.isnan(figure(now, now)) or figure(now, now) == pytest.approx(0)
    assert now.size + now.missing == len(today)


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(1, 30), st.integers(0, 40), st.integers(1, 40))
def test_chances_of_shares_are_twice_a_tail_of_fishers_exact_test(a: int, n: int, b: int, m: int) -> None:
    a, b = min(a, n), min(b, m)
    tails = [fisher_exact([[a, n - a], [b, m - b]], alternative=side).pvalue for side in ("less", "greater")]
    found = share_chances(*(np.array([float(each)]) for each in (a, n, b, m)))
    assert found[0] == pytest.approx(min(1, 2 * min(tails)), rel=1e-6)


def test_missing_values_are_counted_and_are_no_values() -> None:
    column = of([1.0, math.nan, 3.0, math.nan])
    assert (column.values.tolist(), column.missing, column.missing_share) == ([1.0, 3.0], 2, 0.5)


def test_booleans_are_nought_and_one() -> None:
    column = of([True, False, True])
    assert (column.values.tolist(), column.counts.tolist()) == ([0.0, 1.0], [1, 2])


def test_a_constant_column_lies_no_measurable_way_from_another_value() -> None:
    constant = of([2.0] * 50)
    assert wasserstein(constant, constant) == 0
    assert math.isnan(wasserstein(of([3.0] * 50), constant))
    assert stability_index(of([3.0] * 50), constant) > 1


def test_a_column_without_values_is_compared_by_none_of_them() -> None:
    nothing, something = of([math.nan] * 5), of([1.0, 2.0])
    for figure in (stability_index, kolmogorov_smirnov, wasserstein):
        assert math.isnan(figure(nothing, something)) and math.isnan(figure(something, nothing))


def test_amounts_that_few_pay_are_no_categories() -> None:
    amounts = [0.0] * 460 + [10.5, 3.2, 99.0, 7.1, 5.5, 12.0, 1.0, 2.0, 3.0, 4.0]
    assert not of(amounts).is_categorical
    assert of([0.0] * 460 + [1.0] * 8 + [2.0] * 2).is_categorical


def test_half_the_rows_lie_as_far_as_an_index_above_the_usual_threshold() -> None:
    assert ratio_index(50, 100) == pytest.approx(0.3466, abs=1e-4)
    assert ratio_index(100, 100) == 0
    assert 0.2 < ratio_index(0, 100) < math.inf
