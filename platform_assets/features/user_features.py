"""`user_features`: what is known of a person when a day begins.

The computation stands in `platform_assets.domain.user_features`, the promises in its contract.
"""

import dagster as dg
import ibis

from platform_assets.domain.contracts.user_features import USER_FEATURES
from platform_assets.domain.user_features import LONGEST_WINDOW_DAYS
from platform_assets.domain.user_features import user_features as features_of
from platform_assets.partitions import run_days, trailing_days
from platform_assets.table_asset import table_asset


def user_features_asset(event_days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `user_features`."""
    ins = {name: dg.AssetIn(partition_mapping=trailing_days(LONGEST_WINDOW_DAYS)) for name in ("events", "user_ids")}

    @table_asset(USER_FEATURES, partitions_def=event_days, ins=ins)
    def user_features(context: dg.AssetExecutionContext, events: ibis.Table, user_ids: ibis.Table) -> ibis.Table:
        """What a person did in the 1, 7 and 28 days before a day: one row per person and day.

        Only events strictly before the day count, so features never see what they are used to predict. A person is
        who was known when the day before ended. Bots and events that are nobody's are left out.
        """
        first, last = run_days(context)
        return features_of(events, user_ids, first, last)

    return user_features
