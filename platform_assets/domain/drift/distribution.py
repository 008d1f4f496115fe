"""One column of some rows as its distinct values and their counts: all that a comparison needs, and small."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]

CATEGORIES = 20
"""A column with at most so many distinct values is compared value by value, any other by the deciles of its values."""
UNSEEN = 0.01
"""Share of rows with unseen values that is expected of categories at most."""
BINS = 10


@dataclass(frozen=True, eq=False)
class Distribution:
    """The values of a column, exactly: `values` ascending and distinct, infinities among them, and how often each is.

    `missing` counts null and NaN, which are no values. Booleans are 0 and 1.
    """

    values: Floats
    counts: npt.NDArray[np.int64]
    missing: int = 0

    @classmethod
    def of(cls, column: npt.ArrayLike) -> "Distribution":
        """The distribution of numbers or booleans; NaN is missing."""
        numbers = np.asarray(column, dtype=np.float64)
        present = numbers[~np.isnan(numbers)]
        values, counts = np.unique(present, return_counts=True)
        return cls(values, counts.astype(np.int64), len(numbers) - len(present))

    @cached_property
    def size(self) -> int:
        """Rows with a value."""
        return int(self.counts.sum())

    @property
    def rows(self) -> int:
        """All rows."""
        return self.size + self.missing

    @property
    def missing_share(self) -> float:
        """Share of rows without a value; NaN without rows."""
        return self.missing / self.rows if self.rows else float("nan")

    @cached_property
    def _cumulative(self) -> npt.NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self.counts)])

    def rows_up_to(self, points: Floats) -> npt.NDArray[np.int64]:
        """How many values are at most each of the points."""
        return self._cumulative[np.searchsorted(self.values, points, side="right")]

    def share_up_to(self, points: Floats) -> Floats:
        """The empirical distribution function at the points. There must be values."""
        return self.rows_up_to(points) / self.size

    def rows_with(self, values: Floats) -> npt.NDArray[np.int64]:
        """How often each of the values is held."""
        if not self.size:
            return np.zeros(len(values), dtype=np.int64)
        place = np.minimum(np.searchsorted(self.values, values), len(self.values) - 1)
        return np.where(self.values[place] == values, self.counts[place], 0)

    @property
    def expected_unseen(self) -> float:
        """The share of rows to come that will have a value not seen yet: that of the values seen once.

        I. J. Good, "The population frequencies of species", Biometrika 40, 1953. NaN without values.
        """
        return np.count_nonzero(self.counts == 1) / self.size if self.size else float("nan")

    @property
    def is_categorical(self) -> bool:
        """Whether there are few distinct values, and hardly one unseen: amounts that few pay are no categories."""
        return len(self.values) <= CATEGORIES and self.expected_unseen <= UNSEEN

    def quantiles(self, shares: Floats) -> Floats:
        """The least values that so large a share of all values doesn't exceed. There must be values."""
        wanted = np.ceil(np.asarray(shares) * self.size - 1e-9)
        return self.values[np.searchsorted(self._cumulative[1:], np.maximum(wanted, 1))]

    @cached_property
    def edges(self) -> Floats:
        """Upper bounds of the bins but the last, which is open: deciles, those that ties make equal once."""
        cuts = np.unique(self.quantiles(np.arange(1, BINS) / BINS)) if self.size else np.empty(0)
        return cuts[cuts < self.values[-1]] if self.size else cuts

    def finite(self) -> "Distribution":
        """The same without infinities."""
        kept = np.isfinite(self.values)
        return self if kept.all() else Distribution(self.values[kept], self.counts[kept], self.missing)

    @cached_property
    def mean(self) -> float:
        """Mean of the values; NaN without any."""
        return float(np.average(self.values, weights=self.counts)) if self.size else float("nan")

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the values; NaN without any."""
        if len(self.values) < 2:
            return 0.0 if self.size else float("nan")
        return float(np.sqrt(np.average((self.values - self.mean) ** 2, weights=self.counts)))


@dataclass(frozen=True, eq=False)
class Sample:
    """What some days hold of some columns.

    `entities` are the different ones among the rows: one that stands in the rows of several days tells little more
    than once, so that it is they who count where chance is to be told from change.
    """

    days: tuple[date, ...]
    columns: Mapping[str, Distribution]
    rows: int
    entities: int

    @classmethod
    def of_day(cls, rows: pa.Table, day: date) -> "Sample":
        """The sample of a day's rows, each of another entity. Columns must be numbers or booleans."""
        return cls.of(rows, [day], rows.num_rows)

    @classmethod
    def of(cls, rows: pa.Table, days: Sequence[date], entities: int) -> "Sample":
        """The sample of the rows of some days. Columns must be numbers or booleans."""
        columns = {
            name: Distribution.of(pc.cast(rows[name], pa.float64()).to_numpy(zero_copy_only=False))
            for name in rows.column_names
        }
        return cls(tuple(days), columns, rows.num_rows, entities)

    @classmethod
    def of_labels(cls, rows: int, positives: int, day: date) -> "Sample":
        """The sample of a day's labels, so many of which are 1 and the others 0."""
        counts = np.array([rows - positives, positives], dtype=np.int64)
        return cls((day,), {"label": Distribution(np.array([0.0, 1.0]), counts)}, rows, rows)
