"""`retrain_decisions`: every day's decision on every model. It stands in the stage on whose reports it rests.

How a decision follows from evidence stands in `platform_assets.domain.retraining`; the sensor `retrain` carries it out.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg
import ibis

from platform_assets.automation.conditions import as_models_are_judged
from platform_assets.domain.contracts.retrain_decisions import RETRAIN_DECISIONS
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.retraining.decide import decide
from platform_assets.domain.retraining.decision import Decision
from platform_assets.domain.retraining.label_lag import label_lag
from platform_assets.partitions import day_keys, days_around, run_days, trailing_days
from platform_assets.table_asset import NOT_REPLAYABLE, table_asset
from platform_assets.validation_reports.landing import landed_until
from platform_assets.validation_reports.retrain_evidence import ModelEvidence
from resources.lakehouse.io_manager import DeltaIOManager, Evidence
from resources.model_registry.resource import ModelRegistryResource

MEMORY_DAYS = 60
"""So many days back the last decision is searched for that a decision continues."""


def retrain_decisions_asset(
    specs: Sequence[ModelSpec],
    days: dg.DailyPartitionsDefinition,
    landing_tables: Sequence[str],
    assets: Sequence[dg.AssetsDefinition],
) -> dg.AssetsDefinition:
    """The decisions on all models; the code that trains one is that of its `<model>_model` among `assets`."""
    code_versions = {key.path[-1]: code for each in assets for key, code in each.code_versions_by_key.items()}

    @table_asset(
        RETRAIN_DECISIONS,
        partitions_def=days,
        deps=[*_looked_at(specs, landing_tables)],
        kinds=frozenset({"deltalake"}),
        declared=" ".join(spec.fingerprint for spec in specs),
        automation=as_models_are_judged(specs),
        metadata={
            NOT_REPLAYABLE: "a decision rests on what the registry and the runs told then; its row has the figures"
        },
    )
    def retrain_decisions(
        context: dg.AssetExecutionContext,
        model_registry: ModelRegistryResource,
        lakehouse: dg.ResourceParam[DeltaIOManager],
    ) -> tuple[ibis.Table, Evidence]:
        """Whether each model is trained again as of a day, and why: one row a model, also for every "no".

        Triggers: no champion yet, age, violated days, drift, new labels, other code or features, asked by hand. A
        change is trained on once days from after it can be learned; trainings keep a cooldown, one at a time.
        """
        just_matured = run_days(context)[0] - timedelta(days=max(spec.label.maturity_days for spec in specs))
        complete = landed_until(context.instance, landing_tables, just_matured)
        before = _last_decisions(context, lakehouse)
        decisions: list[Decision] = []
        for spec in specs:
            known = ModelEvidence.of_run(
                spec, context, lakehouse, model_registry.registry, complete, code_versions[spec.table("model")] or ""
            )
            decisions += _decided(known, spec, context.partition_keys, before.get(spec.name))
        return _table(decisions), lambda: _shown(decisions)

    return retrain_decisions


def _looked_at(specs: Sequence[ModelSpec], landing_tables: Sequence[str]) -> Iterator[dg.AssetDep]:
    """What a day looks at, as far as it is there: drift of the day, validation of the day that just matured, the
    landing days that must be complete before anything is trained, and the decisions before it."""
    for spec in specs:
        just_matured = days_around(before=spec.label.maturity_days, after=-spec.label.maturity_days)
        yield dg.AssetDep(spec.table("validation"), partition_mapping=just_matured)
        yield dg.AssetDep(spec.table("drift"))
    landed = days_around(before=max((spec.label.maturity_days for spec in specs), default=0), after=0)
    for table in landing_tables:
        yield dg.AssetDep(table, partition_mapping=landed)
    yield dg.AssetDep(RETRAIN_DECISIONS.name, partition_mapping=trailing_days(MEMORY_DAYS))


def _last_decisions(context: dg.AssetExecutionContext, lakehouse: DeltaIOManager) -> dict[str, Decision]:
    """The last decision on every model before the days of the run."""
    first, _ = run_days(context)
    remembered = day_keys(first - timedelta(days=MEMORY_DAYS), first - timedelta(days=1))
    earlier = lakehouse.read_beside_inputs(context, RETRAIN_DECISIONS.name, remembered)
    if earlier is None:
        return {}
    rows = earlier.order_by("decision_date", "model_name").to_pyarrow().to_pylist()
    return {row["model_name"]: Decision.of_row(row) for row in rows}


def _decided(known: ModelEvidence, spec: ModelSpec, keys: Sequence[str], previous: Decision | None) -> list[Decision]:
    """The decisions of a run's days on one model, each knowing those before it."""
    lag, decisions = label_lag(spec), []
    for key in keys:
        previous = decide(known.on(date.fromisoformat(key), previous), spec, lag)
        decisions.append(previous)
    return decisions


def _table(decisions: Sequence[Decision]) -> ibis.Table:
    import pyarrow as pa

    schema = RETRAIN_DECISIONS.schema()
    rows = [decision.row() for decision in decisions]
    return ibis.memtable(pa.Table.from_pylist(rows, schema.to_pyarrow()), schema=schema)


def _shown(decisions: Sequence[Decision]) -> dict[str, dict[str, Any]]:
    """For every day how many models are trained, and its decisions as a table."""
    shown: dict[str, dict[str, Any]] = {}
    for day in sorted({decision.decision_date for decision in decisions}):
        own = [decision for decision in decisions if decision.decision_date == day]
        records = [
            dg.TableRecord(
                {
                    "model": decision.model_name,
                    "retrain": decision.retrain,
                    "reason": decision.reason,
                    "fired": ", ".join(trigger.name for trigger in decision.triggers if trigger.fired) or "–",
                    "due": str(decision.due_date or "–"),
                }
            )
            for decision in own
        ]
        shown[day.isoformat()] = {
            "retrained_models": sum(decision.retrain for decision in own),
            "decisions": dg.MetadataValue.table(records),
        }
    return shown
