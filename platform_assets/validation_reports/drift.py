"""`<model>_drift`: how far what a model reads, says and is judged by has moved away from what it was trained on."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import dagster as dg
import ibis

from platform_assets.automation.conditions import as_champion_can
from platform_assets.domain.contracts.drift import drift_contract
from platform_assets.domain.drift.comparison import FEATURE
from platform_assets.domain.drift.day import DriftOfDay, reasons_in_markdown
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.partitions import days_around, run_days
from platform_assets.table_asset import table_asset
from platform_assets.validation_reports.drift_inputs import WEEK, DriftInputs
from platform_assets.validation_reports.landing import landed_until
from resources.lakehouse.io_manager import INPUT_MODELS, DeltaIOManager, Evidence
from resources.model_registry.resource import ModelRegistryResource
from resources.pictures import Pictures


def drift_asset(
    spec: ModelSpec, days: dg.DailyPartitionsDefinition, landing_tables: Sequence[str]
) -> dg.AssetsDefinition:
    """The drift of `spec`. Labels are final when every one of `landing_tables` has the landing day for it."""
    contract = drift_contract(spec)

    @table_asset(
        contract,
        partitions_def=days,
        deps=[*_read_beside(spec), *landing_tables],
        kinds=frozenset({"deltalake", "scikitlearn"}),
        declared=spec.fingerprint,
        automation=as_champion_can(spec.name),
    )
    def compare(
        context: dg.AssetExecutionContext,
        lakehouse: dg.ResourceParam[DeltaIOManager],
        model_registry: ModelRegistryResource,
        pictures: Pictures,
    ) -> tuple[ibis.Table, Evidence]:
        """Every feature, the scores, the labels that just matured and the rows of a day, against what the model was
        trained on and against last week.

        A column has drifted where the effect passes the spec's thresholds and chance, over all columns together,
        doesn't explain it. What isn't there yet is left out, and the metadata say why.
        """
        import pandas as pd

        just_matured = run_days(context)[0] - timedelta(days=spec.label.maturity_days + 1)
        complete = landed_until(context.instance, landing_tables, just_matured)
        inputs = DriftInputs(context, lakehouse, model_registry.registry, spec, run_days(context), complete)
        if version := inputs.version_read:
            context.add_output_metadata({INPUT_MODELS: {spec.name: version.version}})
        found = list(inputs.drift())
        for each in found:
            context.log.info(f"{each.day}: {each.verdict}")
        rows = pd.concat([each.rows for each in found])[list(contract.column_names)]
        return ibis.memtable(rows, schema=contract.schema()), lambda: _shown(found, spec, pictures)

    return compare


def _read_beside(spec: ModelSpec) -> list[dg.AssetDep]:
    """What a day reads, where it is there: nothing of it is demanded."""
    week, label = WEEK.days, spec.label
    same_days = [*(each.table for each in spec.features), spec.table("scores")]
    matured = label.maturity_days + 1
    label_days = days_around(before=matured + week, after=label.horizon_days - 1 - matured)
    return [
        *(dg.AssetDep(table, partition_mapping=days_around(before=week, after=0)) for table in same_days),
        *(dg.AssetDep(table, partition_mapping=label_days) for table in (label.source_table, "user_ids")),
        dg.AssetDep(spec.table("champion")),
    ]


def _shown(found: Sequence[DriftOfDay], spec: ModelSpec, pictures: Pictures) -> dict[str, dict[str, Any]]:
    """What the UI shows of every day, plots over days, and where the day's report lies."""
    from platform_assets.domain.drift.report import drift_report

    shown: dict[str, dict[str, Any]] = {}
    for each in found:
        key, features = each.day.isoformat(), each.rows[each.rows["kind"] == FEATURE]
        shown[key] = {"verdict": each.verdict, "compared": len(each.rows), "drifted": len(each.drifted)}
        if features["psi"].notna().any():
            shown[key]["largest_feature_psi"] = float(features["psi"].max())
        if len(each.drifted):
            shown[key]["reasons"] = dg.MetadataValue.md(reasons_in_markdown(each.drifted))
        if each.absent:
            shown[key]["not_compared"] = dg.MetadataValue.md("\n".join(f"- {line}" for line in each.absent))
        shown[key] |= pictures.keep_page(spec.table("drift"), key, "report", drift_report(each, spec))
    return shown


def no_drift_check(spec: ModelSpec) -> dg.AssetChecksDefinition:
    """A check that names what has drifted on the newest day with rows."""
    table = spec.table("drift")

    @dg.asset_check(
        asset=table,
        name="no_drift",
        description=f"Nothing that {spec.name} reads, says or is judged by has drifted on the newest day.",
    )
    def no_drift(lakehouse: dg.ResourceParam[DeltaIOManager]) -> dg.AssetCheckResult:
        days = sorted(day for day in lakehouse.lakehouse.snapshot(table).rows_by_slice() if day)
        if not days:
            return dg.AssetCheckResult(
                passed=True, severity=dg.AssetCheckSeverity.WARN, description="Nothing was compared yet."
            )
        rows = lakehouse.published_rows(table, days[-1:])
        drifted = rows.filter(rows.drifted).order_by("reference", "kind", "subject").to_pyarrow().to_pylist()
        named = [f"{row['kind']} {row['subject']} against {row['reference']}: {row['reason']}" for row in drifted]
        return dg.AssetCheckResult(
            passed=not drifted,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{days[-1]}: " + ("; ".join(named) or "nothing has drifted."),
            metadata={"event_date": days[-1], "drifted": len(drifted)},
        )

    return no_drift
