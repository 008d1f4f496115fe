"""What becomes of a bank's model under policies of training again: figures by month, and what happened when."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.bank_loop import Calls, Replay, by_calendar, by_engine
from benchmarks.bank_marketing import read_calls
from benchmarks.bank_spec import START, bank_spec
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.quality import Estimate, auc, log_loss, metric_differences, metric_estimates
from platform_assets.domain.promotion.comparison import MINIMUM_OUTCOMES
from platform_assets.domain.training_windows import AllData, AllWithDecay, Trailing

NEVER, TRAILING, ALL, DECAY, ENGINE = "never", "trailing 90 days", "all data", "all with decay", "engine"
SLOW, METRIC_ONLY, BY_LOSS = "engine, slow", "engine, no drift", "engine by log loss"
SENSITIVITY = (SLOW, METRIC_ONLY, BY_LOSS)
SEED = 1


def replays(folder: Path, *, names: Sequence[str] = (NEVER, TRAILING, ALL, DECAY, ENGINE, *SENSITIVITY)) -> dict:
    """What each of the policies did, by name."""
    rows, features = read_calls(folder)
    calls = Calls(rows)
    own = bank_spec(features)
    monthly = _month_ends(rows)
    policies = {
        NEVER: lambda: by_calendar(calls, own, START, ()),
        TRAILING: lambda: by_calendar(calls, own, START, monthly),
        ALL: lambda: by_calendar(calls, bank_spec(features, window=AllData(step_days=1)), START, monthly),
        DECAY: lambda: by_calendar(calls, bank_spec(features, window=_decay()), START, monthly),
        ENGINE: lambda: by_engine(calls, own, START),
        SLOW: lambda: by_engine(calls, _slow(features), START),
        METRIC_ONLY: lambda: by_engine(calls, bank_spec(features, on_drift=False), START),
        BY_LOSS: lambda: by_engine(calls, bank_spec(features, metric="log_loss"), START),
    }
    return {name: policies[name]() for name in names}


def _decay() -> AllWithDecay:
    return AllWithDecay(step_days=1, half_life_days=45)


def _slow(features: tuple[str, ...]) -> ModelSpec:
    return bank_spec(features, window=Trailing(days=180, step_days=1), holdout_days=28, wait_days=28)


def _month_ends(rows: pd.DataFrame) -> list[date]:
    days = pd.to_datetime(pd.Series(sorted(set(rows["event_date"]))))
    ends = pd.date_range(START, days.max(), freq="ME")
    return [each.date() for each in ends if START < each.date() < days.max().date()]


def by_month(scored: pd.DataFrame) -> dict[str, Estimate]:
    """AUC of every month with its interval; months with too few of an outcome to tell are left out."""
    return {
        month: metric_estimates(rows["label"], rows["score"], rows["call_id"], seed=SEED)["auc"]
        for month, rows in scored.groupby(_months(scored))
        if min(rows["label"].sum(), (1 - rows["label"]).sum()) >= MINIMUM_OUTCOMES
    }


def against(scored: pd.DataFrame, other: pd.DataFrame) -> dict[str, Estimate]:
    """By how much the AUC of each month lies above that of another policy, on the same calls."""
    both = scored.merge(other[["call_id", "score"]], on="call_id", suffixes=("", "_other"), validate="1:1")
    return {
        month: metric_differences(rows["label"], rows["score"], rows["score_other"], rows["call_id"], seed=SEED)["auc"]
        for month, rows in both.groupby(_months(both))
        if min(rows["label"].sum(), (1 - rows["label"]).sum()) >= MINIMUM_OUTCOMES
    }


def figures(replay: Replay, never: Replay) -> dict[str, Any]:
    """All that is reported of a policy."""
    months, differences = by_month(replay.scored), against(replay.scored, never.scored)
    tried = list(replay.trainings)
    return {
        "months": {month: [each.value, each.low, each.high] for month, each in months.items()},
        "mean_auc": float(np.mean([each.value for each in months.values()])),
        "auc": auc(replay.scored["label"], replay.scored["score"]),
        "log_loss": log_loss(replay.scored["label"], replay.scored["score"]),
        "better_months": [month for month, each in differences.items() if each.low > 0],
        "worse_months": [month for month, each in differences.items() if each.high < 0],
        "trainings": sum(each.model is not None for each in tried),
        "untrainable": sum(each.model is None for each in tried),
        "used": sum(each.used for each in tried),
        "refused_for": _objections(replay),
        "log": [
            {"day": str(each.day), "used": each.used, "why": each.told, "verdict": each.verdict and each.verdict.reason}
            for each in tried
        ],
    }


def noticed(replay: Replay) -> dict[str, Any]:
    """What the engine could see: how sure a day's AUC is, what was violated, which columns had drifted how often."""
    days, drift = replay.validation, replay.drift
    width = (days["auc_high"] - days["auc_low"]).astype("float64")
    low = days["expected_auc"].astype("float64") - days["auc_high"].astype("float64")
    own = drift[drift["kind"].isin(("feature", "score", "label"))]
    moved = own.groupby(["kind", "subject"])["drifted"].agg(lambda each: float(each.astype(bool).mean()))
    volume = drift.loc[drift["kind"] == "volume", "drifted"].astype(bool)
    return {
        "days": len(days),
        "days_with_an_interval": int(width.notna().sum()),
        "median_rows": float(days["rows"].median()),
        "median_width": float(width.median()),
        "narrow_days": int((width <= 0.1).sum()),
        "violated_days": int((low > 0.03).sum()),
        "drift_days": int(own.groupby("event_date")["drifted"].any().sum()),
        "volume_days": int(volume.sum()),
        "drifted_share": {f"{kind} {name}": share for (kind, name), share in moved.sort_values().items()},
    }


def _objections(replay: Replay) -> Mapping[str, int]:
    named = [rule for each in replay.trainings if each.verdict for rule in each.verdict.objections]
    return {rule: named.count(rule) for rule in sorted(set(named))}


def _months(scored: pd.DataFrame) -> pd.Series:
    return pd.to_datetime(scored["event_date"]).dt.strftime("%Y-%m")
