"""Drift: what a day's comparison costs, how often it is wrong on quiet days, and what it finds."""

import json
from pathlib import Path
from typing import Any

from benchmarks.fresh_process import run
from benchmarks.report import Section

EVENTS = 420_000
SIZES = (10_000, 100_000, 1_000_000)


def measure(scratch: Path, shared_data: Path | None) -> Section:
    """Every leg in a fresh process; the computed world stays in the scratch folder and is used again."""
    costs = _leg("cost", *map(str, SIZES))
    quality = _leg("quality", str(scratch / "drift" / f"{EVENTS}-events"), str(EVENTS))
    bank = _leg("bank", str(shared_data)) if shared_data else {}
    return Section(
        title="Drift",
        command="python -m benchmarks drift",
        method=(
            "Cost: a day of so many rows with 40 columns of different numbers against as many, beside scipy's bare "
            "`ks_2samp` of every column, CPU seconds in one process. Quality: `user_features` of a quiet simulated "
            f"world ({EVENTS:,} events, 140 days) against what a model trained on day 78 learnt and against the week "
            "before, at the default thresholds; changes planted into one column at a time, every twelfth day. Real: "
            "calls of a bank by month, May 2008 to December 2009, against the first two months."
        ),
        header=("what", "measured", "beside"),
        rows=[*_costs(costs), *_quality(quality), *(_real(bank) if bank else [])],
        figures={"cost": costs, "quality": quality, "bank": bank},
    )


def _leg(*command: str) -> dict[str, Any]:
    _, output = run(["-m", "benchmarks.drift_leg", *command])
    return json.loads(output.splitlines()[-1])


def _costs(costs: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (
            f"{int(rows):,} rows × 40 columns",
            f"{each['cpu_seconds']:.2f} CPU s",
            f"{each['bare_cpu_seconds']:.2f} CPU s of scipy's KS alone: "
            f"{each['cpu_seconds'] / each['bare_cpu_seconds']:.2f} ×",
        )
        for rows, each in costs.items()
    ]


def _quality(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    tested = f"{found['days']} quiet days of {found['columns']} columns, {found['persons']} persons"
    alarms = [
        (f"days called drifted against {name.replace('_', ' ')}", f"{days} of {found['days']}", tested)
        for name, days in found["alarm_days"].items()
    ]
    power = [
        (
            f"planted: {name}",
            f"{each['found']} of {each['planted']} found on their day",
            f"{each['others']} other columns named"
            + (f"; missed: {', '.join(each['missed_columns'])}" if each["missed_columns"] else ""),
        )
        for name, each in found["found"].items()
    ]
    return [*alarms, *power]


def _real(bank: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (
            f"real calls: months of {bank['months']} in which {of} has drifted",
            ", ".join(f"{name} {months}" for name, months in bank[key].items()),
            beside,
        )
        for key, of, beside in (
            ("economy", "a figure of the economy", "known: interest rates and employment fell in 2008"),
            ("person", "a column of the person", "known: from 2009 on few and chosen persons were called"),
        )
    ]
