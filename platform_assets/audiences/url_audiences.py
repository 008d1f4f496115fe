"""`url_audiences`: who belongs to which declared audience.

What an audience is, and how events meet its rules, stands in `platform_assets.domain.audiences`; who its members are,
in `platform_assets.domain.audiences.url_audiences`; the promises in the contract.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import ibis

from platform_assets.automation.conditions import as_inputs_arrive
from platform_assets.domain.audiences.audience import Audience, longest_window_days
from platform_assets.domain.audiences.url_audiences import member_counts
from platform_assets.domain.audiences.url_audiences import url_audiences as members_of
from platform_assets.domain.contracts.url_audiences import URL_AUDIENCES
from platform_assets.partitions import days_around, run_days
from platform_assets.table_asset import table_asset
from resources.lakehouse.io_manager import DeltaIOManager, Evidence

SHOWN = 100
"""So many of the largest audiences are listed in the UI."""
MEMBERS_SCHEMA = dg.TableSchema([dg.TableColumn("audience", "string"), dg.TableColumn("members", "int")])


def url_audiences_asset(audiences: Sequence[Audience], event_days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `url_audiences` over all declared audiences."""
    window = days_around(before=longest_window_days(audiences) - 1, after=0)
    ins = {"events": dg.AssetIn(partition_mapping=window), "user_ids": dg.AssetIn(partition_mapping=window)}

    @table_asset(
        URL_AUDIENCES, partitions_def=event_days, ins=ins, declared=repr(audiences), automation=as_inputs_arrive()
    )
    def url_audiences(
        context: dg.AssetExecutionContext,
        events: ibis.Table,
        user_ids: ibis.Table,
        lakehouse: dg.ResourceParam[DeltaIOManager],
    ) -> tuple[ibis.Table, Evidence]:
        """Who belongs to which audience of config/audiences.yaml when a day ends: one row per day, audience and person.

        An audience is defined by rules over domain, path, query, referrer and event type, and by how often and how
        recently they have to be met. Persons are those of `user_ids` as of that day; bots are left out.
        """
        first, last = run_days(context)
        members = members_of(events, user_ids, audiences, first, last)
        return members, lambda: _members_by_audience(lakehouse, context.partition_keys)

    return url_audiences


def _members_by_audience(lakehouse: DeltaIOManager, days: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By day: how many members the largest audiences have, and how many audiences have any."""
    counts = member_counts(lakehouse.published_rows(URL_AUDIENCES.name, days)).to_pyarrow().to_pylist()
    found: dict[str, list[dict[str, Any]]] = {day: [] for day in days}
    for row in counts:
        found[row["event_date"].isoformat()].append(row)
    return {
        day: {
            "members_by_audience": dg.MetadataValue.table(
                [dg.TableRecord({"audience": row["audience"], "members": row["members"]}) for row in rows[:SHOWN]],
                schema=MEMBERS_SCHEMA,
            ),
            "audiences_with_members": len(rows),
        }
        for day, rows in found.items()
    }
