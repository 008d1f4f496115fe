"""`traffic_series`: how many events every hour has, by what they are series of."""

import dagster as dg
import ibis

from platform_assets.automation.conditions import as_inputs_arrive
from platform_assets.domain.contracts.traffic_series import TRAFFIC_SERIES
from platform_assets.domain.traffic.traffic_series import traffic_series as counts_of
from platform_assets.table_asset import table_asset


def traffic_series_asset(event_days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `traffic_series`."""

    @table_asset(TRAFFIC_SERIES, partitions_def=event_days, automation=as_inputs_arrive())
    def traffic_series(events: ibis.Table, domain_categories: ibis.Table) -> ibis.Table:
        """Events of people by hour: all of them, by site, category and event type; hours without an event have no row.

        What is decomposed and forecast reads these few rows instead of the events. Bots are left out.
        """
        return counts_of(events, domain_categories)

    return traffic_series
