"""What a score is worth: distorted scores come back, intervals hold what comes true, doubt is said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.modelling.calibration import CalibrationUnusable, calibrate, expected_precision

SLOPE, INTERCEPT = 1.4, 0.6


def distorted(chance: np.ndarray) -> np.ndarray:
    """Scores whose chance is logistic(INTERCEPT + SLOPE * logit(score))."""
    logit = (np.log(chance / (1 - chance)) - INTERCEPT) / SLOPE
    return 1 / (1 + np.exp(-logit))


def outcomes(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chances, labels that follow them, and a person for every four rows: all four of them share one fate."""
    random = np.random.default_rng(seed)
    persons = np.repeat(np.arange(rows // 4), 4)
    chance = random.beta(1, 8, rows // 4)[persons].clip(0.001, 0.9)
    return chance, (random.random(rows // 4)[persons] < chance).astype(int), persons


def learnt(labels: np.ndarray, scores: np.ndarray, persons: np.ndarray):
    return calibrate(labels, scores, persons, minimum=30, where="here")


def test_a_distorted_score_comes_back_to_its_chance() -> None:
    chance, labels, persons = outcomes(80_000, seed=1)
    found = learnt(labels, distorted(chance), persons)
    assert found.line == pytest.approx([INTERCEPT, SLOPE], abs=0.12)
    assert np.abs(found.chance(distorted(chance)) - chance).max() < 0.03


def test_line_and_covariance_are_those_of_statsmodels_with_clusters() -> None:
    import statsmodels.api as sm

    chance, labels, persons = outcomes(4_000, seed=2)
    scores, positives, rows = distorted(chance), labels.sum(), len(labels)
    smoothed = np.where(labels > 0, (positives + 1) / (positives + 2), 1 / (rows - positives + 2))
    design = np.column_stack([np.ones(rows), np.log(scores / (1 - scores))])
    theirs = sm.GLM(smoothed, design, family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": persons}
    )
    ours = learnt(labels, scores, persons)
    assert ours.line == pytest.approx(theirs.params, rel=1e-6)
    assert ours.covariance == pytest.approx(theirs.cov_params() * (rows - 2) / (rows - 1), rel=1e-5)


def test_the_interval_holds_what_comes_true_at_every_depth_as_often_as_it_says() -> None:
    depths, inside = [1, 10, 50, 250, 1_000], []
    for world in range(200):
        chance, labels, persons = outcomes(4_000, seed=100 + world)
        found = learnt(labels, distorted(chance), persons)
        new = np.sort(np.random.default_rng(world).beta(1, 8, 1_500).clip(0.001, 0.9))[::-1]
        came_true = np.random.default_rng(world + 10_000).random(1_500) < new
        low, high = expected_precision(found, distorted(new)).interval(np.array(depths))
        realised = np.array([came_true[:depth].mean() for depth in depths])
        inside.append((low <= realised) & (realised <= high))
    by_depth = np.mean(inside, axis=0)
    assert by_depth.min() >= 0.91
    assert by_depth[2:].max() <= 0.99  # an interval that holds everything says nothing


@settings(deadline=None)
@given(scores=st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_expected_precision_is_the_mean_of_chances_and_lies_within_an_interval_that_can_come_true(
    scores: list[float],
) -> None:
    chance, labels, persons = outcomes(2_000, seed=3)
    found = learnt(labels, distorted(chance), persons)
    promised = expected_precision(found, scores)
    lows, highs = promised.interval(np.arange(1, len(scores) + 1))
    chances = [float(found.chance([score])[0]) for score in scores]
    for depth in range(1, len(scores) + 1):
        value, low, high = (each[depth - 1] for each in (promised.value, lows, highs))
        assert value == pytest.approx(sum(chances[:depth]) / depth)
        assert 0 <= low <= value <= high <= 1
        assert round(low * depth) == pytest.approx(low * depth)
        assert round(high * depth) == pytest.approx(high * depth)


def test_a_constant_score_is_worth_the_base_rate() -> None:
    labels = np.tile([1, 0, 0, 0], 100)
    found = learnt(labels, np.full(400, 0.9), np.arange(400))
    assert found.chance([0.9])[0] == pytest.approx(0.25, abs=0.005)


def test_separated_outcomes_and_scores_of_exactly_0_and_1_stay_finite() -> None:
    labels = np.repeat([0, 1], 50)
    found = learnt(labels, labels.astype(float), np.arange(100))
    assert np.isfinite(found.line).all() and np.isfinite(found.covariance).all()
    assert 0 < found.chance([0.0])[0] < 0.05 and 0.95 < found.chance([1.0])[0] < 1


@pytest.mark.parametrize("positives", [0, 29, 71, 100])
def test_too_few_of_one_outcome_are_refused(positives: int) -> None:
    labels = np.arange(100) < positives
    with pytest.raises(CalibrationUnusable, match=r"here: .*held-out rows are too few") as caught:
        learnt(labels, np.linspace(0.1, 0.9, 100), np.arange(100))
    assert caught.value.todo
