"""Splits over time: which rows are searched on, held out, trained and tested on, so that no label leaks backwards.

A label of day d looks at d .. d + horizon - 1, and is final only after a further wait for late events. A training day
must therefore be mature before the first test day begins: that distance is the embargo (`Label.embargo_days`), and the
model that a fold tests is one that could have been trained on that very day.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from platform_assets.domain.errors import PlatformError
from platform_assets.domain.model_spec import ModelSpec


class TrainingSetUnusable(PlatformError):
    """The training set has too few days, rows or outcomes to learn from, or lacks a feature of its model."""


@dataclass(frozen=True)
class TimeSplit:
    """A training set cut in two: rows to learn from, and later rows that learning never sees."""

    search: pd.DataFrame
    holdout: pd.DataFrame
    trained_until: date
    """The last event day that learning has seen, in a feature or in a label. It lies before every holdout day."""


def split_by_time(frame: pd.DataFrame, spec: ModelSpec) -> TimeSplit:
    """Holds out the last `spec.holdout_days` days; of the earlier ones, those mature before the first."""
    if frame.empty:
        raise TrainingSetUnusable(
            "the training set has no rows",
            where=spec.table("training_set"),
            todo=f"materialise {spec.feature_table} for days whose labels are mature "
            f"({spec.label.maturity_days} days before the training date)",
        )
    if missing := [name for name in spec.feature_names if name not in frame.columns]:
        raise TrainingSetUnusable(
            f"the training set was made before the model read {', '.join(missing)}",
            where=spec.table("training_set"),
            todo=f"materialise {spec.table('training_set')} and {spec.table('model')} of the training date again",
        )
    ordered = frame.sort_values(["feature_date", spec.entity], kind="stable", ignore_index=True)
    days = as_days(ordered["feature_date"])
    last = days.max()
    holdout = days > last - np.timedelta64(spec.holdout_days, "D")
    first_holdout = days[holdout].min()
    search = days + np.timedelta64(spec.label.embargo_days, "D") <= first_holdout
    if not search.any():
        raise TrainingSetUnusable(
            f"days {days.min()} to {last} leave none to learn from before the holdout that starts on {first_holdout}",
            where=spec.table("training_set"),
            todo=f"materialise at least {spec.holdout_days + spec.label.embargo_days + spec.folds} days of features",
        )
    seen = days[search].max().astype(object) + timedelta(days=spec.label.horizon_days - 1)
    return TimeSplit(
        search=ordered[search].reset_index(drop=True),
        holdout=ordered[holdout].reset_index(drop=True),
        trained_until=seen,
    )


def as_days(column: pd.Series) -> npt.NDArray[np.datetime64]:
    """A column of dates, whatever pandas makes of them, as numpy days."""
    return pd.to_datetime(column).to_numpy().astype("datetime64[D]")


def time_folds(
    days: npt.NDArray[np.datetime64], folds: int, embargo_days: int
) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Pairs of row positions (train, test), for `cv=` of a scikit-learn search.

    Test rows are consecutive blocks of days, the last ones of the data, one after the other; every training day lies
    at least `embargo_days` before the first day of its test block, and every fold has training rows.
    """
    unique = np.unique(days.astype("datetime64[D]"))
    embargo = np.timedelta64(embargo_days, "D")
    reserved_for_training = max(1, len(unique) // (folds + 1))
    testable = unique[reserved_for_training:]
    testable = testable[testable >= unique[0] + embargo]
    if len(testable) < folds:
        raise TrainingSetUnusable(
            f"{len(unique)} days give {len(testable)} test days for {folds} folds after an embargo of {embargo_days}",
            where="time folds",
            todo="train on more days, or take fewer folds",
        )
    pairs = []
    for block in np.array_split(testable, folds):
        train = np.flatnonzero(days <= block[0] - embargo)
        test = np.flatnonzero((days >= block[0]) & (days <= block[-1]))
        pairs.append((train, test))
    return pairs
