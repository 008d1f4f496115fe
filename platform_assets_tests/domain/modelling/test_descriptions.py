"""What people see of a model: a picture that fits a dialog, and a card that hides no figure."""

import base64
import struct
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import permutation_importance
from sklearn.metrics import roc_auc_score

from platform_assets.domain.drawing import as_markdown
from platform_assets.domain.model_policies import PromotionPolicy
from platform_assets.domain.modelling.explanation import Explanation, explain
from platform_assets.domain.modelling.model_card import model_card
from platform_assets.domain.modelling.pictures import quality_picture
from platform_assets.domain.modelling.time_split import split_by_time
from platform_assets.domain.modelling.training import TrainedModel, feature_matrix, train
from platform_assets_tests.model_worlds import TRAINING_DATE, small_spec, training_rows

SPEC = small_spec(promotion=PromotionPolicy(slices=("carts",)))
ROWS = training_rows(SPEC)
RANDOM = np.random.default_rng(1)
SCORES = RANDOM.beta(1, 9, 2000)
LABELS = (RANDOM.random(2000) < SCORES).astype(int)


def test_the_picture_is_a_png_900_pixels_wide_and_the_same_each_time() -> None:
    picture = quality_picture(LABELS, SCORES, "conversion")
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">I", picture[16:20]) == (900,)
    assert picture == quality_picture(LABELS, SCORES, "conversion")


@pytest.mark.parametrize("labels", [np.zeros(50), np.ones(50), np.zeros(0)])
def test_one_outcome_or_no_rows_still_give_a_picture(labels: np.ndarray) -> None:
    assert quality_picture(labels, np.full(len(labels), 0.5), "conversion")


def test_markdown_holds_the_picture_itself() -> None:
    assert base64.b64encode(b"picture").decode() in as_markdown(b"picture", "quality")


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return train(ROWS, SPEC, TRAINING_DATE)


@pytest.fixture(scope="module")
def explanation(trained: TrainedModel) -> Explanation:
    return explain(ROWS, SPEC, trained)


def test_the_card_names_tables_columns_windows_and_every_metric_with_its_interval(
    trained: TrainedModel, explanation: Explanation
) -> None:
    card = model_card(SPEC, trained, {"user_features": 4, "events": 9}, explanation)
    assert "`user_features` version 4" in card
    assert all(f"`{name}`" in card for name in SPEC.feature_names)
    assert str(trained.trained_until) in card
    assert all(f"{each.value:.4f} | {each.low:.4f} to {each.high:.4f}" in card for each in trained.metrics.values())
    assert all(f"| {name} |" in card for name in explanation.slices["slice"])
    assert all(f"| `{name}` |" in card for name in SPEC.feature_names)


def test_importance_is_what_scikit_learn_finds(trained: TrainedModel, explanation: Explanation) -> None:
    holdout = split_by_time(ROWS, SPEC).holdout
    oracle = permutation_importance(
        trained.pipeline, feature_matrix(holdout, SPEC), holdout["label"], scoring="roc_auc", n_repeats=20
    )
    expected = dict(zip(SPEC.feature_names, oracle.importances_mean, strict=True))
    found = explanation.importance.set_index("feature")
    assert found["importance"].to_dict() == pytest.approx(expected, abs=0.02)
    assert set(found.index[:2]) == {"visits", "carts"}
    assert abs(found.loc["noise", "importance"]) < 0.01
    assert (found["spread"] > 0).all()


@pytest.mark.parametrize("metric", ["log_loss", "brier"])
def test_a_column_that_matters_is_important_to_losses_as_well(metric: str, trained: TrainedModel) -> None:
    first = explain(ROWS, replace(SPEC, metric=metric), trained).importance.iloc[0]
    assert first["feature"] in {"visits", "carts"}
    assert first["importance"] > 0.01


def test_an_explanation_repeats_itself(trained: TrainedModel, explanation: Explanation) -> None:
    again = explain(ROWS.sample(frac=1, random_state=5), SPEC, trained)
    pd.testing.assert_frame_equal(again.importance, explanation.importance)
    pd.testing.assert_frame_equal(again.slices, explanation.slices)


def test_weekdays_and_declared_columns_make_slices_that_hold_every_held_out_row(
    trained: TrainedModel, explanation: Explanation
) -> None:
    slices = explanation.slices.set_index("slice")
    assert set(slices.index) == {"Tuesday", "Thursday", "Saturday", "Sunday", "carts ≤ 1", "carts > 1"}
    assert slices.loc[["carts ≤ 1", "carts > 1"], "rows"].sum() == len(trained.holdout)
    saturday = trained.holdout[pd.to_datetime(trained.holdout["feature_date"]).dt.dayofweek == 5]
    assert slices.loc["Saturday", "value"] == pytest.approx(roc_auc_score(saturday["label"], saturday["score"]))


def test_the_card_of_a_slice_with_one_outcome_says_that_it_is_too_small(trained: TrainedModel) -> None:
    rows = ROWS.copy()
    rows.loc[pd.to_datetime(rows["feature_date"]).dt.dayofweek == 5, "label"] = 0
    card = model_card(SPEC, trained, {}, explain(rows, SPEC, trained))
    assert "| Saturday | 300 | 0 | – | one outcome only |" in card


def test_importance_is_drawn_with_many_columns_and_with_one() -> None:
    for columns in (1, 40):
        names = [f"column_{number}" for number in range(columns)]
        drawn = pd.DataFrame({"feature": names, "importance": 0.1, "spread": 0.01})
        assert quality_picture(LABELS, SCORES, "conversion", drawn)[:4] == b"\x89PNG"
