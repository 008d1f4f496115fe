"""One world that `benchmarks.closed_loop` lives through, in a process of its own: `<folder> <drift | quiet>`.

The history is computed as a backfill, then the days come one by one. Prints a line a day, leaves the story as Parquet.
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
LAST_QUIET_DAY = 112
"""The quiet world goes on so long that 60 days follow upon its first champions."""


def main(folder: Path, kind: str) -> None:
    """Live through the world and write down what happened."""
    shutil.rmtree(folder, ignore_errors=True)
    drifts, last = kind == "drift", DAYS - 1 if kind == "drift" else LAST_QUIET_DAY
    with dg.DagsterInstance.ephemeral() as instance:
        loop = ClosedLoop(folder, CONVERSION, DAYS, EVENTS, DRIFT_DAY if drifts else None, instance)
        loop.backfill(HISTORY)
        seconds, bad = [], None
        for day in range(HISTORY + 1, last + 1):
            began = time.monotonic()
            loop.live(day, day)
            if day == FIRST_TRAINED and loop.registry.champion(CONVERSION.name) is None:
                loop.promote_by_hand()
            if drifts and day == BAD_DAY:
                bad = loop.plant_bad_challenger(day)
            seconds.append(time.monotonic() - began)
            print(f"{kind} day {day}: {seconds[-1]:.1f} s, failed runs {len(loop.failed)}", file=sys.stderr, flush=True)
        story = loop.story()
        for name in ("validation", "decisions", "promotions"):
            getattr(story, name).to_parquet(folder / f"{name}.parquet")
    told = {"failed": loop.failed, "bad_version": bad, "seconds_a_day": sum(seconds) / len(seconds)}
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
