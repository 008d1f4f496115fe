"""A day beside a reference: every column's figures, and how likely chance makes them.

What of it counts as drifted is decided in `decision`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from platform_assets.domain.drift.distances import (
    kolmogorov_smirnov,
    ratio_index,
    share_chances,
    smirnov_chances,
    stability_index,
    unseen_share,
    volume_chance,
    wasserstein,
)
from platform_assets.domain.drift.distribution import Distribution, Floats, Sample

TRAINING, LAST_WEEK = "training", "last_week"
FEATURE, SCORE, LABEL, VOLUME = "feature", "score", "label", "volume"


@dataclass(frozen=True, eq=False)
class Pair:
    """A day's rows and those of a reference, to be compared column by column; `kind` says what the columns are."""

    reference: str
    kind: str
    today: Sample
    before: Sample

    @property
    def observed_date(self) -> date:
        """The day whose rows are compared."""
        return self.today.days[-1]

    @property
    def subjects(self) -> list[str]:
        """The columns that both have, in the day's order."""
        return [name for name in self.today.columns if name in self.before.columns]


@dataclass(frozen=True)
class Volume:
    """How many rows a table has for a day, and had for each day of a reference."""

    reference: str
    table: str
    observed_date: date
    rows: int
    rows_before: tuple[int, ...]


FIGURES = (
    *("observed_date", "reference", "kind", "subject", "rows", "reference_rows", "psi", "ks", "ks_p_value"),
    *("wasserstein", "mean", "reference_mean", "missing_share", "reference_missing_share", "new_category_share"),
)
CHANCES = ("ks_p_value", "missing_p_value", "new_p_value", "ratio_p_value")
"""The tests that a row may have, each NaN where it wasn't made; `ratio` is that of labels and volume."""
COLUMNS = [*FIGURES, *(name for name in CHANCES if name not in FIGURES)]


def compared(pairs: Sequence[Pair], volumes: Sequence[Volume]) -> pd.DataFrame:
    """One row of `FIGURES` and `CHANCES` for each subject of each pair, and one for each volume, in the given order.

    A pair without rows on one side has none: the volume tells. Entities count where rows are many of one: the reference
    is tested as if each of its entities stood in it once.
    """
    frames = [_of_pair(pair) for pair in pairs if pair.today.rows and pair.before.rows and pair.subjects]
    frames += [_of_volume(volume) for volume in volumes if volume.rows_before]
    return pd.concat(frames, ignore_index=True)[COLUMNS] if frames else pd.DataFrame(columns=COLUMNS)


def _of_pair(pair: Pair) -> pd.DataFrame:
    sides = [(pair.today.columns[name], pair.before.columns[name]) for name in pair.subjects]
    measured = pd.DataFrame([_figures(now, before, pair.kind) for now, before in sides], dtype=np.float64)
    rows, entities = np.full(len(sides), float(pair.today.rows)), np.full(len(sides), float(pair.before.entities))
    weight = pair.before.entities / pair.before.rows
    known, known_before = (np.array([float(side[number].size) for side in sides]) for number in (0, 1))
    missing, missing_before = rows - known, np.round(entities * measured["reference_missing_share"].to_numpy())
    unseen = measured["new_category_share"].to_numpy()
    expected_unseen = np.array([before.expected_unseen for _, before in sides])
    return measured.assign(
        observed_date=pair.observed_date,
        reference=pair.reference,
        kind=pair.kind,
        subject=pair.subjects,
        rows=pair.today.rows,
        reference_rows=pair.before.rows,
        ks_p_value=smirnov_chances(measured["ks"].to_numpy(), known, known_before * weight),
        missing_p_value=share_chances(missing, rows, missing_before, entities),
        new_p_value=share_chances(np.round(unseen * rows), rows, np.round(expected_unseen * entities), entities),
        ratio_p_value=_label_chances(sides, rows, entities) if pair.kind == LABEL else np.nan,
    )


def _figures(now: Distribution, before: Distribution, kind: str) -> dict[str, float]:
    """What is measured of one column. Rare outcomes hardly move a stability index: of labels it is that of a ratio."""
    return {
        "psi": ratio_index(now.mean, before.mean) if kind == LABEL else stability_index(now, before),
        "ks": kolmogorov_smirnov(now, before),
        "wasserstein": wasserstein(now, before),
        "mean": now.finite().mean,
        "reference_mean": before.finite().mean,
        "missing_share": now.missing_share,
        "reference_missing_share": before.missing_share,
        "new_category_share": unseen_share(now, before),
    }


def _label_chances(sides: Sequence[tuple[Distribution, Distribution]], rows: Floats, entities: Floats) -> Floats:
    """Of the shares of positive labels, which Fisher's test tells apart far sooner than one made for any values."""
    positive, positive_before = (np.array([side[number].mean for side in sides]) for number in (0, 1))
    return share_chances(np.round(positive * rows), rows, np.round(positive_before * entities), entities)


def _of_volume(volume: Volume) -> pd.DataFrame:
    before = np.array(volume.rows_before, dtype=np.float64)
    usual = before.min() <= volume.rows <= before.max()
    return pd.DataFrame(
        {
            "observed_date": [volume.observed_date],
            "reference": volume.reference,
            "kind": VOLUME,
            "subject": volume.table,
            "rows": volume.rows,
            "reference_rows": round(before.mean()),
            "psi": ratio_index(volume.rows, float(before.mean())),
            "ratio_p_value": 1.0 if usual else volume_chance(volume.rows, before),
        }
    ).reindex(columns=COLUMNS)
