"""Outlook, errors and scores of a day → its rows, in events instead of the even scale."""

from datetime import date, datetime, time, timedelta

import numpy as np
import pyarrow as pa

from platform_assets.domain.contracts.traffic_decomposition import OBSERVED, TRAFFIC_DECOMPOSITION
from platform_assets.domain.traffic.decomposition import HOURS, Bools, Floats, as_counts, quantile_of_known
from platform_assets.domain.traffic.forecast_errors import CALIBRATION_DAYS, Outlooks, of_series
from platform_assets.domain.traffic.outlook import HORIZON_DAYS, Outlook

FEWEST_CALIBRATION_DAYS = 7
"""With errors of fewer days there is no interval."""
COVERAGE = 0.9
"""Share of what comes true that the intervals are to hold."""
_TAILS = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
DECIMALS = 6
"""Figures are rounded, so that they are the same whichever way the last bits of a sum fall."""


def observed_rows(
    outlooks: Outlooks,
    today: Outlook,
    names: list[str],
    day: date,
    score: Floats,
    judged: Bools,
    is_anomaly: Bools,
) -> pa.Table:
    """The hours of the day itself: its parts in events, and what was forecast for it the day before."""
    history = outlooks.history
    counts = history.counts[today.series, (day - history.first).days]
    known = np.broadcast_to(today.collected, counts.shape)
    level = as_counts(today.trend, np.sqrt(np.mean(today.spread**2, axis=1, keepdims=True)))
    by_day = as_counts(today.trend + today.season_day, today.spread)
    normal = as_counts(today.trend + today.season_day + today.season_week, today.spread)
    made = outlooks.at(day - timedelta(days=1))
    forecast = np.full(counts.shape, np.nan)
    if isinstance(made, Outlook):
        forecast = of_series(as_counts(made.expected[:, 0], made.spread), made, today)
    return _rows(
        names,
        day,
        range(OBSERVED, OBSERVED + 1),
        {
            "events": pa.array(counts.ravel().astype(np.int64), mask=~known.ravel()),
            "is_gap": pa.array(~known.ravel()),
            "trend": _figures(level),
            "season_day": _figures(by_day - level),
            "season_week": _figures(normal - by_day),
            "residual": _figures(np.where(known, counts - normal, np.nan)),
            "score": _figures(score),
            "is_anomaly": pa.array(is_anomaly.ravel(), mask=~judged.ravel()),
            "forecast": _figures(forecast),
        },
    )


def forecast_rows(today: Outlook, names: list[str], day: date, errors: Floats) -> pa.Table:
    """The seven days ahead: mean and interval, from the errors of earlier forecasts of as many days ahead."""
    spread = today.spread[:, None]
    sizes = (errors / spread[:, :, None]).reshape(len(errors), HORIZON_DAYS, CALIBRATION_DAYS * HOURS)
    fewest = FEWEST_CALIBRATION_DAYS * HOURS
    low, high = (quantile_of_known(sizes, share, fewest)[..., None] for share in _TAILS)
    return _rows(
        names,
        day,
        range(1, HORIZON_DAYS + 1),
        {
            "forecast": _figures(as_counts(today.expected, spread)),
            "forecast_low": _figures(as_counts(today.expected + low * spread)),
            "forecast_high": _figures(as_counts(today.expected + high * spread)),
        },
    )


def _rows(names: list[str], day: date, horizons: range, columns: dict[str, pa.Array]) -> pa.Table:
    """Rows by series, horizon and hour; the contract's columns that aren't given are null."""
    each = len(horizons) * HOURS
    hours = np.datetime64(datetime.combine(day, time()), "us") + np.arange(
        horizons[0] * HOURS, (horizons[-1] + 1) * HOURS
    ) * np.timedelta64(1, "h")
    given = {
        "event_date": pa.repeat(pa.scalar(day), len(names) * each),
        "series": pa.array(np.repeat(np.array(names, dtype=object), each), pa.string()),
        "hour_at": pa.array(np.tile(hours, len(names)), pa.timestamp("us")),
        "horizon_days": pa.array(np.tile(np.repeat(horizons, HOURS), len(names)), pa.int64()),
        **columns,
    }
    schema = TRAFFIC_DECOMPOSITION.schema().to_pyarrow()
    empty = {field.name: pa.nulls(len(names) * each, field.type) for field in schema}
    return pa.table([(empty | given)[field.name] for field in schema], names=schema.names).cast(schema)


def _figures(values: Floats) -> pa.Array:
    return pa.array(np.round(values, DECIMALS).ravel() + 0.0, from_pandas=True)
