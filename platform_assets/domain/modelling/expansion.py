"""Who expands a seed audience, and what to expect of them: ranked by score, with the precision of every size.

Precision is the share of an audience that joins the seed within the horizon. It is expected by scores that are
calibrated on non-members of held-out days: members score higher than others, and would promise too much.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd

from platform_assets.domain.lookalike import Lookalike
from platform_assets.domain.model_spec import PERSON
from platform_assets.domain.modelling.calibration import Calibration, Precision, calibrate, expected_precision
from platform_assets.domain.modelling.quality import Floats
from platform_assets.domain.modelling.time_split import as_days
from platform_assets.domain.modelling.training_set import labelled
from platform_assets.domain.promotion.comparison import MINIMUM_OUTCOMES

_EXPECTED = ("expected_precision", "expected_precision_low", "expected_precision_high")


@dataclass(frozen=True)
class CalibratedModel:
    """What the scores of a model version are worth outside of the seed, and the last day that this was learnt from."""

    calibration: Calibration
    seen_until: date


@dataclass(frozen=True)
class Expansion:
    """A day's expansion: its rows, and the precision to be expected of every size, up to all who were scored."""

    day: date
    rows: pd.DataFrame
    precision: Precision

    @property
    def reach(self) -> Floats:
        """Of those non-members who are expected to join, the share that the first 1, 2, … of the ranking hold."""
        joiners = self.precision.value * np.arange(1, len(self.precision.value) + 1)
        return joiners / joiners[-1]

    @property
    def figures(self) -> dict[str, float]:
        """What the chosen size brings, beside everybody who was scored."""
        whole = self.rows.iloc[-1]
        return {
            "persons_scored": len(self.precision.value),
            "persons_chosen": len(self.rows),
            **{name: float(whole[name]) for name in _EXPECTED},
            "expected_precision_of_all": float(self.precision.value[-1]),
            "expected_reach": float(self.reach[len(self.rows) - 1]),
        }


def calibrated_model(outside: pd.DataFrame, scores: Floats, lookalike: Lookalike) -> CalibratedModel:
    """Learn from non-members on feature days that the model has not learnt from, and the model's scores of them."""
    where, horizon = f"calibration of {lookalike.table}", lookalike.seed.horizon_days
    found = calibrate(outside["label"], scores, outside[PERSON], minimum=MINIMUM_OUTCOMES, where=where)
    last = as_days(outside["feature_date"]).max().astype(object)
    return CalibratedModel(found, last + timedelta(days=horizon - 1))


def expansions(
    scored: pd.DataFrame, models: Mapping[int, CalibratedModel], lookalike: Lookalike
) -> Iterator[Expansion]:
    """The expansion of every day in `scored` (the scores of non-members), oldest first.

    `models` are by version. Persons are ranked by score, and by user_id where scores are equal.
    """
    ordered = scored.sort_values(["event_date", "score", PERSON], ascending=[True, False, True], ignore_index=True)
    for day, rows in ordered.groupby("event_date", sort=True):
        model = models[int(rows["model_version"].iloc[0])]
        calibration, today = model.calibration, pd.Timestamp(day).date()
        precision = expected_precision(calibration, rows["score"])
        chosen = rows.head(lookalike.size)
        size = len(chosen)
        low, high = precision.interval(np.arange(1, size + 1))
        table = chosen[["event_date", PERSON, "score", "model_name", "model_version"]].assign(
            audience=lookalike.seed.audience,
            rank=np.arange(1, size + 1),
            probability=calibration.chance(chosen["score"]),
            expected_precision=precision.value[:size],
            expected_precision_low=low,
            expected_precision_high=high,
            in_sample=today <= model.seen_until,
        )
        yield Expansion(today, table, precision)


def realised(
    expanded: ibis.Table, label_source: ibis.Table, user_ids: ibis.Table, lookalike: Lookalike
) -> pd.DataFrame:
    """What came true of an expansion whose labels are final, by day and rank.

    Columns: event_date, rank, label, `realised_precision` of the persons up to the rank, and the expected one with its
    interval.
    """
    rows = expanded.select("event_date", PERSON, "rank", *_EXPECTED)
    judged = labelled(rows, label_source, user_ids, lookalike.seed, entity=PERSON, day="event_date").to_pandas()
    ordered = judged.sort_values(["event_date", "rank"], ignore_index=True)
    joined = ordered.groupby("event_date")["label"].cumsum()
    return ordered.assign(realised_precision=joined / ordered["rank"]).drop(columns=PERSON)
