"""Two models on the same rows: metric, calibration and slices, every difference with its paired bootstrap interval."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.quality import (
    Estimate,
    auc,
    brier,
    calibration_error,
    log_loss,
    metric_differences,
)
from platform_assets.domain.modelling.violation import HIGHER_IS_BETTER
from platform_assets.domain.promotion.slices import slices_of

DIFFERENCES = {
    "auc": "the AUC difference",
    "log_loss": "the fall of the log loss",
    "brier": "the fall of the Brier score",
}
"""What a difference is called in a sentence, by metric: positive always means better."""

MINIMUM_OUTCOMES = 30
"""Positive and negative rows below which no comparison is believed, whatever its interval says."""

_DIGITS = 12  # sums over threads may differ in the last bits
_METRICS = {"auc": auc, "log_loss": log_loss, "brier": brier}


@dataclass(frozen=True)
class Comparison:
    """A model against a rival on the same rows. A positive difference of the metric means that the model is better."""

    metric: str
    rows: int
    positives: int
    value: float
    rival_value: float
    difference: Estimate
    calibration_error: float
    rival_calibration_error: float
    calibration_difference: Estimate
    """How much larger the model's expected calibration error is than the rival's: negative is better."""
    slices: Mapping[str, Estimate]
    """How much better the metric is in every slice with enough of both outcomes."""

    @property
    def worst_slice(self) -> str | None:
        """The slice whose difference reaches least far up."""
        return min(self.slices, key=lambda name: (self.slices[name].high, name), default=None)

    @property
    def numbers(self) -> dict[str, float]:
        """The figures by their column in `promotion_decisions`; those that aren't known are left out."""
        found = {
            name: float(getattr(self, name))
            for name in ("rows", "positives", "value", "rival_value", "calibration_error", "rival_calibration_error")
        }
        estimates = {"difference": self.difference, "calibration_difference": self.calibration_difference}
        if self.worst_slice is not None:
            estimates["slice_difference"] = self.slices[self.worst_slice]
        for name, estimate in estimates.items():
            found |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        return {name: round(float(value), _DIGITS) for name, value in found.items() if np.isfinite(value)}

    @property
    def slice_numbers(self) -> dict[str, tuple[float, float, float]]:
        """Value, lower and upper end of the difference in every slice."""
        return {
            name: (round(each.value, _DIGITS), round(each.low, _DIGITS), round(each.high, _DIGITS))
            for name, each in self.slices.items()
        }


def enough_outcomes(labels: npt.ArrayLike) -> bool:
    """Whether there are enough positive and negative rows to compare anything on them."""
    positives = int(np.sum(labels))
    return min(positives, np.size(labels) - positives) >= MINIMUM_OUTCOMES


def compare(rows: pd.DataFrame, scores: npt.ArrayLike, rival: npt.ArrayLike, spec: ModelSpec) -> Comparison:
    """Compare two scores of `rows` (label, entity, features) by the spec's metric, on the whole and in its slices."""
    labels = rows["label"].to_numpy(dtype=np.float64)
    score, against = np.asarray(scores, dtype=np.float64), np.asarray(rival, dtype=np.float64)
    entities = rows[spec.entity].to_numpy()
    differences = metric_differences(labels, score, against, entities, seed=spec.seed)
    measure = _METRICS[spec.metric]
    masks = {name: mask for column in spec.promotion.slices for name, mask in slices_of(rows[column])}
    return Comparison(
        metric=spec.metric,
        rows=len(labels),
        positives=int(labels.sum()),
        value=measure(labels, score),
        rival_value=measure(labels, against),
        difference=_better(differences[spec.metric], spec.metric),
        calibration_error=calibration_error(labels, score),
        rival_calibration_error=calibration_error(labels, against),
        calibration_difference=differences["calibration_error"],
        slices={
            name: _better(
                metric_differences(labels[mask], score[mask], against[mask], entities[mask], seed=spec.seed)[
                    spec.metric
                ],
                spec.metric,
            )
            for name, mask in masks.items()
            if enough_outcomes(labels[mask])
        },
    )


def _better(difference: Estimate, metric: str) -> Estimate:
    """A difference turned so that positive means better."""
    return difference if metric in HIGHER_IS_BETTER else difference.reversed()
