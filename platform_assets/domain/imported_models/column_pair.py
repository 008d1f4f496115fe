"""One column of two systems, aligned by key: which values differ, and by how much.

A value is equal when `|ours - theirs| <= max(rtol * max(|ours|, |theirs|), atol)`, as in Python's `math.isclose`; a
missing value (null, NaN) equals a missing value, an infinity equals itself, a text equals the same text.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from platform_assets.domain.imported_models.clusters import Cluster

if TYPE_CHECKING:
    import pandas as pd

WORST_ROWS = 10


@dataclass(frozen=True)
class Tolerance:
    """How far two numbers may be apart and still be equal; `atol` matters for numbers near zero only."""

    rtol: float = 1e-9
    atol: float = 0.0


@dataclass(frozen=True)
class ColumnComparison:
    """One column over the rows that both systems have. Differences are of rows where both have a finite number."""

    name: str
    rows: int
    differing: int
    """Rows whose values are not equal; those of the next three counts are among them."""
    missing_here: int
    """Rows with a value there and none here."""
    missing_there: int
    """Rows with a value here and none there."""
    no_number: int
    """Rows where one system has a number and the other a text that is none."""
    max_absolute: float
    median_absolute: float
    max_relative: float
    median_relative: float
    worst: tuple[dict[str, Any], ...]
    """The rows that differ most: key, ours, theirs, absolute and relative difference."""
    clusters: tuple[Cluster, ...]
    """Where differing rows lie."""


@dataclass(frozen=True)
class ColumnPair:
    """Values of one column, aligned by key: as numbers, with NaN for none, or as texts, with None for none."""

    key: "pd.Index"
    ours: "pd.Series"
    theirs: "pd.Series"
    no_number: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, ours: "pd.Series", theirs: "pd.Series") -> "ColumnPair":
        """The two columns, as numbers where one of them holds numbers."""
        import pandas as pd

        if not any(pd.api.types.is_numeric_dtype(each.dtype) for each in (ours, theirs)):
            texts = [
                each.astype("object").where(each.notna(), None).map(str, na_action="ignore") for each in (ours, theirs)
            ]
            return cls(ours.index, texts[0], texts[1], np.zeros(len(ours), dtype=bool))
        numbers = [pd.to_numeric(each, errors="coerce").astype("float64") for each in (ours, theirs)]
        lost = [
            given.notna().to_numpy() & read.isna().to_numpy()
            for given, read in zip((ours, theirs), numbers, strict=True)
        ]
        return cls(ours.index, numbers[0], numbers[1], lost[0] | lost[1])

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers."""
        return self.ours.dtype == "float64"

    def equal(self, tolerance: Tolerance) -> npt.NDArray[np.bool_]:
        """By row, whether the two values are equal."""
        missing = (self.ours.isna() & self.theirs.isna()).to_numpy() & ~self.no_number
        if not self.numeric:
            return missing | (self.ours == self.theirs).to_numpy(dtype=bool)
        ours, theirs = self.ours.to_numpy(), self.theirs.to_numpy()
        finite = np.isfinite(ours) & np.isfinite(theirs)
        with np.errstate(invalid="ignore"):
            allowed = np.maximum(tolerance.rtol * np.maximum(np.abs(ours), np.abs(theirs)), tolerance.atol)
            near = finite & (np.abs(ours - theirs) <= allowed)
        return missing | (ours == theirs) | near

    def told(self, name: str, differing: npt.NDArray[np.bool_], clusters: tuple[Cluster, ...]) -> ColumnComparison:
        """The figures of the column."""
        absolute, relative = self._differences()
        finite = np.isfinite(absolute)
        here, there = (each.isna().to_numpy() & ~self.no_number for each in (self.ours, self.theirs))
        return ColumnComparison(
            name=name,
            rows=len(differing),
            differing=int(differing.sum()),
            missing_here=int((here & ~there).sum()),
            missing_there=int((there & ~here).sum()),
            no_number=int(self.no_number.sum()),
            max_absolute=float(absolute[finite].max(initial=0.0)),
            median_absolute=float(np.median(absolute[finite])) if finite.any() else 0.0,
            max_relative=float(relative[finite].max(initial=0.0)),
            median_relative=float(np.median(relative[finite])) if finite.any() else 0.0,
            worst=self._worst(differing, absolute, relative),
            clusters=clusters,
        )

    def _differences(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        if not self.numeric:
            nothing = np.full(len(self.ours), np.nan)
            return nothing, nothing
        ours, theirs = self.ours.to_numpy(), self.theirs.to_numpy()
        with np.errstate(invalid="ignore", divide="ignore"):
            absolute = np.abs(ours - theirs)
            relative = np.where(absolute == 0, 0.0, absolute / np.maximum(np.abs(ours), np.abs(theirs)))
        return absolute, np.where(np.isfinite(absolute), relative, np.nan)

    def _worst(
        self, differing: npt.NDArray[np.bool_], absolute: npt.NDArray[np.float64], relative: npt.NDArray[np.float64]
    ) -> tuple[dict[str, Any], ...]:
        """Rows that have no number on one side come first, then by relative difference, then by key."""
        at = np.flatnonzero(differing)
        ranked = at[np.argsort(-np.nan_to_num(relative[at], nan=np.inf), kind="stable")][:WORST_ROWS]
        return tuple(
            {
                "key": str(self.key[row]),
                "ours": _shown(self.ours.iloc[row]),
                "theirs": _shown(self.theirs.iloc[row]),
                "absolute": _shown(absolute[row]),
                "relative": _shown(relative[row]),
            }
            for row in ranked
        )


def _shown(value: Any) -> Any:
    """A value as JSON can hold it: no NaN, no infinity, no numpy."""
    if value is None or isinstance(value, str):
        return value
    number = float(value)
    return number if np.isfinite(number) else (None if np.isnan(number) else str(number))
