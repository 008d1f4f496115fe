"""What came true: scores of one day against their labels, once these can't change any more.

The metrics themselves stand in `quality`, labels in `training_set`.
"""

from collections.abc import Mapping
from datetime import date

import pandas as pd

from platform_assets.domain.errors import PlatformError
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.quality import lift_at_top, lift_by_decile, metric_estimates
from platform_assets.domain.modelling.time_split import as_days


class LabelsNotMature(PlatformError):
    """The outcome of a day is asked for before it is final."""


def require_mature(event_date: date, landed_until: date | None, spec: ModelSpec) -> None:
    """Raises `LabelsNotMature` unless the landing day that makes the labels of `event_date` final is complete.

    `landed_until` is the last complete landing day, None if there is none.
    """
    needed = spec.label.mature_at(event_date)
    if landed_until is None or landed_until < needed:
        raise LabelsNotMature(
            f"the labels of {event_date} are final once landing day {needed} is complete; complete until "
            f"{landed_until or 'never yet'}",
            where=f"{spec.table('validation')}[{event_date}]",
            todo=f"materialise events up to landing day {needed}, or validate "
            + (f"days until {spec.label.last_mature(landed_until)}" if landed_until else "later"),
        )


def validation_report(
    scored: pd.DataFrame, spec: ModelSpec, reached: Mapping[int, Mapping[str, float]] | None = None
) -> pd.DataFrame:
    """One row of figures for each (event_date, model_version) of labelled scores; no AUC where only one outcome is.

    `reached` tells by version what it had on its own holdout (`holdout_<metric>`), to be expected of every day.
    """
    keys = ["event_date", "model_name", "model_version", "trained_until", "in_sample"]
    ordered = scored.assign(event_date=as_days(scored["event_date"]).astype(object))
    reports = [
        dict(zip(keys, values, strict=True))
        | _figures(rows.sort_values(spec.entity, kind="stable"), spec)
        | _expected((reached or {}).get(int(values[2]), {}))
        | {"mature_at": spec.label.mature_at(values[0]), "is_current": True}
        for values, rows in ordered.groupby(keys)
    ]
    return pd.DataFrame(reports, columns=[*keys, *VALIDATION_FIGURES, "mature_at", "is_current"])


def with_replaced_versions(report: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """The report, and what was published of versions whose scores another version has replaced since.

    Their rows keep their figures and lose `is_current`: so versions that scored the same day can be compared.
    """
    judged = set(zip(as_days(report["event_date"]), report["model_version"].astype("int64"), strict=True))
    known = zip(as_days(published["event_date"]), published["model_version"].astype("int64"), strict=True)
    replaced = published[[key not in judged for key in known]]
    if replaced.empty:
        return report
    replaced = replaced.reindex(columns=report.columns).assign(is_current=False)
    return pd.concat([report.astype(object), replaced.astype(object)], ignore_index=True)


VALIDATION_METRICS = ("auc", "log_loss", "brier", "calibration_error")
"""What is measured with an interval, and compared with what the version reached on its holdout."""

LIFTS = tuple(f"lift_decile_{number}" for number in range(1, 11))
"""Columns of the lift of every tenth, best scored first."""

VALIDATION_FIGURES = (
    "rows",
    "positives",
    *(f"{metric}{end}" for metric in VALIDATION_METRICS for end in ("", "_low", "_high")),
    *(f"expected_{metric}" for metric in VALIDATION_METRICS),
    "lift_top_decile",
    *LIFTS,
)
"""The columns of a validation report that are measured, in order."""


def _figures(rows: pd.DataFrame, spec: ModelSpec) -> dict[str, float]:
    labels, scores = rows["label"].to_numpy(), rows["score"].to_numpy()
    estimates = metric_estimates(labels, scores, rows[spec.entity].to_numpy(), seed=spec.seed)
    figures: dict[str, float] = {"rows": len(rows), "positives": int(labels.sum())}
    for metric in VALIDATION_METRICS:
        estimate = estimates[metric]
        figures |= {metric: estimate.value, f"{metric}_low": estimate.low, f"{metric}_high": estimate.high}
    figures["lift_top_decile"] = lift_at_top(labels, scores)
    return figures | dict(zip(LIFTS, lift_by_decile(labels, scores).tolist(), strict=True))


def _expected(reached: Mapping[str, float]) -> dict[str, float | None]:
    return {f"expected_{metric}": reached.get(f"holdout_{metric}") for metric in VALIDATION_METRICS}
