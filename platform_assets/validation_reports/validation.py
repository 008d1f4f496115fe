"""`<model>_validation`: how the scores of a day compare with what came true."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import ibis

from platform_assets.domain.contracts.model_tables import validation_contract
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.training_set import labelled
from platform_assets.partitions import days_around
from platform_assets.table_asset import table_asset
from platform_assets.validation_reports.landing import landed_until
from resources.lakehouse.io_manager import Evidence

if TYPE_CHECKING:
    import pandas as pd


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
    kinds = frozenset({"deltalake", "scikitlearn"})

    @table_asset(contract, partitions_def=days, ins=ins, kinds=kinds, declared=spec.fingerprint)
    def validate(
        context: dg.AssetExecutionContext, scores: ibis.Table, label_source: ibis.Table, user_ids: ibis.Table
    ) -> tuple[ibis.Table, Evidence]:
        """AUC with its interval, losses, calibration and lift of a day's scores, one row per model version.

        A day is validated when its labels can't change any more; asked for earlier, it says which landing day it
        waits for.
        """
        from platform_assets.domain.modelling.validation import require_mature, validation_report

        complete = landed_until(context.instance, landing_tables)
        require_mature(max(date.fromisoformat(key) for key in context.partition_keys), complete, spec)
        with_labels = labelled(scores, label_source, user_ids, spec.label, entity=spec.entity, day="event_date")
        report = validation_report(with_labels.to_pandas(), spec)
        if report.empty:
            raise NothingScored(
                "none of the run's days has scores to validate",
                where=spec.table("validation"),
                todo=f"materialise {spec.table('scores')} for these days first",
            )
        context.log.info(f"{len(report)} validated days and versions")
        return ibis.memtable(report, schema=contract.schema()), lambda: _figures_to_plot(report)

    return [validate]


def _figures_to_plot(report: "pd.DataFrame") -> dict[str, dict[str, float | int | bool]]:
    """The figures of every day's newest model version, as numbers that the UI plots over days."""
    import pandas as pd

    newest = report.sort_values("model_version").groupby("event_date").tail(1)
    shown = ["model_version", "rows", "positives", "auc", "auc_low", "auc_high", "log_loss", "brier", "lift_top_decile"]
    return {
        str(row["event_date"])[:10]: {name: float(row[name]) for name in shown if pd.notna(row[name])}
        | {"in_sample": bool(row["in_sample"])}
        for row in newest.to_dict("records")
    }
