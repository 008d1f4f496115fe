"""Persons out of identifiers: how well planted ones are found, and what a full build and a day's update cost."""

import shutil
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from benchmarks.fresh_process import run
from benchmarks.report import Section

FIRST_DAY = date(2026, 1, 5)
PAIRS = (1_000_000, 10_000_000)
DAY_PAIRS, HISTORY_DAYS = 100_000, (8, 80)
EVENTS, DAYS = 1_000_000, 60


def measure(scratch: Path) -> Section:
    """Full builds against bare scipy, a day's update with short and long histories, and the simulated world."""
    folder = scratch / "user_ids"
    shutil.rmtree(folder, ignore_errors=True)
    figures: dict[str, float] = {}
    rows = []
    for pairs in PAIRS:
        built, bare = (_leg("build", pairs), _leg("scipy", pairs))
        figures |= {f"build_{pairs}_cpu_seconds": built[0], f"build_{pairs}_seconds": built[1]}
        figures |= {f"scipy_{pairs}_cpu_seconds": bare[0], f"build_{pairs}_ratio": built[0] / bare[0]}
        rows.append(
            (
                f"full build, {pairs:,} pairs of one day",
                f"{built[0]:.1f} CPU s, {built[1]:.1f} s",
                f"{built[0] / bare[0]:.1f} × scipy on integers ({bare[0]:.1f} CPU s)",
            )
        )
    growth = figures[f"build_{PAIRS[1]}_cpu_seconds"] / figures[f"build_{PAIRS[0]}_cpu_seconds"]
    rows.append((f"growth from {PAIRS[0]:,} to {PAIRS[1]:,} pairs", f"{growth:.1f} × CPU", "10 × would be linear"))
    days = {history: _leg("update", history, str(folder)) for history in HISTORY_DAYS}
    for history, (cpu, seconds) in days.items():
        figures[f"update_after_{history}_days_cpu_seconds"] = cpu
        told = f"one day of {DAY_PAIRS:,} pairs after {history} such days"
        rows.append((told, f"{cpu:.2f} CPU s, {seconds:.2f} s", ""))
    short, long = (days[history][0] for history in HISTORY_DAYS)
    rows.append(("the same day after ten times the history", f"{long / short:.2f} × CPU", "1 × would be independent"))
    for hubs in (False, True):
        left_out, counted, cpu, seconds = _leg("planted", int(hubs), str(folder))
        name = "with kiosks, test logins and offices" if hubs else "without hubs"
        figures |= {f"f1_{'with' if hubs else 'without'}_hubs": left_out, f"user_ids_cpu_seconds_{hubs}": cpu}
        rows.append(
            (
                f"{EVENTS:,} events on {DAYS} days, {name}",
                f"pairwise F1 {left_out:.4f}",
                f"hubs counted {counted:.4f}; all days in {cpu:.1f} CPU s, {seconds:.1f} s",
            )
        )
    shutil.rmtree(folder, ignore_errors=True)
    return Section(
        title="Persons (user_ids)",
        command="python -m benchmarks user_ids",
        method=(
            "A fresh process each; the clock starts after the imports and after the pairs lie in Parquet. Random pairs "
            "of three kinds (a login or cookie with a cookie, device or address), as texts of 32 digits. Full build: "
            "pairs → published columns of one day, hubs, components, ids. Bare scipy: connected_components on the same "
            "pairs as integers in memory. Update: one day on top of a history of days of the same size. Pairwise F1 "
            "over logins, cookies and devices at the end of the last day, against the planted persons."
        ),
        header=("what", "measured", "against"),
        rows=rows,
        notes=("A day reads its own table and pairs of at most 90 days back: beyond that, history costs nothing.",),
        figures=figures,
    )


def _leg(*arguments: object) -> tuple[float, ...]:
    """What one fresh process measured."""
    _, output = run(["-m", "benchmarks.user_ids", *map(str, arguments)])
    return tuple(map(float, output.split()[-4:] if arguments[0] == "planted" else output.split()[-2:]))


def random_pairs(pairs: int, day: date, persons: int, seed: int):  # type: ignore[no-untyped-def]
    """Logins with cookies and cookies with addresses of so many persons, and a row for every identifier itself."""
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    half = pairs // 2
    person = rng.integers(0, persons, half)
    login, cookie, ip = person, person * 3 + rng.integers(0, 3, half), person
    kinds = {"login": login, "cookie": cookie, "ip": ip}
    names = {kind: pa.array(np.char.add(kind[0], _digits(numbers))) for kind, numbers in kinds.items()}
    tables = [
        _pairs(day, left, names[left], right, names[right]) for left, right in (("login", "cookie"), ("cookie", "ip"))
    ]
    tables += [_pairs(day, kind, names[kind].unique(), None, None) for kind in kinds]
    return pa.concat_tables(tables)


def _digits(numbers: np.ndarray) -> np.ndarray:
    """Numbers as texts of 31 digits, which begin differently."""
    return np.char.zfill((numbers * 2654435761 % 2**32).astype("U31"), 31)


def _pairs(day: date, kind: str, names, other: str | None, others):  # type: ignore[no-untyped-def]
    import pyarrow as pa

    count = len(names)
    return pa.table(
        {
            "event_date": pa.repeat(pa.scalar(day), count),
            "identifier": names,
            "kind": pa.repeat(pa.scalar(kind), count),
            "other_identifier": pa.nulls(count, pa.string()) if others is None else others,
            "other_kind": pa.repeat(pa.scalar(other, pa.string()), count),
            "events": pa.repeat(pa.scalar(1, pa.int64()), count),
        }
    )
