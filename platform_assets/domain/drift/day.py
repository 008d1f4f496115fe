"""The drift of one day: what is compared, the rows of the table, and what could not be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import pandas as pd

from platform_assets.domain.drift.comparison import Pair, Volume, compared
from platform_assets.domain.drift.decision import decided
from platform_assets.domain.model_policies import DriftPolicy


@dataclass(frozen=True, eq=False)
class DriftOfDay:
    """A day, the version that it is told for, and all comparisons.

    `version` tells of the model version in words; `absent` says what can't be compared, each with why; `rows_by_day`
    is the volume of some weeks until the day.
    """

    day: date
    model_version: int | None
    version: str
    pairs: Sequence[Pair]
    volumes: Sequence[Volume]
    absent: Sequence[str]
    rows_by_day: Mapping[date, int]
    policy: DriftPolicy

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The rows of the table `<model>_drift` for the day, those of every comparison in its order."""
        rows = decided(compared(self.pairs, self.volumes), self.policy)
        return rows.assign(event_date=self.day, model_version=pd.array([self.model_version] * len(rows), dtype="Int64"))

    @property
    def drifted(self) -> pd.DataFrame:
        """Those of the rows that are called drifted."""
        return self.rows[self.rows["drifted"].astype(bool)]

    @property
    def verdict(self) -> str:
        """What is to be said of the day, in a sentence."""
        if self.rows.empty:
            return "Nothing could be compared."
        told = [
            f"{len(found)} of {len(own)} against {'the training' if reference == 'training' else 'last week'}"
            f"{': ' + _named(found['subject'].tolist()) if len(found) else ''}"
            for reference, own in self.rows.groupby("reference", sort=False)
            for found in [own[own["drifted"].astype(bool)]]
        ]
        return ("Drifted: " if len(self.drifted) else "Nothing has drifted: ") + "; ".join(told) + "."


def _named(subjects: Sequence[str], shown: int = 5) -> str:
    more = len(subjects) - shown
    return ", ".join(subjects[:shown]) + (f" and {more} more" if more > 0 else "")


def reasons_in_markdown(drifted: pd.DataFrame) -> str:
    """What has drifted and why, as a table that the UI shows."""
    lines = [f"| {row.kind} | {row.subject} | {row.reference} | {row.reason} |" for row in drifted.itertuples()]
    return "\n".join(["| kind | column | against | why |", "|---|---|---|---|", *lines])
