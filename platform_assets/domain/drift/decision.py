"""What counts as drifted: an effect that matters, and that chance doesn't explain.

All tests of a day against one reference are judged together by S. Holm's procedure ("A simple sequentially rejective
multiple test procedure", Scandinavian Journal of Statistics 6, 1979): the chance that a day on which nothing changed
is called drifted at all stays below the policy's significance, however its columns depend on one another. It is chosen
over Benjamini and Hochberg's, which bounds the share of false names only where dependence is positive: features of
nested windows and shares of one sum depend in every way.
"""

import numpy as np
import pandas as pd

from platform_assets.domain.drift.comparison import CHANCES, LABEL, VOLUME
from platform_assets.domain.drift.distribution import Floats
from platform_assets.domain.model_policies import DriftPolicy

DECISIONS = ("adjusted_p_value", "drifted", "reason")


def decided(compared: pd.DataFrame, policy: DriftPolicy) -> pd.DataFrame:
    """The rows of a day with `DECISIONS`: least adjusted chance, whether drifted, and why in a sentence (None: not)."""
    if compared.empty:
        return compared.assign(**dict.fromkeys(DECISIONS, pd.Series(dtype=object)))
    chances = compared.loc[:, list(CHANCES)].to_numpy(dtype=np.float64)
    adjusted = np.full_like(chances, np.nan)
    for reference in compared["reference"].unique():
        own = (compared["reference"] == reference).to_numpy()
        adjusted[own] = holm(chances[own].ravel()).reshape(-1, len(CHANCES))
    shown = dict(zip(CHANCES, (adjusted <= policy.significance).T, strict=True))
    missing_change = (compared["missing_share"] - compared["reference_missing_share"]).abs()
    effects = {
        "moved": (compared["psi"] >= policy.psi) & (shown["ks_p_value"] | shown["ratio_p_value"]),
        "missing": (missing_change >= policy.missing_change) & shown["missing_p_value"],
        "new": (compared["new_category_share"] >= policy.new_categories) & shown["new_p_value"],
    }
    found = pd.DataFrame(effects)
    reasons = [
        _reason(row, names, policy) or None
        for row, names in zip(
            compared.to_dict("records"), (found.columns[mask] for mask in found.to_numpy()), strict=True
        )
    ]
    least = np.nanmin(np.where(np.isnan(adjusted), np.inf, adjusted), axis=1)
    return compared.assign(
        adjusted_p_value=np.where(np.isinf(least), np.nan, least), drifted=found.any(axis=1), reason=reasons
    )


def holm(chances: Floats) -> Floats:
    """Adjusted p-values by Holm's procedure; NaN is no test and stays."""
    adjusted = np.full(len(chances), np.nan)
    tested = np.flatnonzero(~np.isnan(chances))
    order = tested[np.argsort(chances[tested], kind="stable")]
    stepped = chances[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return adjusted


def _reason(row: dict[str, float], effects: pd.Index, policy: DriftPolicy) -> str:
    said = {
        "moved": f"{_moved(row)} (PSI {row['psi']:.2f}, from {policy.psi:g} on drifted)",
        "missing": f"{row['missing_share']:.1%} are missing instead of {row['reference_missing_share']:.1%}",
        "new": f"{row['new_category_share']:.1%} have values that the reference never saw",
    }
    return "; ".join(said[effect] for effect in effects)


def _moved(row: dict[str, float]) -> str:
    if row["kind"] == VOLUME:
        return f"{row['rows']:,} rows instead of {row['reference_rows']:,}"
    if row["kind"] == LABEL:
        return f"{row['mean']:.1%} of labels are positive instead of {row['reference_mean']:.1%}"
    return f"values have moved, their mean from {row['reference_mean']:.4g} to {row['mean']:.4g}"
