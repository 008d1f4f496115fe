"""What the days up to one say of the next seven: every series' parts on that day, and what to expect after it.

An outlook depends on the 42 days that end with its day, and on nothing else. Intervals and scores come from comparing
outlooks with what came after them (`forecast_errors`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from platform_assets.domain.traffic.decomposition import HOURS, WEEKDAYS, Bools, Decomposition, Floats, decompose
from platform_assets.domain.traffic.history import History

HISTORY_DAYS = 42
FEWEST_DAYS = 14
"""Two weeks: with fewer, a week season can't be told from chance."""
HORIZON_DAYS = 7
DAMPING = 0.85
"""The slope of the trend fades by this factor every day."""
FEWEST_EVENTS_PER_HOUR = 1.0
"""Series with fewer events than this on average aren't decomposed: there is next to nothing to see in them."""
FEWEST_HOURS = FEWEST_DAYS * HOURS // 2
"""Known hours that a series needs, so that it isn't judged by days of which most is missing."""
FEWEST_EVENTS = round(FEWEST_HOURS * FEWEST_EVENTS_PER_HOUR)
"""What follows: a series with fewer events than this has no outlook."""


@dataclass(frozen=True)
class Outlook:
    """The outlook of the `series` (places in the history) that have enough events, on the even scale.

    `expected` is (series, days ahead, hours), `spread` (series, hours) is the residuals' root mean square.
    `trend`, `season_day`, `season_week` (series, hours) are the parts of the last day. `collected` (hours) says in
    which hours of the last day the collector was there, `per_hour` how many events a known hour of the window has,
    `days` how many collected days there are in it.
    """

    days: int
    series: npt.NDArray[np.int64]
    expected: Floats
    spread: Floats
    trend: Floats
    season_day: Floats
    season_week: Floats
    collected: Bools
    per_hour: Floats


@dataclass(frozen=True)
class TooShort:
    """There is no outlook: of `days` collected days, at least 14 are needed."""

    days: int


def outlook(window: History) -> Outlook | TooShort:
    """The outlook at the end of a window of days."""
    collected = window.collected()
    days = int(collected.any(axis=1).sum())
    if days < FEWEST_DAYS:
        return TooShort(days)
    known = known_hours(window, collected)
    hours = known.sum(axis=(1, 2))
    per_hour = (window.counts * known).sum(axis=(1, 2)) / np.maximum(hours, 1)
    long_enough = (known.any(axis=2).sum(axis=1) >= FEWEST_DAYS) & (hours >= FEWEST_HOURS)
    series = np.flatnonzero(long_enough & (per_hour >= FEWEST_EVENTS_PER_HOUR))
    weekdays = window.weekdays()
    parts = decompose(window.counts[series], known[series], weekdays)
    return Outlook(
        days=days,
        series=series,
        expected=_continued(parts, int(weekdays[-1])),
        spread=parts.spread,
        trend=parts.trend[:, -1],
        season_day=parts.season_day,
        season_week=parts.season_week[:, weekdays[-1]],
        collected=collected[-1],
        per_hour=per_hour[series],
    )


def known_hours(window: History, collected: Bools) -> Bools:
    """The collected hours from the first day on which a series had an event; (series, days, hours)."""
    begun = np.maximum.accumulate(window.counts.any(axis=2), axis=1)
    return begun[:, :, None] & collected


def _continued(parts: Decomposition, weekday: int) -> Floats:
    ahead = np.arange(1, HORIZON_DAYS + 1)
    rise = parts.slope[:, None] * np.cumsum(DAMPING**ahead)
    level = parts.trend[:, -1].mean(axis=1, keepdims=True) + rise
    season = parts.season_day[:, None, :] + parts.season_week[:, (weekday + ahead) % WEEKDAYS]
    expected = np.broadcast_to(level[:, :, None], (*level.shape, HOURS)) + season
    return np.asarray(expected)
