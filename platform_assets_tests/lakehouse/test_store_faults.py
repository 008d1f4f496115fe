"""Whatever a store does to the requests of a publication: what was acknowledged is there once, the rest not or wholly.

A proxy that loses, refuses and delays stands between the lakehouse and the S3 server; what became of it is looked up
without the proxy.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pytest

from platform_assets.domain.errors import PlatformError
from platform_assets_tests.fault_proxy import Fault, FaultProxy, running
from platform_assets_tests.lakehouse.publishing import Shop, visits
from platform_assets_tests.stores import Store, moto_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse import commit
from resources.lakehouse.commit import CommitUnknown
from resources.lakehouse.publish import Publication
from resources.lakehouse.tables import Lakehouse
from resources.object_store import StoreUnavailable

DATA, QUARANTINED_DATA = r"/lake/visits/.*part-", r"/lake/visits_quarantine/.*part-"
ENTRY, QUARANTINE_ENTRY = r"/lake/visits/_delta_log/\d+\.json", r"/lake/visits_quarantine/_delta_log/\d+\.json"
CHECKPOINT, HINT = r"/lake/visits/_delta_log/.*\.checkpoint\.parquet", r"/lake/visits/_delta_log/_last_checkpoint"
LISTING = r"list-type=2.*lake%2Fvisits%2F_delta_log"
TIMEOUT_SECONDS = 1.0
HELD_SECONDS = 1.7
FAULTS = {
    "drop": {"how": "drop"},
    "drop_reply": {"how": "drop_reply"},
    "500": {"how": "refuse", "status": 500},
    "503": {"how": "refuse", "status": 503},
    "reply_500": {"how": "refuse_reply", "status": 500},
    "reply_503": {"how": "refuse_reply", "status": 503},
    "hold": {"how": "hold", "seconds": HELD_SECONDS},
}
WRITES = {
    "data": (DATA, ["drop", "drop_reply", "hold"]),
    "quarantined data": (QUARANTINED_DATA, ["reply_500"]),
    "quarantine log entry": (QUARANTINE_ENTRY, ["drop_reply", "hold"]),
    "log entry": (ENTRY, ["drop", "drop_reply", "500", "reply_500", "reply_503", "hold"]),
    "checkpoint": (CHECKPOINT, ["503", "hold"]),
    "checkpoint hint": (HINT, ["drop_reply"]),
}
READS = {"list the log": (LISTING, ["503", "hold"]), "checkpoint hint": (HINT, ["drop"]), "log entry": (ENTRY, ["500"])}
"""What the default suite tries; every fault at every single request is tried by the long form."""
OUTAGE_SECONDS = 12.0


@pytest.fixture(scope="module")
def proxy(moto_server: str) -> Iterator[FaultProxy]:
    with running(moto_server) as proxy:
        yield proxy


@dataclass
class Faulty:
    """The table `visits` through the proxy (`shop`) and past it (`seen`), with one partition published."""

    proxy: FaultProxy
    shop: Shop
    seen: Shop

    def publish(self) -> Publication:
        """The publication that meets the faults: one row published, one quarantined."""
        return self.shop.publish(visits(("a", 2, 6), ("a", -2, -1)), ["a"])

    def net_of_the_change_feed(self) -> list[tuple]:
        """What the change feed adds up to; no row may have been inserted or deleted more than once at a version."""
        changes = self.seen.store.lakehouse.snapshot("visits").delta.load_cdf(starting_version=0)
        rows = pa.table(changes.read_all()).to_pylist()
        once = Counter((row["_commit_version"], row["_change_type"], row["shop"], row["visit"]) for row in rows)
        assert set(once.values()) <= {1}
        net: Counter[tuple] = Counter()
        for row in rows:
            net[row["shop"], row["visit"], row["spent"]] += 1 if row["_change_type"] == "insert" else -1
        assert set(net.values()) <= {0, 1}
        return sorted(net.elements())

    def times_committed(self, batch_id: str) -> int:
        history = self.seen.store.lakehouse.snapshot("visits").delta.history()
        return sum(entry.get("batch_id") == batch_id for entry in history)


BEFORE, AFTER = [("a", 1, 5), ("b", 1, 7)], [("a", 2, 6), ("b", 1, 7)]


def with_one_publication(proxy: FaultProxy, endpoint: str, engine: DuckDBEngine, folder: Path) -> Faulty:
    past = moto_store(endpoint, folder)
    seen = Shop(past, engine)
    seen.publish(visits(("a", 1, 5), ("b", 1, 7), ("a", -1, -1)), ["a", "b"])
    seen.store.lakehouse.snapshot("visits").delta.alter.set_table_properties({"delta.checkpointInterval": "1"})
    return Faulty(proxy, Shop(through(proxy, past), engine), seen)


@pytest.fixture
def faulty(proxy: FaultProxy, moto_server: str, engine: DuckDBEngine, tmp_path: Path) -> Faulty:
    return with_one_publication(proxy, moto_server, engine, tmp_path)


def through(proxy: FaultProxy, store: Store, **options: str) -> Store:
    changed = {"AWS_ENDPOINT_URL": proxy.endpoint, "timeout": f"{TIMEOUT_SECONDS}s"} | options
    return replace(store, lakehouse=Lakehouse(store.lakehouse.root, {**store.lakehouse.storage_options, **changed}))


def publish_under(faulty: Faulty, *faults: Fault) -> bool:
    """Whether the publication was acknowledged. Asserts what must hold in either case, and that running again heals."""
    faulty.proxy.set(*faults)
    publication = None
    try:
        publication = faulty.publish()
    except PlatformError as error:
        assert error.todo
    assert faulty.proxy.struck(), "the fault met no request"
    faulty.proxy.set()
    told = faulty.seen.told()
    if publication is not None:
        assert (told, faulty.times_committed(publication.batch_id)) == (AFTER, 1)
    assert told in (BEFORE, AFTER)
    assert faulty.net_of_the_change_feed() == told
    faulty.publish()
    assert faulty.seen.told() == faulty.net_of_the_change_feed() == AFTER
    assert [row["record"] for row in faulty.seen.quarantined()] == ['{"shop":"a","visit":-2,"spent":-1}']
    return publication is not None


def pairs(steps: dict[str, tuple[str, list[str]]]) -> list[tuple[str, str]]:
    return [(step, fault) for step, (_, faults) in steps.items() for fault in faults]


@pytest.mark.parametrize(("step", "fault"), pairs(WRITES))
def test_a_write_that_meets_a_fault_is_made_again_and_counts_once(faulty: Faulty, step: str, fault: str) -> None:
    assert publish_under(faulty, Fault("PUT", WRITES[step][0], **FAULTS[fault]))


@pytest.mark.parametrize(("step", "fault"), pairs(READS))
def test_a_read_that_meets_a_fault_is_made_again(faulty: Faulty, step: str, fault: str) -> None:
    assert publish_under(faulty, Fault("GET", READS[step][0], **FAULTS[fault]))


@pytest.mark.parametrize("fault", ["drop", "503"])
def test_rows_are_read_back_through_faults(faulty: Faulty, fault: str) -> None:
    faulty.proxy.set(Fault("GET", DATA, **FAULTS[fault]))
    assert faulty.shop.told() == BEFORE
    assert faulty.proxy.struck()


@pytest.mark.parametrize("fault", ["drop_reply", "hold"])
def test_the_first_publication_of_a_table_counts_once(
    proxy: FaultProxy, moto_server: str, engine: DuckDBEngine, tmp_path: Path, fault: str
) -> None:
    past = moto_store(moto_server, tmp_path)
    faulty = Faulty(proxy, Shop(through(proxy, past), engine), Shop(past, engine))
    proxy.set(Fault("PUT", ENTRY, **FAULTS[fault]))
    publication = faulty.publish()
    assert proxy.struck()
    assert faulty.times_committed(publication.batch_id) == 1
    assert faulty.seen.told() == faulty.net_of_the_change_feed() == [("a", 2, 6)]


def test_a_store_that_is_away_for_a_while_is_waited_for(faulty: Faulty) -> None:
    began = time.monotonic()
    assert publish_under(faulty, Fault("PUT", ENTRY, "down", seconds=OUTAGE_SECONDS))
    assert time.monotonic() - began > OUTAGE_SECONDS


@pytest.mark.long
def test_a_store_that_is_away_during_an_upload_is_waited_for(faulty: Faulty) -> None:
    assert publish_under(faulty, Fault("PUT", DATA, "down", seconds=OUTAGE_SECONDS))


IMPATIENT = {"max_retries": "2", "retry_timeout": "2s"}
AWAY = [Fault(method, ".", "refuse", times=10_000) for method in ("GET", "PUT", "POST", "HEAD", "DELETE")]


def test_a_store_that_stays_away_ends_in_an_error_that_names_it(faulty: Faulty) -> None:
    faulty.shop.store = through(faulty.proxy, faulty.shop.store, **IMPATIENT)
    faulty.proxy.set(*AWAY)
    with pytest.raises(StoreUnavailable, match=r"503.*What to do: see whether the store answers"):
        faulty.publish()
    with pytest.raises(StoreUnavailable):
        faulty.shop.store.lakehouse.exists("visits")
    with pytest.raises(StoreUnavailable):
        faulty.shop.store.lakehouse.table_names()
    assert faulty.seen.told() == BEFORE


def test_an_upload_that_never_arrives_is_an_error_and_nothing_is_published(faulty: Faulty) -> None:
    faulty.shop.store = through(faulty.proxy, faulty.shop.store, **IMPATIENT)
    assert not publish_under(faulty, Fault("PUT", DATA, "refuse", times=10_000))


def test_a_commit_that_lands_after_its_writer_gave_up_is_whole(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "AMBIGUOUS_SECONDS", 0.5)
    faulty.proxy.set(Fault("PUT", ENTRY, "hold", times=10_000, seconds=4 * TIMEOUT_SECONDS))
    with pytest.raises(CommitUnknown, match="run this again"):
        faulty.publish()
    assert faulty.seen.told() == BEFORE
    landed_by = time.monotonic() + 10 * TIMEOUT_SECONDS
    while faulty.seen.told() == BEFORE and time.monotonic() < landed_by:
        time.sleep(0.1)
    assert faulty.seen.told() == faulty.net_of_the_change_feed() == AFTER
    faulty.proxy.set()
    faulty.publish()
    assert faulty.seen.told() == faulty.net_of_the_change_feed() == AFTER


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
def test_every_single_request_of_a_publication_may_meet_every_fault(
    proxy: FaultProxy, moto_server: str, engine: DuckDBEngine, tmp_path: Path, fault: str
) -> None:
    undisturbed = with_one_publication(proxy, moto_server, engine, tmp_path)
    proxy.set()
    undisturbed.publish()
    methods = [method for method, *_ in proxy.requests()]
    for number, method in enumerate(methods):
        nth = methods[: number + 1].count(method)
        case = with_one_publication(proxy, moto_server, engine, tmp_path)
        assert publish_under(case, Fault(method, ".", first=nth, **FAULTS[fault])), (number, method)
