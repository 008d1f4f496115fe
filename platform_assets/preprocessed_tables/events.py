"""`events`: raw records of all sources as canonical events, by event day.

The computation stands in `platform_assets.domain.events`, the promises in its contract.
"""

from collections.abc import Sequence

import dagster as dg
import ibis

from platform_assets.automation.freshness import landed_daily
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.events import events as canonical_events
from platform_assets.domain.source import Source
from platform_assets.partitions import landing_days_of_event_day, run_days
from platform_assets.table_asset import table_asset


def events_asset(sources: Sequence[Source], event_days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `events` over all declared sources."""
    by_name = {source.name: source for source in sources}
    ins = {
        f"raw_{source.name}": dg.AssetIn(partition_mapping=landing_days_of_event_day(source.lateness_days))
        for source in sources
    }

    @table_asset(EVENTS, partitions_def=event_days, ins=ins, declared=repr(sources), freshness=landed_daily(event_days))
    def events(context: dg.AssetExecutionContext, **raws: ibis.Table) -> ibis.Table:
        """Canonical events of every source, one row an event, by the day it happened (UTC).

        Typed, deduplicated across files and days, URLs parsed, bots marked, grouped into sessions that survive
        midnight. Identifiers are keyed pseudonyms; raw ones stay in the raw tables.
        """
        tables = {name.removeprefix("raw_"): table for name, table in raws.items()}
        first, last = run_days(context)
        return canonical_events(tables, by_name, first, last)

    return events
