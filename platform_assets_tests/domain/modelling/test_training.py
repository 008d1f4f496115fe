"""The same rows give the same model, and what it reports is what an independent reading gives."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from platform_assets.domain.modelling.candidates import logistic_or_boosting, logistic_or_boosting_space
from platform_assets.domain.modelling.time_split import TrainingSetUnusable
from platform_assets.domain.modelling.training import TrainedModel, train
from platform_assets_tests.model_worlds import TRAINING_DATE, small_spec, training_rows

SPEC = small_spec()
FULL_SPEC = small_spec(estimator=logistic_or_boosting, search_space=logistic_or_boosting_space)


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return train(training_rows(SPEC), SPEC, TRAINING_DATE)


def test_shuffled_rows_give_the_same_digest(trained: TrainedModel) -> None:
    shuffled = training_rows(SPEC).sample(frac=1, random_state=7)
    assert train(shuffled, SPEC, TRAINING_DATE).digest == trained.digest


def test_one_changed_label_gives_another_digest(trained: TrainedModel) -> None:
    changed = training_rows(SPEC)
    changed.loc[0, "label"] = 1 - changed.loc[0, "label"]
    assert train(changed, SPEC, TRAINING_DATE).digest != trained.digest


def test_all_families_of_candidates_compete_and_missing_values_are_allowed() -> None:
    rows = training_rows(FULL_SPEC)
    rows.loc[::9, "visits"] = np.nan
    first, second = (train(rows, FULL_SPEC, TRAINING_DATE) for _ in range(2))
    assert {"LogisticRegression", "HistGradientBoostingClassifier", "VotingClassifier"} == set(
        first.search_table["classify"]
    )
    assert first.digest == second.digest


def test_a_feature_of_which_no_value_is_known_stops_no_candidate() -> None:
    rows = training_rows(FULL_SPEC).assign(noise=np.nan)
    assert len(train(rows, FULL_SPEC, TRAINING_DATE).search_table) == 4


def test_holdout_metrics_are_those_of_scikit_learn(trained: TrainedModel) -> None:
    labels, scores = trained.holdout["label"], trained.holdout["score"]
    oracle = {
        "auc": roc_auc_score(labels, scores),
        "log_loss": log_loss(labels, scores),
        "brier": brier_score_loss(labels, scores),
    }
    assert {name: trained.metrics[name].value for name in oracle} == pytest.approx(oracle, abs=1e-12)
    assert all(estimate.low < estimate.value < estimate.high for estimate in trained.metrics.values())


def test_the_planted_signal_is_found(trained: TrainedModel) -> None:
    assert trained.metrics["auc"].low > 0.7


def test_a_training_set_with_one_outcome_names_the_parts_that_lack_the_other() -> None:
    with pytest.raises(
        TrainingSetUnusable, match="only one outcome of 'at least one purchase' in the holdout, training rows"
    ):
        train(training_rows(SPEC).assign(label=0), SPEC, TRAINING_DATE)


def test_dates_as_the_lakehouse_returns_them_train_like_python_dates(trained: TrainedModel) -> None:
    rows = training_rows(SPEC)
    rows["feature_date"] = pd.to_datetime(rows["feature_date"])
    assert train(rows, SPEC, TRAINING_DATE).digest == trained.digest
