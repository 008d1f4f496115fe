"""When a matured day is worse than what the champion promised: the one rule of checks, alerts and retraining."""

from collections.abc import Mapping

from platform_assets.domain.model_spec import ModelSpec

HIGHER_IS_BETTER = frozenset({"auc"})
"""Metrics that fall when a model gets worse; all others rise."""


def violated(spec: ModelSpec, figures: Mapping[str, float | None], reached: float) -> bool:
    """Whether a day's metric is shown to be worse than `reached` by more than the spec tolerates.

    `figures` are columns of a validation row (`<metric>_low`, `<metric>_high`), `reached` is what the version had on
    its own holdout. The near end of the 95 % interval must lie beyond the tolerated value: a day with few outcomes
    violates nothing. Without an interval, or where the spec tolerates anything, nothing is violated.
    """
    fall = spec.retraining.metric_fall
    near = figures.get(f"{spec.metric}_high" if spec.metric in HIGHER_IS_BETTER else f"{spec.metric}_low")
    if fall is None or near is None or near != near:
        return False
    return near < reached - fall if spec.metric in HIGHER_IS_BETTER else near > reached + fall
