"""`user_ids`: which identifier is which person, as known when a day ends.

The computation stands in `platform_assets.domain.identity.user_ids`, the promises in its contract.
"""

from datetime import timedelta
from functools import partial
from typing import Any

import dagster as dg
import ibis

from platform_assets.automation.conditions import as_inputs_arrive
from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.domain.identity.connected_components import components_in_the_engine, components_on_one_node
from platform_assets.domain.identity.user_ids import MEMORY_DAYS
from platform_assets.domain.identity.user_ids import user_ids as persons_of
from platform_assets.domain.identity.user_ids_summary import identity_sizes, sizes_picture, summary_by_day
from platform_assets.partitions import day_keys, days_around, run_days, trailing_days
from platform_assets.table_asset import table_asset
from resources.compute.engine import Engine
from resources.lakehouse.io_manager import DeltaIOManager, Evidence
from resources.pictures import Pictures


def user_ids_asset(event_days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `user_ids`. A day reads the days before it of its own table; they are no input that Dagster loads."""

    @table_asset(
        USER_IDS,
        partitions_def=event_days,
        ins={"identifier_pairs": dg.AssetIn(partition_mapping=days_around(before=MEMORY_DAYS, after=0))},
        deps=[dg.AssetDep(USER_IDS.name, partition_mapping=trailing_days(MEMORY_DAYS))],
        automation=as_inputs_arrive(),
    )
    def user_ids(
        context: dg.AssetExecutionContext,
        engine: dg.ResourceParam[Engine],
        lakehouse: dg.ResourceParam[DeltaIOManager],
        pictures: Pictures,
        identifier_pairs: ibis.Table,
    ) -> tuple[ibis.Table, Evidence]:
        """Login, cookie, device or address → person: what was seen together is one person, and stays the same person.

        A row for every identifier seen on a day or re-keyed on it. The person known longest keeps the id. Identifiers
        that too many share (kiosks, test logins, offices' addresses) are hubs: they link nobody and are nobody.
        """
        first, last = run_days(context)
        before = day_keys(first - timedelta(days=MEMORY_DAYS), first - timedelta(days=1))
        earlier = lakehouse.read_beside_inputs(context, USER_IDS.name, before)
        one_node = engine.name == "duckdb"
        connect = components_on_one_node if one_node else partial(components_in_the_engine, engine=engine)
        rows = persons_of(identifier_pairs, earlier, first, last, connect, engine)

        def evidence() -> dict[str, dict[str, Any]]:
            drawn = {"component_sizes": sizes_picture(identity_sizes(rows, earlier, last), last)}
            shown = pictures.keep(USER_IDS.name, last.isoformat(), drawn)
            told: dict[str, dict[str, Any]] = {**summary_by_day(rows)}
            return told | {last.isoformat(): told.get(last.isoformat(), {}) | shown}

        return rows, evidence

    return user_ids
