"""How far a day's distribution lies from a reference, and how likely chance alone moves it so far.

Sizes of effects:

- population stability index: S. Siddiqi, Credit Risk Scorecards (2006), over bins of the reference;
- Kolmogorov–Smirnov distance, Wasserstein (earth mover's) distance in standard deviations of the reference.

Chances: the exact distribution of the two-sample KS distance (which is conservative for values with ties), Fisher's
exact test for shares.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from platform_assets.domain.drift.distribution import Distribution, Floats

FLOOR = 1e-4
"""The share that an empty bin counts as: its logarithm must be finite."""


def stability_index(today: Distribution, reference: Distribution) -> float:
    """Population stability index of the values; NaN where one side has none.

    Bins are the reference's values with one more for all that it never saw where they are few, else its deciles.
    """
    if not (today.size and reference.size):
        return float("nan")
    now, before = (each / each.sum() for each in binned(today, reference))
    now, before = np.maximum(now, FLOOR), np.maximum(before, FLOOR)
    return float(np.sum((now - before) * np.log(now / before)))


def binned(today: Distribution, reference: Distribution) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of both in each bin of the reference. Of few values, the last bin holds those the reference never saw."""
    if reference.is_categorical:
        known = today.rows_with(reference.values)
        return np.append(known, today.size - known.sum()), np.append(reference.counts, 0)
    upper = np.append(reference.edges, np.inf)
    now, before = (np.diff(each.rows_up_to(upper), prepend=0) for each in (today, reference))
    return now, before


def ratio_index(now: float, before: float) -> float:
    """How far a ratio lies from 1, on the scale of the stability index: (r − 1) · ln r.

    At 0.2 a quantity has fallen below 60 % or risen above 150 % of what it was.
    """
    ratio = max(now, FLOOR) / max(before, FLOOR)
    return float((ratio - 1) * np.log(ratio))


def kolmogorov_smirnov(today: Distribution, reference: Distribution) -> float:
    """Largest distance of the two distribution functions; NaN where one side has no values."""
    if not (today.size and reference.size):
        return float("nan")
    return float(_apart(today, reference)[1].max())


@lru_cache(maxsize=1)
def _apart(today: Distribution, reference: Distribution) -> tuple[Floats, Floats]:
    """All values of both, ascending, and the distance of the two distribution functions at each."""
    points = np.union1d(today.values, reference.values)
    return points, np.abs(today.share_up_to(points) - reference.share_up_to(points))


def wasserstein(today: Distribution, reference: Distribution) -> float:
    """Wasserstein distance of the finite values in standard deviations of the reference.

    NaN where one side has none, or where the values differ from a reference that never did.
    """
    now, before = today.finite(), reference.finite()
    if not (now.size and before.size):
        return float("nan")
    points, apart = _apart(now, before)
    moved = float(np.sum(apart[:-1] * np.diff(points)))
    if moved == 0:
        return 0.0
    return moved / before.spread if before.spread > 0 else float("nan")


def unseen_share(today: Distribution, reference: Distribution) -> float:
    """Share of the day's rows whose value the reference never saw; NaN unless its values are few."""
    if not (today.rows and reference.size and reference.is_categorical):
        return float("nan")
    return float(today.size - today.rows_with(reference.values).sum()) / today.rows


def smirnov_chances(distances: Floats, sizes: Floats, reference_sizes: Floats) -> Floats:
    """Two-sided p-values of KS distances between samples of these sizes; NaN stays."""
    from scipy.stats import kstwo

    known = ~np.isnan(distances)
    now, before = sizes[known], reference_sizes[known]
    effective = np.maximum(np.round(now * before / (now + before)), 1)
    chances = np.full(len(distances), np.nan)
    chances[known] = np.clip(kstwo.sf(distances[known], effective), 0, 1)
    return chances


def share_chances(hits: Floats, rows: Floats, reference_hits: Floats, reference_rows: Floats) -> Floats:
    """Two-sided p-values of Fisher's exact test, twice the smaller tail, that two shares are one; NaN stays."""
    from scipy.stats import hypergeom

    known = (rows > 0) & (reference_rows > 0) & ~np.isnan(hits) & ~np.isnan(reference_hits)
    drawn, total = rows[known], (rows + reference_rows)[known]
    marked, seen = (hits + reference_hits)[known], hits[known]
    low, high = hypergeom.cdf(seen, total, marked, drawn), hypergeom.sf(seen - 1, total, marked, drawn)
    chances = np.full(len(rows), np.nan)
    chances[known] = np.clip(2 * np.minimum(low, high), 0, 1)
    return chances


def volume_chance(rows: int, rows_before: Floats) -> float:
    """Two-sided p-value that a day has as many rows as each of the days before: exact, given all rows together."""
    from scipy.stats import binom

    total, share = rows + int(rows_before.sum()), 1 / (1 + len(rows_before))
    return float(min(1.0, 2 * min(binom.cdf(rows, total, share), binom.sf(rows - 1, total, share))))
