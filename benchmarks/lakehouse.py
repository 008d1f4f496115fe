"""What the lakehouse costs: long ranges in one run, publication, many writers, reading few partitions of many."""

import json
import shutil
from pathlib import Path

from benchmarks.fresh_process import run
from benchmarks.lakehouse_leg import LEGS, PUBLICATIONS, ROWS_A_DAY, WRITERS
from benchmarks.report import Section


def measure(scratch: Path) -> Section:
    """Run every leg in a process of its own, on an empty folder."""
    found: dict[str, dict[str, float]] = {}
    for leg in LEGS:
        folder = scratch / "lakehouse" / leg
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        spent, output = run(["-m", "benchmarks.lakehouse_leg", leg, str(folder)])
        found[leg] = {**json.loads(output.strip().splitlines()[-1]), "busy_elsewhere": spent.busy_elsewhere}
        print(f"{leg:15} {spent.seconds:5.1f} s", flush=True)
        shutil.rmtree(folder)
    busy = max(figures["busy_elsewhere"] for figures in found.values())
    return Section(
        title="The lakehouse",
        command="python -m benchmarks lakehouse",
        method=(
            f"A table cut by day, {ROWS_A_DAY:,} rows a day, on the local disk; every leg in a process of its own, the "
            "first use of each package left out. Milliseconds are medians."
        ),
        header=("what", "measured", "beside it"),
        rows=[*_backfills(found), *_reading(found["reading"]), *_writing(found["latency"], found["writers"])],
        notes=[f"Other processes used up to {busy:.0%} of the machine."],
        figures=found,
    )


def _backfills(found: dict[str, dict[str, float]]) -> list[tuple[str, str, str]]:
    rows = []
    for count in (365, 1000):
        figures = found[f"backfill_{count}"]
        beyond = (figures["seconds"] - figures["bare_engine_seconds"]) / count * 1000
        alone = figures["dagster_alone_seconds"] / count * 1000
        rows.append(
            (
                f"{count:,} partitions in one run",
                f"{figures['seconds']:.1f} s; {beyond:.1f} ms a partition beyond the computation",
                f"Dagster alone {alone:.1f} ms a partition; bare engine {figures['bare_engine_seconds']:.2f} s, "
                f"bare Delta write {figures['bare_delta_seconds']:.2f} s",
            )
        )
    return rows


def _reading(figures: dict[str, float]) -> list[tuple[str, str, str]]:
    return [
        (
            "open a table of 1,000 partitions, read one",
            f"{figures['one']:.1f} ms, {figures['one'] - figures['one_bare']:.1f} ms beyond the bare engine",
            f"bare engine {figures['one_bare']:.1f} ms; opening alone {figures['open']:.1f} ms",
        ),
        (
            "the same, read 100 of them",
            f"{figures['hundred']:.1f} ms, {figures['hundred'] / figures['hundred_bare']:.2f} × the bare engine",
            f"bare engine {figures['hundred_bare']:.1f} ms",
        ),
    ]


def _writing(latency: dict[str, float], writers: dict[str, float]) -> list[tuple[str, str, str]]:
    return [
        (
            "publish one partition",
            f"{latency['publish']:.0f} ms",
            f"bare engine writes the file in {latency['bare']:.1f} ms",
        ),
        (
            f"{WRITERS} processes publish {PUBLICATIONS} partitions each to one table",
            f"{writers['together_seconds']:.1f} s, median {writers['median_ms']:.0f} ms, worst "
            f"{writers['worst_ms']:.0f} ms a publication, {writers['lost']:.0f} rows lost",
            f"one process publishes the same in {writers['alone_seconds']:.1f} s",
        ),
    ]
