"""Members come from whatever tables say who they are, also from those that say little and those that say it early."""

from datetime import date

import ibis
import pyarrow as pa
import pytest

from platform_assets.domain.audience_reports.members import AudienceTable, members_of
from platform_assets.domain.contracts.category_audiences import CATEGORY_AUDIENCES
from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets_tests.domain.audience_worlds import AudienceWorld, day_of
from resources.compute.duckdb_engine import DuckDBEngine

WISHED = Contract(
    name="wished_audiences",
    description="One row is a person whom somebody wishes to reach on a day.",
    key=("event_date", "wish", "user_id"),
    columns=(
        Column("event_date", "date", "Day."),
        Column("wish", "string", "Name."),
        Column("user_id", "string", "Who."),
    ),
)
CATEGORIES = AudienceTable(CATEGORY_AUDIENCES, named_by="category", kind="category")
WISHES = AudienceTable(WISHED, named_by="wish", kind="wish", known_before=True)


def test_tables_without_events_and_known_before_their_day_stand_beside_the_others(one_engine: DuckDBEngine) -> None:
    world = AudienceWorld(members={(39, "sports", "ann"): (4, 38)})
    wishes = pa.table({"event_date": pa.array([day_of(40)], pa.date32()), "wish": ["rich"], "user_id": ["bob"]})
    tables = {"category_audiences": world.tables()["category_audiences"], "wished_audiences": wishes}
    found = members_of({name: ibis.memtable(rows) for name, rows in tables.items()}, [CATEGORIES, WISHES])
    rows = one_engine.backend.to_pyarrow(found.order_by("audience")).to_pylist()
    assert [(row["event_date"], row["audience"], row["user_id"], row["events"]) for row in rows] == [
        (day_of(39), "category:sports", "ann", 4),
        (day_of(39), "wish:rich", "bob", None),
    ]
    assert [row["last_event_date"] for row in rows] == [day_of(38), None]
    assert all(type(row["event_date"]) is date for row in rows)


def test_a_table_that_is_not_declared_is_refused() -> None:
    with pytest.raises(KeyError, match="somebody_elses"):
        members_of({"somebody_elses": ibis.table(WISHED.schema(), name="somebody_elses")})
