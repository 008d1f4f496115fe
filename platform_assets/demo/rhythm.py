"""When things happen: weights of weekdays and of the hours of a day. Who does them stands elsewhere."""

from datetime import date

import numpy as np

WEEKDAY_VISITS = (1.02, 1.0, 0.98, 1.0, 0.94, 0.98, 1.12)
WEEKDAY_PURCHASES = (1.0, 0.95, 0.95, 1.0, 0.9, 1.05, 1.2)

_WORKDAY = np.array([3, 2, 1, 1, 1, 2, 4, 7, 9, 9, 9, 10, 12, 11, 9, 9, 10, 12, 14, 17, 18, 17, 12, 7], dtype=float)
_WEEKEND = np.array(
    [6, 4, 2, 1, 1, 1, 2, 4, 7, 10, 13, 14, 13, 12, 12, 13, 14, 15, 16, 18, 19, 18, 14, 10], dtype=float
)


def visit_weight(day: date) -> float:
    """How much more (or less) people browse on this weekday."""
    return WEEKDAY_VISITS[day.weekday()]


def purchase_weight(day: date) -> float:
    """How much the odds of buying differ on this weekday."""
    return WEEKDAY_PURCHASES[day.weekday()]


def local_hours(day: date, draw: np.ndarray) -> np.ndarray:
    """Hours of the day (local time) from uniform draws, by the rhythm of workdays or weekends."""
    weights = _WEEKEND if day.weekday() >= 5 else _WORKDAY
    return np.searchsorted(np.cumsum(weights / weights.sum())[:-1], draw, side="right")
