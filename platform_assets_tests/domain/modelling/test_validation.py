"""A day is judged once its labels are final, with figures that scikit-learn gives as well."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from platform_assets.domain.contracts.model_tables import validation_contract
from platform_assets.domain.modelling.validation import (
    LabelsNotMature,
    require_mature,
    validation_report,
    with_replaced_versions,
)
from platform_assets.domain.modelling.validation_picture import validation_picture
from platform_assets_tests.model_worlds import small_spec

SPEC = small_spec()
DAY, MATURE = date(2026, 2, 1), date(2026, 2, 9)


def scored_day(rows: int = 500, version: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(version)
    scores = random.beta(1, 9, rows)
    return pd.DataFrame(
        {
            "event_date": DAY,
            "user_id": [f"u{number}" for number in range(rows)],
            "score": scores,
            "model_name": "main.platform.conversion",
            "model_version": version,
            "trained_until": date(2026, 1, 20),
            "in_sample": False,
            "label": (random.random(rows) < scores).astype("int8"),
        }
    )


def test_figures_agree_with_scikit_learn() -> None:
    scored = scored_day()
    row = validation_report(scored, SPEC).iloc[0]
    assert row["auc"] == pytest.approx(roc_auc_score(scored["label"], scored["score"]))
    assert row["log_loss"] == pytest.approx(log_loss(scored["label"], scored["score"]))
    assert row["brier"] == pytest.approx(brier_score_loss(scored["label"], scored["score"]))
    assert row["auc_low"] < row["auc"] < row["auc_high"]
    assert (row["rows"], row["positives"]) == (500, scored["label"].sum())


def test_every_version_that_scored_the_day_gets_a_row_of_its_own() -> None:
    report = validation_report(pd.concat([scored_day(version=3), scored_day(version=4)]), SPEC)
    assert report["model_version"].tolist() == [3, 4]


def test_the_report_has_the_columns_of_its_contract() -> None:
    assert set(validation_report(scored_day(), SPEC)) == set(validation_contract(SPEC).column_names)


def test_a_day_without_a_positive_has_losses_but_no_auc() -> None:
    row = validation_report(scored_day().assign(label=0), SPEC).iloc[0]
    assert np.isnan(row["auc"]) and np.isnan(row["lift_top_decile"])
    assert row["brier"] > 0


def test_no_scores_give_no_row() -> None:
    assert validation_report(scored_day().head(0), SPEC).empty


def test_labels_are_mature_when_the_last_landing_day_is_complete() -> None:
    require_mature(DAY, MATURE, SPEC)
    assert validation_report(scored_day(), SPEC)["mature_at"].tolist() == [MATURE]


@pytest.mark.parametrize("landed_until", [date(2026, 2, 8), None])
def test_labels_that_are_not_mature_name_the_landing_day_they_wait_for(landed_until: date | None) -> None:
    with pytest.raises(LabelsNotMature, match=r"conversion_validation\[2026-02-01\].*2026-02-09"):
        require_mature(DAY, landed_until, SPEC)


def test_what_a_version_reached_on_its_holdout_stands_beside_what_came_true() -> None:
    row = validation_report(scored_day(), SPEC, {3: {"holdout_auc": 0.8, "holdout_brier": 0.1}}).iloc[0]
    assert (row["expected_auc"], row["expected_brier"]) == (0.8, 0.1)
    assert row["expected_log_loss"] is None


def test_the_order_of_rows_changes_no_figure() -> None:
    shuffled = scored_day().sample(frac=1.0, random_state=1)
    pd.testing.assert_frame_equal(validation_report(shuffled, SPEC), validation_report(scored_day(), SPEC))


def test_the_row_of_a_replaced_version_stays_beside_its_successors() -> None:
    before, now = validation_report(scored_day(version=3), SPEC), validation_report(scored_day(version=4), SPEC)
    both = with_replaced_versions(now, before)
    assert both[["model_version", "is_current"]].to_numpy().tolist() == [[4, True], [3, False]]
    assert both["auc"].tolist() == [now["auc"].item(), before["auc"].item()]
    again = with_replaced_versions(now, both)
    assert again[["model_version", "is_current"]].to_numpy().tolist() == [[4, True], [3, False]]


def test_a_row_from_before_a_column_was_declared_stays_too() -> None:
    before = validation_report(scored_day(version=3), SPEC).drop(columns=["is_current", "lift_decile_1"])
    both = with_replaced_versions(validation_report(scored_day(version=4), SPEC), before)
    assert both["lift_decile_1"].isna().tolist() == [False, True]


def test_a_version_that_scores_again_is_current_again() -> None:
    before, now = validation_report(scored_day(version=3), SPEC), validation_report(scored_day(version=4), SPEC)
    back = with_replaced_versions(before, with_replaced_versions(now, before))
    assert back[["model_version", "is_current"]].to_numpy().tolist() == [[3, True], [4, False]]


@pytest.mark.parametrize("scored", [scored_day(), scored_day(rows=3).assign(label=0), scored_day(rows=1)])
def test_the_picture_is_drawn_of_many_rows_and_of_few_the_same_each_time(scored: pd.DataFrame) -> None:
    history = validation_report(scored, SPEC)
    png = validation_picture(SPEC, DAY, scored, history)
    assert png.startswith(b"\x89PNG") and png == validation_picture(SPEC, DAY, scored, history)
