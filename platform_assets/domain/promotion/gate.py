"""The gate: a verdict with its reason, from scores on rows that neither model has learnt from.

A model is promoted only when the whole interval of the difference lies above the spec's margin, its calibration is not
shown to be worse, no slice is shown to fall, and nothing else stands against it. Silence, doubt and too few rows all
mean no.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from platform_assets.domain.contracts.contract import Contract, Pii
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.quality import metric_differences
from platform_assets.domain.modelling.time_split import as_days
from platform_assets.domain.modelling.violation import HIGHER_IS_BETTER
from platform_assets.domain.promotion import verdict as rules
from platform_assets.domain.promotion.comparison import (
    DIFFERENCES,
    MINIMUM_OUTCOMES,
    Comparison,
    compare,
    enough_outcomes,
)
from platform_assets.domain.promotion.verdict import Objection, Verdict, refused


def judge_first(
    holdout: pd.DataFrame,
    scores: npt.ArrayLike,
    baselines: Mapping[str, npt.ArrayLike],
    *,
    spec: ModelSpec,
    objections: Sequence[Objection] = (),
) -> Verdict:
    """A first champion must beat every baseline (name → its scores) on the holdout; `objections` stand already."""
    return _judge(holdout, scores, baselines, spec, "the candidate for first champion", objections)


def judge_challenger(
    holdout: pd.DataFrame,
    challenger: npt.ArrayLike,
    champion: npt.ArrayLike,
    *,
    spec: ModelSpec,
    champion_trained_until: date,
    base_rate: float | None = None,
    objections: Sequence[Objection] = (),
) -> Verdict:
    """A challenger must beat the champion on rows later than all that the champion has seen.

    It must also know more than the base rate (of the rows it learnt from, else of the holdout): where the world has
    changed, the champion may rank backwards, and whoever ranks a little less backwards beats it.
    """
    first = as_days(holdout["feature_date"]).min() if len(holdout) else None
    if first is not None and first <= np.datetime64(champion_trained_until, "D"):
        sentence = (
            f"the comparison would start on {first}, but the champion has seen days until {champion_trained_until}; "
            "a challenger must be trained later than the champion"
        )
        return refused([Objection(rules.SEEN_DAYS, sentence), *objections])
    standing = [*_knows_nothing(holdout, challenger, base_rate, spec), *objections]
    return _judge(holdout, challenger, {"the champion": champion}, spec, "the challenger", standing)


def personal_data_objections(inputs: Sequence[str], contract: Contract) -> list[Objection]:
    """An objection where a model reads columns that identify somebody, as the contract of its rows classifies them."""
    raw = {column.name for column in contract.columns if column.pii is Pii.RAW}
    found = [name for name in inputs if name in raw]
    return [Objection(rules.PERSONAL_DATA, f"it reads {', '.join(found)}, which hold personal data")] if found else []


def holdout_objections(holdout: pd.DataFrame, scores: npt.ArrayLike, trained_until: date) -> list[Objection]:
    """Objections where a challenger has learnt from its holdout, or leaves rows of it without a score.

    A model that was trained here does neither; an imported one may do both.
    """
    first = as_days(holdout["feature_date"]).min() if len(holdout) else None
    unscored = int(np.isnan(np.asarray(scores, dtype=np.float64)).sum())
    found = []
    if first is not None and first <= np.datetime64(trained_until, "D"):
        sentence = f"it has seen days until {trained_until}, and the rows to judge it by begin on {first}"
        found.append(Objection(rules.SEEN_DAYS, sentence))
    if unscored:
        found.append(Objection(rules.SIGNATURE, f"it gives no score for {unscored} of {len(holdout)} rows"))
    return found


def _knows_nothing(
    holdout: pd.DataFrame, scores: npt.ArrayLike, base_rate: float | None, spec: ModelSpec
) -> list[Objection]:
    """An objection unless the interval of the metric lies above what the base rate, said of every row, reaches."""
    labels = holdout["label"].to_numpy(dtype=np.float64)
    if not enough_outcomes(labels):
        return []
    constant = np.full(len(labels), labels.mean() if base_rate is None else base_rate)
    found = metric_differences(labels, scores, constant, holdout[spec.entity], seed=spec.seed)[spec.metric]
    if found.low > 0 if spec.metric in HIGHER_IS_BETTER else found.high < 0:
        return []
    sentence = f"it is not shown to know more than the base rate: the difference of {spec.metric} is {found}"
    return [Objection(rules.KNOWS_NOTHING, sentence)]


def _judge(
    holdout: pd.DataFrame,
    scores: npt.ArrayLike,
    rivals: Mapping[str, npt.ArrayLike],
    spec: ModelSpec,
    subject: str,
    objections: Sequence[Objection],
) -> Verdict:
    labels = holdout["label"].to_numpy(dtype=np.float64)
    positives = int(labels.sum())
    if not enough_outcomes(labels):
        sentence = (
            f"{positives} positive and {len(labels) - positives} negative later rows are too few to tell "
            f"(at least {MINIMUM_OUTCOMES} of each)"
        )
        numbers = {"rows": float(len(labels)), "positives": float(positives)}
        return refused([Objection(rules.TOO_FEW, sentence), *objections], Verdict(False, "", numbers=numbers))
    comparisons = {name: compare(holdout, scores, rival, spec) for name, rival in rivals.items()}
    hardest = min(comparisons, key=lambda name: comparisons[name].difference.low)
    closest = comparisons[hardest]
    verdict = Verdict(
        True,
        f"promoted: {subject} beats {hardest}: {_measured(closest)}, above the margin of {spec.promotion.margin:g}",
        metric=spec.metric,
        rival=hardest,
        worst_slice=closest.worst_slice,
        numbers=closest.numbers | {"margin": spec.promotion.margin},
        slices=closest.slice_numbers,
    )
    standing = [*_objections(closest, spec, subject, hardest), *objections]
    return refused(standing, verdict) if standing else verdict


def _objections(found: Comparison, spec: ModelSpec, subject: str, rival: str) -> Iterator[Objection]:
    policy, difference = spec.promotion, found.difference
    if difference.high < 0:
        yield Objection(rules.NOT_BETTER, f"{subject} is worse than {rival}: {_measured(found)}")
    elif not difference.low > policy.margin:
        beyond = f"and the lower end must exceed {policy.margin:g}"
        yield Objection(rules.NOT_BETTER, f"{subject} is not shown to beat {rival}: {_measured(found)}, {beyond}")
    if found.calibration_difference.low > policy.calibration_margin:
        yield Objection(
            rules.CALIBRATION,
            f"its calibration is worse than that of {rival}: the expected calibration error is larger by "
            f"{found.calibration_difference}, more than {policy.calibration_margin:g}",
        )
    for name, fall in found.slices.items():
        if fall.high < -policy.slice_margin:
            yield Objection(
                rules.SLICE,
                f"it is worse in the slice {name}: {DIFFERENCES[found.metric]} there is {fall}, and the upper end must "
                f"reach {-policy.slice_margin:g}",
            )


def _measured(found: Comparison) -> str:
    return f"{DIFFERENCES[found.metric]} on {found.rows:,} later rows is {found.difference}"
