"""A publication that meets a full disk, told as JSON: `python -m ...full_disk <small disk> <folder elsewhere>`.

The small disk gets full while the result is staged, while data files are moved beside the table, or when the log's
entry is written; then there is room again and the same is published once more.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from platform_assets_tests.lakehouse.bare_reading import feed_is_exact, published, quarantined
from platform_assets_tests.lakehouse.publishers import batch, publish_batch
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse import commit, replacement
from resources.lakehouse.disk import DiskFull

STEPS = ("staging", "moving", "log of the quarantine", "log of the table")
SHOPS = ["north", "south"]


def fill(disk: Path) -> None:
    with (disk / "filler").open("ab", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            return


def fill_before(disk: Path, call: Callable[..., Any], turn: int = 1) -> Callable[..., Any]:
    """A function that fills the disk before its call number `turn`."""
    calls = iter(range(1, 100))

    def filled(*args: Any) -> Any:
        if next(calls) == turn:
            fill(disk)
        return call(*args)

    return filled


def publish_into_full(disk: Path, folder: Path, step: str) -> dict[str, Any]:
    """What the publisher was told, what was left then, and what the same publication gave when there was room again."""
    engine = DuckDBEngine(spill_folder=folder / "spill", threads=1)
    before, after = (batch(number, "visits", SHOPS, full=True) for number in (1, 2))
    publish_batch(folder, before, engine)
    write_log, move = commit._commit, replacement.put_beside_table
    if step == "staging":
        fill(disk)
    elif step == "moving":
        replacement.put_beside_table = fill_before(disk, move)
    else:
        commit._commit = fill_before(disk, write_log, 1 if step == "log of the quarantine" else 2)
    told = ""
    try:
        publish_batch(folder, after, engine)
    except DiskFull as error:
        told = str(error)
    left = published(folder, "visits", SHOPS), quarantined(folder, "visits", SHOPS)
    files = len(list((folder / "lake").glob("visits/*/part-*")))
    (disk / "filler").unlink()
    commit._commit, replacement.put_beside_table = write_log, move
    publish_batch(folder, after, engine)
    return {
        "told": told,
        "table": {str(before.good): "before", str(after.good): "after"}.get(str(left[0])),
        "quarantine": {str(before.rejected): "before", str(after.rejected): "after"}.get(str(left[1])),
        "data files": files,
        "then table": published(folder, "visits", SHOPS) == after.good,
        "then quarantine": quarantined(folder, "visits", SHOPS) == after.rejected,
        "then change feed": all(feed_is_exact(folder / "lake", name) for name in ("visits", "visits_quarantine")),
    }


def main(disk: Path, elsewhere: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for step in STEPS:
        lake, folder = disk / step, elsewhere / step
        lake.mkdir()
        folder.mkdir()
        if step == "staging":
            found[step] = publish_into_full(disk, lake, step)
        else:  # where staging lies on another disk, moving a file copies it
            (folder / "lake").symlink_to(lake)
            found[step] = publish_into_full(disk, folder, step)
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))), flush=True)
    os._exit(0)  # after a failed write delta-rs may abort the interpreter at its end
