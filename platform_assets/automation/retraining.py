"""The sensor `retrain`: what `retrain_decisions` decided is trained and judged, without anybody asking.

It looks at the state, not at an event: a training that the newest decisions leave unfinished is asked for at every tick
until it has a model and a verdict, is under way, or has failed as often as its policy allows.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg

from platform_assets.automation.partition_requests import PARTITION_TAG, Asked, tick_result
from platform_assets.automation.retrain_runs import (
    DECISION_TAG,
    FAILED,
    decision_name,
    runs_of_decisions,
    under_way,
)
from platform_assets.domain.contracts.retrain_decisions import RETRAIN_DECISIONS
from platform_assets.domain.model_spec import ModelSpec
from resources.lakehouse.io_manager import DeltaIOManager
from resources.model_registry.model_version import RegistryUnavailable
from resources.model_registry.resource import ModelRegistryResource

NAME = "retrain"
TICK_SECONDS = 60
NO_RETRIES_TAG = "dagster/max_retries"
"""Keeps the daemon from trying a run again by itself: the sensor counts the attempts."""


def retrain_sensor(specs: Sequence[ModelSpec], also: Sequence[str] = ()) -> dg.SensorDefinition:
    """The sensor over these models; every run computes the unpartitioned assets `also` as well."""
    selected = {spec.name: [spec.table(suffix) for suffix in ("training_set", "model", "champion")] for spec in specs}
    keys = {name: [dg.AssetKey(asset) for asset in (*assets, *also)] for name, assets in selected.items()}

    @dg.sensor(
        name=NAME,
        asset_selection=dg.AssetSelection.assets(*dict.fromkeys(key for own in keys.values() for key in own)),
        minimum_interval_seconds=TICK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Trains and judges the models whose retraining was decided: one run a decision, tried again as "
        "often as the model's policy allows.",
    )
    def retrain(
        context: dg.SensorEvaluationContext,
        lakehouse: dg.ResourceParam[DeltaIOManager],
        model_registry: ModelRegistryResource,
    ) -> dg.SensorResult:
        try:
            asked = trainings_to_ask_for(context.instance, decided_trainings(lakehouse), specs, keys, model_registry)
        except RegistryUnavailable as error:
            return dg.SensorResult(skip_reason=dg.SkipReason(f"what is trained is not known now: {error}"))
        return tick_result(context, [asked], "no decided training waits for a run")

    return retrain


def decided_trainings(lakehouse: DeltaIOManager) -> dict[str, date]:
    """The training dates that the newest decisions leave unfinished, by model; reads one day of the table."""
    if not lakehouse.lakehouse.exists(RETRAIN_DECISIONS.name):
        return {}
    days = [day for day in lakehouse.lakehouse.snapshot(RETRAIN_DECISIONS.name).rows_by_slice() if day]
    rows = lakehouse.published_rows(RETRAIN_DECISIONS.name, [max(days)]) if days else None
    if rows is None:
        return {}
    waiting = rows.filter(rows.training_date.notnull()).select("model_name", "training_date").to_pyarrow()
    return dict(zip(waiting["model_name"].to_pylist(), waiting["training_date"].to_pylist(), strict=True))


def trainings_to_ask_for(
    instance: dg.DagsterInstance,
    waiting: Mapping[str, date],
    specs: Sequence[ModelSpec],
    keys: Mapping[str, Sequence[dg.AssetKey]],
    model_registry: ModelRegistryResource,
) -> Asked:
    """One run request for every decided training that nothing carries out, a sentence for the others.

    A request is the same until its run is there, whatever tick makes it: Dagster runs a run key once. Raises
    RegistryUnavailable where it can't be told what is trained already.
    """
    wanted = {spec.name: spec for spec in specs if spec.name in waiting}
    runs = runs_of_decisions(instance, waiting)
    busy = under_way(instance, list(wanted)) if wanted else set()
    requests, withheld = [], []
    for model, spec in wanted.items():
        day = waiting[model]
        states = [run.status for run in runs[model]]
        failed = sum(state in FAILED for state in states)
        if dg.DagsterRunStatus.SUCCESS in states or (model not in busy and _is_settled(model_registry, model, day)):
            continue
        if model in busy:
            withheld.append(f"{model} as of {day}: a run is under way")
        elif failed >= spec.retraining.attempts:
            withheld.append(
                f"{model} as of {day}: given up after {failed} failed runs; see why they failed, mend it, then "
                f"`platform retrain {model}`"
            )
        else:
            requests.append(_request(keys[model], model, day, failed + 1))
    return Asked(requests, withheld)


def _is_settled(model_registry: ModelRegistryResource, model: str, day: date) -> bool:
    """Whether somebody has trained and judged the model as of this day or later, by whatever way."""
    return any(decision.training_date >= day for decision in model_registry.registry.decisions(model))


def _request(keys: Sequence[dg.AssetKey], model: str, day: date, attempt: int) -> dg.RunRequest:
    decision = decision_name(model, day)
    return dg.RunRequest(
        run_key=f"{decision} attempt {attempt}",
        asset_selection=list(keys),
        tags={
            PARTITION_TAG: day.isoformat(),
            DECISION_TAG: decision,
            NO_RETRIES_TAG: "0",
        },
    )
