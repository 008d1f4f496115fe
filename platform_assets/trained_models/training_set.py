"""`<model>_training_set`: what a model may learn from as of a training date."""

from collections.abc import Mapping
from datetime import date

import dagster as dg
import ibis

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.contracts.model_tables import feature_columns, training_set_contract
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.training_set import training_set
from platform_assets.table_asset import table_asset


def training_set_asset(
    spec: ModelSpec, features: Mapping[str, Contract], days: dg.DailyPartitionsDefinition
) -> dg.AssetsDefinition:
    """The training set of `spec`, partitioned by training date: the landing day that has just been completed."""
    label = spec.label
    oldest = label.maturity_days + spec.window.days - 1
    feature_days = _days_back(oldest, label.maturity_days)
    label_days = _days_back(oldest, label.maturity_days - label.horizon_days + 1)
    ins = {each.table: dg.AssetIn(partition_mapping=feature_days) for each in spec.features}
    ins["label_source"] = dg.AssetIn(label.source_table, partition_mapping=label_days)
    ins["user_ids"] = dg.AssetIn(partition_mapping=label_days)

    contract = training_set_contract(spec, features)
    columns = feature_columns(contract)

    @table_asset(contract, partitions_def=days, ins=ins, declared=spec.fingerprint)
    def build(
        context: dg.AssetExecutionContext, label_source: ibis.Table, user_ids: ibis.Table, **feature_tables: ibis.Table
    ) -> ibis.Table:
        """Features of some weeks' days, each with the label that came true in the days from then on.

        Only days whose labels were final on the training date count: nothing in a row was unknown on that date.
        """
        dates = [date.fromisoformat(key) for key in context.partition_keys]
        first, *others = [training_set(feature_tables, label_source, user_ids, spec, day, columns) for day in dates]
        return ibis.union(first, *others) if others else first

    return build


def _days_back(oldest: int, newest: int) -> dg.TimeWindowPartitionMapping:
    return dg.TimeWindowPartitionMapping(
        start_offset=-oldest, end_offset=-newest, allow_nonexistent_upstream_partitions=True
    )
