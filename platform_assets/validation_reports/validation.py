"""`<model>_validation`: how the scores of a day compare with what came true."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import ibis

from platform_assets.automation.conditions import as_inputs_arrive
from platform_assets.domain.contracts.model_tables import validation_contract
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.training_set import labelled
from platform_assets.domain.modelling.violation import metric_verdict
from platform_assets.partitions import day_keys, days_around
from platform_assets.table_asset import table_asset
from platform_assets.validation_reports.landing import landed_until
from resources.lakehouse.io_manager import DeltaIOManager, Evidence
from resources.model_registry.resource import ModelRegistryResource
from resources.pictures import Pictures

if TYPE_CHECKING:
    import pandas as pd

    from resources.model_registry.registry import ModelRegistry


class NothingScored(PlatformError):
    """A validation is asked for days without a score."""


def validation_reports_assets(
    spec: ModelSpec, days: dg.DailyPartitionsDefinition, landing_tables: Sequence[str]
) -> list[dg.AssetsDefinition]:
    """The validation of `spec`. Labels are final when every one of `landing_tables` has the landing day for it."""
    contract = validation_contract(spec)
    label_days = days_around(before=0, after=spec.label.horizon_days - 1)
    ins = {
        "scores": dg.AssetIn(spec.table("scores")),
        "label_source": dg.AssetIn(spec.label.source_table, partition_mapping=label_days),
        "user_ids": dg.AssetIn(partition_mapping=label_days),
    }
    final = days_around(before=0, after=spec.label.maturity_days)

    @table_asset(
        contract,
        partitions_def=days,
        ins=ins,
        deps=[dg.AssetDep(table, partition_mapping=final) for table in landing_tables],
        kinds=frozenset({"deltalake", "scikitlearn"}),
        declared=spec.fingerprint,
        automation=as_inputs_arrive(known_after_days=spec.label.maturity_days),
    )
    def validate(
        context: dg.AssetExecutionContext,
        scores: ibis.Table,
        label_source: ibis.Table,
        user_ids: ibis.Table,
        lakehouse: dg.ResourceParam[DeltaIOManager],
        model_registry: ModelRegistryResource,
        pictures: Pictures,
    ) -> tuple[ibis.Table, Evidence]:
        """AUC, losses and calibration with their intervals, and lift, of a day's scores: a row per model version.

        A day is validated when its labels can't change any more; asked for earlier, it says which landing day it
        waits for. Where another version scored the day since, the row of the earlier one stays beside it.
        """
        from platform_assets.domain.modelling.validation import require_mature, with_replaced_versions

        run = [date.fromisoformat(key) for key in context.partition_keys]
        require_mature(max(run), landed_until(context.instance, landing_tables, min(run)), spec)
        report, newest = _judged(
            [scores.filter(scores.event_date == day) for day in run],
            lambda rows: labelled(rows, label_source, user_ids, spec.label, entity=spec.entity, day="event_date"),
            spec,
            _reached(scores, model_registry.registry, spec),
        )
        if (earlier := lakehouse.read_beside_inputs(context, contract.name, context.partition_keys)) is not None:
            report = with_replaced_versions(report, earlier.to_pandas())
        rows = ibis.memtable(report, schema=contract.schema())
        return rows, lambda: _shown(report, newest, spec, lakehouse, pictures)

    return [validate]


def _reached(scores: ibis.Table, registry: "ModelRegistry", spec: ModelSpec) -> dict[int, Mapping[str, float]]:
    """What every version among the scores had on its holdout."""
    versions = scores.select("model_version").distinct().to_pyarrow()["model_version"].to_pylist()
    return {number: registry.metrics(registry.version(spec.name, number)) for number in sorted(versions)}


def _judged(
    scores_by_day: Sequence[ibis.Table],
    with_labels: Callable[[ibis.Table], ibis.Table],
    spec: ModelSpec,
    reached: Mapping[int, Mapping[str, float]],
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """The figures of every day, and the newest day's rows; one day is held at a time."""
    import pandas as pd

    from platform_assets.domain.modelling.validation import validation_report

    reports, newest = [], None
    for scores in scores_by_day:
        rows = with_labels(scores).to_pandas()
        if len(rows):
            newest = rows
            reports.append(validation_report(rows, spec, reached))
    if newest is None:
        raise NothingScored(
            "none of the run's days has scores to validate",
            where=spec.table("validation"),
            todo=f"materialise {spec.table('scores')} for these days first",
        )
    return pd.concat(reports, ignore_index=True), newest


def _shown(
    report: "pd.DataFrame", newest: "pd.DataFrame", spec: ModelSpec, lakehouse: DeltaIOManager, pictures: Pictures
) -> dict[str, dict[str, Any]]:
    """The figures of every day, as numbers that the UI plots over days, and the picture of the newest."""
    import pandas as pd

    from platform_assets.domain.modelling.validation import VALIDATION_FIGURES
    from platform_assets.domain.modelling.validation_picture import SHOWN_DAYS, validation_picture

    shown: dict[str, dict[str, Any]] = {
        str(row["event_date"])[:10]: {
            name: float(row[name]) for name in ("model_version", *VALIDATION_FIGURES) if pd.notna(row[name])
        }
        | {"in_sample": bool(row["in_sample"])}
        for row in report[report["is_current"].astype(bool)].to_dict("records")
    }
    day = pd.Timestamp(newest["event_date"].iloc[0]).date()
    weeks = lakehouse.published_rows(spec.table("validation"), day_keys(day - timedelta(days=SHOWN_DAYS - 1), day))
    history = weeks.filter(weeks.is_current.fill_null(True)).to_pandas()
    drawn = {"validation": validation_picture(spec, day, newest, history)}
    shown[day.isoformat()] |= pictures.keep(spec.table("validation"), day.isoformat(), drawn)
    return shown


def metric_holds_check(spec: ModelSpec) -> dg.AssetChecksDefinition:
    """A check that the newest matured days are as good as the model promised."""

    @dg.asset_check(
        asset=spec.table("validation"),
        name="metric_holds",
        description=f"Fewer than {spec.retraining.violated_days} of the last {spec.retraining.matured_days} matured "
        f"days, or not the latest, have a {spec.metric} that is shown to be worse than on the model's holdout.",
    )
    def metric_holds(lakehouse: dg.ResourceParam[DeltaIOManager]) -> dg.AssetCheckResult:
        table = spec.table("validation")
        days = sorted(value for value in lakehouse.lakehouse.snapshot(table).rows_by_slice() if value)
        verdict = metric_verdict(
            spec, lakehouse.published_rows(table, days[-_LOOKED_THROUGH:]).to_pyarrow().to_pylist()
        )
        return dg.AssetCheckResult(
            passed=verdict.holds,
            severity=dg.AssetCheckSeverity.WARN,
            description=verdict.sentence,
            metadata={"violated_days": [str(day) for day in verdict.violated], "matured_days": len(verdict.days)},
        )

    return metric_holds


_LOOKED_THROUGH = 120
"""So many validated days are looked through for the newest on which the model was not in sample."""
