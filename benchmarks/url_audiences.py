"""What thousands of rules cost against fifty, against plain SQL of one query a rule, and at ten times the events."""

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.audience_worlds import MIX, SITES, write_events, write_rules
from benchmarks.fresh_process import run
from benchmarks.report import Section

LEGS = (
    ("platform", 1_000_000, 50),
    ("plain", 1_000_000, 50),
    ("platform", 1_000_000, 500),
    ("platform", 1_000_000, 5_000),
    ("platform", 10_000_000, 50),
    ("platform", 10_000_000, 5_000),
)


def measure(scratch: Path) -> Section:
    """One day's members from 28 days of generated events, each leg in a fresh process."""
    folder = scratch / "url_audiences"
    took: dict[tuple[str, int, int], dict] = {}
    for leg, events, rules in LEGS:
        world, file = folder / str(events), folder / f"rules-{rules}.yaml"
        if not (world / "user_ids.parquet").exists():
            write_events(world, events)
        write_rules(file, rules)
        spent, output = run(["-m", "benchmarks.url_audiences_leg", leg, str(world), str(file)])
        took[leg, events, rules] = {**json.loads(output.splitlines()[-1]), "peak_megabytes": spent.peak_megabytes}
        print(leg, events, rules, took[leg, events, rules], flush=True)
    return section(took)


def section(took: Mapping[tuple[str, int, int], dict]) -> Section:
    """The measurements of LEGS as a table."""
    reading = took["platform", 10_000_000, 5_000]["reading"]
    same = took["platform", 1_000_000, 50]["digest"] == took["plain", 1_000_000, 50]["digest"]
    return Section(
        title="Audiences by rules over addresses",
        command="python -m benchmarks url_audiences",
        method=(
            f"The members of one day from 28 days of generated events on {SITES:,} sites, about as many different "
            "addresses as events, Parquet to Parquet; DuckDB limited to 4 GB; each leg once, in its own process. "
            "Rules: "
            + ", ".join(f"{share:.0%} {kind}" for kind, share in MIX.items())
            + ". Plain SQL is one query a rule, united."
        ),
        header=("leg", "events", "rules", "CPU seconds", "against 50 rules", "rows", "peak MB"),
        rows=[
            (
                leg,
                f"{events:,}",
                f"{rules:,}",
                f"{each['cpu']:.1f}",
                f"{each['cpu'] / took['platform', events, 50]['cpu']:.2f} ×",
                f"{each['rows']:,}",
                f"{each['peak_megabytes']:,.0f}",
            )
            for (leg, events, rules), each in took.items()
        ],
        notes=[
            f"Plain SQL and the platform give {'the same rows' if same else 'DIFFERENT ROWS'} for 50 rules.",
            f"Reading and checking the file of 5,000 rules: {reading:.1f} CPU seconds.",
            f"Ten times the events with 5,000 rules: {_growth(took, 5_000):.1f} × the CPU seconds.",
        ],
        figures={f"{leg}_{events}_{rules}": each for (leg, events, rules), each in took.items()},
    )


def _growth(took: Mapping[tuple[str, int, int], dict], rules: int) -> float:
    return took["platform", 10_000_000, rules]["cpu"] / took["platform", 1_000_000, rules]["cpu"]
