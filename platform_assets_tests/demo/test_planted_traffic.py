"""The demo's world, from its files to anomalies and validated forecasts, against what is planted in it."""

from datetime import timedelta
from pathlib import Path

import ibis
import pytest

from benchmarks.simulator import FIRST_DAY
from benchmarks.traffic_decomposition import DAYS, FIRST_JUDGED, history_and_truth
from platform_assets.demo.planted_traffic import planted_traffic
from platform_assets.domain.traffic.forecast_validation import forecast_validation
from platform_assets.domain.traffic.table import DecomposedDays


@pytest.mark.long
def test_planted_anomalies_are_found_and_intervals_hold(tmp_path: Path) -> None:
    history, truth = history_and_truth(tmp_path, 1_000_000)
    first, last = FIRST_DAY + timedelta(days=FIRST_JUDGED), FIRST_DAY + timedelta(days=DAYS - 1)
    rows = ibis.memtable(DecomposedDays(history, FIRST_DAY, last).reader().read_all())
    found = planted_traffic(rows, truth)
    assert found.recall >= 0.9 and found.precision >= 0.9, found
    validation = forecast_validation(rows, first, last).to_pandas()
    assert 0.85 <= validation["covered_hours"].sum() / validation["interval_hours"].sum() <= 0.95
    errors = validation.groupby("series")[["mean_absolute_error", "naive_error"]].mean()
    assert (errors["mean_absolute_error"] < errors["naive_error"]).mean() >= 0.8
