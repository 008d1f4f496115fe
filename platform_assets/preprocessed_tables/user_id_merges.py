"""`user_id_merges`: which persons turned out to be others, by day.

The computation stands in `platform_assets.domain.identity.user_id_merges`, the promises in its contract.
"""

import dagster as dg
import ibis

from platform_assets.automation.conditions import as_inputs_arrive
from platform_assets.domain.contracts.user_id_merges import USER_ID_MERGES
from platform_assets.domain.identity.user_id_merges import user_id_merges as merges_of
from platform_assets.table_asset import table_asset


def user_id_merges_asset(event_days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `user_id_merges`."""

    @table_asset(USER_ID_MERGES, partitions_def=event_days, automation=as_inputs_arrive())
    def user_id_merges(user_ids: ibis.Table, identifier_pairs: ibis.Table) -> ibis.Table:
        """Who went over to another person on a day: merged by a pair that showed that both are one, or parted by a hub.

        The identifiers' own history stands in `user_ids`; here a change of persons is one row, with what showed it.
        """
        return merges_of(user_ids, identifier_pairs)

    return user_id_merges
