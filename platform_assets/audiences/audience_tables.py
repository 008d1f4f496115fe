"""The tables of audiences as reports read them: whichever of them the lake has."""

from datetime import timedelta

import dagster as dg
import ibis

from platform_assets.domain.audience_reports.members import AUDIENCE_TABLES, members_of
from platform_assets.domain.errors import PlatformError
from platform_assets.partitions import day_keys, days_around, run_days
from resources.lakehouse.io_manager import DeltaIOManager


class NoAudiences(PlatformError):
    """A report on audiences is asked for, and no table of audiences was ever published."""


def audience_deps(days_before: int) -> list[dg.AssetDep]:
    """Every table of audiences, of so many days before: in the graph they are needed, but one of them is enough."""
    return [
        dg.AssetDep(
            table.contract.name,
            partition_mapping=days_around(before=days_before - table.days_ahead, after=table.days_ahead - 1),
        )
        for table in AUDIENCE_TABLES
    ]


def published_members(context: dg.AssetExecutionContext, lakehouse: DeltaIOManager, days_before: int) -> ibis.Table:
    """The members of all published audiences on the days before each of the run's days.

    Raises NoAudiences where no table of audiences was ever published.
    """
    first, last = run_days(context)
    tables = {}
    for table in AUDIENCE_TABLES:
        ahead = timedelta(days=table.days_ahead)
        days = day_keys(first - timedelta(days=days_before) + ahead, last - timedelta(days=1) + ahead)
        rows = lakehouse.read_beside_inputs(context, table.contract.name, days)
        if rows is not None:
            tables[table.contract.name] = rows
    if not tables:
        names = ", ".join(table.contract.name for table in AUDIENCE_TABLES)
        raise NoAudiences(
            "there is no audience to report on",
            where=f"asset {context.asset_key.to_user_string()}",
            todo=f"materialise one of {names} first, for the days before",
        )
    return members_of(tables)
