"""When a matured day is worse than what the champion promised: the one rule of checks, alerts and retraining."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

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


@dataclass(frozen=True)
class MetricVerdict:
    """What the newest matured days say of a model: whether its metric holds, and which of how many days it doesn't."""

    holds: bool
    days: tuple[date, ...]
    """The newest matured days that count, oldest first."""
    violated: tuple[date, ...]
    sentence: str


def metric_verdict(spec: ModelSpec, validation: Iterable[Mapping[str, Any]]) -> MetricVerdict:
    """The verdict on a model from its validation rows, in any order.

    Days on which the model was in sample, and rows of versions whose scores were replaced, don't count. The metric
    doesn't hold once `violated_days` of the last `matured_days`, the latest among them, are violated.
    """
    rows = sorted(validation, key=lambda row: row["model_version"])
    current = {row["event_date"]: row for row in rows if row["is_current"] in (None, True) and not row["in_sample"]}
    days = tuple(sorted(current)[-spec.retraining.matured_days :])
    bad = tuple(day for day in days if violated(spec, current[day], _number(current[day][f"expected_{spec.metric}"])))
    holds = len(bad) < spec.retraining.violated_days or bad[-1] != days[-1]
    return MetricVerdict(holds, days, bad, _sentence(spec, days, bad, current))


def _sentence(
    spec: ModelSpec, days: tuple[date, ...], bad: tuple[date, ...], rows: Mapping[date, Mapping[str, Any]]
) -> str:
    if not days:
        return "No day after the model's training has matured yet."
    latest = rows[days[-1]]
    value, low, high, expected = (
        _number(latest[name])
        for name in (spec.metric, f"{spec.metric}_low", f"{spec.metric}_high", f"expected_{spec.metric}")
    )
    return (
        f"{len(bad)} of the last {len(days)} matured days are violated; {days[-1]}: {spec.metric} {value:.4f} "
        f"[{low:.4f}, {high:.4f}], expected {expected:.4f}, tolerated difference {spec.retraining.metric_fall}."
    )


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
