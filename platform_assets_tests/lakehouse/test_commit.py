"""A commit happens once and as a whole: readers see the version before or after, writers never undo one another."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from deltalake.exceptions import CommitFailedError, DeltaError

from platform_assets_tests.lakehouse.publishing import Shop, visits
from platform_assets_tests.stores import Store, local_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.compute.engine import SliceAudit
from resources.lakehouse import commit
from resources.lakehouse.commit import CommitLost, CommitRefused, CommitUnknown, committed_version
from resources.lakehouse.io_manager import read

WRITERS = 4


class Watched(DuckDBEngine):
    """An engine that looks at something when a result is staged and not yet committed."""

    look: Callable[[], None]

    def audit(self, *args: Any, **kwargs: Any) -> list[SliceAudit]:
        self.look()
        return super().audit(*args, **kwargs)


def test_a_reader_between_staging_and_commit_sees_the_version_before(shop: Shop, tmp_path: Path) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    seen: list[list[tuple]] = []
    watched = Watched(spill_folder=tmp_path / "spill")
    watched.look = lambda: seen.append(shop.told())
    Shop(shop.store, watched).publish(visits(("a", 2, 6)), ["a"])
    assert seen == [[("a", 1, 5)]]
    assert shop.told() == [("a", 2, 6)]


def test_what_is_read_at_a_version_never_changes(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    lakehouse = shop.store.lakehouse
    before = read(lakehouse, shop.engine, lakehouse.snapshot("visits"), None)
    version = lakehouse.snapshot("visits").version
    shop.publish(visits(("a", 2, 6)), ["a"])
    again = read(lakehouse, shop.engine, lakehouse.snapshot("visits", version), None)
    assert [table.visit.to_pyarrow().to_pylist() for table in (before, again)] == [[1], [1]]


def publish_at_once(store: Store, folder: Path, jobs: Sequence[tuple[str, int]]) -> None:
    """Every job is a writer with an engine of its own that publishes one row (shop, visit); all begin together."""
    begin = threading.Barrier(len(jobs))

    def write(job: tuple[str, int]) -> None:
        shop = Shop(store, DuckDBEngine(spill_folder=folder / f"spill-{job[1]}", threads=1))
        result = visits((*job, 0), (job[0], -job[1], -1))
        begin.wait()
        shop.publish(result, [job[0]])

    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(write, jobs))


def test_writers_of_different_partitions_all_survive(store: Store, shop: Shop, tmp_path: Path) -> None:
    jobs = [(f"shop {number}", number) for number in range(1, WRITERS + 1)]
    publish_at_once(store, tmp_path, jobs)
    assert shop.told() == [(*job, 0) for job in jobs]
    assert [row["shop"] for row in shop.quarantined()] == [name for name, _ in jobs]


def test_of_writers_of_one_partition_exactly_one_result_remains(store: Store, shop: Shop, tmp_path: Path) -> None:
    shop.publish(visits(("b", 99, 9)), ["b"])
    publish_at_once(store, tmp_path, [("a", number) for number in range(1, WRITERS + 1)])
    (remaining,) = shop.told(["a"])
    assert remaining[1] in range(1, WRITERS + 1)
    assert shop.told(["b"]) == [("b", 99, 9)]
    assert len(shop.quarantined()) == 1


def failing(times: int, error: Exception, *, committed: bool) -> Callable[..., Any]:
    """A commit whose answer is an error the first `times`, after the commit went through or instead of it."""
    real, left = commit._commit, iter(range(times))

    def attempt(*args: Any) -> Any:
        if next(left, None) is None:
            return real(*args)
        if committed:
            real(*args)
        raise error

    return attempt


LOST = [CommitFailedError("lost reply"), DeltaError("generic"), OSError("connection closed")]


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
def test_a_commit_whose_reply_is_lost_is_not_made_twice(
    shop: Shop, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    before = shop.store.lakehouse.snapshot("visits").version
    monkeypatch.setattr(commit, "_commit", failing(1, error, committed=True))
    publication = shop.publish(visits(("a", 2, 6)), ["a"])
    assert publication.version == before + 1 == shop.store.lakehouse.snapshot("visits").version
    lakehouse = shop.store.lakehouse
    assert committed_version(lakehouse, lakehouse.snapshot("visits"), publication.batch_id) == publication.version
    assert shop.told() == [("a", 2, 6)]


def test_a_commit_whose_reply_is_lost_is_found_behind_another_writers(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    real, left = commit._commit, iter([None])

    def overtaken(*args: Any) -> Any:
        result = real(*args)
        if next(left, "none") is None:
            shop.publish(visits(("b", 3, 7)), ["b"])
            raise CommitFailedError("lost reply")
        return result

    monkeypatch.setattr(commit, "_commit", overtaken)
    before = shop.store.lakehouse.snapshot("visits").version
    assert shop.publish(visits(("a", 2, 6)), ["a"]).version == before + 1
    assert shop.told() == [("a", 2, 6), ("b", 3, 7)]


def test_a_commit_whose_reply_is_lost_is_found_behind_an_entry_that_a_power_cut_left_empty(
    engine: DuckDBEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(local_store(tmp_path), engine)
    shop.publish(visits(("a", 1, 5)), ["a"])
    (tmp_path / "lake" / "visits" / "_delta_log" / f"{1:020}.json").touch()
    monkeypatch.setattr(commit, "_commit", failing(1, OSError("lost reply"), committed=True))
    assert shop.publish(visits(("a", 2, 6)), ["a"]).version == 2
    assert shop.told() == [("a", 2, 6)]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux tells which file is synced")
def test_data_is_synced_before_it_is_committed_and_the_commit_before_it_is_acknowledged(
    engine: DuckDBEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "lake" / "visits" / "_delta_log"
    synced: dict[Path, bool] = {}
    fsync = os.fsync

    def watched(handle: int) -> None:
        fsync(handle)
        synced.setdefault(Path(f"/proc/self/fd/{handle}").readlink(), (log / f"{0:020}.json").exists())

    monkeypatch.setattr(os, "fsync", watched)
    Shop(local_store(tmp_path), engine).publish(visits(("a", 1, 5), ("b", 2, 6)), ["a", "b"])
    files = list((tmp_path / "lake" / "visits").glob("*/*.parquet"))
    assert len(files) == 2
    before_the_commit = {path for path, committed in synced.items() if not committed}
    assert {*files, *(file.parent for file in files), log.parent, log.parent.parent} <= before_the_commit
    assert {log / f"{0:020}.json", log} <= synced.keys()


def test_an_attempt_that_lost_the_race_is_made_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "_commit", failing(3, CommitFailedError("another writer"), committed=False))
    shop.publish(visits(("a", 2, 6)), ["a"])
    assert shop.told() == [("a", 2, 6)]


def test_a_commit_that_never_wins_is_an_error_that_says_what_to_do(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    monkeypatch.setattr(commit, "COMMIT_ATTEMPTS", 2)
    monkeypatch.setattr(commit, "_commit", failing(9, CommitFailedError("another writer"), committed=False))
    with pytest.raises(CommitLost, match="one writer at a time"):
        shop.publish(visits(("a", 2, 6)), ["a"])
    assert shop.told() == [("a", 1, 5)]


def test_an_error_of_the_disk_ends_the_run_and_leaves_nothing_behind(
    engine: DuckDBEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(local_store(tmp_path), engine)
    shop.publish(visits(("a", 1, 5)), ["a"])
    monkeypatch.setattr(commit, "_commit", failing(1, OSError("input/output error"), committed=False))
    with pytest.raises(CommitRefused, match="input/output error"):
        shop.publish(visits(("a", 2, 6)), ["a"])
    assert shop.told() == [("a", 1, 5)]
    assert len(list((tmp_path / "lake").rglob("*.parquet"))) == 1


@pytest.mark.parametrize("store", ["s3"], indirect=True)
def test_a_remote_store_that_gives_an_error_is_asked_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    monkeypatch.setattr(commit, "_commit", failing(2, OSError("connection closed"), committed=False))
    shop.publish(visits(("a", 2, 6)), ["a"])
    assert shop.told() == [("a", 2, 6)]


@pytest.mark.parametrize("store", ["s3"], indirect=True)
def test_a_remote_store_that_stays_silent_leaves_the_commit_unknown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    monkeypatch.setattr(commit, "AMBIGUOUS_SECONDS", 0.01)
    monkeypatch.setattr(commit, "_commit", failing(9, OSError("connection closed"), committed=False))
    with pytest.raises(CommitUnknown, match="run this again"):
        shop.publish(visits(("a", 2, 6)), ["a"])


def test_the_log_holds_no_values_of_the_rows(shop: Shop) -> None:
    shop.publish(visits(("a", 8_191_519, 7_272_727)), ["a"])
    actions = shop.store.lakehouse.snapshot("visits").delta.get_add_actions(flatten=True)
    assert not {"8191519", "7272727"} & {str(value) for column in actions.columns for value in column.to_pylist()}
