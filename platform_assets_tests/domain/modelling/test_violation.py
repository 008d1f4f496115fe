"""A day violates its metric only where the whole interval lies beyond what is tolerated."""

import pytest

from platform_assets.domain.model_policies import RetrainPolicy
from platform_assets.domain.modelling.violation import violated
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
