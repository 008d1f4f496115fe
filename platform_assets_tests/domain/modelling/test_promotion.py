"""Nobody becomes champion by default: only a proven difference promotes."""

from datetime import date

import numpy as np
import pandas as pd

from platform_assets.domain.model_policies import PromotionPolicy
from platform_assets.domain.modelling.promotion import Verdict, baselines, judge_challenger, judge_first
from platform_assets.domain.modelling.time_split import split_by_time
from platform_assets.domain.modelling.training import train
from platform_assets_tests.model_worlds import TRAINING_DATE, small_spec, training_rows

SPEC = small_spec()
LONG_AGO = date(2026, 1, 1)


def first_verdict(rows: pd.DataFrame, **changes: float) -> Verdict:
    spec = small_spec(**changes)
    split = split_by_time(rows, spec)
    scores = train(rows, spec, TRAINING_DATE).holdout["score"]
    return judge_first(split.holdout, scores, baselines(split.search, split.holdout, spec), spec=spec)


def later_rows() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Held-out rows with a good and a poor score."""
    holdout = split_by_time(training_rows(SPEC), SPEC).holdout
    return holdout, (holdout["visits"] * 0.5 + holdout["carts"]).to_numpy(), holdout["visits"].to_numpy()


def test_a_model_that_beats_the_baselines_is_promoted() -> None:
    verdict = first_verdict(training_rows(SPEC))
    assert verdict.promoted
    assert verdict.reason.startswith("promoted: the candidate for first champion beats")
    assert verdict.numbers["difference_low"] > SPEC.promotion.margin


def test_a_model_of_noise_is_refused() -> None:
    verdict = first_verdict(training_rows(SPEC, signal=0.0))
    assert not verdict.promoted
    assert "not shown to beat" in verdict.reason or "worse than" in verdict.reason


def test_a_model_that_only_matches_the_best_feature_is_refused() -> None:
    rows = training_rows(SPEC)
    split = split_by_time(rows, SPEC)
    rivals = baselines(split.search, split.holdout, SPEC)
    best = next(name for name in rivals if name.startswith("the single feature"))
    verdict = judge_first(split.holdout, rivals[best], rivals, spec=SPEC)
    assert not verdict.promoted
    assert best in verdict.reason


def test_a_difference_below_the_margin_is_refused_with_the_margin_in_the_reason() -> None:
    verdict = first_verdict(training_rows(SPEC), promotion=PromotionPolicy(margin=0.4))
    assert not verdict.promoted
    assert "0.4" in verdict.reason


def test_the_champion_gives_way_to_a_better_challenger() -> None:
    holdout, good, poor = later_rows()
    assert judge_challenger(holdout, good, poor, spec=SPEC, champion_trained_until=LONG_AGO).promoted


def test_the_champion_refuses_a_worse_challenger() -> None:
    holdout, good, poor = later_rows()
    verdict = judge_challenger(holdout, poor, good, spec=SPEC, champion_trained_until=LONG_AGO)
    assert not verdict.promoted
    assert "worse than the champion" in verdict.reason


def test_the_champion_refuses_its_equal() -> None:
    holdout, good, _ = later_rows()
    assert not judge_challenger(holdout, good, good, spec=SPEC, champion_trained_until=LONG_AGO).promoted


def test_rows_that_the_champion_has_seen_prove_nothing() -> None:
    holdout, good, poor = later_rows()
    verdict = judge_challenger(holdout, good, poor, spec=SPEC, champion_trained_until=date(2026, 2, 15))
    assert not verdict.promoted
    assert "has seen days until 2026-02-15" in verdict.reason


def test_too_few_outcomes_prove_nothing() -> None:
    holdout, good, poor = later_rows()
    verdict = judge_challenger(holdout.head(40), good[:40], poor[:40], spec=SPEC, champion_trained_until=LONG_AGO)
    assert not verdict.promoted
    assert "too few" in verdict.reason


def test_no_later_rows_prove_nothing() -> None:
    holdout, _, _ = later_rows()
    verdict = judge_challenger(holdout.head(0), [], [], spec=SPEC, champion_trained_until=LONG_AGO)
    assert not verdict.promoted


def test_a_feature_that_ranks_backwards_is_a_baseline_too() -> None:
    rows = training_rows(SPEC).assign(visits=lambda frame: -frame["visits"], carts=0.0)
    split = split_by_time(rows, SPEC)
    scores = baselines(split.search, split.holdout, SPEC)["the single feature visits"]
    assert np.corrcoef(scores, split.holdout["label"])[0, 1] > 0
