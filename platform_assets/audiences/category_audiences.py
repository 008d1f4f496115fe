"""`category_audiences`: who visited sites of which category lately; and how many visits no map knows.

The computation stands in `platform_assets.domain.categories.category_audiences`, the promises in its contract.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import ibis

from platform_assets.automation.conditions import as_inputs_arrive
from platform_assets.domain.categories.category_audiences import category_audiences as audiences_of
from platform_assets.domain.categories.category_audiences import visits_by_domain
from platform_assets.domain.contracts.category_audiences import CATEGORY_AUDIENCES, WINDOW_DAYS
from platform_assets.partitions import days_around, run_days
from platform_assets.table_asset import table_asset
from resources.lakehouse.io_manager import Evidence

UNKNOWN_SHARE = "unknown_share"
"""Metadata of a day: the share of its visits that are to domains of no category."""
LOOK_BACK_MATERIALISATIONS = 400
"""So many latest materialisations are checked: a year of days, each published once."""
MOST_DOMAINS = 20
"""So many unknown domains of a run are told, the most visited first."""


def category_audiences_asset(event_days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `category_audiences`."""
    window = dg.AssetIn(partition_mapping=days_around(before=WINDOW_DAYS - 1, after=0))

    @table_asset(
        CATEGORY_AUDIENCES,
        partitions_def=event_days,
        ins={"events": window, "user_ids": window},
        automation=as_inputs_arrive(),
    )
    def category_audiences(
        context: dg.AssetExecutionContext, events: ibis.Table, user_ids: ibis.Table, domain_categories: ibis.Table
    ) -> tuple[ibis.Table, Evidence]:
        """Who visited sites of a category in the 28 days up to a day: one row per person, category and day.

        A visit counts for the category that its site had when it was visited; persons are those known when the day
        ends. Bots are left out. Visits to domains that no map knows are counted and told in the metadata.
        """
        first, last = run_days(context)
        audiences = audiences_of(events, user_ids, domain_categories, first, last)
        return audiences, lambda: _visits_of_days(visits_by_domain(events, domain_categories, first, last))

    return category_audiences


def _visits_of_days(counted: ibis.Table) -> dict[str, dict[str, Any]]:
    """By day: visits, those of unknown domains, their share, and which domains of the whole run those are."""
    by_day = counted.group_by("event_date").aggregate(
        visits=counted.visits.sum(), unknown=counted.visits.sum(where=counted.category.isnull()).fill_null(0)
    )
    unknown = counted.filter(counted.category.isnull())
    domains = unknown.group_by("domain").aggregate(visits=unknown.visits.sum())
    top = domains.order_by(ibis.desc("visits"), "domain").limit(MOST_DOMAINS).to_pyarrow().to_pylist()
    table = dg.MetadataValue.table(
        [dg.TableRecord({"domain": row["domain"], "visits": int(row["visits"])}) for row in top],
        dg.TableSchema([dg.TableColumn("domain"), dg.TableColumn("visits", "int")]),
    )
    return {
        str(row["event_date"]): {
            "visits": int(row["visits"]),
            "visits_unknown": int(row["unknown"]),
            UNKNOWN_SHARE: int(row["unknown"]) / int(row["visits"]),
            "unknown_domains": table,
        }
        for row in by_day.to_pyarrow().to_pylist()
    }


def visits_categorised_check(limit: float) -> dg.AssetChecksDefinition:
    """A check that on no day more than `limit` of the visits are to domains of no category. It warns, never blocks."""

    @dg.asset_check(
        asset=CATEGORY_AUDIENCES.name,
        name="visits_categorised",
        description=f"At most {limit:.0%} of a day's visits are to domains that no map knows.",
    )
    def visits_categorised(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        return verdict(_noted(context.instance), limit)

    return visits_categorised


def verdict(shares: Mapping[str, float], limit: float) -> dg.AssetCheckResult:
    """What the share of unknown visits of every day says."""
    over = {day: share for day, share in shares.items() if share > limit}
    told = ", ".join(f"{day} ({share:.0%})" for day, share in sorted(over.items(), reverse=True)[:3])
    return dg.AssetCheckResult(
        passed=not over,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Over {limit:.0%} of the visits are to unknown domains on {len(over)} days, the latest {told}. "
        "The metadata `unknown_domains` of the days names them; add a map, or correct one, in config/categories.yaml."
        if over
        else "On no day more visits are to unknown domains than declared.",
        metadata={
            "days": len(shares),
            "days_over_limit": len(over),
            "worst_share": max(shares.values(), default=0.0),
        },
    )


def _noted(instance: dg.DagsterInstance) -> dict[str, float]:
    """The share that the latest materialisation of every day noted."""
    noted: dict[str, float] = {}
    key = dg.AssetKey(CATEGORY_AUDIENCES.name)
    for record in instance.fetch_materializations(key, limit=LOOK_BACK_MATERIALISATIONS).records:
        value = record.asset_materialization and record.asset_materialization.metadata.get(UNKNOWN_SHARE)
        if record.partition_key and isinstance(value, dg.FloatMetadataValue) and value.value is not None:
            noted.setdefault(record.partition_key, value.value)
    return noted
