"""Every output column names the source columns that its value is computed from, whatever the expression's shape."""

from datetime import date

import ibis
import pytest
from ibis import _

from platform_assets.domain.contracts.contract import Pii
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.contracts.user_features import USER_FEATURES
from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.domain.events import events
from platform_assets.domain.features.user_features import user_features
from platform_assets_tests.domain.raw_worlds import SOURCES
from resources.lakehouse.column_lineage import column_lineage

VISITS = ibis.table({"shop": "string", "visit": "int64", "spent": "int64", "at": "timestamp"}, name="visits__1")
SHOPS = ibis.table({"shop": "string", "town": "string", "area": "int64"}, name="shops__7")
NAMES = {"visits__1": "visits", "shops__7": "shops"}


def lineage(expression: ibis.Table) -> dict[str, set[str]]:
    """Sources of every column as `table.column`."""
    found = column_lineage(ibis.to_sql(expression, dialect="duckdb"), NAMES, list(expression.columns))
    return {name: {".".join(source) for source in sources} for name, sources in found.items()}


JOINED = VISITS.join(SHOPS, "shop")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param(
            VISITS.select("visit", "spent"), {"visit": {"visits.visit"}, "spent": {"visits.spent"}}, id="pick"
        ),
        pytest.param(VISITS.select(paid=_.spent).select(x=_.paid), {"x": {"visits.spent"}}, id="rename"),
        pytest.param(
            VISITS.select(x=_.spent + _.visit, y=ibis.literal(1)),
            {"x": {"visits.spent", "visits.visit"}, "y": set()},
            id="compute",
        ),
        pytest.param(VISITS.filter(_.spent > 1).select("visit"), {"visit": {"visits.visit"}}, id="filter"),
        pytest.param(
            JOINED.select("shop", x=_.spent / _.area),
            {"shop": {"visits.shop"}, "x": {"visits.spent", "shops.area"}},
            id="join",
        ),
        pytest.param(
            VISITS.left_join(VISITS.view(), "visit").select(x=_.spent, y=_.spent_right),
            {"x": {"visits.spent"}, "y": {"visits.spent"}},
            id="self join",
        ),
        pytest.param(
            VISITS.select(name=_.shop).union(SHOPS.select(name=_.town)),
            {"name": {"visits.shop", "shops.town"}},
            id="union",
        ),
        pytest.param(
            ibis.union(
                *(table.select(x=_[name]) for table, name in [(VISITS, "visit"), (SHOPS, "area"), (VISITS, "spent")])
            ),
            {"x": {"visits.visit", "visits.spent", "shops.area"}},
            id="union of three",
        ),
        pytest.param(
            VISITS.group_by("shop").aggregate(total=_.spent.sum(), rows=_.count()),
            {"shop": {"visits.shop"}, "total": {"visits.spent"}, "rows": set()},
            id="aggregate",
        ),
        pytest.param(
            VISITS.select(x=_.spent.lag().over(group_by="shop", order_by="at")),
            {"x": {"visits.spent", "visits.shop", "visits.at"}},
            id="window",
        ),
        pytest.param(
            JOINED.group_by("town").aggregate(a=_.spent.max()).mutate(b=_.a + 1).filter(_.b > 2).select("b"),
            {"b": {"visits.spent"}},
            id="layers",
        ),
        pytest.param(VISITS.semi_join(SHOPS, "shop").select("spent"), {"spent": {"visits.spent"}}, id="semi join"),
    ],
)
def test_columns_name_their_sources(expression: ibis.Table, expected: dict[str, set[str]]) -> None:
    assert lineage(expression) == expected


def test_tables_that_are_not_of_the_lake_are_left_out() -> None:
    landed = ibis.table({"shop": "string"}, name="landed")
    assert lineage(landed.join(SHOPS, "shop").select("shop", "town")) == {"shop": set(), "town": {"shops.town"}}


def lineage_of_events() -> dict[str, set[tuple[str, str]]]:
    raws = {name: ibis.table(source.raw_contract().schema(), name=f"raw_{name}") for name, source in SOURCES.items()}
    sql = ibis.to_sql(events(raws, SOURCES, date(2026, 1, 5), date(2026, 1, 6)), dialect="duckdb")
    return column_lineage(sql, {f"raw_{name}": f"raw_{name}" for name in SOURCES}, list(EVENTS.column_names))


def test_every_column_of_events_names_what_it_is_made_of() -> None:
    found = lineage_of_events()
    assert found["login_hash"] == {("raw_web", "login"), ("raw_shop", "mail")}
    assert found["value"] == {("raw_web", "value"), ("raw_shop", "quantity"), ("raw_shop", "price")}
    assert found["domain"] == {("raw_web", "url")}
    assert {"raw_web", "raw_shop"} == {table for sources in found.values() for table, _ in sources}
    assert {name for name, sources in found.items() if not sources} == {"source"}


def test_raw_identifiers_reach_nothing_but_pseudonyms() -> None:
    identifiers = {("raw_web", name) for name in ("login", "cookie_id", "device_id", "ip")}
    reached = {name for name, sources in lineage_of_events().items() if sources & identifiers}
    assert reached == {column.name for column in EVENTS.columns if column.pii is Pii.PSEUDONYM}


def test_every_feature_names_columns_of_events() -> None:
    events = ibis.table(EVENTS.schema(), name="events__0")
    user_ids = ibis.table(USER_IDS.schema(), name="user_ids__1")
    sql = ibis.to_sql(user_features(events, user_ids, date(2026, 1, 5), date(2026, 1, 6)), dialect="duckdb")
    tables = {"events__0": "events", "user_ids__1": "user_ids"}
    found = column_lineage(sql, tables, list(USER_FEATURES.column_names))
    assert found["user_id"] == {("user_ids", "user_id")}
    assert ("events", "domain") in found["domains_28d"]
    assert ("events", "value") in found["value_7d"]
    columns = {"events": EVENTS.column_names, "user_ids": USER_IDS.column_names}
    assert all(name in columns[table] for sources in found.values() for table, name in sources)
