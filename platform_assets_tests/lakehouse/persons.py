"""A small lake that holds persons in every way there is: raw rows, quarantine, pseudonyms, history, orphans."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import ibis
import pyarrow as pa

from platform_assets.domain.contracts.contract import Column, Contract, Pii
from platform_assets.domain.erasure import Person
from platform_assets.domain.pseudonyms import pseudonym
from platform_assets.domain.source import EventType, FieldMapping, Format, Source
from platform_assets_tests.stores import Store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.erasure import ErasedFromTable, Erasure
from resources.lakehouse.io_manager import read
from resources.lakehouse.person_search import PersonSearch
from resources.lakehouse.publish import publish
from resources.lakehouse.slicing import Slicing
from resources.lakehouse.trace_scan import Scan, TraceScanner

BOB, BOBBY, JIM = "bob@x.example", "bobby@x.example", "jim.bob@x.example"
DAYS = ("2026-01-01", "2026-01-02")
SHOP = Source(
    name="shop",
    description="",
    format=Format.JSON_LINES,
    place="{landing_zone}/{landing_date}/*",
    event_type=EventType(constant="visit"),
    fields={"event_time": FieldMapping(("at",)), "login": FieldMapping(("customer",)), "url": FieldMapping(("page",))},
)
RAW = SHOP.raw_contract()
DAILY = Contract(
    name="daily_users",
    description="One row is one user on one day.",
    key=("event_date", "user_id"),
    columns=(
        Column("event_date", "date", "Day.", nullable=False),
        Column("user_id", "string", "Who.", nullable=False, pii=Pii.PSEUDONYM),
        Column("visits", "int64", "How often.", nullable=False),
    ),
)
RAW_COLUMNS = {"day": "string", "line": "int64", "customer": "string", "page": "string", "reason": "string"}
Row = tuple[str, int, str | None, str | None, str | None]


@dataclass
class Lake:
    """Tables `raw_shop`, its quarantine and `daily_users` on one store."""

    store: Store
    engine: DuckDBEngine
    began: datetime = field(default_factory=lambda: datetime(2126, 1, 1, tzinfo=UTC))

    def publish_raw(self, *rows: Row) -> None:
        """Publish visits as (landing day, line, customer, page, why it is rejected) for both days."""
        given = ibis.memtable(list(rows), schema=RAW_COLUMNS)
        record = '{"customer":"' + given.customer.fill_null("") + '","page":"' + given.page.fill_null("") + '"}'
        day = given.day.cast("date")
        table = given.select(
            landing_date=day,
            file="shop/" + given.day + ".jsonl",
            line=given.line,
            event_id=given.day + "-" + given.line.cast("string"),
            event_time=day.cast("timestamp"),
            event_date=day,
            at=given.day,
            customer=given.customer,
            page=given.page,
            extra_fields=ibis.null("string"),
            record=record,
            reject_reason=given.reason,
        )
        self._publish(table, RAW, "landing_date")

    def publish_daily(self, *rows: tuple[str, str, int]) -> None:
        """Publish (day, login, visits) under the logins' pseudonyms."""
        given = ibis.memtable(list(rows), schema={"day": "string", "login": "string", "visits": "int64"})
        user = pseudonym("login", given.login)
        table = given.select(event_date=given.day.cast("date"), user_id=user, visits="visits")
        self._publish(table, DAILY, "event_date")

    def _publish(self, table: ibis.Table, contract: Contract, column: str) -> None:
        publish(
            table,
            contract,
            Slicing(column),
            DAYS,
            engine=self.engine,
            lakehouse=self.store.lakehouse,
            staging_folder=self.store.staging,
            provenance={"dagster_run_id": "run-1", "input_versions": "{}", "code_version": "abc"},
            allow_emptying=True,
        )

    def rows(self, table: str, version: int | None = None) -> list[dict]:
        """The rows of a table, in the order of their values."""
        snapshot = self.store.lakehouse.snapshot(table, version)
        return sorted(read(self.store.lakehouse, self.engine, snapshot, None).to_pyarrow().to_pylist(), key=str)

    def hashed(self, login: str) -> str:
        given = self.engine.from_arrow("login", pa.table({"login": [login]}))
        return given.select(it=pseudonym("login", given.login)).to_pyarrow()["it"].to_pylist()[0]

    def person(self, *logins: str) -> Person:
        return Person({"login": frozenset(map(self.hashed, logins))}, frozenset(logins))

    def search(self, person: Person) -> PersonSearch:
        return PersonSearch(
            self.store.lakehouse, self.engine, person, {RAW.name: SHOP}, self.store.staging / "erasure-scratch"
        )

    def erase(self, person: Person) -> dict[str, ErasedFromTable]:
        contracts = {RAW.name: RAW, DAILY.name: DAILY}
        erasure = Erasure("erasure-1", self.search(person), contracts, self.store.staging, self.began)
        return {done.table: done for done in erasure.erase()}

    def scan(self, person: Person) -> Scan:
        scanner = TraceScanner(person, self.store.staging / "erasure-scratch")
        return scanner.lakehouse(self.store.lakehouse, {RAW.name: SHOP}.get)


FIRST_ROWS: list[Row] = [
    (DAYS[0], 1, BOB, "/", None),
    (DAYS[0], 2, BOBBY, "/", None),
    (DAYS[0], 3, JIM, f"/share?with={BOBBY}", None),
    (DAYS[1], 1, JIM, f"/share?with={BOB.replace('@', '%40')}", None),
    (DAYS[1], 2, " BOB@x.example", "/late", None),
    (DAYS[1], 3, BOB, "/unreadable", "time_unreadable: at"),
    (DAYS[1], 4, BOBBY, "/unreadable", "time_unreadable: at"),
]
OTHERS_ROWS = [FIRST_ROWS[1], FIRST_ROWS[2], FIRST_ROWS[6]]


def lake_with_persons(store: Store, engine: DuckDBEngine) -> Lake:
    """Every table twice published, so that versions before hold the persons as well; a checkpoint and an orphan."""
    lake = Lake(store, engine)
    for _ in range(2):
        lake.publish_raw(*FIRST_ROWS)
        lake.publish_daily(*((day, login, 1) for day in DAYS for login in (BOB, BOBBY, JIM)))
    store.lakehouse.snapshot(RAW.name).delta.create_checkpoint()
    filesystem, root = store.lakehouse.filesystem()
    orphan = next(iter(store.lakehouse.snapshot(RAW.name, 0).files)).path
    filesystem.copy_file(f"{root}/{RAW.name}/{orphan}", f"{root}/{RAW.name}/{orphan}#1")
    return lake
