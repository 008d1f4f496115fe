"""Several processes publish to one table at the same time: no publication is lost, none is mixed with another."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from platform_assets_tests.lakehouse.bare_reading import batch_ids, feed_is_exact, published, quarantined
from platform_assets_tests.lakehouse.publishers import Publishers, batch, publish_again_and_again

ROUNDS = 5
WRITERS = [f"shop {number}" for number in range(8)]
BATCHES = [pytest.param(4, id="4 each"), pytest.param(60, id="60 each", marks=pytest.mark.long)]


def publish_at_once(publishers: Publishers, folder: Path, jobs: Sequence[dict]) -> list[int]:
    return [publishers.start(publish_again_and_again, folder, table="visits", full=True, **job) for job in jobs]


def test_of_two_processes_on_one_partition_one_result_remains_whole(publishers: Publishers, tmp_path: Path) -> None:
    for number in range(1, 2 * ROUNDS, 2):
        two = [number, number + 1]
        jobs = [{"first": one, "count": 1, "shops": ["north"]} for one in two]
        assert [publishers.wait(pid) for pid in publish_at_once(publishers, tmp_path, jobs)] == [0, 0]
        batches = [batch(one, "visits", ["north"], full=True) for one in two]
        assert published(tmp_path, "visits", ["north"]) in [one.good for one in batches]
        assert quarantined(tmp_path, "visits", ["north"]) in [one.rejected for one in batches]
    for table in ("visits", "visits_quarantine"):
        assert len(set(batch_ids(tmp_path / "lake", table))) == 2 * ROUNDS
        assert feed_is_exact(tmp_path / "lake", table)


@pytest.mark.parametrize("count", BATCHES)
def test_of_eight_processes_on_partitions_of_their_own_nothing_is_lost_and_readers_see_whole_publications(
    publishers: Publishers, tmp_path: Path, count: int
) -> None:
    jobs = [{"first": 1, "count": count, "shops": [shop]} for shop in WRITERS]
    running = publish_at_once(publishers, tmp_path, jobs)
    seen = 0
    while not all(publishers.has_ended(pid) for pid in running):
        seen += read_whole_publications(tmp_path)
    assert [publishers.wait(pid) for pid in running] == [0] * len(WRITERS)
    assert seen > 0
    for shop in WRITERS:
        last = batch(count, "visits", [shop], full=True)
        assert (published(tmp_path, "visits", [shop]), quarantined(tmp_path, "visits", [shop])) == (
            last.good,
            last.rejected,
        )
    for table in ("visits", "visits_quarantine"):
        assert (
            len(set(batch_ids(tmp_path / "lake", table)))
            == len(WRITERS) * count
            == len(batch_ids(tmp_path / "lake", table))
        )
        assert feed_is_exact(tmp_path / "lake", table)


def read_whole_publications(folder: Path) -> int:
    """Read the table once; every partition must hold all rows of one batch. How many partitions there were."""
    if not (folder / "lake" / "visits" / "_delta_log" / f"{0:020}.json").exists():
        return 0
    table = DeltaTable(str(folder / "lake" / "visits")).to_pyarrow_table()
    shops = pc.unique(table["shop"]).to_pylist()
    for shop in shops:
        rows = [row for row in table.to_pylist() if row["shop"] == shop]
        assert (
            sorted((row["shop"], row["visit"], row["spent"]) for row in rows)
            == batch(rows[0]["spent"], "visits", [shop], full=True).good
        )
    return len(shops)
