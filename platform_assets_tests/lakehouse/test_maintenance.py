"""Tables stay small and quick to open, and no version that is still promised or still read loses a file."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets_tests.lakehouse.publishing import Shop, visits
from platform_assets_tests.stores import local_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.compute.engine import PUBLISH
from resources.lakehouse.commit import commit_files
from resources.lakehouse.compaction import CompactionWouldChangeRows, compact, fragments
from resources.lakehouse.data_files import put_beside_table
from resources.lakehouse.io_manager import read
from resources.lakehouse.maintenance import COMMITS_PER_CHECKPOINT, TableUpkeep, maintain_table
from resources.lakehouse.sweeping import Horizon, horizon, stale_staging, sweep_staging, sweepings
from resources.lakehouse.table_folder import TableFolder
from resources.lakehouse.tables import SnapshotExpired

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
FAR_FUTURE = datetime(2126, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=30)


@pytest.fixture
def engine(tmp_path: Path) -> DuckDBEngine:
    """The engine that maintenance uses: one thread, so one file a slice."""
    return DuckDBEngine(spill_folder=tmp_path / "spill", threads=1)


def put(shop: Shop, batch: str, *rows: tuple, commit: bool = True) -> None:
    """Add a file to the slice of every shop in `rows`; without a commit it is what a killed publication leaves."""
    expression = visits(*rows).drop("reject_reason").mutate(outcome=ibis.literal(PUBLISH))
    staged = shop.engine.stage(expression, "shop", shop.store.staging / batch)
    added = put_beside_table(shop.store.lakehouse, "visits", staged, "shop", batch)
    if commit:
        commit_files(
            shop.store.lakehouse, "visits", added=added, removed=lambda snapshot: [], batch_id=batch, metadata={}
        )


def maintain(shop: Shop, until: datetime = FAR_FUTURE, **options: Any) -> TableUpkeep:
    return maintain_table(
        shop.store.lakehouse, shop.engine, "visits", shop.store.staging, Horizon(until, "the test says so"), **options
    )


def stored(shop: Shop) -> set[str]:
    """Data files that lie in the table's folder."""
    return {file.path for file in TableFolder(shop.store.lakehouse, "visits").files() if file.is_data}


def live(shop: Shop) -> set[str]:
    return {file.path for file in shop.store.lakehouse.snapshot("visits").files}


def told_at(shop: Shop, version: int) -> list[tuple]:
    table = read(shop.store.lakehouse, shop.engine, shop.store.lakehouse.snapshot("visits", version), None)
    return sorted((row["shop"], row["visit"], row["spent"]) for row in table.to_pyarrow().to_pylist())


def test_small_files_of_a_slice_become_one_with_the_same_rows(shop: Shop) -> None:
    shop.publish(visits(("a/b %é", 1, 5), ("b", 2, 6)), ["a/b %é", "b"])
    for number in range(3):
        put(shop, f"small{number}", ("a/b %é", 10 + number, None))
    before = shop.told()
    done = maintain(shop, until=NOW - 1000 * MONTH)
    assert (done.live_files_before, done.live_files) == (5, 2)
    assert shop.told() == before
    assert len(before) == 5


def test_the_change_feed_does_not_show_a_compaction(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    put(shop, "small", ("a", 2, 6))
    lakehouse = shop.store.lakehouse
    feed = pa.table(lakehouse.snapshot("visits").delta.load_cdf(starting_version=0).read_all())
    maintain(shop, until=NOW - 1000 * MONTH)
    assert lakehouse.snapshot("visits").delta.history(1)[0]["reason"] == "compaction"
    after = pa.table(lakehouse.snapshot("visits").delta.load_cdf(starting_version=0).read_all())
    assert after.num_rows == feed.num_rows == 2


def test_files_are_joined_up_to_the_target_size_and_a_second_time_nothing_is_left_to_do(shop: Shop) -> None:
    shop.publish(visits(("a", 0, 5)), ["a"])
    for number in range(1, 5):
        put(shop, f"small{number}", ("a", number, 5))
    lakehouse, before = shop.store.lakehouse, shop.told()
    two_files = 2 * max(file.bytes for file in lakehouse.snapshot("visits").files) + 1
    compact(lakehouse, shop.engine, "visits", shop.store.staging, two_files)
    assert (len(live(shop)), shop.told()) == (3, before)
    compact(lakehouse, shop.engine, "visits", shop.store.staging)
    version = lakehouse.snapshot("visits").version
    compact(lakehouse, shop.engine, "visits", shop.store.staging)
    assert (len(live(shop)), lakehouse.snapshot("visits").version) == (1, version)


class Interrupted(DuckDBEngine):
    """An engine during whose first rewriting something else happens."""

    meanwhile: Callable[[], None] | None = None

    def stage(self, *args: Any) -> Any:
        staged = super().stage(*args)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return staged


def test_whoever_publishes_during_a_compaction_wins(shop: Shop, tmp_path: Path) -> None:
    shop.publish(visits(("a", 1, 5), ("b", 1, 5)), ["a", "b"])
    put(shop, "small", ("a", 2, 6), ("b", 2, 6))
    interrupted = Interrupted(spill_folder=tmp_path / "other", threads=1)
    interrupted.meanwhile = lambda: shop.publish(visits(("a", 7, 7)), ["a"]) and None
    compact(shop.store.lakehouse, interrupted, "visits", shop.store.staging)
    assert shop.told() == [("a", 7, 7), ("b", 1, 5), ("b", 2, 6)]
    assert len(live(shop)) == 2
    maintain(shop)
    assert stored(shop) == live(shop)


def test_a_compaction_that_would_change_rows_commits_nothing(shop: Shop, tmp_path: Path) -> None:
    class Losing(DuckDBEngine):
        def stage(self, expression: Any, *args: Any) -> Any:
            return super().stage(expression.filter(expression.visit > 1), *args)

    shop.publish(visits(("a", 1, 5)), ["a"])
    put(shop, "small", ("a", 2, 6))
    with pytest.raises(CompactionWouldChangeRows, match="partition a"):
        compact(shop.store.lakehouse, Losing(spill_folder=tmp_path / "l", threads=1), "visits", shop.store.staging)
    assert shop.told() == [("a", 1, 5), ("a", 2, 6)]


def test_a_read_that_began_before_maintenance_ends_after_it_with_its_own_rows(tmp_path: Path) -> None:
    rows = 300_000
    shop = Shop(local_store(tmp_path), DuckDBEngine(spill_folder=tmp_path / "spill", threads=1))
    numbers = ibis.range(0, rows).unnest().cast("int64")
    shop.publish(visits(("a", 0, 0)).select("shop", "spent", "reject_reason", visit=numbers), ["a"])
    put(shop, "small", ("a", rows, 1))
    reader_began = datetime.now(UTC)
    table = read(shop.store.lakehouse, shop.engine, shop.store.lakehouse.snapshot("visits"), None)
    batches = table.visit.name("visit").as_table().to_pyarrow_batches(chunk_size=1000)
    first = batches.read_next_batch()
    shop_of_another = Shop(shop.store, DuckDBEngine(spill_folder=tmp_path / "other", threads=1))
    shop_of_another.publish(visits(("a", 7, 7)), ["a"])
    maintain(shop_of_another, until=horizon(datetime.now(UTC) + 2 * MONTH, MONTH, reader_began).instant)
    assert first.num_rows + sum(batch.num_rows for batch in batches) == rows + 1
    assert table.count().to_pyarrow().as_py() == rows + 1
    assert shop.told() == [("a", 7, 7)]


def test_versions_within_the_retention_stay_and_older_ones_say_that_they_are_gone(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5), ("b", 1, 1)), ["a", "b"])
    shop.publish(visits(("a", 2, 6)), ["a"])
    second, instant = shop.store.lakehouse.snapshot("visits").version, datetime.now(UTC)
    shop.publish(visits(("a", 3, 7)), ["a"])
    done = maintain(shop, until=instant)
    assert (done.expired_files, done.stored_files, done.live_files) == (1, 3, 2)
    assert told_at(shop, second) == [("a", 2, 6), ("b", 1, 1)]
    with pytest.raises(SnapshotExpired, match="PLATFORM_RETENTION_DAYS"):
        told_at(shop, second - 1)
    lakehouse = shop.store.lakehouse
    kept = read(lakehouse, shop.engine, lakehouse.snapshot("visits", second - 1), ["b"])
    assert kept.visit.to_pyarrow().to_pylist() == [1]


def test_orphans_are_swept_once_they_are_older_than_the_horizon(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    put(shop, "dead", ("a", 8, 8), commit=False)
    filesystem, root = shop.store.lakehouse.filesystem()
    leftovers = ["shop=a/part-00000-killed.parquet#1"]
    if shop.store.lakehouse.is_local:  # the log of an object store knows no temporary files
        leftovers.append("_delta_log/00000000000000000009.json#3")
    for path in leftovers:
        with filesystem.open_output_stream(f"{root}/visits/{path}") as stream:
            stream.write(b"half")
    assert sweepings(shop.store.lakehouse, "visits", NOW - 1000 * MONTH).files == ()
    done = maintain(shop)
    assert (done.orphans, done.expired_files) == (1 + len(leftovers), 0)
    assert stored(shop) == live(shop)
    assert not {file.path for file in TableFolder(shop.store.lakehouse, "visits").files()} & set(leftovers)
    assert shop.told() == [("a", 1, 5)]


def test_a_dry_run_tells_what_would_be_done_and_does_nothing(shop: Shop) -> None:
    shop.publish(visits(("a", 1, 5)), ["a"])
    shop.publish(visits(("a", 2, 6)), ["a"])
    put(shop, "small", ("a", 3, 7))
    put(shop, "dead", ("a", 8, 8), commit=False)
    folder = TableFolder(shop.store.lakehouse, "visits")
    before = folder.files()
    told = maintain(shop, dry_run=True)
    assert (told.expired_files, told.orphans, told.live_files_before, told.live_files) == (1, 1, 2, 1)
    assert folder.files() == before


def test_a_checkpoint_is_written_once_many_commits_follow_the_last(tmp_path: Path, engine: DuckDBEngine) -> None:
    store = local_store(tmp_path)
    shop = Shop(store, engine)
    shop.publish(visits(("a", 0, 0)), ["a"])
    for number in range(COMMITS_PER_CHECKPOINT - 2):
        put(shop, f"small{number}", ("a", 1 + number, 1))
    assert maintain(shop, dry_run=True).checkpoint is False
    assert maintain(shop).checkpoint is True  # the compaction's commit was the one that was missing
    assert maintain(shop).checkpoint is False
    assert TableFolder(store.lakehouse, "visits").last_checkpoint() == store.lakehouse.snapshot("visits").version
    assert len(shop.told()) == COMMITS_PER_CHECKPOINT - 1


@pytest.mark.parametrize(
    ("retention", "oldest_run", "expected"),
    [
        (MONTH, None, NOW - MONTH),
        (MONTH, NOW - timedelta(hours=1), NOW - MONTH),
        (MONTH, NOW - 2 * MONTH, NOW - 2 * MONTH),
        (timedelta(0), None, NOW - timedelta(days=1)),
    ],
    ids=["retention", "a young run", "a run older than the retention", "never less than a day"],
)
def test_the_horizon_lies_before_everything_that_is_promised_or_read(
    retention: timedelta, oldest_run: datetime | None, expected: datetime
) -> None:
    assert horizon(NOW, retention, oldest_run).instant == expected


def test_only_what_dead_publications_left_in_staging_goes(tmp_path: Path) -> None:
    for name, age in {"dead-1": 3 * MONTH, "live-2": timedelta(minutes=1), "spill/old.tmp": 3 * MONTH}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if "spill" not in name:
            (path / "outcome=publish").mkdir(parents=True)
            path = path / "outcome=publish" / "data_0.parquet"
        path.write_bytes(b"rows")
        for each in (path, *path.parents[: len(path.relative_to(tmp_path).parts) - 1]):
            os.utime(each, times=((NOW - age).timestamp(),) * 2)
    gone = stale_staging(tmp_path, NOW - MONTH)
    assert [path.relative_to(tmp_path).as_posix() for path in gone] == ["dead-1", "spill/old.tmp"]
    assert sweep_staging(gone) == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["live-2", "spill"]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.sampled_from("ab"), st.integers(0, 3)),
        st.tuples(st.just("append"), st.sampled_from("ab"), st.integers(1, 2)),
        st.tuples(st.just("crash"), st.sampled_from("ab"), st.integers(1, 2)),
        st.tuples(st.just("compact"), st.just(""), st.just(0)),
        st.tuples(st.just("sweep"), st.just(""), st.integers(0, 6)),
    ),
    min_size=3,
    max_size=9,
)


@pytest.mark.parametrize("examples", [12, pytest.param(400, marks=pytest.mark.long)])
def test_latest_and_promised_versions_read_the_same_whatever_happened(
    examples: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(steps=STEPS)
    def whatever_happened(steps: Sequence[tuple[str, str, int]]) -> None:
        folder = tmp_path_factory.mktemp("history")
        run_history(Shop(local_store(folder), DuckDBEngine(spill_folder=folder / "spill", threads=1)), steps)

    whatever_happened()


def test_the_same_on_every_store(shop: Shop) -> None:
    publications = [("publish", "a", 2), ("append", "a", 1), ("crash", "b", 1), ("publish", "b", 1)]
    run_history(shop, [*publications, ("compact", "", 0), ("publish", "a", 1), ("sweep", "", 3), ("append", "a", 2)])


def run_history(shop: Shop, steps: Sequence[tuple[str, str, int]]) -> None:
    """Take steps, then compare with a plain account: for every version its rows, and until when it was the latest."""
    account: list[tuple[int, datetime, list[tuple]]] = []
    rows: dict[str, list[tuple]] = {"a": [], "b": []}
    oldest_promised = 0

    def note() -> None:
        now_rows = sorted(row for own in rows.values() for row in own)
        account.append((shop.store.lakehouse.snapshot("visits").version, datetime.now(UTC), now_rows))

    shop.publish(visits(("a", -1, 0)), ["a"])
    rows["a"] = [("a", -1, 0)]
    note()
    for number, (step, where, count) in enumerate(steps):
        new = [(where, 10 * number + each, number) for each in range(count)]
        if step == "publish":
            shop.publish(visits(*new), [where], allow_emptying=True)
            rows[where] = new
        elif step == "append":
            put(shop, f"batch{number}", *new)
            rows[where] = rows[where] + new
        elif step == "crash":
            put(shop, f"batch{number}", *new, commit=False)
        elif step == "compact":
            compact(shop.store.lakehouse, shop.engine, "visits", shop.store.staging)
        else:
            version, instant, _ = account[min(count, len(account) - 1)]
            maintain(shop, until=instant)
            oldest_promised = max(oldest_promised, version)
        note()
    for version, _, expected in account:
        if version >= oldest_promised:
            assert told_at(shop, version) == expected
    maintain(shop)
    assert stored(shop) == live(shop)
    assert not fragments(shop.store.lakehouse.snapshot("visits"))
    assert shop.told() == account[-1][2]
