"""What a trained model leans on, and where it is stronger or weaker: measured on the rows that it never saw.

Permutation importance (Breiman 2001, Machine Learning 45): how much worse the spec's metric gets when one column is
dealt out anew among the rows. Columns that say the same stand in for each other, so each of them looks small.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.prediction import predict
from platform_assets.domain.modelling.quality import auc, brier, lift_at_top, log_loss, metric_estimates
from platform_assets.domain.modelling.time_split import as_days, split_by_time
from platform_assets.domain.modelling.training import TrainedModel, feature_matrix
from platform_assets.domain.modelling.violation import HIGHER_IS_BETTER
from platform_assets.domain.promotion.slices import slices_of

REPEATS = 5
_ROWS, _CELLS = 4_000, 40_000
"""Rows that columns are dealt out among, and values dealt out at most: together about a second of work."""
_METRICS = {"auc": auc, "log_loss": log_loss, "brier": brier}
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Explanation:
    """Of a model on its holdout.

    `importance`: a row for each feature, the most important first: feature, importance, spread (standard deviation over
    the repeats). `slices`: a row for each slice: slice, rows, positives, and value, low and high of the spec's metric.
    """

    importance: pd.DataFrame
    slices: pd.DataFrame
    lift_top_decile: float


def explain(frame: pd.DataFrame, spec: ModelSpec, trained: TrainedModel) -> Explanation:
    """Explains a model of `spec` by the held-out rows of the training set `frame`, which it was trained on."""
    holdout = split_by_time(frame, spec).holdout
    scores = trained.holdout["score"].to_numpy()
    return Explanation(
        importance=_importance(holdout, spec, trained),
        slices=pd.DataFrame(list(_slices(holdout, scores, spec))),
        lift_top_decile=lift_at_top(holdout["label"], scores),
    )


def _importance(holdout: pd.DataFrame, spec: ModelSpec, trained: TrainedModel) -> pd.DataFrame:
    from threadpoolctl import threadpool_limits

    random = np.random.default_rng(spec.seed)
    count = min(len(holdout), _ROWS, max(1, _CELLS // len(spec.feature_names)))
    sample = holdout.iloc[np.sort(random.choice(len(holdout), count, replace=False))]
    rows, labels = feature_matrix(sample, spec), sample["label"].to_numpy()
    repeated = pd.concat([rows] * REPEATS, ignore_index=True)
    found = []
    with threadpool_limits(limits=1):
        reached = _goodness(labels, predict(trained.pipeline, rows), spec)
        for name in spec.feature_names:
            dealt = np.concatenate([random.permutation(rows[name].to_numpy()) for _ in range(REPEATS)])
            scores = predict(trained.pipeline, repeated.assign(**{name: dealt})).reshape(REPEATS, -1)
            found.append([reached - _goodness(labels, each, spec) for each in scores])
    falls = np.array(found)
    table = pd.DataFrame(
        {"feature": spec.feature_names, "importance": falls.mean(axis=1), "spread": falls.std(axis=1, ddof=1)}
    )
    return table.sort_values(["importance", "feature"], ascending=[False, True], ignore_index=True)


def _goodness(labels: npt.NDArray[np.float64], scores: npt.NDArray[np.float64], spec: ModelSpec) -> float:
    value = _METRICS[spec.metric](labels, scores)
    return value if spec.metric in HIGHER_IS_BETTER else -value


def _slices(holdout: pd.DataFrame, scores: npt.NDArray[np.float64], spec: ModelSpec) -> Iterator[dict[str, object]]:
    weekday = pd.DatetimeIndex(as_days(holdout["feature_date"])).weekday.to_numpy()
    parts = [(name, weekday == number) for number, name in enumerate(_WEEKDAYS)]
    parts += [part for column in spec.promotion.slices for part in slices_of(holdout[column])]
    for name, inside in parts:
        part = holdout[inside]
        if part.empty:
            continue
        estimate = metric_estimates(part["label"], scores[inside], part[spec.entity], seed=spec.seed)[spec.metric]
        yield {
            "slice": name,
            "rows": len(part),
            "positives": int(part["label"].sum()),
            "value": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
        }
