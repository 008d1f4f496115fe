"""The outbox keeps every row, in one order, on every store, beside other writers and maintenance."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from platform_assets.domain.alerts.deliveries import claims
from platform_assets.domain.alerts.log import CLAIMED, AlertEvent
from platform_assets.domain.alerts.raising import rows_to_record
from platform_assets_tests.domain.alerts.made_up import MINUTE, NOON, signal, to_operators
from platform_assets_tests.stores import Store, local_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.maintenance import maintain_table
from resources.lakehouse.sweeping import horizon
from resources.notifications.outbox import MOST_FILES, Outbox


@pytest.fixture
def outbox(store: Store) -> Outbox:
    return Outbox(store.lakehouse, store.staging)


def row(number: int) -> AlertEvent:
    return AlertEvent(event_id=f"row {number}", recorded_at=NOON, event="seen", topic="check/x", state="passing")


def test_rows_come_back_as_they_were_written_and_in_their_order(outbox: Outbox) -> None:
    assert outbox.events() == []
    written = outbox.update(lambda log: rows_to_record(log, [signal()], NOON, to_operators))
    written += outbox.update(lambda log: claims(log, NOON))
    assert [event.event for event in written] == ["seen", "raised", "claimed"]
    assert Outbox(outbox.lakehouse, outbox.staging_folder).events() == outbox.events() == written
    assert list(outbox.staging_folder.iterdir()) == []


def test_no_rows_make_no_commit(outbox: Outbox) -> None:
    outbox.update(lambda log: [row(1)])
    before = outbox.lakehouse.snapshot("alert_events").version
    assert outbox.update(lambda log: []) == []
    assert outbox.lakehouse.snapshot("alert_events").version == before


def test_two_sweepers_never_claim_the_same(store: Store) -> None:
    Outbox(store.lakehouse, store.staging).update(
        lambda log: rows_to_record(log, [signal(asset=f"a{n}") for n in range(5)], NOON, to_operators)
    )
    together, claimed = threading.Barrier(4), []

    def claim() -> None:
        outbox, asked = Outbox(store.lakehouse, store.staging), []

        def decide(log):  # type: ignore[no-untyped-def]
            if not asked:
                asked.append(True)
                together.wait(timeout=30)
            return claims(log, NOON + MINUTE)

        claimed.extend(outbox.update(decide))

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(claimed) == 5
    assert {each.event for each in claimed} == {CLAIMED}


def test_maintenance_joins_its_files_and_loses_no_row(store: Store, engine: DuckDBEngine) -> None:
    outbox = Outbox(store.lakehouse, store.staging)
    for number in range(12):
        outbox.update(lambda log, number=number: [row(number)])  # type: ignore[misc]
    before = outbox.events()
    until = horizon(datetime.now(UTC) + timedelta(days=60), timedelta(days=1), None)
    done = maintain_table(store.lakehouse, engine, "alert_events", store.staging, until)
    assert (done.live_files_before, done.live_files) == (12, 1)
    assert outbox.events() == before
    assert Outbox(store.lakehouse, store.staging).events() == before
    outbox.update(lambda log: [row(12)])
    assert [event.sequence for event in outbox.events()] == list(range(1, 14))


def test_many_updates_keep_few_files_and_every_row(tmp_path: Path) -> None:
    store = local_store(tmp_path)
    outbox = Outbox(store.lakehouse, store.staging)
    for number in range(MOST_FILES + 5):
        outbox.update(lambda log, number=number: [row(number)])  # type: ignore[misc]
    assert len(store.lakehouse.snapshot("alert_events").files) == 6
    assert [event.event_id for event in outbox.events()] == [f"row {number}" for number in range(MOST_FILES + 5)]
    assert Outbox(store.lakehouse, store.staging).events() == outbox.events()


def test_an_update_beside_maintenance_is_decided_again_on_what_it_left(tmp_path: Path, engine: DuckDBEngine) -> None:
    store = local_store(tmp_path)
    outbox, asked = Outbox(store.lakehouse, store.staging), []
    for number in range(2):
        outbox.update(lambda log, number=number: [row(number)])  # type: ignore[misc]

    def decide(log):  # type: ignore[no-untyped-def]
        asked.append(len(log))
        if len(asked) == 1:
            until = horizon(datetime.now(UTC), timedelta(days=1), None)
            maintain_table(store.lakehouse, engine, "alert_events", store.staging, until)
        return [row(2)]

    outbox.update(decide)
    assert asked == [2, 2]
    assert [event.event_id for event in outbox.events()] == ["row 0", "row 1", "row 2"]


def test_sql_sees_the_table(tmp_path: Path, engine: DuckDBEngine) -> None:
    store = local_store(tmp_path)
    Outbox(store.lakehouse, store.staging).update(lambda log: rows_to_record(log, [signal()], NOON, to_operators))
    seen = read(store.lakehouse, engine, store.lakehouse.snapshot("alert_events"), None)
    assert sorted(seen.event.to_pyarrow().to_pylist()) == ["raised", "seen"]
