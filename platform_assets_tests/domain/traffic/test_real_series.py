"""Real series of counts: mentions of companies, with jumps that no rhythm explains."""

from pathlib import Path

from benchmarks.nab_series import judged


def test_forecasts_of_tweet_volumes_beat_the_week_before_and_intervals_hold(shared_data: Path) -> None:
    anomalies, validation = judged(shared_data / "nab_series")
    errors = validation.groupby("series")[["mean_absolute_error", "naive_error"]].mean()
    assert len(errors) == 10
    assert (errors["mean_absolute_error"] < errors["naive_error"]).mean() >= 0.8
    assert 0.85 <= validation["covered_hours"].sum() / validation["interval_hours"].sum() <= 0.95
    assert anomalies.planted >= 15
    assert anomalies.recall > 0.5  # windows are wide, labels few: a floor, not an aim
