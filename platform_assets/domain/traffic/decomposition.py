"""Trend, day season and week season of many hourly series at once, robust against outliers and with hours missing.

The model is that of MSTL (Bandara, Hyndman, Bergmeir 2021, https://arxiv.org/abs/2107.13462): additive on a scale on
which counts have an even spread (Anscombe 1948, https://doi.org/10.1093/biomet/35.3-4.246), fitted in turns, with
bisquare weights as in STL (Cleveland et al. 1990). What differs is how the parts are smoothed: the trend by days, the
week season shrunk towards none as far as it is noise (empirical Bayes), recent weeks counting more. All series are
fitted together by array operations; a row of the result depends on that row of the input alone.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

HOURS, WEEKDAYS = 24, 7
BLOCK_SERIES = 128
"""Series fitted together: their arrays fit into a core's cache, which is twice as fast as all at once."""
ROUNDS = 5
TREND_DAYS = 12
"""Half width of the trend's kernel."""
HALF_LIFE_DAYS = 21
"""After so many days an observation counts half as much for the seasons."""
OUTLIER_SPREADS = 6
"""Residuals beyond so many median absolute residuals have no weight (STL's constant)."""
SMALLEST_SPREAD = 0.5
"""Below half of a Poisson count's spread there is nothing but a series that says next to nothing."""


@dataclass(frozen=True)
class Decomposition:
    """The parts of a window on the even scale; their sum and `residual` give `stabilised` counts.

    Shapes: `trend` and `residual` (series, days, hours), `season_day` (series, hours), `season_week` (series, weekdays,
    hours), `slope` (series): change of the trend a day at the window's end. `spread` (series, hours): root mean square
    of residuals by hour of the day. Residuals of missing hours are NaN.
    """

    trend: Floats
    season_day: Floats
    season_week: Floats
    residual: Floats
    slope: Floats
    spread: Floats


def stabilised(counts: Floats) -> Floats:
    """Counts on the scale on which a Poisson count has variance 1."""
    return 2 * np.sqrt(counts + 0.375)


def as_counts(values: Floats, spread: Floats | float = 0.0) -> Floats:
    """Back from the even scale; with the spread around `values` it is the mean of the counts, without it a bound."""
    return np.maximum((np.maximum(values, stabilised(np.zeros(1))) ** 2 + np.square(spread)) / 4 - 0.375, 0)


def decompose(counts: Floats, known: Bools, weekdays: npt.NDArray[np.int64]) -> Decomposition:
    """Fit all series of a window. `counts` and `known` are (series, days, hours); `weekdays` names each day, 0 Monday.

    Hours that aren't known take no part. Every series needs a known hour in each of two weeks. Blocks of series are
    fitted beside one another, in threads: numpy works outside of Python's lock.
    """
    blocks = [slice(start, start + BLOCK_SERIES) for start in range(0, max(len(counts), 1), BLOCK_SERIES)]
    with ThreadPoolExecutor(min(len(blocks), os.cpu_count() or 1)) as pool:
        fitted = list(pool.map(lambda block: _fitted(counts[block], known[block], weekdays), blocks))
    parts = {each.name: np.concatenate([getattr(part, each.name) for part in fitted]) for each in fields(Decomposition)}
    return Decomposition(**parts)


def median_of_known(values: Floats) -> Floats:
    """Median along the last axis without NaN; NaN where nothing is known."""
    return quantile_of_known(values, 0.5)


def quantile_of_known(values: Floats, share: float, smallest: int = 1) -> Floats:
    """Quantile along the last axis without NaN, between neighbours by rank `share` (n + 1) of n.

    That rank makes it a quantile of the next value, not of these (conformal prediction). NaN where fewer than
    `smallest` are known.
    """
    ordered = np.sort(values, axis=-1)
    known = (~np.isnan(values)).sum(axis=-1)
    rank = np.clip(share * (known + 1) - 1, 0, np.maximum(known - 1, 0))
    below = np.floor(rank).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(known - 1, 0))
    low, high = (np.take_along_axis(ordered, at[..., None], axis=-1)[..., 0] for at in (below, above))
    return np.where(known >= max(smallest, 1), low + (rank - below) * (high - low), np.nan)


def _fitted(counts: Floats, known: Bools, weekdays: npt.NDArray[np.int64]) -> Decomposition:
    observed = stabilised(counts)
    recency = 0.5 ** (np.arange(len(weekdays))[::-1] / HALF_LIFE_DAYS)
    season_day = np.zeros((len(counts), 1, HOURS))
    season_week = np.zeros((len(counts), WEEKDAYS, HOURS))
    weight = known.astype(np.float64)
    for _ in range(ROUNDS):
        level, slope = _trend(observed - season_day - season_week[:, weekdays], weight)
        trend = _by_hours(level, slope)
        recent = weight * recency[:, None]
        season_day = _mean(observed - trend - season_week[:, weekdays], recent, axis=1)
        season_day -= season_day.mean(axis=2, keepdims=True)
        season_week = _week_season(observed - trend - season_day, recent, weekdays)
        residual = observed - trend - season_day - season_week[:, weekdays]
        limit = _outlier_limit(residual, known)
        weight = known * np.clip(1 - (residual / limit) ** 2, 0, None) ** 2
    spread = _spread_by_hour(np.clip(residual, -limit, limit), known * recency[:, None])
    residual = np.where(known, residual, np.nan)
    return Decomposition(trend, season_day[:, 0], season_week, residual, slope, spread)


def _mean(values: Floats, weight: Floats, axis: int) -> Floats:
    total = weight.sum(axis=axis, keepdims=True)
    return (values * weight).sum(axis=axis, keepdims=True) / np.maximum(total, 1e-9)


def _trend(values: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Level of every day, slope at the last: a straight line fitted around each day, tricube weights by distance."""
    days = values.shape[1]
    hours = weight.sum(axis=2)
    means = _mean(values, weight, axis=2)[..., 0]
    apart = np.arange(days)[None, :] - np.arange(days)[:, None]
    kernel = np.clip(1 - np.abs(apart / (TREND_DAYS + 1)) ** 3, 0, None) ** 3
    moments = [np.einsum("sj,ij->si", hours, kernel * apart**power) for power in (0, 1, 2)]
    targets = [np.einsum("sj,ij->si", hours * means, kernel * apart**power) for power in (0, 1)]
    ridge = HOURS * 1.0  # a day's worth of evidence that the line is flat: keeps it from tipping over where days miss
    steep = moments[2] + ridge
    determinant = np.maximum(moments[0] * steep - moments[1] ** 2, 1e-9)
    level = (targets[0] * steep - targets[1] * moments[1]) / determinant
    slope = (moments[0] * targets[1] - moments[1] * targets[0]) / determinant
    return level, slope[:, -1]


def _by_hours(level: Floats, slope: Floats) -> Floats:
    """The days' levels, which stand at noon, joined by straight lines; (series, days, hours)."""
    step = np.diff(level, axis=1)
    before = np.concatenate([step[:, :1] if step.size else slope[:, None], step], axis=1)[..., None]
    after = np.concatenate([step, slope[:, None]], axis=1)[..., None]
    offset = (np.arange(HOURS) - (HOURS - 1) / 2) / HOURS
    return level[..., None] + np.where(offset < 0, before, after) * offset


def _week_season(values: Floats, weight: Floats, weekdays: npt.NDArray[np.int64]) -> Floats:
    """What weekdays add: a level and a course of the day each, both shrunk as far as they can't be told from noise."""
    of_weekday = [np.flatnonzero(weekdays == number) for number in range(WEEKDAYS)]
    daily = _mean(values, weight, axis=2)
    day_weight = weight.sum(axis=2, keepdims=True)
    levels = _by_weekday(daily, day_weight, of_weekday)
    courses = _by_weekday(values, weight, of_weekday) - levels
    courses = (np.roll(courses, 1, axis=2) + 2 * courses + np.roll(courses, -1, axis=2)) / 4
    noise_of_levels = _noise(daily - levels[:, weekdays], day_weight, of_weekday)
    noise_of_courses = _noise(values - daily - courses[:, weekdays], weight, of_weekday) * 6 / 16  # of the smoothing
    season = _shrunk(levels, noise_of_levels) + _shrunk(courses, noise_of_courses)
    return season - season.mean(axis=1, keepdims=True)


def _flat(values: Floats) -> Floats:
    """A row for each series, also where there is none."""
    return values.reshape(len(values), math.prod(values.shape[1:]))


def _by_weekday(values: Floats, weight: Floats, of_weekday: list[npt.NDArray[np.int64]]) -> Floats:
    return np.concatenate([_mean(values[:, days], weight[:, days], axis=1) for days in of_weekday], axis=1)


def _noise(residual: Floats, weight: Floats, of_weekday: list[npt.NDArray[np.int64]]) -> Floats:
    """Variance of the weekdays' means that comes from chance, by series."""
    variance = _mean(_flat(residual**2), _flat(weight), axis=1)
    total = np.concatenate([weight[:, days].sum(axis=1, keepdims=True) for days in of_weekday], axis=1)
    squares = np.concatenate([(weight[:, days] ** 2).sum(axis=1, keepdims=True) for days in of_weekday], axis=1)
    share = (squares / np.maximum(total, 1e-9) ** 2).mean(axis=(1, 2))[:, None]
    return (variance * share / np.maximum(1 - share, 1e-3))[:, :, None]


def _shrunk(effects: Floats, noise: Floats) -> Floats:
    size = np.mean(effects**2, axis=(1, 2), keepdims=True)
    return effects * np.clip(1 - noise / np.maximum(size, 1e-12), 0, 1)


def _outlier_limit(residual: Floats, known: Bools) -> Floats:
    sizes = _flat(np.where(known, np.abs(residual), np.nan))
    limit = OUTLIER_SPREADS * np.maximum(median_of_known(sizes), SMALLEST_SPREAD * 0.6745)
    return limit[:, None, None]


def _spread_by_hour(residual: Floats, weight: Floats) -> Floats:
    """Root mean square of residuals by hour of the day, smoothed over neighbouring hours."""
    square = _mean(residual**2, weight, axis=1)[:, 0]
    smooth = (np.roll(square, 1, axis=1) + 2 * square + np.roll(square, -1, axis=1)) / 4
    return np.maximum(np.sqrt(smooth), SMALLEST_SPREAD / 2)
