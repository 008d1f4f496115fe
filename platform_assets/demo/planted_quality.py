"""How good a model is on days it never saw, beside what the planted probabilities themselves reach.

The truth is read here and in tests only; no asset knows it.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import ibis

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.training_set import labelled
from platform_assets.domain.pseudonyms import pseudonym


@dataclass(frozen=True)
class PlantedQuality:
    """AUC over all unseen mature days: of the model, and of the probabilities that made the world.

    `rows` users on days `first` … `last`, `positives` of whom converted; users that the truth doesn't know (none
    should be) are counted in `unknown` and left out of both figures.
    """

    first: date
    last: date
    rows: int
    positives: int
    unknown: int
    model_auc: float
    planted_auc: float


def planted_quality(
    scores: ibis.Table, events: ibis.Table, truth: ibis.Table, spec: ModelSpec, last_mature: date
) -> PlantedQuality | None:
    """Compare on the days after the model's training up to `last_mature`; None if there is no such day."""
    unseen = scores.filter(~scores.in_sample, scores.event_date <= ibis.literal(last_mature))
    judged = labelled(unseen, events, spec.label, entity=spec.entity, day="event_date")
    planted = truth.select(
        planted_date=truth.event_date,
        planted_user=ibis.cases(
            (truth.user_key.contains("@"), pseudonym("login", truth.user_key)),
            else_=pseudonym("cookie", truth.user_key),
        ),
        probability=truth.probability,
    )
    joined = judged.left_join(
        planted, [judged.event_date == planted.planted_date, judged[spec.entity] == planted.planted_user]
    )
    rows = joined.select("event_date", "label", "score", "probability").to_pandas()
    if rows.empty:
        return None
    from sklearn.metrics import roc_auc_score

    known = rows[rows.probability.notna()]
    return PlantedQuality(
        first=rows.event_date.min(),
        last=rows.event_date.max(),
        rows=len(known),
        positives=int(known.label.sum()),
        unknown=len(rows) - len(known),
        model_auc=float(roc_auc_score(known.label, known.score)),
        planted_auc=float(roc_auc_score(known.label, known.probability)),
    )


def read_truth(backend: ibis.BaseBackend, truth_folder: Path) -> ibis.Table:
    """The planted conversion probabilities: one row per day and raw user key."""
    return backend.read_parquet(str(truth_folder / "conversion_probability.parquet"))
