"""Days on which a champion was looked at, good or bad, from rows of `<model>_validation` and `<model>_drift`."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.violation import violated
from platform_assets.domain.retraining.evidence import ObservedDay

if TYPE_CHECKING:
    import pandas as pd

LEARNABLE_KINDS = ("feature", "score", "label")
"""What training again can answer to. A day with too many or too few rows is a matter of the data, not of the model."""


def matured_days(validation: "pd.DataFrame | None", version: int, reached: float, spec: ModelSpec) -> list[ObservedDay]:
    """The validated days of one version that it hasn't seen, oldest first; bad where `violated` against `reached`."""
    if validation is None:
        return []
    own = validation[(validation["model_version"] == version) & ~validation["in_sample"].astype("bool")]
    days, known_at = _dates(own, "event_date"), _dates(own, "mature_at")
    figures: Sequence[Mapping[str, float | None]] = own.drop(columns=["event_date", "mature_at"]).to_dict("records")
    found = [
        ObservedDay(day, known, violated(spec, row, reached))
        for day, known, row in zip(days, known_at, figures, strict=True)
    ]
    return sorted(found, key=lambda each: each.day)


def drifted_days(
    drift: "pd.DataFrame | None", version: int, spec: ModelSpec
) -> tuple[list[ObservedDay], dict[date, list[str]]]:
    """The days that were compared with what one version was trained on, oldest first, and by day the drifted columns.

    A day is bad where at least `spec.drift.columns` columns have drifted. Drifted labels are of an earlier day, the
    one that had just matured: then the day of the change is that one.
    """
    if drift is None:
        return [], {}
    own = drift[
        (drift["model_version"] == version) & (drift["reference"] == "training") & drift["kind"].isin(LEARNABLE_KINDS)
    ]
    own = own.assign(known_at=_dates(own, "event_date"), day=_dates(own, "observed_date"))
    moved = own[own["drifted"].eq(True)].sort_values("subject")
    columns: dict[date, list[str]] = moved.groupby("known_at")["subject"].apply(list).to_dict()
    first: dict[date, date] = moved.groupby("known_at")["day"].min().to_dict()
    days = [
        ObservedDay(first.get(known, known), known, len(columns.get(known, [])) >= spec.drift.columns)
        for known in sorted(set(own["known_at"]))
    ]
    return days, columns


def new_positives(validation: "pd.DataFrame | None", after: date, until: date) -> int:
    """Positive labels of the validated days after `after` until `until`; each day counts once, whoever scored it."""
    if validation is None:
        return 0
    days = validation.assign(event_date=_dates(validation, "event_date"))
    days = days[(days["event_date"] > after) & (days["event_date"] <= until)]
    return int(days.groupby("event_date")["positives"].max().sum())


def _dates(frame: "pd.DataFrame", column: str) -> list[date]:
    import pandas as pd

    return list(pd.to_datetime(frame[column]).dt.date)
