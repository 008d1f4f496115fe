"""Made-up traffic: Poisson counts around a known course of level, day season and week season."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from platform_assets.domain.contracts.traffic_series import ALL
from platform_assets.domain.traffic.history import History, history_of

MONDAY = date(2026, 1, 5)
_HOURS = np.arange(24)


def rates(days: int, level: float = 30.0, growth: float = 0.0) -> np.ndarray:
    """Expected events of every hour from a Monday on: busy evenings, busy weekends, growth a day; (days, hours)."""
    day = np.arange(days)
    of_hour = 1 + 0.7 * np.sin(2 * np.pi * (_HOURS - 13) / 24) + 0.2 * np.sin(4 * np.pi * _HOURS / 24)
    of_day = (1 + growth * day) * np.where(day % 7 >= 5, 1.4, 1.0)
    return level * of_day[:, None] * of_hour


def counts(series: int, days: int, seed: int = 1, level: float = 30.0, growth: float = 0.0) -> np.ndarray:
    """Poisson counts of several series of one course; (series, days, hours)."""
    rng = np.random.default_rng(seed)
    return rng.poisson(rates(days, level, growth), (series, days, 24)).astype(float)


def rows_of(values: np.ndarray, first: date = MONDAY) -> pa.Table:
    """Rows of `traffic_series` for sites `site:0` … and their total; hours without an event have no row."""
    whole = np.concatenate([values, values.sum(axis=0, keepdims=True)])
    names = np.array([*(f"site:{number}" for number in range(len(values))), ALL], dtype=object)
    series, day, hour = np.nonzero(whole)
    begin = np.datetime64(first, "us")
    return pa.table(
        {
            "series": pa.array(names[series]),
            "hour_at": pa.array(begin + (day * 24 + hour) * np.timedelta64(1, "h")),
            "events": pa.array(whole[series, day, hour].astype(np.int64)),
        }
    )


def history(values: np.ndarray, first: date = MONDAY) -> History:
    """The history of made-up counts."""
    made = history_of(rows_of(values, first), first, first + timedelta(days=values.shape[1] - 1))
    assert made
    return made
