"""How good a model is on days it never saw, beside what the planted probabilities themselves reach.

The truth is read here and in tests only; no asset knows it.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import ibis

from platform_assets.domain.identity.persons import user_id_stretches
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


@dataclass(frozen=True)
class PlantedTruth:
    """What is known of the simulated persons: `probability` by person and day, `identifiers` as received by person."""

    probability: ibis.Table
    identifiers: ibis.Table


def planted_quality(
    scores: ibis.Table,
    label_source: ibis.Table,
    user_ids: ibis.Table,
    truth: PlantedTruth,
    spec: ModelSpec,
    last_mature: date,
) -> PlantedQuality | None:
    """Compare on the days after the model's training up to `last_mature`; None if there is no such day."""
    unseen = scores.filter(~scores.in_sample, scores.event_date <= ibis.literal(last_mature))
    judged = labelled(unseen, label_source, user_ids, spec.label, entity=spec.entity, day="event_date")
    planted = planted_by_user(truth, user_ids, unseen.select("event_date").distinct())
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


def planted_by_user(
    truth: PlantedTruth, user_ids: ibis.Table, days: ibis.Table, known_days_before: int = 1
) -> ibis.Table:
    """The planted probability of a purchase by `planted_user` as known when the day before `planted_date` ended, or the
    day that is so many days before it.

    Where several persons were taken for one user, it is the probability that any of them buys.
    """
    received = truth.identifiers
    pseudonyms = [
        received.filter(received.kind == kind_of_truth).select(
            "person_id", identifier=pseudonym(kind, received.identifier)
        )
        for kind_of_truth, kind in IDENTIFIERS_OF_TRUTH.items()
    ]
    stretches = user_id_stretches(user_ids).join(ibis.union(*pseudonyms), "identifier")
    known_on = days.event_date - ibis.interval(days=known_days_before)
    at = stretches.join(days, [stretches.from_day <= known_on, stretches.to_day > known_on])
    persons = at.select("event_date", "user_id", "person_id").distinct()
    chances = persons.join(truth.probability, ["event_date", "person_id"])
    return chances.group_by(planted_date=chances.event_date, planted_user=chances.user_id).aggregate(
        probability=1 - (1 - chances.probability).ln().sum().exp()
    )


IDENTIFIERS_OF_TRUTH = {"login": "login", "cookie_id": "cookie", "device_id": "device"}
"""Kinds of identifiers as the truth table names them, and as pseudonyms do."""


def read_truth(backend: ibis.BaseBackend, truth_folder: Path) -> PlantedTruth:
    """The truth beside a simulated landing zone."""
    names = ("conversion_probability", "identifiers")
    return PlantedTruth(*(backend.read_parquet(str(truth_folder / f"{name}.parquet")) for name in names))
