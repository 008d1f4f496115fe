"""Landed files → raw table → events: the platform against bare DuckDB doing the same SQL on the same files."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.fresh_process import Spent, middle, run
from benchmarks.report import Section
from benchmarks.simulator import simulated_world

DAYS = 30
STEPS = {"raw": "files → raw table", "events": "raw table → events", "both": "both steps"}
LEGS = {
    "bare": "bare DuckDB → Parquet",
    "published": "platform, computed and published",
    "full": "platform in full",
}
METHOD = f"""\
The same simulated gzip JSON lines, {DAYS} landing days in two or three files each, go through three legs:

- **bare DuckDB → Parquet**: the platform's own SQL as Ibis compiles it, by DuckDB alone: its fastest reader (which
  does not number lines), its own writer (snappy, partitioned). Identifiers are not hashed, rejected rows are left out,
  nothing is audited.
- **platform, computed and published**: the platform's readers (size caps, UTF-8 check, digest of every file), engine,
  staging and Delta commit. Without pseudonyms (identity instead of the keyed hash), quarantine and audit.
- **platform in full**: `publish` as the assets call it, with pseudonyms, row rules, quarantine, audit and Delta commit.

Every step of a leg runs in a fresh process, legs alternate, memory limit (4 GB, or `BENCHMARK_MEMORY`) and threads
(all cores) are the same.
The clock starts after the imports. Reported is the median; the largest volume is run once. Dagster itself is not in
here, see the command line. `busy elsewhere` is the share of the machine that other processes used meanwhile: where it
differs between legs, their seconds don't compare, and CPU seconds do."""

Runs = dict[tuple[str, str], list[Spent]]
"""What every (leg, step) took, repetition by repetition."""


def measure(scratch: Path, volumes: Sequence[int], repetitions: int) -> Section:
    """Run all legs at all volumes; the largest of several volumes once."""
    rows: list[tuple[str, ...]] = []
    figures: dict[str, Any] = {}
    for volume in sorted(volumes):
        once = len(volumes) > 1 and volume == max(volumes)
        middles = {place: middle(spent) for place, spent in _runs(scratch, volume, 1 if once else repetitions).items()}
        rows += [_row(volume, leg, step, middles) for step in STEPS for leg in LEGS]
        figures[str(volume)] = {f"{leg} {step}": vars(spent) for (leg, step), spent in middles.items()}
    notes = _memory_notes(sorted(volumes), figures)
    command = f"python -m benchmarks raw_to_events --events {' '.join(map(str, volumes))} --repetitions {repetitions}"
    header = ("events", "step", "leg", "seconds", "ratio", "CPU seconds", "ratio", "peak MB", "busy elsewhere")
    return Section("Raw files to events", command, METHOD, header, rows, notes, figures)


def _runs(scratch: Path, volume: int, repetitions: int) -> Runs:
    landing_zone = simulated_world(scratch / "worlds", volume, DAYS)
    runs: Runs = {}
    for repetition in range(repetitions):
        counts: dict[str, dict[str, int]] = {"raw": {}, "events": {}}
        for leg in LEGS:
            folder = scratch / "raw_to_events" / leg
            shutil.rmtree(folder, ignore_errors=True)
            for step in ("raw", "events"):
                spent, counts[step][leg] = _step(leg, step, landing_zone, folder)
                runs.setdefault((leg, step), []).append(spent)
                print(
                    f"{_millions(volume)} {repetition + 1}/{repetitions} {leg:9} {step:6} {_shown(spent)}", flush=True
                )
            shutil.rmtree(folder)
            runs.setdefault((leg, "both"), []).append(_sum(runs[leg, "raw"][-1], runs[leg, "events"][-1]))
        for step, by_leg in counts.items():
            if len(set(by_leg.values())) != 1:
                raise AssertionError(f"the legs don't compute the same: rows of {step} are {by_leg}")
    return runs


def _step(leg: str, step: str, landing_zone: Path, folder: Path) -> tuple[Spent, int]:
    command = ["-m", "benchmarks.raw_to_events_leg", leg, step, str(landing_zone), str(DAYS), str(folder)]
    process, output = run(command)
    inside = json.loads(output.splitlines()[-1])
    return replace(process, seconds=inside["seconds"], cpu_seconds=inside["cpu_seconds"]), inside["rows"]


def _sum(first: Spent, second: Spent) -> Spent:
    return Spent(
        first.seconds + second.seconds,
        first.cpu_seconds + second.cpu_seconds,
        max(first.peak_megabytes, second.peak_megabytes),
        max(first.busy_elsewhere, second.busy_elsewhere),
    )


def _row(volume: int, leg: str, step: str, middles: dict[tuple[str, str], Spent]) -> tuple[str, ...]:
    spent, bare = middles[leg, step], middles["bare", step]
    return (
        _millions(volume),
        STEPS[step],
        LEGS[leg],
        f"{spent.seconds:.1f}",
        f"{spent.seconds / bare.seconds:.2f}",
        f"{spent.cpu_seconds:.1f}",
        f"{spent.cpu_seconds / bare.cpu_seconds:.2f}",
        f"{spent.peak_megabytes:,.0f}",
        f"{spent.busy_elsewhere:.0%}",
    )


def _memory_notes(volumes: Sequence[int], figures: dict[str, Any]) -> list[str]:
    if len(volumes) < 2:
        return []
    small, large = str(volumes[0]), str(volumes[-1])
    notes = []
    for step, name in STEPS.items():
        peaks = [figures[volume][f"full {step}"]["peak_megabytes"] for volume in (small, large)]
        notes.append(
            f"Peak memory of the platform in full, {name}: {peaks[1] / peaks[0]:.2f} times as much at "
            f"{_millions(volumes[-1])} as at {_millions(volumes[0])}."
        )
    return notes


def _millions(volume: int) -> str:
    return f"{volume / 1e6:g} M"


def _shown(spent: Spent) -> str:
    return (
        f"{spent.seconds:7.1f} s {spent.cpu_seconds:7.1f} CPU s {spent.peak_megabytes:7,.0f} MB, "
        f"{spent.busy_elsewhere:.0%} of the machine busy elsewhere"
    )
