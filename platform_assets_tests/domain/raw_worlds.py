"""Raw rows of two small sources, written down by hand or drawn at random, and the events they become."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import ibis
import pyarrow as pa
from hypothesis import strategies as st

from platform_assets.domain.event_days import SESSION_LOOK_BACK_DAYS
from platform_assets.domain.events import events
from platform_assets.domain.source import Combine, EventType, FieldMapping, Format, Source
from resources.compute.duckdb_engine import DuckDBEngine

DAY = date(2026, 1, 10)
NOON = datetime(2026, 1, 10, 12)
DAYS = [DAY + timedelta(days=number) for number in range(-2, 3)]
VALUES = [None, "", "12.5", "-3", "1e3", "NaN", "inf", "-Infinity", "1e999", "twelve", "1,5"]
# Near the borders that matter: midnight, half an hour before and after it, and exactly the pause that ends a session.
MINUTES = [0, 1, 29, 30, 31, 60, 720, 1379, 1380, 1409, 1410, 1411, 1439]

_TEXT_FIELDS = ("login", "cookie_id", "device_id", "ip", "url", "referrer", "user_agent", "country", "item")
WEB = Source(
    name="web",
    description="",
    format=Format.JSON_LINES,
    place="{landing_zone}/web/{landing_date}/*",
    event_type=EventType(field="type"),
    fields={
        "event_time": FieldMapping(("time",)),
        "value": FieldMapping(("value",)),
        **{name: FieldMapping((name,)) for name in _TEXT_FIELDS},
    },
    lateness_days=1,
)
SHOP = replace(
    WEB,
    name="shop",
    event_type=EventType(constant="purchase"),
    fields={
        "event_time": FieldMapping(("time",)),
        "cookie_id": FieldMapping(("ip", "agent"), Combine.JOIN),
        "login": FieldMapping(("mail",)),
        "value": FieldMapping(("quantity", "price"), Combine.MULTIPLY),
    },
    lateness_days=2,
)
SOURCES = {source.name: source for source in (WEB, SHOP)}


@dataclass(frozen=True)
class RawRow:
    """A row of a raw table. `fields` holds source fields as received; those left out are absent."""

    fields: dict[str, str | None]
    at: datetime = NOON
    source: str = "web"
    id: str = "1"
    days_late: int = 0
    file: str = "a"
    line: int = 1

    @property
    def landing_date(self) -> date:
        return self.at.date() + timedelta(days=self.days_late)

    @property
    def path(self) -> str:
        return f"{self.source}/{self.landing_date}/{self.file}"

    @property
    def place(self) -> tuple[str, int]:
        return self.path, self.line


def row(at: datetime = NOON, **fields: str | None) -> RawRow:
    """A row of the web source; of a client without identifiers unless `fields` say otherwise."""
    return RawRow({"type": "page_view", "time": str(at), **fields}, at)


def numbered(rows: Iterable[RawRow], *, same_id: bool = False) -> list[RawRow]:
    """The rows on lines of their own and, unless asked otherwise, with ids of their own."""
    return [replace(each, line=n, id="1" if same_id else str(n)) for n, each in enumerate(rows, start=1)]


@st.composite
def worlds(draw: st.DrawFn) -> list[RawRow]:
    """Rows of two sources on five days: copies across files and days, few clients, bad values."""
    rows = []
    for number in range(draw(st.integers(1, 25))):
        source = draw(st.sampled_from(sorted(SOURCES)))
        day, minute = draw(st.sampled_from(DAYS)), draw(st.sampled_from(MINUTES))
        at = datetime.combine(day, time()) + timedelta(minutes=minute, microseconds=draw(st.sampled_from([0, 1])))
        client, value = draw(st.sampled_from([None, "", "c1", "c2"])), draw(st.sampled_from(VALUES))
        login = draw(st.sampled_from([None, "Ann@example.org ", "ann@example.org"]))
        if source == "web":
            fields = {"type": "page_view", "cookie_id": client, "login": login, "device_id": "d", "value": value}
        else:
            price = draw(st.sampled_from(["2", None, "nan"]))
            fields = {"ip": client, "agent": None, "mail": login, "quantity": value, "price": price}
        identity = draw(st.sampled_from(["1", "2", "3", f"own {number}"]))
        late, file = draw(st.integers(0, SOURCES[source].lateness_days)), draw(st.sampled_from("ab"))
        rows.append(RawRow(fields, at, source, identity, late, file, number + 1))
    return rows


def raw_table(rows: Sequence[RawRow], source: Source) -> pa.Table:
    """The raw table of one source, as its contract says."""
    records = [
        {
            "landing_date": each.landing_date,
            "file": each.path,
            "line": each.line,
            "event_id": each.id,
            "event_time": each.at,
            "event_date": each.at.date(),
            **{source.raw_column(name): value for name, value in each.fields.items()},
        }
        for each in rows
        if each.source == source.name
    ]
    return pa.Table.from_pylist(records, schema=source.raw_contract().schema().to_pyarrow())


def made(engine: DuckDBEngine, rows: Sequence[RawRow], first: date = DAY, last: date | None = None) -> list[dict]:
    """What `events` makes of the landing days that it reads for these event days, in the order of file and line."""
    last = last or first
    query, con = _prepared(engine, first, last), engine.backend.con
    for name, source in SOURCES.items():
        from_day, to_day = first - timedelta(days=SESSION_LOOK_BACK_DAYS), last + timedelta(days=source.lateness_days)
        landed = raw_table([each for each in rows if from_day <= each.landing_date <= to_day], source)
        con.register("landed", landed)
        con.execute(f"DELETE FROM raw_{name}")
        con.execute(f"INSERT INTO raw_{name} FROM landed")
    return sorted(con.execute(f"EXECUTE {query}").to_arrow_table().to_pylist(), key=place_of)


def place_of(event: dict[str, Any]) -> tuple[str, int]:
    """Where the row that an event was made of lies."""
    return event["file"], event["line"]


@functools.cache
def _prepared(engine: DuckDBEngine, first: date, last: date) -> str:
    """The name under which the engine has planned the computation of these days: planning is what takes time here."""
    raws, con = {}, engine.backend.con
    for name, source in SOURCES.items():
        con.register("landed", raw_table([], source))
        con.execute(f"CREATE TABLE IF NOT EXISTS raw_{name} AS FROM landed")
        raws[name] = ibis.table(source.raw_contract().schema(), name=f"raw_{name}")
    query = f"events_{first:%Y%m%d}_{last:%Y%m%d}"
    con.execute(f"PREPARE {query} AS {engine.to_sql(events(raws, SOURCES, first, last))}")
    return query


def made_of_one(engine: DuckDBEngine, **fields: str | None) -> dict[str, Any]:
    """The event that one row of the web source becomes."""
    (event,) = made(engine, [row(**fields)])
    return event
