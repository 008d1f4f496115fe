"""Rows of a day: what a plain look at the counts says, the same alone and in a range, nothing of what comes later."""

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.traffic_decomposition import TRAFFIC_DECOMPOSITION
from platform_assets.domain.traffic.forecast_errors import LOOK_BACK_DAYS
from platform_assets.domain.traffic.forecast_validation import forecast_validation
from platform_assets.domain.traffic.history import history_of
from platform_assets.domain.traffic.outlook import FEWEST_DAYS
from platform_assets.domain.traffic.table import DayReport, DecomposedDays
from platform_assets_tests.domain.traffic.made_up import MONDAY, counts, history, rows_of

DAYS = 60
LAST = MONDAY + timedelta(days=DAYS - 1)


def decomposed(values: np.ndarray, first: date, last: date) -> pa.Table:
    """The rows of a range from just the days that the asset would read for it."""
    begin = first - timedelta(days=LOOK_BACK_DAYS)
    rows = rows_of(values)
    inside = (rows["hour_at"].to_numpy() >= np.datetime64(begin)) & (
        rows["hour_at"].to_numpy() < np.datetime64(last + timedelta(days=1))
    )
    return DecomposedDays(history_of(rows.filter(pa.array(inside)), begin, last), first, last).reader().read_all()


def on_last_day(values: np.ndarray) -> pd.DataFrame:
    return decomposed(values, LAST, LAST).to_pandas().set_index(["series", "horizon_days", "hour_at"]).sort_index()


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 1000), level=st.sampled_from([0.8, 3.0, 40.0]))
@pytest.mark.parametrize("first", [12, 2 + LOOK_BACK_DAYS])
def test_a_range_gives_the_rows_that_its_days_give_to_the_bit(first: int, seed: int, level: float) -> None:
    values = counts(3, first + 3, seed, level)
    values[0, : first // 2] = 0  # a site that begins late
    values[:, first - 5, 12] = 0  # a gap
    days = [MONDAY + timedelta(days=first + number) for number in range(3)]
    alone = pa.concat_tables([decomposed(values, day, day) for day in days])
    assert decomposed(values, days[0], days[-1]).equals(alone)


def test_what_comes_later_changes_nothing() -> None:
    values = counts(3, DAYS)
    later = values.copy()
    later[:, -5:] = 7000
    day = LAST - timedelta(days=5)
    ranges = (decomposed(each, day, LAST).filter(pa.compute.field("event_date") == day) for each in (values, later))
    assert next(ranges).equals(next(ranges))


def test_an_outage_and_a_surge_are_anomalies_of_their_hours_and_series_alone() -> None:
    values = counts(10, DAYS)
    values[2, -1, 10:14] = 0
    values[5, -1, 18:21] *= 4
    today = on_last_day(values).xs(0, level="horizon_days")
    hours = today[today["is_anomaly"].eq(True)].reset_index()
    found = {(row.series, row.hour_at.hour): np.sign(row.score) for row in hours.itertuples() if row.series != "all"}
    assert found == {("site:2", hour): -1 for hour in range(10, 14)} | {("site:5", hour): 1 for hour in (18, 19, 20)}


def test_an_hour_that_goes_against_its_run_is_no_anomaly() -> None:
    values = counts(3, DAYS)
    values[1, -1, 8:17] = 0
    values[1, -1, 12] = 90
    marked = on_last_day(values).loc["site:1", 0]["is_anomaly"].astype(bool)
    assert list(np.flatnonzero(marked)) == [8, 9, 10, 11, 12, 13, 14, 15, 16]
    assert on_last_day(values).loc["site:1", 0]["score"].iloc[12] > 0


def test_plain_traffic_has_next_to_no_anomaly() -> None:
    rows = decomposed(counts(20, DAYS), MONDAY + timedelta(days=28), LAST).to_pandas()
    judged = rows[rows["is_anomaly"].notna()]
    assert len(judged) == 21 * 32 * 24
    assert judged["is_anomaly"].astype(bool).sum() <= 3


def test_an_hour_without_any_event_is_a_gap_and_no_anomaly() -> None:
    values = counts(5, DAYS)
    values[:, -1, 13] = 0
    today = on_last_day(values).xs(0, level="horizon_days").reset_index()
    gap = today[today["hour_at"].dt.hour == 13]
    assert gap["is_gap"].all() and gap[["events", "residual", "score", "is_anomaly"]].isna().all(axis=None)
    assert gap["trend"].notna().all()
    rest = today[today["hour_at"].dt.hour != 13]
    assert not rest["is_gap"].any() and not rest["is_anomaly"].astype(bool).any()


def test_a_collector_that_is_nearly_away_leaves_a_gap_too() -> None:
    values = counts(10, DAYS)
    values[1:, -1, 13] = 0
    values[0, -1, 13] = 2
    today = on_last_day(values).xs(0, level="horizon_days").reset_index()
    assert set(today[today["is_gap"]]["hour_at"].dt.hour) == {13}


def test_an_hour_in_which_one_site_has_no_event_is_a_zero() -> None:
    values = counts(5, DAYS)
    values[0, -1, 13] = 0
    row = on_last_day(values).loc[("site:0", 0, pd.Timestamp(LAST) + pd.Timedelta(hours=13))]
    assert row["events"] == 0 and not row["is_gap"]


def test_with_too_little_history_there_are_no_rows_and_the_report_says_so() -> None:
    values = counts(3, FEWEST_DAYS)
    days = DecomposedDays(history(values), MONDAY, MONDAY + timedelta(days=FEWEST_DAYS - 1))
    rows = days.reader().read_all()
    assert set(rows["event_date"].to_pylist()) == {MONDAY + timedelta(days=FEWEST_DAYS - 1)}
    assert [report.history_days for report in days.reports.values()] == list(range(1, FEWEST_DAYS + 1))
    assert days.reports[MONDAY] == DayReport(history_days=1)


def test_without_any_event_there_are_no_rows() -> None:
    days = DecomposedDays(None, MONDAY, LAST)
    assert days.reader().read_all().num_rows == 0
    assert set(days.reports.values()) == {DayReport(history_days=0)}


def test_where_no_series_has_enough_events_there_are_no_rows() -> None:
    values = counts(2, 30, level=0.05)
    last = MONDAY + timedelta(days=29)
    days = DecomposedDays(history(values), last, last)
    assert days.reader().read_all().num_rows == 0
    assert days.reports[last].series == 0 and days.reports[last].history_days >= FEWEST_DAYS


def test_series_with_too_few_events_have_no_rows_and_small_ones_are_not_judged() -> None:
    values = counts(3, DAYS)
    values[0] = np.random.default_rng(1).poisson(0.3, values[0].shape)
    values[1] = np.random.default_rng(2).poisson(2.0, values[1].shape)
    today = on_last_day(values).xs(0, level="horizon_days")
    assert set(today.index.get_level_values("series")) == {"all", "site:1", "site:2"}
    assert today.loc["site:1"]["is_anomaly"].isna().all() and today.loc["site:1"]["score"].notna().all()
    assert today.loc["site:2"]["is_anomaly"].notna().all()


def test_parts_and_residual_add_up_to_the_events() -> None:
    today = on_last_day(counts(4, DAYS)).xs(0, level="horizon_days")
    sums = today[["trend", "season_day", "season_week", "residual"]].sum(axis=1)
    np.testing.assert_allclose(sums, today["events"].astype(float), atol=1e-5)


def test_rows_are_those_of_the_contract() -> None:
    rows = decomposed(counts(2, DAYS), LAST, LAST)
    assert rows.schema.equals(TRAFFIC_DECOMPOSITION.schema().to_pyarrow())
    assert rows.num_rows == 3 * 8 * 24
    assert rows.group_by(list(TRAFFIC_DECOMPOSITION.key)).aggregate([]).num_rows == rows.num_rows
    for name in TRAFFIC_DECOMPOSITION.required:
        assert rows[name].null_count == 0


@pytest.mark.parametrize("level", [1.5, 8.0, 60.0])
def test_intervals_hold_nine_tenths_and_forecasts_beat_the_week_before(level: float) -> None:
    rows = decomposed(counts(12, DAYS, level=level), MONDAY + timedelta(days=28), LAST)
    figures = forecast_validation(ibis.memtable(rows), MONDAY + timedelta(days=35), LAST).to_pandas()
    assert 0.87 < figures["covered_hours"].sum() / figures["interval_hours"].sum() < 0.93
    errors = figures.groupby("series")[["mean_absolute_error", "naive_error"]].mean()
    assert (errors["mean_absolute_error"] < errors["naive_error"]).mean() >= 0.8
    assert figures["forecast"].sum() == pytest.approx(figures["events"].sum(), rel=0.02)


def test_a_failure_is_kept_for_whoever_reads_the_stream() -> None:
    broken = history(counts(2, DAYS))
    object.__setattr__(broken, "counts", broken.counts[:, :, :23])
    days = DecomposedDays(broken, LAST, LAST)
    with pytest.raises(Exception):  # noqa: B017 - whatever breaks is to be kept
        days.reader().read_all()
    assert days.failure
