"""Nobody becomes champion by default: only a proven difference promotes."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_assets.domain.contracts.contract import Column, Contract, Pii
from platform_assets.domain.model_policies import PromotionPolicy
from platform_assets.domain.modelling.quality import log_loss
from platform_assets.domain.modelling.time_split import split_by_time
from platform_assets.domain.modelling.training import train
from platform_assets.domain.promotion.baselines import baselines
from platform_assets.domain.promotion.gate import (
    holdout_objections,
    judge_challenger,
    judge_first,
    personal_data_objections,
)
from platform_assets.domain.promotion.slices import slices_of
from platform_assets.domain.promotion.verdict import Objection, Verdict
from platform_assets.domain.promotion.verdict_picture import verdict_picture
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


def test_a_challenger_that_has_seen_its_holdout_or_leaves_rows_without_a_score_is_refused() -> None:
    holdout, good, _ = later_rows()
    first = holdout["feature_date"].min()
    assert holdout_objections(holdout, good, first - timedelta(days=1)) == []
    (seen,) = holdout_objections(holdout, good, first)
    assert seen == Objection(
        "seen_days", f"it has seen days until {first}, and the rows to judge it by begin on {first}"
    )
    (unscored,) = holdout_objections(holdout, np.where(np.arange(len(good)) < 2, np.nan, good), LONG_AGO)
    assert unscored.sentence == f"it gives no score for 2 of {len(holdout)} rows"


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


def test_who_ranks_backwards_is_refused_also_where_the_champion_ranks_worse() -> None:
    holdout, good, poor = later_rows()
    verdict = judge_challenger(holdout, -poor, -good, spec=SPEC, champion_trained_until=LONG_AGO)
    assert not verdict.promoted and "knows_nothing" in verdict.objections
    assert "not shown to know more than the base rate" in verdict.reason


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


LOSSES = pytest.mark.parametrize("metric", ["auc", "log_loss", "brier"])


def known_chances(users: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    """Held-out rows and the chance by which each label was drawn."""
    holdout = split_by_time(training_rows(SPEC, users=users), SPEC).holdout
    return holdout, 1 / (1 + np.exp(-(0.5 * (holdout["visits"] - 3) + holdout["carts"] - 2).to_numpy()))


@LOSSES
def test_each_metric_promotes_the_better_and_refuses_the_worse(metric: str) -> None:
    holdout, truth = known_chances()
    spec = small_spec(metric=metric)
    noisy = np.clip(truth + np.random.default_rng(1).normal(scale=0.2, size=len(truth)), 0.01, 0.99)
    better = judge_challenger(holdout, truth, noisy, spec=spec, champion_trained_until=LONG_AGO)
    worse = judge_challenger(holdout, noisy, truth, spec=spec, champion_trained_until=LONG_AGO)
    assert better.promoted and better.numbers["difference_low"] > 0
    assert not worse.promoted and worse.numbers["difference_high"] < 0
    assert better.numbers["value"] == worse.numbers["rival_value"]
    assert (better.numbers["value"] > worse.numbers["value"]) == (metric == "auc")


@LOSSES
def test_a_first_champion_must_beat_the_base_rate_and_one_feature_by_its_own_metric(metric: str) -> None:
    spec = small_spec(metric=metric)
    rows = training_rows(spec)
    split = split_by_time(rows, spec)
    rivals = baselines(split.search, split.holdout, spec)
    assert np.unique(rivals["a constant"]) == pytest.approx(split.search["label"].mean())
    (one,) = (scores for name, scores in rivals.items() if name.startswith("the single feature"))
    assert log_loss(split.holdout["label"], one) < log_loss(split.holdout["label"], rivals["a constant"])
    _, truth = known_chances()
    assert judge_first(split.holdout, truth, rivals, spec=spec).promoted
    assert not judge_first(split.holdout, one, rivals, spec=spec).promoted


def test_a_better_ranking_with_worse_calibration_is_refused() -> None:
    holdout, truth = known_chances()
    overconfident = truth**0.2
    verdict = judge_challenger(
        holdout, overconfident, holdout["label"].mean() + 0 * truth, spec=SPEC, champion_trained_until=LONG_AGO
    )
    assert verdict.numbers["difference_low"] > SPEC.promotion.margin
    assert verdict.objections == ("calibration",)
    assert "expected calibration error is larger by" in verdict.reason
    lenient = small_spec(promotion=PromotionPolicy(calibration_margin=1.0))
    assert judge_challenger(
        holdout, overconfident, holdout["label"].mean() + 0 * truth, spec=lenient, champion_trained_until=LONG_AGO
    ).promoted


def test_a_better_model_that_fails_in_a_slice_is_refused_and_the_slice_is_named() -> None:
    holdout, truth = known_chances(users=600)
    spec = small_spec(promotion=PromotionPolicy(slices=("visits", "noise"), calibration_margin=1.0))
    few = (holdout["visits"] <= 3).to_numpy()
    noise = np.random.default_rng(1).normal(size=len(truth))
    challenger = np.where(few, np.clip(truth + 0.2 * noise, 0.01, 0.99), truth)
    champion = np.where(few, truth, np.clip(truth + noise, 0.01, 0.99))
    verdict = judge_challenger(holdout, challenger, champion, spec=spec, champion_trained_until=LONG_AGO)
    assert verdict.objections == ("slice",)
    assert verdict.worst_slice == "visits ≤ 3" and "visits ≤ 3" in verdict.reason
    assert "noise" not in verdict.reason
    assert verdict.numbers["slice_difference_high"] < -spec.promotion.slice_margin


def test_a_slice_with_too_few_outcomes_refuses_nobody() -> None:
    holdout, truth = known_chances()
    holdout = holdout.assign(noise=np.where(np.arange(len(holdout)) < 20, 1.0, np.nan))
    spec = small_spec(promotion=PromotionPolicy(slices=("noise",)))
    poor = holdout["label"].mean() + 0 * truth
    verdict = judge_challenger(holdout, truth, poor, spec=spec, champion_trained_until=LONG_AGO)
    assert verdict.promoted and verdict.worst_slice == "noise missing"


@given(values=st.lists(st.one_of(st.none(), st.integers(-3, 3), st.floats(-5, 5)), min_size=1, max_size=40))
def test_every_row_is_in_exactly_one_slice_of_a_column(values: list[float | None]) -> None:
    column = pd.Series(values, dtype="float64", name="visits")
    masks = [mask for _, mask in slices_of(column)]
    assert (np.sum(masks, axis=0) == 1).all()
    assert all(mask.any() for mask in masks)
    missing = dict(slices_of(column)).get("visits missing", np.zeros(len(values), dtype=bool))
    assert missing.tolist() == [value is None for value in values]


def test_a_model_that_reads_personal_data_is_refused_however_good_it_is() -> None:
    holdout, truth = known_chances()
    columns = tuple(Column(name, "float64", name) for name in ("visits", "carts"))
    age = Column("age", "float64", "Age", pii=Pii.RAW)
    contract = Contract("rows", "rows", key=("visits",), partition_column=None, columns=(*columns, age))
    assert personal_data_objections(["visits", "carts"], contract) == []
    objections = personal_data_objections(["visits", "age"], contract)
    verdict = judge_challenger(
        holdout, truth, 0 * truth, spec=SPEC, champion_trained_until=LONG_AGO, objections=objections
    )
    assert verdict.objections == ("personal_data",)
    assert "it reads age, which hold personal data" in verdict.reason


def test_everything_that_stands_against_a_model_is_told_at_once() -> None:
    holdout, truth = known_chances()
    verdict = judge_challenger(
        holdout,
        1 - truth,
        truth,
        spec=SPEC,
        champion_trained_until=LONG_AGO,
        objections=[Objection("personal_data", "it reads age")],
    )
    assert verdict.objections == ("not_better", "calibration", "knows_nothing", "personal_data")


def test_the_same_rows_give_the_same_verdict_to_the_last_bit() -> None:
    holdout, good, poor = later_rows()
    first, second = (
        judge_challenger(holdout, good, poor, spec=SPEC, champion_trained_until=LONG_AGO) for _ in range(2)
    )
    assert first == second
    assert Verdict.from_json(json.loads(json.dumps(first.as_json()))) == first


def test_the_picture_of_a_verdict_has_a_line_for_each_figure_and_is_the_same_again() -> None:
    holdout, good, poor = later_rows()
    spec = small_spec(promotion=PromotionPolicy(slices=("visits",)))
    verdict = judge_challenger(holdout, good, poor, spec=spec, champion_trained_until=LONG_AGO)
    assert set(verdict.slices) == {"visits ≤ 3", "visits > 3"}
    png = verdict_picture(verdict, spec.promotion, "conversion version 2: champion")
    assert png is not None and png.startswith(b"\x89PNG")
    assert png == verdict_picture(verdict, spec.promotion, "conversion version 2: champion")
    none = judge_challenger(holdout.head(0), [], [], spec=spec, champion_trained_until=LONG_AGO)
    assert verdict_picture(none, spec.promotion, "nothing") is None
