"""Counts of the days up to one → the table `traffic_decomposition`, as a stream of days with a report each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from platform_assets.domain.contracts.traffic_decomposition import TRAFFIC_DECOMPOSITION
from platform_assets.domain.traffic.anomalies import LIMIT, scores
from platform_assets.domain.traffic.decomposition import Bools, Floats
from platform_assets.domain.traffic.forecast_errors import CALIBRATION_DAYS, Outlooks, forecast_errors
from platform_assets.domain.traffic.history import History
from platform_assets.domain.traffic.outlook import TooShort
from platform_assets.domain.traffic.rows import forecast_rows, observed_rows

JUDGED_EVENTS_PER_HOUR = 5.0
"""Hours of series with fewer events on average aren't called anomalies: an empty hour is nothing special there."""


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
    """The rows of the days `first` … `last` as a stream, day by day. The history must reach 69 days further back.

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
    errors = forecast_errors(outlooks, today, day)
    score = scores(errors[:, 0])
    judged = ~np.isnan(score) & (today.per_hour >= JUDGED_EVENTS_PER_HOUR)[:, None]
    is_anomaly = judged & (np.abs(score) > LIMIT)
    names = [outlooks.history.names[place] for place in today.series]
    rows = [
        observed_rows(outlooks, today, names, day, score, judged, is_anomaly),
        forecast_rows(today, names, day, errors),
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
