"""Trains one model of a spec: search over time-ordered folds, then measurement on held-out later days.

Everything that varies is seeded and every input is put in order first, so that the same rows give the same model.
Where the model is kept stands in `resources.model_registry`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.fitting import Days, FittedPipeline, StartingPoint, can_go_on, go_on, search
from platform_assets.domain.modelling.prediction import predict
from platform_assets.domain.modelling.quality import Estimate, metric_estimates
from platform_assets.domain.modelling.time_split import (
    TimeSplit,
    TrainingSetUnusable,
    as_days,
    split_by_time,
    time_folds,
)

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
    started_from: StartingPoint | None = None
    """The champion that was fitted on, where the spec's window says so and there was one."""


def train(
    frame: pd.DataFrame, spec: ModelSpec, training_date: date, champion: StartingPoint | None = None
) -> TrainedModel:
    """Fits the best candidate of `spec` on the search rows of a training set and measures it on the held-out days.

    Where the spec's window continues the champion, `champion` is fitted on instead, as far as it can be.
    """
    split = split_by_time(frame, spec)
    days = as_days(split.search["feature_date"])
    labels = split.search["label"].to_numpy(dtype=np.int8)
    fitted = _fitted(split, days, labels, spec, champion)
    scored = split.holdout[["feature_date", spec.entity, "label"]].assign(
        score=predict(fitted.pipeline, feature_matrix(split.holdout, spec))
    )
    return TrainedModel(
        pipeline=fitted.pipeline,
        training_date=training_date,
        trained_until=split.trained_until,
        digest=_digest(spec, split.search, scored, fitted),
        parameters=fitted.parameters,
        search_table=fitted.search_table,
        metrics=metric_estimates(scored["label"], scored["score"], scored[spec.entity], seed=spec.seed),
        holdout=scored,
        first_day=days.min().astype(object),
        rows=len(labels),
        positives=int(labels.sum()),
        started_from=fitted.started_from,
    )


def _fitted(
    split: TimeSplit, days: Days, labels: npt.NDArray[np.int8], spec: ModelSpec, champion: StartingPoint | None
) -> FittedPipeline:
    rows, held_out = feature_matrix(split.search, spec), split.holdout["label"].to_numpy(dtype=np.int8)
    start = champion if spec.window.continues_the_champion else None
    if start is not None and can_go_on(start, spec, as_days(split.holdout["feature_date"]).min()):
        _require_both_outcomes({"the holdout": held_out, "the training rows": labels}, spec)
        return go_on(start, rows, labels, days, spec)
    folds = time_folds(days, spec.folds, spec.label.embargo_days)
    parts = {"the holdout": held_out}
    for number, (train_rows, test_rows) in enumerate(folds, start=1):
        parts |= {
            f"training rows of fold {number}": labels[train_rows],
            f"test rows of fold {number}": labels[test_rows],
        }
    _require_both_outcomes(parts, spec)
    return search(rows, labels, days, folds, spec)


def feature_matrix(frame: pd.DataFrame, spec: ModelSpec) -> pd.DataFrame:
    """The model's input: its feature columns in the spec's order as floats, missing as NaN."""
    return frame[list(spec.feature_names)].astype("float64")


def _require_both_outcomes(parts: Mapping[str, npt.NDArray[np.int8]], spec: ModelSpec) -> None:
    lacking = [name for name, part in parts.items() if len(np.unique(part)) < 2]
    if lacking:
        raise TrainingSetUnusable(
            f"only one outcome of {spec.label.outcome!r} in {', '.join(lacking)}",
            where=spec.table("training_set"),
            todo=f"train on more days or users, or check that {spec.label.source_table} tells of it",
        )


def _digest(spec: ModelSpec, search: pd.DataFrame, scored: pd.DataFrame, fitted: FittedPipeline) -> str:
    start = fitted.started_from.digest if fitted.started_from else None
    identity = (spec.name, spec.feature_names, spec.label, spec.scoring, spec.window, spec.search, spec.seed, start)
    parts = [
        repr((identity, sorted(fitted.parameters.items()))).encode(),
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
