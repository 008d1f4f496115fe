"""Who expands a seed audience, and what to expect of them: ranked by score, with the precision of every size.

Precision is the share of an audience that joins the seed within the horizon. It is expected by scores that are
calibrated on non-members of held-out days: members score higher than others, and would promise too much.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from platform_assets.domain.lookalike import Lookalike
from platform_assets.domain.model_spec import PERSON
from platform_assets.domain.modelling.calibration import Calibration, Precision, calibrate, expected_precision
from platform_assets.domain.modelling.promotion import MINIMUM_OUTCOMES
from platform_assets.domain.modelling.quality import Floats


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
        last = len(self.rows) - 1
        return {
            "persons_scored": len(self.precision.value),
            "persons_chosen": len(self.rows),
            "expected_precision": float(self.precision.value[last]),
            "expected_precision_low": float(self.precision.low[last]),
            "expected_precision_high": float(self.precision.high[last]),
            "expected_precision_of_all": float(self.precision.value[-1]),
            "expected_reach": float(self.reach[last]),
        }


def calibrated_on(outside: pd.DataFrame, scores: Floats, lookalike: Lookalike) -> Calibration:
    """What a non-member's score is worth: from non-members that the model has not learnt from, and their scores."""
    where = f"calibration of {lookalike.table}"
    return calibrate(outside["label"], scores, outside[PERSON], minimum=MINIMUM_OUTCOMES, where=where)


def expansions(
    scored: pd.DataFrame, calibrations: Mapping[int, Calibration], lookalike: Lookalike
) -> Iterator[Expansion]:
    """The expansion of every day in `scored` (the scores of non-members), oldest first.

    `calibrations` are by model version. Persons are ranked by score, and by user_id where scores are equal.
    """
    ordered = scored.sort_values(["event_date", "score", PERSON], ascending=[True, False, True], ignore_index=True)
    for day, rows in ordered.groupby("event_date", sort=True):
        calibration = calibrations[int(rows["model_version"].iloc[0])]
        precision = expected_precision(calibration, rows["score"])
        chosen = rows.head(lookalike.size)
        size = len(chosen)
        table = chosen[["event_date", PERSON, "score", "model_name", "model_version", "in_sample"]].assign(
            audience=lookalike.seed.audience,
            rank=np.arange(1, size + 1),
            probability=calibration.chance(chosen["score"]),
            expected_precision=precision.value[:size],
            expected_precision_low=precision.low[:size],
            expected_precision_high=precision.high[:size],
        )
        yield Expansion(pd.Timestamp(day).date(), table, precision)
