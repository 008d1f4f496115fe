"""`<model>_training_set`: what a model may learn from as of a training date."""

from datetime import date

import dagster as dg
import ibis

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.contracts.model_tables import training_set_contract
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.training_set import training_set
from platform_assets.table_asset import table_asset


def training_set_asset(spec: ModelSpec, features: Contract, days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The training set of `spec`, partitioned by training date: the landing day that has just been completed."""
    label = spec.label
    oldest = label.maturity_days + spec.window.days - 1
    label_days = _days_back(oldest, label.maturity_days - label.horizon_days + 1)
    ins = {
        "features": dg.AssetIn(spec.feature_table, partition_mapping=_days_back(oldest, label.maturity_days)),
        "label_source": dg.AssetIn(label.source_table, partition_mapping=label_days),
        "user_ids": dg.AssetIn(partition_mapping=label_days),
    }

    @table_asset(training_set_contract(spec, features), partitions_def=days, ins=ins, declared=spec.fingerprint)
    def build(
        context: dg.AssetExecutionContext, features: ibis.Table, label_source: ibis.Table, user_ids: ibis.Table
    ) -> ibis.Table:
        """Features of every second day of some weeks, each with the label that came true in the days from then on.

        Only days whose labels were final on the training date count: nothing in a row was unknown on that date.
        """
        dates = [date.fromisoformat(key) for key in context.partition_keys]
        first, *others = [training_set(features, label_source, user_ids, spec, day) for day in dates]
        return ibis.union(first, *others) if others else first

    return build


def _days_back(oldest: int, newest: int) -> dg.TimeWindowPartitionMapping:
    return dg.TimeWindowPartitionMapping(
        start_offset=-oldest, end_offset=-newest, allow_nonexistent_upstream_partitions=True
    )
