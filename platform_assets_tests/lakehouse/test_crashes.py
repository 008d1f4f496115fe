"""A publisher may be killed at any instant: what it acknowledged is there once, what it didn't is there as a whole or
not at all, and the next publication of the same partition mends everything."""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from platform_assets_tests.lakehouse.bare_reading import batch_ids, feed_is_exact, published, quarantined
from platform_assets_tests.lakehouse.publishers import (
    Batch,
    Publishers,
    batch,
    publish_again_and_again,
    publish_batch,
    publish_until_step,
)
from resources.compute.duckdb_engine import DuckDBEngine

SEED = 20261120
BOTH = ("north", "south")


# Killed at every step.


def every_step(steps: Sequence[str]) -> list[int]:
    return list(range(len(steps)))


def steps_between_writes(steps: Sequence[str]) -> list[int]:
    """Where a function that writes to the lake begins, and where it goes on after it called another one."""
    writing = {"data_files._move", "disk.sync", "commit.commit_files", "commit._commit", "commit._create"}
    writing |= {"commit._durable", "replacement.replace_slices", "quarantine.publish_quarantine"}
    before = ["", *steps]
    return [step for step, name in enumerate(steps) if name in writing and name != before[step]] + [len(steps) - 1]


def steps_of_commits(steps: Sequence[str]) -> list[int]:
    """The same, of the two commits only."""
    return [step for step in steps_between_writes(steps) if steps[step].startswith("commit.")]


EVERY_LINE = pytest.param(every_step, id="every line", marks=pytest.mark.long)
STEPS = [pytest.param(steps_between_writes, id="between writes"), EVERY_LINE]
FIRST_STEPS = [pytest.param(steps_of_commits, id="around commits"), EVERY_LINE]


@pytest.mark.parametrize("choose", STEPS)
def test_killed_at_a_step_leaves_the_state_before_or_after_and_a_rerun_heals(
    publishers: Publishers, engine: DuckDBEngine, tmp_path: Path, choose: Callable[[Sequence[str]], list[int]]
) -> None:
    what = {"table": "visits", "shops": BOTH, "full": True}
    assert publishers.wait(publishers.start(publish_until_step, tmp_path, number=0, step=-1, **what)) == 0
    assert publishers.wait(publishers.start(publish_until_step, tmp_path, number=1, step=-1, **what)) == 0
    steps = json.loads((tmp_path / "steps").read_text())
    before, torn = batch(1, **what), set()
    for step in choose(steps):
        after = batch(before.number + 1, **what)
        pid = publishers.start(publish_until_step, tmp_path, number=after.number, step=step, **what)
        assert publishers.wait(pid) == -signal.SIGKILL
        table, quarantine = published(tmp_path, "visits", BOTH), quarantined(tmp_path, "visits", BOTH)
        assert table in (before.good, after.good), f"killed at {step}: {steps[step]}"
        assert quarantine == after.rejected or (quarantine, table) == (before.rejected, before.good)
        torn.add((table == after.good, quarantine == after.rejected))
        publish_batch(tmp_path, after, engine)
        assert (published(tmp_path, "visits", BOTH), quarantined(tmp_path, "visits", BOTH)) == (
            after.good,
            after.rejected,
        )
        before = after
    assert torn == {(False, False), (False, True), (True, True)}
    for name in ("visits", "visits_quarantine"):
        assert feed_is_exact(tmp_path / "lake", name)


@pytest.mark.parametrize("choose", FIRST_STEPS)
def test_killed_at_a_step_of_the_first_publication_leaves_no_table_or_the_whole_one(
    publishers: Publishers, engine: DuckDBEngine, tmp_path: Path, choose: Callable[[Sequence[str]], list[int]]
) -> None:
    what = {"table": "visits", "shops": BOTH, "full": True}
    first = batch(1, **what)
    assert publishers.wait(publishers.start(publish_until_step, tmp_path, number=1, step=-1, **what)) == 0
    steps = json.loads((tmp_path / "steps").read_text())
    for step in choose(steps):
        folder = tmp_path / str(step)
        folder.mkdir()
        pid = publishers.start(publish_until_step, folder, number=1, step=step, **what)
        assert publishers.wait(pid) == -signal.SIGKILL
        exists = (folder / "lake" / "visits" / "_delta_log" / f"{0:020}.json").exists()
        assert published(folder, "visits", BOTH) == (first.good if exists else [])
        assert quarantined(folder, "visits", BOTH) in ([], first.rejected)
        publish_batch(folder, first, engine)
        assert (published(folder, "visits", BOTH), quarantined(folder, "visits", BOTH)) == (first.good, first.rejected)
        assert feed_is_exact(folder / "lake", "visits")


# Killed at random instants.


@dataclass
class Lane:
    """One partition and its publisher, the only one of this partition. What it may hold is known by batch numbers."""

    table: str
    shops: tuple[str, ...]
    number: int = 0
    table_may_hold: set[int] = field(default_factory=lambda: {0})
    quarantine_may_hold: set[int] = field(default_factory=lambda: {0})
    acknowledged: dict[str, int] = field(default_factory=dict)
    kills: int = 0

    def batch(self, number: int) -> Batch:
        return batch(number, self.table, self.shops) if number else Batch(0, self.table, self.shops, [], [])

    def start(self, publishers: Publishers, folder: Path) -> int:
        arguments = {"first": self.number + 1, "count": 10**6, "table": self.table, "shops": self.shops}
        return publishers.start(publish_again_and_again, folder, **arguments)

    def look(self, folder: Path, pid: int) -> None:
        """After the publisher was killed: the partition holds the last acknowledged batch, or the one in flight."""
        self.kills += 1
        acks = folder / f"acks-{pid}"
        lines = [line.split() for line in acks.read_text().splitlines()] if acks.exists() else []
        self.acknowledged |= {batch_id: int(version) for _, batch_id, version in lines}
        if lines:
            self.number = int(lines[-1][0])
            self.table_may_hold, self.quarantine_may_hold = {self.number}, {self.number}
        self.number += 1
        table, quarantine = published(folder, self.table, self.shops), quarantined(folder, self.table, self.shops)
        in_table = {n for n in self.table_may_hold | {self.number} if self.batch(n).good == table}
        in_quarantine = {n for n in self.quarantine_may_hold | {self.number} if self.batch(n).rejected == quarantine}
        assert in_table, f"{self} holds {table}"
        assert in_quarantine, f"the quarantine of {self} holds {quarantine}"
        assert max(in_quarantine) >= min(in_table), f"{self}: the quarantine is behind its table"
        self.table_may_hold, self.quarantine_may_hold = in_table, in_quarantine


KILLS = [pytest.param(102, id="102 kills"), pytest.param(1020, id="1020 kills", marks=pytest.mark.long)]
KILLS_OF_A_LAKE = 102


@pytest.mark.parametrize("kills", KILLS)
def test_killed_at_random_instants_loses_and_doubles_nothing(
    publishers: Publishers, engine: DuckDBEngine, tmp_path: Path, kills: int
) -> None:
    dice = random.Random(SEED)
    made = 0
    for lake in range(kills // KILLS_OF_A_LAKE):
        folder = tmp_path / str(lake)
        folder.mkdir()
        made += kill_again_and_again(publishers, engine, folder, KILLS_OF_A_LAKE, dice)
    assert made == kills


def kill_again_and_again(
    publishers: Publishers, engine: DuckDBEngine, folder: Path, kills: int, dice: random.Random
) -> int:
    """Three publishers run at the same time, each is killed at an instant of its own and follows itself."""
    lanes = [Lane("visits", ("north",)), Lane("visits", ("south",)), Lane("purchases", ("east", "west"))]
    longest = 0.05
    while sum(lane.kills for lane in lanes) < kills:
        began = time.monotonic()
        running = [lane.start(publishers, folder) for lane in lanes]
        instants = sorted((began + dice.uniform(0, longest), pid) for pid in running)
        for instant, pid in instants:
            time.sleep(max(0.0, instant - time.monotonic()))
            os.kill(pid, signal.SIGKILL)
        for lane, pid in zip(lanes, running, strict=True):
            assert publishers.wait(pid) == -signal.SIGKILL
            lane.look(folder, pid)
        if not all(lane.acknowledged for lane in lanes):
            longest *= 1.5
    for table in ("visits", "purchases"):
        look_at_all(folder, table, [lane for lane in lanes if lane.table == table])
    for lane in lanes:
        last = lane.batch(lane.number + 1)
        publish_batch(folder, last, engine)
        assert published(folder, lane.table, lane.shops) == last.good
        assert quarantined(folder, lane.table, lane.shops) == last.rejected
    return sum(lane.kills for lane in lanes)


def look_at_all(folder: Path, table: str, lanes: Sequence[Lane]) -> None:
    committed = batch_ids(folder / "lake", table)
    assert len(committed) == len(set(committed)), "a batch was committed twice"
    acknowledged = {batch_id: version for lane in lanes for batch_id, version in lane.acknowledged.items()}
    assert acknowledged.items() <= {batch_id: version for version, batch_id in enumerate(committed)}.items()
    assert len(acknowledged) > 0
    assert len(committed) - len(acknowledged) <= sum(lane.kills for lane in lanes)
    for name in (table, f"{table}_quarantine"):
        assert feed_is_exact(folder / "lake", name)
