"""A publication notes which event days each of its partitions touches: rows and a digest of them in any order."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.contract import Column, Contract
from platform_assets.domain.event_days import DayContent
from platform_assets_tests.lakehouse.publishing import Shop
from platform_assets_tests.stores import Store, local_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.publication_history import publication_history, raw_history

LANDED = Contract(
    name="raw_landed",
    description="One row is one record.",
    key=("line",),
    columns=(
        Column("landing_date", "date", "When it arrived.", nullable=False),
        Column("line", "int64", "Where.", nullable=False),
        Column("event_time", "timestamp", "When it happened.", nullable=False),
        Column("told", "string", "What."),
    ),
    partition_column="landing_date",
    event_time_column="event_time",
)
SCHEMA = {**LANDED.schema(), "reject_reason": "string"}
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(3)]
TIMES = [time(), time(12), time(23, 29, 59, 999_999), time(23, 30), time(23, 59, 59, 999_999)]

Record = tuple[date, datetime, str]
"""Landing day, event time, what is told."""

records = st.lists(
    st.tuples(
        st.sampled_from(DAYS),
        st.builds(datetime.combine, st.sampled_from(DAYS), st.sampled_from(TIMES)),
        st.sampled_from("ab"),
    ),
    max_size=8,
)


def table(rows: Iterable[Record]) -> ibis.Table:
    told = [(landed, line, at, what, None) for line, (landed, at, what) in enumerate(rows)]
    return ibis.memtable(told, schema=SCHEMA)


def noted(shop: Shop, rows: Iterable[Record]) -> dict[tuple[date, date], DayContent]:
    """What the publication of these rows notes, by landing day and event day."""
    shop.publish(table(rows), [day.isoformat() for day in DAYS], allow_emptying=True)
    history = raw_history(shop.store.lakehouse, LANDED.name, 2)
    return {(landed, day): content for landed in DAYS for day, content in history.now(landed).event_days.items()}


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder: Path = tmp_path_factory.mktemp("landing")
    return Shop(local_store(folder), DuckDBEngine(spill_folder=folder / "spill", threads=1), LANDED, "landing_date")


def rows_of(rows: list[Record], landed: date, day: date, begin: time = time()) -> Counter:
    told = [(line, at, what) for line, (on, at, what) in enumerate(rows) if on == landed]
    return Counter(each for each in told if each[1].date() == day and each[1].time() >= begin)


@settings(max_examples=12, deadline=None)
@given(then=records, now=records)
def test_digests_are_equal_if_and_only_if_the_rows_are(landing: Shop, then: list[Record], now: list[Record]) -> None:
    before, after = noted(landing, then), noted(landing, now)
    for landed in DAYS:
        for day in DAYS:
            was, has = (found.get((landed, day), DayContent(0, "", "")) for found in (before, after))
            assert has.rows == rows_of(now, landed, day).total()
            assert (was.digest == has.digest) == (rows_of(then, landed, day) == rows_of(now, landed, day))
            late = time(23, 30)
            same = rows_of(then, landed, day, late) == rows_of(now, landed, day, late)
            assert (was.last_minutes_digest == has.last_minutes_digest) == same


def test_the_order_of_rows_changes_no_digest(landing: Shop) -> None:
    rows = table([(DAYS[0], datetime.combine(DAYS[0], at), "a") for at in TIMES])
    shuffled = rows.order_by(rows.line.desc())
    found = [landing.publish(each, None, allow_emptying=True).slices[0].event_days for each in (rows, shuffled)]
    assert found[0] == found[1]


def test_the_note_lies_beside_the_rows_on_every_store(store: Store, engine: DuckDBEngine) -> None:
    shop = Shop(store, engine, LANDED, "landing_date")
    shop.publish(table([(DAYS[1], datetime.combine(DAYS[0], TIMES[-1]), "a")]), ["2026-01-01", "2026-01-02"])
    (notes,) = publication_history(store.lakehouse, LANDED.name)
    assert {day: [(at, found.rows) for at, found in of.items()] for day, of in notes.event_days.items()} == {
        "2026-01-01": [],
        "2026-01-02": [("2026-01-01", 1)],
    }
    assert notes.input_versions == {"tills": 3}


def test_a_contract_without_event_time_notes_no_days(store: Store, engine: DuckDBEngine) -> None:
    shop = Shop(store, engine)
    shop.publish(
        ibis.memtable([("a", 1, 2, None)], schema={**shop.contract.schema(), "reject_reason": "string"}), ["a"]
    )
    assert publication_history(store.lakehouse, shop.contract.name)[0].event_days == {}
