"""When a table's new day is computed by itself, as conditions that hold until the day is there.

Every condition is a level and no edge: what is true is asked for at each tick, so that nothing is lost with a tick or a
run; what fails is tried a few times with pauses, and then left to people. The sensor `new_days` evaluates them. Raw
tables and events have sensors of their own, which look at files and rows; models are trained by decision.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import dagster as dg
from dagster import AutomationCondition as AC

from platform_assets.domain.contracts.promotion_decisions import PROMOTION_DECISIONS
from platform_assets.domain.model_spec import ModelSpec

WATCHED_DAYS = 14
"""The days that are computed by themselves, counted back from the newest: as far back as landing days are looked at
for new files. Older days are computed when somebody asks, and nothing waits for one that is older and missing."""

PAUSES = (timedelta(minutes=10), timedelta(hours=1))
"""How long after a first and a second try in vain a day waits for the next; after the third it waits for people."""

NAME = "new_days"
TICK_SECONDS = 30


def as_inputs_arrive(*, known_after_days: int = 0, optional: Collection[str] = ()) -> AC:
    """A new day is computed once, as soon as all that it reads of the watched days is there.

    `known_after_days` is how many days later a day can be known at all: so much further back it is watched.
    `optional` names tables that are read where they are there and never waited for. What was computed is not computed
    again when its inputs change: it was served as it is, and Dagster shows it as unsynced.
    """
    watched = AC.in_latest_time_window(timedelta(days=WATCHED_DAYS + known_after_days))
    new = AC.missing() & watched
    if known_after_days:
        new &= ~AC.in_latest_time_window(timedelta(days=known_after_days))
    still_to_come, computed_now = AC.any_deps_match(AC.missing() & watched), AC.any_deps_in_progress()
    if optional:
        ignored = dg.AssetSelection.assets(*optional)
        still_to_come, computed_now = still_to_come.ignore(ignored), computed_now.ignore(ignored)
    waits = still_to_come.with_label("an input is still to come") | computed_now
    asked_for = AC.in_progress() | waits
    ready = EveryInputPublished(frozenset(optional)) & MayBeTried()
    return (new & ~asked_for & ready).with_label(f"a new day, and its inputs are there (last {WATCHED_DAYS} days)")


def as_models_are_judged(specs: Sequence[ModelSpec]) -> AC:
    """A new landing day is decided on once what is to be known of every model by then is known.

    A model that is in service is waited for until its drift of the day is there, and its validation of the day that
    just matured, where that was scored. A model that is not in service yet has neither.
    """
    judged = {spec.name: [spec.table(suffix) for suffix in ("drift", "validation")] for spec in specs}
    condition = as_inputs_arrive(optional=[table for tables in judged.values() for table in tables])
    for spec in specs:
        watched = AC.in_latest_time_window(timedelta(days=WATCHED_DAYS + spec.label.maturity_days))
        scored = AC.any_deps_match(~AC.missing()).allow(dg.AssetSelection.assets(spec.table("scores")))
        drift = AC.any_deps_match(AC.missing() & watched).allow(dg.AssetSelection.assets(spec.table("drift")))
        validation = AC.any_deps_match(AC.missing() & watched & scored).allow(
            dg.AssetSelection.assets(spec.table("validation"))
        )
        condition &= ~(InService(spec.name) & (drift | validation)).with_label(f"{spec.name} is still to be judged")
    return condition


def as_champion_can(model: str) -> AC:
    """A new day of what a model's champion does, once its inputs are there and the model is in service.

    The gate itself isn't waited for: a first champion may be made by hand.
    """
    return as_inputs_arrive(optional=[f"{model}_champion"]) & InService(model)


def once() -> AC:
    """A table without partitions is computed when it never was; later, when somebody asks."""
    return (AC.missing() & ~AC.in_progress() & MayBeTried()).with_label("never computed")


class EveryInputPublished(AC):
    """Everything once all tables that are read were published at all: the first days have no days before them."""

    def __init__(self, optional: frozenset[str]) -> None:
        self.optional = optional

    def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:
        """All candidates or none."""
        view, empty = context.asset_graph_view, context.get_empty_subset()
        if context.candidate_subset.is_empty:
            return dg.AutomationResult(context, empty)
        needed = {
            key
            for key in view.asset_graph.get(context.key).parent_entity_keys
            if key != context.key and key.to_user_string() not in self.optional
        }
        there = all(view.instance.get_latest_materialization_event(key) is not None for key in needed)
        return dg.AutomationResult(context, context.candidate_subset if there else empty)


class MayBeTried(AC):
    """What was never computed and was tried less often than `PAUSES` allow, the last time long enough ago.

    Tries are counted from the runs that planned it, whoever started them; only what is missing may be asked about.
    """

    def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:
        """Those of the candidates that may be asked for now."""
        view, candidates, now = context.asset_graph_view, context.candidate_subset, context.evaluation_time
        if not candidates.is_partitioned:
            may = not candidates.is_empty and _may_be_tried(view.instance, context.key, None, now)
            return dg.AutomationResult(context, candidates if may else context.get_empty_subset())
        keys = {
            key
            for key in candidates.expensively_compute_partition_keys()
            if _may_be_tried(view.instance, context.key, key, now)
        }
        return dg.AutomationResult(context, candidates.compute_intersection_with_partition_keys(keys))


def _may_be_tried(instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str | None, now: datetime) -> bool:
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[partition] if partition else None)
    tries = instance.fetch_planned_materializations(wanted, limit=len(PAUSES) + 1).records
    if not tries:
        return True
    return len(tries) <= len(PAUSES) and tries[0].timestamp + PAUSES[len(tries) - 1].total_seconds() <= now.timestamp()


def in_service_checks(model: str) -> list[dg.AssetCheckKey]:
    """The checks that a model has a champion: on the gate, and on the record of decisions, also those by hand."""
    gate, record = dg.AssetKey(f"{model}_champion"), dg.AssetKey(PROMOTION_DECISIONS.name)
    return [dg.AssetCheckKey(gate, "in_service"), dg.AssetCheckKey(record, f"{model}_in_service")]


class InService(AC):
    """Everything once a version of the model was champion: from then on one always is."""

    def __init__(self, model: str) -> None:
        self.model = model

    def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:
        """All candidates or none."""
        checks = in_service_checks(self.model)
        storage = context.asset_graph_view.instance.event_log_storage
        latest = storage.get_latest_asset_check_execution_by_key(checks).values()
        passed = any(record.evaluation is not None and record.evaluation.passed for record in latest)
        return dg.AutomationResult(context, context.candidate_subset if passed else context.get_empty_subset())


def new_days_sensor() -> dg.AutomationConditionSensorDefinition:
    """The sensor that asks for new days, one run a day, in the code server: that is where these conditions are."""
    return dg.AutomationConditionSensorDefinition(
        NAME,
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=TICK_SECONDS,
        emit_backfills=False,
        use_user_code_server=True,
        description=f"Computes each new day of every daily table as soon as its inputs are there, among the last "
        f"{WATCHED_DAYS} days. Training and promotion are decided elsewhere.",
    )
