"""Which days of a training set a day is compared with."""

from collections.abc import Sequence
from datetime import date

from platform_assets.domain.training_windows import TrainingWindow

COUNTING = 0.25
"""Days that count less than so much of the newest in a fit are no reference: the model has all but forgotten them."""


def days_like(weekday: int, days: Sequence[date]) -> tuple[date, ...]:
    """Those of the days that fall on the weekday (Monday is 0), all where none does.

    What people did yesterday or within a week has the rhythm of the week: a Sunday is compared with Sundays.
    """
    return tuple(each for each in days if each.weekday() == weekday) or tuple(days)


def days_that_count(days: Sequence[date], window: TrainingWindow) -> tuple[date, ...]:
    """Those of the feature days, oldest first, that count at least a quarter of what the newest does in a fit."""
    ordered = sorted(days)
    weights = window.weights([(ordered[-1] - day).days for day in ordered]) if ordered else None
    if weights is None:
        return tuple(ordered)
    return tuple(day for day, weight in zip(ordered, weights, strict=True) if weight >= COUNTING)
