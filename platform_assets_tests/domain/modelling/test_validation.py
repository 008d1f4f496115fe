"""A day is judged once its labels are final, with figures that scikit-learn gives as well."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from platform_assets.domain.contracts.model_tables import validation_contract
from platform_assets.domain.modelling.validation import LabelsNotMature, require_mature, validation_report
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
