"""Figures agree with scikit-learn, and intervals cover what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from platform_assets.domain.modelling.quality import (
    _figures,
    auc,
    brier,
    calibration_error,
    lift_at_top,
    lift_by_decile,
    metric_differences,
    metric_estimates,
)
from platform_assets.domain.modelling.quality import log_loss as own_log_loss

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 10)), min_size=2, max_size=60).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


@settings(deadline=None)
@given(rows=ROWS)
def test_metrics_agree_with_scikit_learn_also_on_ties(rows: list[tuple[int, int]]) -> None:
    labels, scores = np.array([label for label, _ in rows]), np.array([score / 10 for _, score in rows])
    assert auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert brier(labels, scores) == pytest.approx(brier_score_loss(labels, scores), abs=1e-12)
    inside = np.clip(scores, 1e-15, 1 - 1e-15)
    assert own_log_loss(labels, scores) == pytest.approx(log_loss(labels, inside), rel=1e-6)


def test_one_outcome_only_has_no_auc_and_no_interval() -> None:
    estimate = metric_estimates([0, 0, 0], [0.1, 0.2, 0.3], ["a", "b", "c"], seed=1)["auc"]
    assert np.isnan([estimate.value, estimate.low, estimate.high]).all()


def test_no_rows_give_no_figures() -> None:
    assert np.isnan(
        [auc([], []), own_log_loss([], []), brier([], []), calibration_error([], []), lift_at_top([], [])]
    ).all()


def test_the_interval_covers_the_true_auc_in_about_95_of_100_worlds() -> None:
    random = np.random.default_rng(5)
    true_auc = 0.760250  # two unit normals, one standard deviation apart: Φ(1/√2)
    covered = 0
    for world in range(100):
        labels = np.repeat([0, 1], 150)
        estimate = metric_estimates(labels, random.normal(labels), np.arange(300), seed=world)["auc"]
        covered += estimate.low <= true_auc <= estimate.high
    assert 88 <= covered <= 100


def test_rows_of_one_entity_count_as_one_draw() -> None:
    random = np.random.default_rng(2)
    labels = random.integers(0, 2, 200)
    scores = random.normal(labels)
    once = metric_estimates(labels, scores, np.arange(200), seed=1)["auc"]
    repeated = metric_estimates(np.tile(labels, 5), np.tile(scores, 5), np.tile(np.arange(200), 5), seed=1)["auc"]
    assert repeated.high - repeated.low == pytest.approx(once.high - once.low, rel=1e-9)


def test_a_model_does_not_differ_from_itself() -> None:
    labels, scores = [0, 1, 0, 1, 1], [0.1, 0.4, 0.5, 0.7, 0.2]
    for difference in metric_differences(labels, scores, scores, list("abcde"), seed=3).values():
        assert (difference.value, difference.low, difference.high) == (0.0, 0.0, 0.0)


@settings(deadline=None, max_examples=50)
@given(rows=ROWS, seed=st.integers(0, 3))
def test_a_difference_is_that_of_the_figures_of_each_and_lies_near_its_interval(
    rows: list[tuple[int, int]], seed: int
) -> None:
    labels, scores = np.array([label for label, _ in rows]), np.array([score / 10 for _, score in rows])
    other = np.random.default_rng(seed).random(len(rows))
    differences = metric_differences(labels, scores, other, np.arange(len(rows)), seed=seed)
    figures = {"auc": auc, "log_loss": own_log_loss, "brier": brier, "calibration_error": calibration_error}
    for name, figure in figures.items():
        assert differences[name].value == pytest.approx(figure(labels, scores) - figure(labels, other), abs=1e-9)


def test_repeated_rows_weigh_like_drawn_ones() -> None:
    random = np.random.default_rng(6)
    labels, scores = random.integers(0, 2, 300), random.random(300)
    drawn = random.poisson(1.0, 300)
    weighted = _figures(labels.astype(float), scores, drawn[np.newaxis].astype(float))[0]
    again = np.repeat(np.arange(300), drawn)
    plain = [figure(labels[again], scores[again]) for figure in (auc, own_log_loss, brier)]
    np.testing.assert_allclose(weighted[:3], plain)


def test_a_pair_shares_its_luck_so_that_its_interval_is_narrower_than_that_of_two() -> None:
    random = np.random.default_rng(7)
    labels = random.integers(0, 2, 400)
    scores = random.normal(labels)
    slightly_worse = scores + random.normal(scale=0.2, size=400)
    paired = metric_differences(labels, scores, slightly_worse, np.arange(400), seed=1)["auc"]
    alone = metric_estimates(labels, scores, np.arange(400), seed=1)["auc"]
    assert paired.high - paired.low < (alone.high - alone.low) / 2


def test_calibration_error_is_the_distance_that_was_planted() -> None:
    scores = np.repeat(np.arange(1, 11) / 20, 1000)
    came_true = np.concatenate([np.arange(1000) < round(1000 * (score + 0.1)) for score in np.arange(1, 11) / 20])
    assert calibration_error(came_true, scores) == pytest.approx(0.1)


def test_lift_counts_the_best_tenth_and_shares_ties_at_its_edge() -> None:
    labels = np.r_[np.ones(10), np.zeros(90)]
    assert lift_at_top(labels, np.arange(100)[::-1]) == pytest.approx(10.0)
    assert lift_at_top(labels, np.zeros(100)) == pytest.approx(1.0)


def test_the_interval_of_the_calibration_error_covers_the_true_one() -> None:
    covered = {0.0: 0, 0.1: 0}
    for distance in covered:
        for world in range(40):
            random = np.random.default_rng(world)
            chance = random.beta(2, 8, 500)
            labels, scores = random.random(500) < chance, np.minimum(chance + distance, 1)
            estimate = metric_estimates(labels, scores, np.arange(500), seed=1)["calibration_error"]
            assert estimate.low <= estimate.value <= estimate.high
            assert estimate.value == pytest.approx(calibration_error(labels, scores))
            covered[distance] += estimate.low <= distance <= estimate.high
    assert min(covered.values()) >= 36


@settings(deadline=None)
@given(rows=ROWS)
def test_lift_by_decile_is_that_of_the_rows_in_any_order_of_ties(rows: list[tuple[int, int]]) -> None:
    labels, scores = np.array([label for label, _ in rows] * 10), np.array([score for _, score in rows] * 10)
    share = {score: labels[scores == score].mean() for score in set(scores.tolist())}  # a tied row counts as its tie
    ranked = sorted(scores.tolist(), reverse=True)
    tenths = [ranked[len(rows) * number : len(rows) * (number + 1)] for number in range(10)]
    oracle = [np.mean([share[score] for score in tenth]) / labels.mean() for tenth in tenths]
    assert lift_by_decile(labels, scores) == pytest.approx(oracle)


def test_lift_by_decile_needs_a_positive() -> None:
    assert np.isnan(lift_by_decile([0, 0], [0.1, 0.2])).all()
    assert np.isnan(lift_by_decile([], [])).all()
