"""The tables of audiences as reports read them: whichever of them the lake has."""

from datetime import date, timedelta

import dagster as dg
import ibis

from platform_assets.domain.audience_members import AUDIENCE_TABLES, members_of
from platform_assets.domain.errors import PlatformError
from platform_assets.partitions import run_days, trailing_days
from resources.lakehouse.io_manager import DeltaIOManager


class NoAudiences(PlatformError):
    """A report on audiences is asked for, and no table of audiences was ever published."""


def audience_deps(days_before: int) -> list[dg.AssetDep]:
    """Every table of audiences, of so many days before: in the graph they are needed, but one of them is enough."""
    mapping = trailing_days(days_before)
    return [dg.AssetDep(table.contract.name, partition_mapping=mapping) for table in AUDIENCE_TABLES]


def published_members(context: dg.AssetExecutionContext, lakehouse: DeltaIOManager, days_before: int) -> ibis.Table:
    """The members of all published audiences on the days before each of the run's days.

    Raises NoAudiences where no table of audiences was ever published.
    """
    first, last = run_days(context)
    days = _days(first - timedelta(days=days_before), last - timedelta(days=1))
    names = [table.contract.name for table in AUDIENCE_TABLES]
    found = {name: lakehouse.read_beside_inputs(context, name, days) for name in names}
    tables = {name: rows for name, rows in found.items() if rows is not None}
    if not tables:
        raise NoAudiences(
            "there is no audience to report on",
            where=f"asset {context.asset_key.to_user_string()}",
            todo=f"materialise one of {', '.join(names)} first, for the days before",
        )
    return members_of(tables)


def _days(first: date, last: date) -> list[str]:
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
