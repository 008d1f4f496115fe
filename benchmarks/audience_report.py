"""What reports on audiences are worth and cost: planted odds ratios in their intervals, and CPU beside plain SQL."""

import json
import shutil
from pathlib import Path
from typing import Any

from benchmarks.audience_report_leg import AUDIENCES, PLANTED_DAYS
from benchmarks.fresh_process import run
from benchmarks.report import Section

PERSONS = (100_000, 1_000_000)
PLANTED_EVENTS = 400_000
TABLES = ("audience_report", "audience_overlap")


class FiguresDiffer(RuntimeError):
    """The platform and the plain SQL that is measured against it don't give the same."""


def measure(scratch: Path) -> Section:
    """Every leg in a process of its own; the platform's figures must be those of the plain SQL."""
    folder = scratch / "audience_report"
    shutil.rmtree(folder, ignore_errors=True)
    planted = _leg("planted", _made(folder / "planted"), PLANTED_EVENTS)
    spent: dict[str, Any] = {}
    for persons in PERSONS:
        world = _made(folder / str(persons))
        run(["-m", "benchmarks.audience_report_leg", "world", str(world), str(persons)])
        for table in TABLES:
            platform, plain = (_leg(leg, world, table) for leg in ("platform", "plain"))
            if (platform["rows"], platform["content"]) != (plain["rows"], plain["content"]):
                raise FiguresDiffer(f"{table} of {persons} persons")
            spent[f"{table}_{persons}"] = {"platform": platform["cpu_seconds"], "plain": plain["cpu_seconds"]}
    shutil.rmtree(folder)
    return Section(
        title="Reports on audiences",
        command="python -m benchmarks audience_report",
        method=(
            f"Intervals: a simulated world of {PLANTED_DAYS} days, {planted['events']:,} events and "
            f"{planted['persons']:,} persons through the graph; every audience of the repository's rules and every "
            "category, every day; few means fewer than 5 conversions of members or of others. Cost: one day with "
            f"{AUDIENCES} overlapping audiences, six events a person in 28 days, two in a hundred merging on the day, "
            "against SQL for DuckDB that was written for the purpose and gives the same counts (no odds ratios)."
        ),
        header=("what", "measured", "beside it"),
        rows=[*_intervals(planted), *_costs(spent), *_growth(spent)],
        notes=[
            f"The report of all {PLANTED_DAYS} days took {planted['seconds']['audience_report']:.1f} s in one run, the "
            f"overlaps {planted['seconds']['audience_overlap']:.1f} s, publication, audit and picture included.",
            f"Persons that the truth doesn't know: {planted['unknown']}.",
        ],
        figures={"planted": planted, "cpu_seconds": spent},
    )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _leg(name: str, folder: Path, given: int | str) -> dict[str, Any]:
    took, output = run(["-m", "benchmarks.audience_report_leg", name, str(folder), str(given)])
    print(f"{name} {given}: {took.seconds:.0f} s", flush=True)
    return json.loads(output.strip().splitlines()[-1])


def _intervals(planted: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (
            "planted odds ratios inside their 95 % intervals",
            f"{planted['coverage']:.1%} of {planted['intervals']:,}",
            f"{planted['audiences']} audiences; {planted['undefined']:,} more have no interval, with the reason",
        ),
        (
            "the same where few converted",
            f"{planted['coverage_of_few']:.1%} of {planted['intervals_of_few']:,}",
            "",
        ),
    ]


def _costs(spent: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (
            f"{table}, {persons:,} persons",
            f"{took['platform'] / took['plain']:.2f} × the CPU seconds of plain SQL",
            f"{took['platform']:.1f} against {took['plain']:.1f} CPU seconds",
        )
        for persons in PERSONS
        for table in TABLES
        for took in [spent[f"{table}_{persons}"]]
    ]


def _growth(spent: dict[str, Any]) -> list[tuple[str, str, str]]:
    few, many = PERSONS

    def times(table: str, leg: str) -> float:
        return spent[f"{table}_{many}"][leg] / spent[f"{table}_{few}"][leg]

    return [
        (
            f"{table}, {many // few} × the persons",
            f"{times(table, 'platform'):.1f} × the CPU seconds",
            f"plain SQL {times(table, 'plain'):.1f} ×",
        )
        for table in TABLES
    ]
