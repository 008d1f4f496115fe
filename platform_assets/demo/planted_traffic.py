"""How many planted anomalies of traffic are found, and how many of those found were planted.

The truth is read here and in tests only; no asset knows it. What counts as found is decided here, in one place.
"""

from dataclasses import dataclass
from pathlib import Path

import ibis
import pandas as pd

from platform_assets.domain.contracts.traffic_decomposition import OBSERVED
from platform_assets.domain.contracts.traffic_series import SITE

RUN_GAP_HOURS = 3
"""Anomalous hours of a series with no more than this between them are one run."""


@dataclass(frozen=True)
class PlantedTraffic:
    """Planted anomalies of sites, each site and interval one, against runs of anomalous hours of sites' series.

    Only what is judged counts: sites with enough events, on days with a measure of what is usual. An anomaly is `found`
    if an hour of it is marked on its site; a run is `right` if it overlaps an anomaly of its site.
    """

    judged_sites: int
    planted: int
    found: int
    runs: int
    right: int

    @property
    def recall(self) -> float:
        """Share of planted anomalies that were found."""
        return self.found / self.planted if self.planted else float("nan")

    @property
    def precision(self) -> float:
        """Share of runs that were planted."""
        return self.right / self.runs if self.runs else float("nan")


def planted_traffic(decomposition: ibis.Table, truth: pd.DataFrame) -> PlantedTraffic:
    """Compare the rows of `traffic_decomposition` with the truth table `anomalies`."""
    judged = decomposition.filter(
        decomposition.horizon_days == OBSERVED,
        decomposition.is_anomaly.notnull(),
        decomposition.series.startswith(f"{SITE}:"),
    )
    hours = judged.select("series", "hour_at", "is_anomaly").to_pandas()
    planted = truth.assign(series=f"{SITE}:" + truth["domain"].str.removeprefix("www."))
    planted = planted[["series", "from_time", "to_time"]].reset_index(names="planted")
    inside = hours.merge(planted, on="series")
    inside = inside[(inside["hour_at"] >= inside["from_time"]) & (inside["hour_at"] < inside["to_time"])]
    runs = _runs(hours[hours["is_anomaly"].astype(bool)])
    marked = inside[inside["is_anomaly"].astype(bool)].merge(runs, on=["series", "hour_at"])
    return PlantedTraffic(
        judged_sites=hours["series"].nunique(),
        planted=inside["planted"].nunique(),
        found=marked["planted"].nunique(),
        runs=runs["run"].nunique(),
        right=marked["run"].nunique(),
    )


def read_planted(truth_folder: Path) -> pd.DataFrame:
    """The truth table `anomalies`."""
    return pd.read_parquet(truth_folder / "anomalies.parquet")


def _runs(marked: pd.DataFrame) -> pd.DataFrame:
    """Every marked hour with the number of its run."""
    ordered = marked.sort_values(["series", "hour_at"])
    new_series = ordered["series"] != ordered["series"].shift()
    apart = ordered["hour_at"].diff() > pd.Timedelta(hours=RUN_GAP_HOURS + 1)
    return ordered[["series", "hour_at"]].assign(run=(new_series | apart).cumsum())
