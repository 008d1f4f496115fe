"""What came true: scores of one day against their labels, once these can't change any more.

The metrics themselves stand in `quality`, labels in `training_set`.
"""

from datetime import date

import pandas as pd

from platform_assets.domain.errors import PlatformError
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.quality import calibration_error, lift_at_top, metric_estimates
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


def validation_report(scored: pd.DataFrame, spec: ModelSpec) -> pd.DataFrame:
    """One row of figures for each (event_date, model_version) of labelled scores; no AUC where only one outcome is."""
    keys = ["event_date", "model_name", "model_version", "trained_until", "in_sample"]
    reports = [
        dict(zip(keys, values, strict=True)) | _figures(rows, spec) | {"mature_at": spec.label.mature_at(values[0])}
        for values, rows in scored.assign(event_date=as_days(scored["event_date"]).astype(object)).groupby(keys)
    ]
    return pd.DataFrame(reports, columns=[*keys, *VALIDATION_FIGURES, "mature_at"])


VALIDATION_FIGURES = (
    "rows",
    "positives",
    "auc",
    "auc_low",
    "auc_high",
    "log_loss",
    "brier",
    "calibration_error",
    "lift_top_decile",
)
"""The columns of a validation report that are measured, in order."""


def _figures(rows: pd.DataFrame, spec: ModelSpec) -> dict[str, float]:
    labels, scores = rows["label"].to_numpy(), rows["score"].to_numpy()
    estimates = metric_estimates(labels, scores, rows[spec.entity].to_numpy(), seed=spec.seed)
    return {
        "rows": len(rows),
        "positives": int(labels.sum()),
        "auc": estimates["auc"].value,
        "auc_low": estimates["auc"].low,
        "auc_high": estimates["auc"].high,
        "log_loss": estimates["log_loss"].value,
        "brier": estimates["brier"].value,
        "calibration_error": calibration_error(labels, scores),
        "lift_top_decile": lift_at_top(labels, scores),
    }
