"""Who belongs to which audience, whatever table says so: the one place that names the tables of audiences."""

from collections.abc import Mapping, Sequence
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
    """A table of audiences: one row a person, `event_date` and audience.

    `named_by` is the column with the audience's name, `kind` what the name begins with in reports. The table may have
    the columns `events` and `last_event_date`. What it says of a day is known when that day ends, or `known_before` it
    begins, when the day before ends.
    """

    contract: Contract
    named_by: str
    kind: str
    known_before: bool = False

    @property
    def days_ahead(self) -> int:
        """How many days after the day at whose end a row is known its `event_date` lies."""
        return 1 if self.known_before else 0


AUDIENCE_TABLES = (
    AudienceTable(URL_AUDIENCES, named_by="audience", kind="url"),
    AudienceTable(CATEGORY_AUDIENCES, named_by="category", kind="category"),
)
"""The tables that are reported. A further one is a line here."""

_OPTIONAL = {"events": "int64", "last_event_date": "date"}


def members_of(tables: Mapping[str, ibis.Table], among: Sequence[AudienceTable] = AUDIENCE_TABLES) -> ibis.Table:
    """All members of all audiences, from tables by their names: `event_date` (at whose end it is known),
    `audience_table`, `audience` as <kind>:<name>, `user_id`, `events` and `last_event_date` (null where the table
    doesn't say).

    Raises KeyError for a table that is not `among` those that are declared.
    """
    declared = {table.contract.name: table for table in among}
    return ibis.union(*(_members(declared[name], rows) for name, rows in tables.items()))


def _members(declared: AudienceTable, rows: ibis.Table) -> ibis.Table:
    told = {
        name: rows[name].cast(dtype) if name in declared.contract.column_names else ibis.null(dtype)
        for name, dtype in _OPTIONAL.items()
    }
    return rows.select(
        "user_id",
        event_date=days_later(rows.event_date, ibis.interval(days=-declared.days_ahead))
        if declared.days_ahead
        else rows.event_date,
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
