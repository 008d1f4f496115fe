"""Counts of the days up to one → the rows of `traffic_decomposition` for it.

Intervals and scores are measured, not assumed: the outlooks of the 28 days before are compared with what came after
them, so the errors are those of real forecasts, at every horizon.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import numpy as np
import pyarrow as pa

from platform_assets.domain.contracts.traffic_decomposition import OBSERVED, TRAFFIC_DECOMPOSITION
from platform_assets.domain.traffic.anomalies import LIMIT, scores
from platform_assets.domain.traffic.decomposition import HOURS, Bools, Floats, as_counts, quantile_of_known, stabilised
from platform_assets.domain.traffic.history import History
from platform_assets.domain.traffic.outlook import HISTORY_DAYS, HORIZON_DAYS, Outlook, TooShort, outlook

CALIBRATION_DAYS = 28
"""So many earlier outlooks are compared with what came after them."""
FEWEST_CALIBRATION_DAYS = 7
LOOK_BACK_DAYS = HISTORY_DAYS + CALIBRATION_DAYS - 1
"""How many days before a day its rows depend on."""
JUDGED_EVENTS_PER_HOUR = 5.0
"""Hours of series with fewer events on average aren't called anomalies: an empty hour is nothing special there."""
COVERAGE = 0.9
"""Share of what comes true that the intervals are to hold."""
_TAILS = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)

DECIMALS = 6
"""Figures are rounded, so that they are the same whichever way the last bits of a sum fall."""


@dataclass
class Outlooks:
    """Outlooks by day over one history, each made once."""

    history: History
    made: dict[date, Outlook | TooShort] = field(default_factory=dict)

    def at(self, day: date) -> Outlook | TooShort:
        """The outlook at the end of a day; days before the history's begin have none."""
        if day < self.history.first:
            return TooShort(0)
        if day not in self.made:
            self.made[day] = outlook(self.history.window(day, HISTORY_DAYS))
        return self.made[day]

    def forget_before(self, day: date) -> None:
        """Drop what isn't needed any more."""
        self.made = {made_on: made for made_on, made in self.made.items() if made_on >= day}

    def observed(self, day: date) -> Floats:
        """Counts of a day on the even scale; (series, hours), NaN in gaps."""
        place = (day - self.history.first).days
        today = self.history.window(day, HISTORY_DAYS)
        return np.where(today.collected()[-1], stabilised(self.history.counts[:, place]), np.nan)


@dataclass(frozen=True)
class DayReport:
    """What a day's rows come to. `history_days` are the collected days that it could look back on; with fewer than 14
    there are no rows. `runs` are the anomalies: series, first and last hour of the day, score, the most extreme first.
    """

    history_days: int
    series: int = 0
    gap_hours: int = 0
    runs: tuple[tuple[str, int, int, float], ...] = ()


class DecomposedDays:
    """The rows of the days `first` … `last` as a stream, day by day. The history must reach 55 days further back.

    `reports` holds each day's report once its rows were read, `failure` what broke the stream.
    """

    def __init__(self, history: History | None, first: date, last: date) -> None:
        self._history, self._first, self._last = history, first, last
        self.reports: dict[date, DayReport] = {}
        self.failure: Exception | None = None

    def reader(self) -> pa.RecordBatchReader:
        """The stream, to be read once."""
        return pa.RecordBatchReader.from_batches(TRAFFIC_DECOMPOSITION.schema().to_pyarrow(), self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            outlooks = Outlooks(self._history) if self._history else None
            for number in range((self._last - self._first).days + 1):
                day = self._first + timedelta(days=number)
                rows, self.reports[day] = _decomposed(outlooks, day) if outlooks else (_no_rows(), DayReport(0))
                yield from rows.to_batches()
        except Exception as error:
            self.failure = error
            raise


def _decomposed(outlooks: Outlooks, day: date) -> tuple[pa.Table, DayReport]:
    outlooks.forget_before(day - timedelta(days=CALIBRATION_DAYS))
    today = outlooks.at(day)
    if isinstance(today, TooShort):
        return _no_rows(), DayReport(today.days)
    errors = _errors(outlooks, today, day)
    score = scores(errors[:, 0])
    judged = ~np.isnan(score) & (today.per_hour >= JUDGED_EVENTS_PER_HOUR)[:, None]
    is_anomaly = judged & (np.abs(score) > LIMIT)
    names = [outlooks.history.names[place] for place in today.series]
    rows = [
        _observed_rows(outlooks, today, names, day, score, judged, is_anomaly),
        _forecast_rows(today, names, day, errors),
    ]
    gaps = int((~today.collected).sum())
    return pa.concat_tables(rows), DayReport(today.days, len(names), gaps, anomaly_runs(names, score, is_anomaly))


def anomaly_runs(names: list[str], score: Floats, is_anomaly: Bools) -> tuple[tuple[str, int, int, float], ...]:
    """Anomalous hours in a row, as (series, first hour, last hour, most extreme score), the most extreme first."""
    found = []
    for place in np.flatnonzero(is_anomaly.any(axis=1)):
        hours = np.flatnonzero(is_anomaly[place])
        for run in np.split(hours, np.flatnonzero(np.diff(hours) > 1) + 1):
            peak = score[place, run][np.argmax(np.abs(score[place, run]))]
            found.append((names[place], int(run[0]), int(run[-1]), round(float(peak), 2)))
    return tuple(sorted(found, key=lambda run: (-abs(run[3]), run)))


def _no_rows() -> pa.Table:
    return TRAFFIC_DECOMPOSITION.schema().to_pyarrow().empty_table()


def _errors(outlooks: Outlooks, today: Outlook, day: date) -> Floats:
    """Observed minus expected by horizon and day, up to `day`; (series of today, horizons, days, hours), else NaN."""
    errors = np.full((len(today.series), HORIZON_DAYS, CALIBRATION_DAYS, HOURS), np.nan)
    for place in range(CALIBRATION_DAYS):
        target = day - timedelta(days=CALIBRATION_DAYS - 1 - place)
        if target < outlooks.history.first:
            continue
        came = outlooks.observed(target)[today.series]
        for ahead in range(1, min(HORIZON_DAYS, place + 1) + 1):
            made = outlooks.at(target - timedelta(days=ahead))
            if isinstance(made, Outlook):
                errors[:, ahead - 1, place] = came - _of_series(made.expected[:, ahead - 1], made, today)
    return errors


def _of_series(values: Floats, made: Outlook, today: Outlook) -> Floats:
    """The rows of an earlier outlook in the order of today's series; NaN for series that it didn't have."""
    if not len(made.series):
        return np.full((len(today.series), *values.shape[1:]), np.nan)
    place = np.minimum(np.searchsorted(made.series, today.series), len(made.series) - 1)
    had = made.series[place] == today.series
    return np.where(had.reshape(-1, *[1] * (values.ndim - 1)), values[place], np.nan)


def _observed_rows(
    outlooks: Outlooks,
    today: Outlook,
    names: list[str],
    day: date,
    score: Floats,
    judged: Bools,
    is_anomaly: Bools,
) -> pa.Table:
    history = outlooks.history
    counts = history.counts[today.series, (day - history.first).days]
    known = np.broadcast_to(today.collected, counts.shape)
    level = as_counts(today.trend, np.sqrt(np.mean(today.spread**2, axis=1, keepdims=True)))
    by_day = as_counts(today.trend + today.season_day, today.spread)
    normal = as_counts(today.trend + today.season_day + today.season_week, today.spread)
    made = outlooks.at(day - timedelta(days=1))
    forecast = np.full(counts.shape, np.nan)
    if isinstance(made, Outlook):
        forecast = _of_series(as_counts(made.expected[:, 0], made.spread), made, today)
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


def _forecast_rows(today: Outlook, names: list[str], day: date, errors: Floats) -> pa.Table:
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
