"""Which hours of a day were not to be expected: errors of the forecast made the day before, alone and in runs.

An hour's error says little where counts are low; several of the same sign in a row do. So windows of one to six hours
are judged, each against the errors that windows of its length had in the days before. The day itself has no part in
its own measure.
"""

import numpy as np

from platform_assets.domain.traffic.decomposition import (
    HOURS,
    SMALLEST_SPREAD,
    Floats,
    quantile_of_known,
)

WINDOWS_HOURS = (1, 2, 3, 4, 6)
LIMIT = 5.0
"""Robust standard deviations beyond which a window of hours is an anomaly."""
EDGE_SHARE = 0.5
"""A window begins and ends with hours of at least this share of its mean error: it has no quiet ends."""
FEWEST_HOURS = 4 * HOURS
"""Errors of so many hours are needed to say what is usual."""

_NORMAL_SIZES = {0.5: 0.6745, 0.95: 1.96}
"""Share of errors → what it lies below, in standard deviations, if errors are normal. The spread is the larger of what
the body and the tail of the errors say: where jumps are usual, a jump is nothing special."""


def scores(errors: Floats) -> Floats:
    """Of every hour of the last day, the most extreme score of a window that it belongs to; (series, hours).

    `errors` is (series, days, hours): count minus forecast on the even scale, NaN where either is unknown, the judged
    day last. Positive means more than expected. NaN where the hour itself or the measure of the days before is unknown;
    an hour that goes against its windows keeps its own score.
    """
    series, days, _ = errors.shape
    line = errors.reshape(series, days * HOURS)
    own = line[:, -HOURS:]
    found = np.full(own.shape, np.nan)
    for length in WINDOWS_HOURS:
        means, edged = _windows(line, length)
        before = np.abs(means[:, : (days - 1) * HOURS])
        spreads = [quantile_of_known(before, share, FEWEST_HOURS) / size for share, size in _NORMAL_SIZES.items()]
        spread = np.maximum.reduce([*spreads, np.full(series, SMALLEST_SPREAD / np.sqrt(length))])[:, None]
        for shift in range(length):
            # the window that ends `shift` hours after the hour, as far as the day has got
            ends = edged[:, (days - 1) * HOURS + shift :]
            ends = np.concatenate([ends, np.full((series, shift), np.nan)], axis=1)
            score = np.where(own * ends > 0, ends / spread, np.nan)
            found = np.where(~(np.abs(score) <= np.abs(found)) & ~np.isnan(score), score, found)
    return np.where(np.isnan(own), np.nan, found)


def _windows(line: Floats, length: int) -> tuple[Floats, Floats]:
    """Mean over each hour and the `length` - 1 before it, NaN where one is unknown; and those without quiet ends."""
    windows = np.lib.stride_tricks.sliding_window_view(line, length, axis=1)
    means = np.concatenate([np.full((len(line), length - 1), np.nan), windows.mean(axis=2)], axis=1)
    first = np.concatenate([np.full((len(line), length - 1), np.nan), windows[:, :, 0]], axis=1)
    needed = EDGE_SHARE * np.abs(means)
    return means, np.where((first * np.sign(means) >= needed) & (line * np.sign(means) >= needed), means, np.nan)
