"""Who belongs to which audience, whatever table says so: the one place that names the tables of audiences."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from platform_assets.domain.contracts.category_audiences import CATEGORY_AUDIENCES
from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.contracts.url_audiences import URL_AUDIENCES

TABLE, AUDIENCE = "audience_table", "audience"


@dataclass(frozen=True)
class AudienceTable:
    """A table of audiences: one row a person, `event_date` (at whose end it holds) and audience.

    `named_by` is the column with the audience's name, `kind` what the name begins with in reports. The table may have
    the columns `events` and `last_event_date`.
    """

    contract: Contract
    named_by: str
    kind: str


AUDIENCE_TABLES = (
    AudienceTable(URL_AUDIENCES, named_by="audience", kind="url"),
    AudienceTable(CATEGORY_AUDIENCES, named_by="category", kind="category"),
)
"""The tables that are reported. A further one is a line here."""

_OPTIONAL = {"events": "int64", "last_event_date": "date"}


def members_of(tables: Mapping[str, ibis.Table]) -> ibis.Table:
    """All members of all audiences, from tables by their names: `event_date`, `audience_table`, `audience` as
    <kind>:<name>, `user_id`, `events` and `last_event_date` (null where the table doesn't say).

    Raises KeyError for a table that is not one of `AUDIENCE_TABLES`.
    """
    declared = {table.contract.name: table for table in AUDIENCE_TABLES}
    return ibis.union(*(_members(declared[name], rows) for name, rows in tables.items()))


def _members(declared: AudienceTable, rows: ibis.Table) -> ibis.Table:
    told = {
        name: rows[name].cast(dtype) if name in declared.contract.column_names else ibis.null(dtype)
        for name, dtype in _OPTIONAL.items()
    }
    return rows.select(
        "event_date",
        "user_id",
        **{TABLE: ibis.literal(declared.contract.name), AUDIENCE: f"{declared.kind}:" + rows[declared.named_by]},
        **told,
    )


def known_when_days_begin(members: ibis.Table, first: date, last: date, days_before: int = 1) -> ibis.Table:
    """The members known for the days `first` … `last`: `event_date` is that day, not the earlier one at whose end they
    were known, which is so many days before it."""
    back = timedelta(days=days_before)
    known = members.filter(members.event_date.between(ibis.literal(first - back), ibis.literal(last - back)))
    return known.mutate(event_date=days_later(known.event_date, ibis.interval(days=days_before)))


def days_later(day: ir.DateValue, by: ir.IntervalValue) -> ir.DateValue:
    """The day so much later. Engines make an instant of the sum; only a cast from an instant is carried out."""
    return (day + by).cast("timestamp").cast("date")
