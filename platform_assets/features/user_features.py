"""`user_features`: what is known of a person when a day begins.

The computation stands in `platform_assets.domain.features.user_features`, the promises in its contract.
"""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg
import ibis

from platform_assets.automation.conditions import as_inputs_arrive
from platform_assets.domain.contracts.category_audiences import CATEGORY_AUDIENCES
from platform_assets.domain.contracts.domain_clusters import DOMAIN_CLUSTERS
from platform_assets.domain.contracts.user_features import USER_FEATURES
from platform_assets.domain.features.cluster_features import CLUSTERS_KEPT_DAYS
from platform_assets.domain.features.user_features import LONGEST_WINDOW_DAYS
from platform_assets.domain.features.user_features import user_features as features_of
from platform_assets.partitions import day_keys, days_around, run_days, trailing_days
from platform_assets.table_asset import table_asset
from resources.lakehouse.io_manager import DeltaIOManager


def user_features_asset(event_days: dg.DailyPartitionsDefinition, commerce: Sequence[str] = ()) -> dg.AssetsDefinition:
    """The asset `user_features`. `commerce` are the categories whose sites sell."""
    ins = {name: dg.AssetIn(partition_mapping=trailing_days(LONGEST_WINDOW_DAYS)) for name in ("events", "user_ids")}

    audiences = dg.AssetDep(CATEGORY_AUDIENCES.name, partition_mapping=trailing_days(1))
    clusters = dg.AssetDep(DOMAIN_CLUSTERS.name, partition_mapping=days_around(before=CLUSTERS_KEPT_DAYS - 1, after=0))

    @table_asset(
        USER_FEATURES,
        partitions_def=event_days,
        ins=ins,
        deps=[audiences, clusters],
        declared=repr(commerce),
        automation=as_inputs_arrive(optional=[DOMAIN_CLUSTERS.name]),
    )
    def user_features(
        context: dg.AssetExecutionContext,
        lakehouse: dg.ResourceParam[DeltaIOManager],
        events: ibis.Table,
        user_ids: ibis.Table,
    ) -> ibis.Table:
        """What a person did in the 1, 7 and 28 days before a day: one row per person and day.

        Only events strictly before the day count, so features never see what they are used to predict. A person is
        who was known when the day before ended. Bots and events that are nobody's are left out. What comes from
        categories is null where `category_audiences` of the day before is not there, what comes from clusters where
        no `domain_clusters` was published for the 14 days up to the day.
        """
        first, last = run_days(context)
        days_before = day_keys(first - timedelta(days=1), last - timedelta(days=1))
        audiences = lakehouse.read_beside_inputs(context, CATEGORY_AUDIENCES.name, days_before)
        lately = day_keys(first - timedelta(days=CLUSTERS_KEPT_DAYS - 1), last)
        clusters = lakehouse.read_beside_inputs(context, DOMAIN_CLUSTERS.name, lately)
        return features_of(events, user_ids, first, last, audiences, commerce, clusters)

    return user_features
