"""Trains one model of a spec: search over time-ordered folds, then measurement on held-out later days.

Everything that varies is seeded and every input is put in order first, so that the same rows give the same model.
Where the model is kept stands in `resources.model_registry`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.quality import Estimate, metric_estimates
from platform_assets.domain.modelling.time_split import TrainingSetUnusable, as_days, split_by_time, time_folds

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

_DIGITS = 9


@dataclass(frozen=True)
class TrainedModel:
    """A fitted pipeline and what is known about it."""

    pipeline: "Pipeline"
    training_date: date
    trained_until: date
    """The last event day that learning has seen, in a feature or in a label."""
    digest: str
    """Fingerprint of spec, rows and behaviour: equal for two trainings that learnt the same from the same."""
    parameters: Mapping[str, str]
    """The winning parameters of the search."""
    search_table: pd.DataFrame
    """One row for each candidate: parameters, mean and spread of its score over the folds, rank, seconds."""
    metrics: Mapping[str, Estimate]
    """Quality on the holdout, with intervals."""
    holdout: pd.DataFrame
    """The held-out rows: feature_date, entity, label, score."""
    first_day: date
    rows: int
    positives: int


def train(frame: pd.DataFrame, spec: ModelSpec, training_date: date) -> TrainedModel:
    """Fits the best candidate of `spec` on the search rows of a training set and measures it on the held-out days."""
    from sklearn.model_selection import GridSearchCV
    from threadpoolctl import threadpool_limits

    split = split_by_time(frame, spec)
    days = as_days(split.search["feature_date"])
    labels = split.search["label"].to_numpy(dtype=np.int8)
    folds = time_folds(days, spec.folds, spec.label.horizon_days)
    _require_both_outcomes(labels, split.holdout["label"].to_numpy(dtype=np.int8), folds, spec)
    search = GridSearchCV(
        spec.estimator(spec.seed),
        [dict(space) for space in spec.search_space(spec.seed)],
        scoring=spec.scoring,
        cv=folds,
        error_score="raise",
    )
    rows = feature_matrix(split.search, spec)
    # One thread: beside other work, threads that wait for each other made the search three times slower, not faster.
    with threadpool_limits(limits=1):
        search.fit(rows, labels)
    scored = split.holdout[["feature_date", spec.entity, "label"]].assign(
        score=predict(search.best_estimator_, feature_matrix(split.holdout, spec))
    )
    parameters = {name: _described(value) for name, value in search.best_params_.items()}
    return TrainedModel(
        pipeline=search.best_estimator_,
        training_date=training_date,
        trained_until=split.trained_until,
        digest=_digest(spec, split.search, scored, parameters),
        parameters=parameters,
        search_table=_search_table(search.cv_results_),
        metrics=metric_estimates(scored["label"], scored["score"], scored[spec.entity], seed=spec.seed),
        holdout=scored,
        first_day=days.min().astype(object),
        rows=len(labels),
        positives=int(labels.sum()),
    )


def feature_matrix(frame: pd.DataFrame, spec: ModelSpec) -> pd.DataFrame:
    """The model's input: its feature columns in the spec's order as floats, missing as NaN."""
    return frame[list(spec.feature_names)].astype("float64")


def predict(pipeline: "Pipeline", rows: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The probability of a positive label; none for no rows, which scikit-learn refuses."""
    return pipeline.predict_proba(rows)[:, 1] if len(rows) else np.empty(0)


def _require_both_outcomes(
    labels: npt.NDArray[np.int8], held_out: npt.NDArray[np.int8], folds: list[Any], spec: ModelSpec
) -> None:
    parts = {"the holdout": held_out}
    for number, (train_rows, test_rows) in enumerate(folds, start=1):
        parts |= {
            f"training rows of fold {number}": labels[train_rows],
            f"test rows of fold {number}": labels[test_rows],
        }
    lacking = [name for name, part in parts.items() if len(np.unique(part)) < 2]
    if lacking:
        raise TrainingSetUnusable(
            f"only one outcome of {spec.label.outcome!r} in {', '.join(lacking)}",
            where=spec.table("training_set"),
            todo=f"train on more days or users, or check that {spec.label.source_table} tells of it",
        )


def _described(value: Any) -> str:
    """Parameters as one line, estimators by their class: their own parameters are listed beside them."""
    steps = getattr(value, "steps", None)
    if steps is not None:
        return " → ".join(type(step).__name__ for _, step in steps)
    return type(value).__name__ if hasattr(value, "get_params") else str(value)


def _search_table(results: Mapping[str, Any]) -> pd.DataFrame:
    given = pd.DataFrame(list(results["params"]), dtype=object)
    candidates = given.map(_described).where(given.notna(), "")
    figures = pd.DataFrame(
        {name: results[name] for name in ("mean_test_score", "std_test_score", "rank_test_score", "mean_fit_time")}
    )
    return pd.concat([candidates, figures], axis=1).sort_values("rank_test_score", ignore_index=True)


def _digest(spec: ModelSpec, search: pd.DataFrame, scored: pd.DataFrame, parameters: Mapping[str, str]) -> str:
    identity = (spec.name, spec.feature_names, spec.label, spec.scoring, spec.seed, sorted(parameters.items()))
    parts = [
        repr(identity).encode(),
        pd.util.hash_pandas_object(_canonical(search, spec), index=False).to_numpy().tobytes(),
        as_days(scored["feature_date"]).tobytes(),
        # Rounded: sums over threads may differ in the last bits.
        (scored["score"].to_numpy().round(_DIGITS) + 0.0).tobytes(),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _canonical(search: pd.DataFrame, spec: ModelSpec) -> pd.DataFrame:
    return feature_matrix(search, spec).assign(
        _day=as_days(search["feature_date"]).astype("int64"),
        _entity=search[spec.entity].astype("str"),
        _label=search["label"].astype("int64"),
    )
