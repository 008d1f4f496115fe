"""Hourly counts as one array of series by days by hours, and what of it is known.

An hour in which a series has no row is a zero, as long as anything at all was collected in that hour. Where the total
is missing too, or is next to nothing against the same hour of other days, the collector was away: the hour is a gap.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from platform_assets.domain.contracts.traffic_series import ALL
from platform_assets.domain.traffic.decomposition import HOURS, Bools, Floats, quantile_of_known

AWAY_SHARE = 0.05
"""With less than this share of the usual total of that hour of the day, the collector was away."""
TELLING_TOTAL = 20
"""Where the usual total of an hour is lower, an empty hour may be just that, and counts as a zero."""


@dataclass(frozen=True)
class History:
    """Counts of `names` (sorted, the total among them), from `first` on; `counts` is (series, days, hours)."""

    names: tuple[str, ...]
    first: date
    counts: Floats

    @property
    def total(self) -> Floats:
        """Counts of all events; (days, hours)."""
        return self.counts[self.names.index(ALL)]

    def weekdays(self) -> npt.NDArray[np.int64]:
        """Weekday of every day, 0 Monday."""
        return (np.arange(self.counts.shape[1]) + self.first.weekday()) % 7

    def window(self, last: date, days: int) -> "History":
        """The days up to `last`, at most `days` of them."""
        end = (last - self.first).days + 1
        start = max(0, end - days)
        return History(self.names, self.first + timedelta(days=start), self.counts[:, start:end])

    def collected(self) -> Bools:
        """Whether the collector was there; (days, hours). It wasn't on days without any event."""
        total = self.total
        there = total.sum(axis=1) > 0
        usual = quantile_of_known(np.where(there[:, None], total, np.nan).T, 0.5)
        away = (usual >= TELLING_TOTAL) & (total < AWAY_SHARE * usual)
        return there[:, None] & ~away


def history_of(rows: pa.Table, first: date, last: date) -> History | None:
    """The history of the days `first` … `last` from rows (series, hour_at, events); None where there is no row."""
    if rows.num_rows == 0:
        return None
    names = sorted(pc.unique(rows["series"]).to_pylist())
    place = pc.index_in(rows["series"], pa.array(names)).to_numpy()
    begin = pa.scalar(datetime.combine(first, time()), pa.timestamp("us"))
    hour = pc.hours_between(begin, rows["hour_at"].cast(pa.timestamp("us"))).to_numpy()
    counts = np.zeros((len(names), ((last - first).days + 1) * HOURS))
    counts[place, hour] = rows["events"].to_numpy()
    return History(tuple(names), first, counts.reshape(len(names), -1, HOURS))
