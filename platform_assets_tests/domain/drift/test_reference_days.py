"""A day is compared with days of its weekday, and with those of the training that still count."""

from datetime import date, timedelta

from platform_assets.domain.drift.reference_days import days_like, days_that_count
from platform_assets.domain.training_windows import AllData, AllWithDecay, Trailing

DAY = date(2026, 3, 1)
DAYS = [DAY - timedelta(days=number) for number in range(1, 40)]


def test_a_day_is_compared_with_days_of_its_weekday() -> None:
    days = DAYS[:14]
    assert days_like(DAY.weekday(), days) == (DAY - timedelta(days=7), DAY - timedelta(days=14))
    assert days_like(DAY.weekday(), days[:3]) == tuple(days[:3])


def test_all_days_of_a_window_that_counts_them_alike_are_reference() -> None:
    assert days_that_count(DAYS, Trailing()) == days_that_count(DAYS, AllData()) == tuple(sorted(DAYS))


def test_days_that_a_model_has_all_but_forgotten_are_none() -> None:
    assert days_that_count(DAYS, AllWithDecay(half_life_days=7)) == tuple(sorted(DAYS[:15]))
    assert days_that_count([], AllWithDecay()) == ()
