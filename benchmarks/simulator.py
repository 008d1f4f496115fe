"""Events a second of the simulator at one million events."""

import shutil
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median

from benchmarks.fresh_process import run
from benchmarks.report import Section

FIRST_DAY = date(2026, 1, 5)
SEED = 7
EVENTS, DAYS, REPETITIONS = 1_000_000, 60, 3


def measure(scratch: Path) -> Section:
    """Simulate the demo's world into an empty folder, each time in a fresh process."""
    runs = []
    for _ in range(REPETITIONS):
        folder = scratch / "simulator"
        shutil.rmtree(folder, ignore_errors=True)
        spent, output = run(["-m", "benchmarks.simulator", str(folder), str(EVENTS), str(DAYS)])
        events, seconds = map(float, output.split()[-2:])
        runs.append((events / seconds, events / spent.cpu_seconds, spent.peak_megabytes))
        shutil.rmtree(folder)
    per_second, per_cpu_second, peak = (median(values) for values in zip(*runs, strict=True))
    return Section(
        title="Simulator",
        command="python -m benchmarks simulator",
        method=(
            f"The demo world with {EVENTS:,} events on {DAYS} days, written to an empty folder with its truth tables; "
            f"median of {REPETITIONS} fresh processes. The clock starts after the imports; CPU seconds are those of "
            "the whole process."
        ),
        header=("events a second", "events a CPU second", "peak MB"),
        rows=[(f"{per_second:,.0f}", f"{per_cpu_second:,.0f}", f"{peak:,.0f}")],
        figures={
            "events_per_second": per_second,
            "events_per_cpu_second": per_cpu_second,
            "peak_megabytes": peak,
        },
    )


def simulated_world(folder: Path, events: int, days: int) -> Path:
    """The landing zone of a simulated world, made unless it is there."""
    world = folder / f"{events}-events-{days}-days"
    if not (world / "complete").exists():
        print(f"simulating {events:,} events", flush=True)
        run(["-m", "benchmarks.simulator", str(world), str(events), str(days)])
        (world / "complete").touch()
    return world / "landing"


def main(folder: Path, events: int, days: int) -> None:
    """Simulate, and print how many events arrived in how many seconds."""
    from platform_assets.demo import simulate

    began = time.monotonic()
    summary = simulate(folder / "landing", first_day=FIRST_DAY, days=days, events=events, seed=SEED)
    print(summary.events, time.monotonic() - began)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
