"""The runs by which decided trainings are carried out: how they are marked, and what became of them.

A run names the decision that it carries out, and nothing else is remembered: how often a training was tried, and
whether it is under way, is asked of the runs.
"""

from collections.abc import Collection, Mapping
from datetime import date

import dagster as dg

from platform_assets.automation.partition_requests import UNFINISHED

DECISION_TAG = "platform/retrain_decision"
"""Tag of a run that carries out a decision: `<model> <training date>`."""

FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def decision_name(model: str, training_date: date) -> str:
    """What the runs of a decided training are tagged with."""
    return f"{model} {training_date}"


def failed_attempts(instance: dg.DagsterInstance, model: str, training_date: date) -> int:
    """So many runs of a decided training have ended without success."""
    wanted = dg.RunsFilter(tags={DECISION_TAG: decision_name(model, training_date)}, statuses=list(FAILED))
    return instance.get_runs_count(wanted)


def runs_of_decisions(instance: dg.DagsterInstance, decisions: Mapping[str, date]) -> dict[str, list[dg.DagsterRun]]:
    """The runs of each model's decided training; one query for all of them."""
    names = {decision_name(model, day): model for model, day in decisions.items()}
    runs = instance.get_runs(dg.RunsFilter(tags={DECISION_TAG: list(names)})) if names else []
    found: dict[str, list[dg.DagsterRun]] = {model: [] for model in decisions}
    for run in runs:
        found[names[run.tags[DECISION_TAG]]].append(run)
    return found


def under_way(instance: dg.DagsterInstance, models: Collection[str]) -> set[str]:
    """Those of the models that an unfinished run trains or judges, whoever started it."""
    keys = {dg.AssetKey(f"{model}_{suffix}"): model for model in models for suffix in ("model", "champion")}
    runs = instance.get_runs(dg.RunsFilter(statuses=list(UNFINISHED)))
    return {model for run in runs for key, model in keys.items() if key in (run.asset_selection or ())}
