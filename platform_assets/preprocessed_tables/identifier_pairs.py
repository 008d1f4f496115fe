"""`identifier_pairs`: which identifiers were seen in one event, by day.

The computation stands in `platform_assets.domain.identity.identifier_pairs`, the promises in its contract.
"""

import dagster as dg
import ibis

from platform_assets.automation.conditions import as_inputs_arrive
from platform_assets.domain.contracts.identifier_pairs import IDENTIFIER_PAIRS
from platform_assets.domain.identity.identifier_pairs import identifier_pairs as pairs_of
from platform_assets.table_asset import table_asset


def identifier_pairs_asset(event_days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `identifier_pairs`."""

    @table_asset(IDENTIFIER_PAIRS, partitions_def=event_days, automation=as_inputs_arrive())
    def identifier_pairs(events: ibis.Table) -> ibis.Table:
        """Every two identifiers of one event and every identifier by itself, with the number of events, by day.

        Logins, cookies, devices and network addresses of people; bots are left out.
        """
        return pairs_of(events)

    return identifier_pairs
