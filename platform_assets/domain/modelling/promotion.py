"""Who may be champion: a verdict with its reason, from scores on rows that neither model has learnt from.

A model is promoted only when the interval of the AUC difference clears the spec's margin; silence, doubt and too few
rows all mean no. Setting the alias is the registry's work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.quality import Estimate, auc, auc_difference
from platform_assets.domain.modelling.time_split import as_days

MINIMUM_OUTCOMES = 30
"""Positive and negative rows below which no comparison is believed, whatever its interval says."""


@dataclass(frozen=True)
class Verdict:
    """Whether a model becomes champion, why, and the figures that the reason rests on."""

    promoted: bool
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)


def judge_first(
    holdout: pd.DataFrame,
    scores: npt.ArrayLike,
    baselines: Mapping[str, npt.ArrayLike],
    *,
    spec: ModelSpec,
) -> Verdict:
    """A first champion must beat every baseline (name → its scores) on the holdout by more than the margin."""
    return _judge(holdout, scores, baselines, spec=spec, subject="the candidate for first champion")


def judge_challenger(
    holdout: pd.DataFrame,
    challenger: npt.ArrayLike,
    champion: npt.ArrayLike,
    *,
    spec: ModelSpec,
    champion_trained_until: date,
) -> Verdict:
    """A challenger must beat the champion by more than the margin on rows later than all that the champion has seen."""
    first = as_days(holdout["feature_date"]).min() if len(holdout) else None
    if first is not None and first <= np.datetime64(champion_trained_until, "D"):
        return Verdict(
            False,
            f"refused: the comparison would start on {first}, but the champion has seen days until "
            f"{champion_trained_until}; a challenger must be trained later than the champion",
        )
    return _judge(holdout, challenger, {"the champion": champion}, spec=spec, subject="the challenger")


def baselines(search: pd.DataFrame, holdout: pd.DataFrame, spec: ModelSpec) -> dict[str, npt.NDArray[np.float64]]:
    """Scores on the holdout that need no model: a constant, and the one feature that ranks the search rows best."""
    features = search[list(spec.feature_names)].astype("float64")
    filler = features.min() - 1  # missing ranks below everything known
    ranks = {name: auc(search["label"], features[name].fillna(filler.fillna(0)[name])) for name in spec.feature_names}
    best = max(ranks, key=lambda name: (abs(ranks[name] - 0.5), name))
    direction = 1.0 if ranks[best] >= 0.5 else -1.0
    column = holdout[best].astype("float64").fillna(filler.fillna(0)[best])
    return {
        "a constant": np.zeros(len(holdout)),
        f"the single feature {best}": direction * column.to_numpy(),
    }


def _judge(
    holdout: pd.DataFrame,
    scores: npt.ArrayLike,
    rivals: Mapping[str, npt.ArrayLike],
    *,
    spec: ModelSpec,
    subject: str,
) -> Verdict:
    labels = holdout["label"].to_numpy(dtype=np.float64)
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if min(positives, negatives) < MINIMUM_OUTCOMES:
        return Verdict(
            False,
            f"refused: {positives} positive and {negatives} negative later rows are too few to tell "
            f"(at least {MINIMUM_OUTCOMES} of each)",
            {"rows": len(labels), "positives": positives},
        )
    entities = holdout[spec.entity].to_numpy()
    differences = {
        name: auc_difference(labels, scores, rival, entities, seed=spec.seed) for name, rival in rivals.items()
    }
    hardest = min(differences, key=lambda name: differences[name].low)
    closest = differences[hardest]
    promoted = bool(closest.low > spec.promotion.margin)
    numbers = {
        "rows": float(len(labels)),
        "positives": float(positives),
        "auc": auc(labels, scores),
        "auc_of_rival": auc(labels, rivals[hardest]),
        "difference": closest.value,
        "difference_low": closest.low,
        "difference_high": closest.high,
        "margin": spec.promotion.margin,
    }
    return Verdict(promoted, _reason(promoted, subject, hardest, closest, spec.promotion.margin, len(labels)), numbers)


def _reason(promoted: bool, subject: str, rival: str, difference: Estimate, margin: float, rows: int) -> str:
    measured = f"the AUC difference on {rows} later rows is {difference}"
    if promoted:
        return f"promoted: {subject} beats {rival}: {measured}, above the margin of {margin}"
    if difference.high < 0:
        return f"refused: {subject} is worse than {rival}: {measured}"
    return f"refused: {subject} is not shown to beat {rival}: {measured}, and its lower end must exceed {margin}"
