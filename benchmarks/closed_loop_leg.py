"""One world that `benchmarks.closed_loop` lives through, in a process of its own: `<folder> <drift | quiet>`.

The history is computed as a backfill. The drifting world then comes day by day, with every tick of its sensors and
conditions; the quiet one is asked what its days would have decided. Leaves the story as Parquet.
"""

import json
import shutil
import sys
import time
from pathlib import Path

import dagster as dg

from platform_assets.trained_models.conversion import CONVERSION
from platform_assets_tests.closed_loop import ClosedLoop

DAYS, DRIFT_DAY, HISTORY, BAD_DAY, EVENTS = 120, 60, 48, 55, 1_200_000
FIRST_TRAINED = 49
"""So early the gate may rightly refuse: with so few days and persons one feature ranks as well as 46. Somebody takes
the first model as it is; after that nobody does anything."""
LAST_QUIET_DAY = 111
"""The quiet world goes on so long that more than 60 days follow upon its first champion."""


def main(folder: Path, kind: str) -> None:
    """Live through the world and write down what happened."""
    shutil.rmtree(folder, ignore_errors=True)
    with dg.DagsterInstance.ephemeral() as instance:
        loop = ClosedLoop(folder, CONVERSION, DAYS, EVENTS, DRIFT_DAY if kind == "drift" else None, instance)
        told = live(loop) if kind == "drift" else stay_quiet(loop)
        story = loop.story()
    for name in ("validation", "decisions", "promotions"):
        getattr(story, name).to_parquet(folder / f"{name}.parquet")
    (folder / "told.json").write_text(json.dumps({**told, "failed": loop.failed}), encoding="utf-8")


def live(loop: ClosedLoop) -> dict[str, float | None]:
    """Let every day come after the history; nobody does anything but to plant a bad challenger."""
    loop.backfill(HISTORY)
    seconds, bad = [], None
    for day in range(HISTORY + 1, DAYS):
        began = time.monotonic()
        loop.live(day, day)
        if day == FIRST_TRAINED and loop.registry.champion(CONVERSION.name) is None:
            loop.promote_by_hand()
        if day == BAD_DAY:
            bad = loop.plant_bad_challenger(day)
        seconds.append(time.monotonic() - began)
        print(f"day {day}: {seconds[-1]:.1f} s, failed runs {len(loop.failed)}", file=sys.stderr, flush=True)
    return {"bad_version": bad, "seconds_a_day": sum(seconds) / len(seconds)}


def stay_quiet(loop: ClosedLoop) -> dict[str, float | None]:
    """What 62 days would have decided where nothing changes: trained once, then every table over all of them."""
    loop.backfill(LAST_QUIET_DAY)
    loop.train(FIRST_TRAINED)
    loop.look_back(FIRST_TRAINED + 1, LAST_QUIET_DAY)
    return {"bad_version": None}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
