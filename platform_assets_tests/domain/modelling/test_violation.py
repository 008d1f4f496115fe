"""A day violates its metric only where the whole interval lies beyond what is tolerated."""

from datetime import date, timedelta
from typing import Any

import pytest

from platform_assets.domain.model_policies import RetrainPolicy
from platform_assets.domain.modelling.violation import metric_verdict, violated
from platform_assets_tests.model_worlds import small_spec


@pytest.mark.parametrize(
    ("metric", "figures", "expected"),
    [
        ("auc", {"auc_low": 0.60, "auc_high": 0.71}, True),
        ("auc", {"auc_low": 0.60, "auc_high": 0.73}, False),
        ("auc", {"auc_low": None, "auc_high": None}, False),
        ("auc", {"auc_low": 0.6, "auc_high": float("nan")}, False),
        ("log_loss", {"log_loss_low": 0.79, "log_loss_high": 0.9}, True),
        ("log_loss", {"log_loss_low": 0.70, "log_loss_high": 0.9}, False),
    ],
)
def test_the_near_end_of_the_interval_decides(metric: str, figures: dict[str, float | None], expected: bool) -> None:
    assert violated(small_spec(metric=metric, retraining=RetrainPolicy(metric_fall=0.03)), figures, 0.75) is expected


def test_a_spec_may_tolerate_anything() -> None:
    spec = small_spec(retraining=RetrainPolicy(metric_fall=None))
    assert not violated(spec, {"auc_high": 0.1}, 0.9)


SPEC = small_spec(retraining=RetrainPolicy(metric_fall=0.03, violated_days=2, matured_days=5))


def days(*falls: bool, **changes: Any) -> list[dict[str, Any]]:
    """One validation row a day: what was expected is 0.75, a fall is to 0.70."""
    return [
        {
            "event_date": date(2026, 3, 1) + timedelta(days=number),
            "model_version": 1,
            "in_sample": False,
            "is_current": True,
            "auc": 0.70 if fallen else 0.75,
            "auc_low": 0.68 if fallen else 0.73,
            "auc_high": 0.71 if fallen else 0.77,
            "expected_auc": 0.75,
            **changes,
        }
        for number, fallen in enumerate(falls)
    ]


@pytest.mark.parametrize(
    ("falls", "holds"),
    [
        ((False, False, False), True),
        ((False, False, True), True),
        ((True, False, True), False),
        ((True, True, False), True),
        ((True, True, False, False, False, False, True), True),
        ((), True),
    ],
)
def test_the_metric_holds_until_enough_of_the_newest_days_and_the_latest_fall(
    falls: tuple[bool, ...], holds: bool
) -> None:
    assert metric_verdict(SPEC, days(*falls)).holds is holds


def test_the_verdict_gives_the_numbers() -> None:
    verdict = metric_verdict(SPEC, days(True, True))
    assert verdict.violated == (date(2026, 3, 1), date(2026, 3, 2))
    assert verdict.sentence == (
        "2 of the last 2 matured days are violated; 2026-03-02: auc 0.7000 [0.6800, 0.7100], expected 0.7500, "
        "tolerated difference 0.03."
    )


@pytest.mark.parametrize("change", [{"in_sample": True}, {"is_current": False}, {"expected_auc": None}])
def test_days_that_say_nothing_of_the_promise_violate_nothing(change: dict[str, Any]) -> None:
    assert metric_verdict(SPEC, days(True, True, **change)).holds


def test_of_a_day_that_two_versions_scored_the_newer_one_counts() -> None:
    newer = days(False, False, model_version=2, is_current=None)
    assert metric_verdict(SPEC, [*newer, *days(True, True, is_current=None)]).holds
