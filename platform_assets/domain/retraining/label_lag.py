"""How far learning lags behind: the days between the last one a model learns from and the day it is trained.

Labels mature, the last days are held out, and an embargo keeps their labels apart: what changed later than that no
training can know. Asked of the split itself, so that both can't differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from platform_assets.domain.model_spec import ModelSpec

_ANY_DAY = date(2026, 1, 1)


@dataclass(frozen=True)
class LabelLag:
    """`days` lie between the last day that is learned from and the training date; `history_days` days of features that
    are mature are what a training needs at least."""

    days: int
    history_days: int


def label_lag(spec: ModelSpec) -> LabelLag:
    """The lag of a spec's trainings. It is the same for every training date."""
    days = spec.feature_days(_ANY_DAY)
    learned = _learned(days, spec)
    last = max(learned) if learned else _ANY_DAY - timedelta(days=_longest_lag(spec))
    newest, fewest = (
        days[-1],
        next((n for n in range(1, spec.window.days + 1) if _trains(_newest(days, n), spec)), None),
    )
    return LabelLag((_ANY_DAY - last).days, fewest or (newest - days[0]).days + 1)


def _newest(days: Sequence[date], number: int) -> list[date]:
    """Those of the days that lie within the last `number` days up to the newest."""
    return [day for day in days if day > days[-1] - timedelta(days=number)]


def _learned(days: Sequence[date], spec: ModelSpec) -> list[date]:
    """The days that a training set of these feature days learns from; none where it can't be cut."""
    import pandas as pd

    from platform_assets.domain.modelling.time_split import TrainingSetUnusable, split_by_time

    empty = dict.fromkeys(spec.feature_names, 0.0)
    frame = pd.DataFrame({"feature_date": list(days), spec.entity: "", "label": 0, **empty})
    try:
        return list(pd.to_datetime(split_by_time(frame, spec).search["feature_date"]).dt.date)
    except TrainingSetUnusable:
        return []


def _trains(days: Sequence[date], spec: ModelSpec) -> bool:
    import numpy as np

    from platform_assets.domain.modelling.time_split import TrainingSetUnusable, time_folds

    learned = _learned(days, spec)
    try:
        return bool(learned) and bool(
            time_folds(np.array(learned, "datetime64[D]"), spec.folds, spec.label.embargo_days)
        )
    except TrainingSetUnusable:
        return False


def _longest_lag(spec: ModelSpec) -> int:
    return spec.label.maturity_days + spec.holdout_days + spec.label.embargo_days
