"""Runs the measurements, prints their tables, and writes `results.json` and `results.md` beside this file.

A measurement replaces its own section of the results only, so they can be run one at a time.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    alerts,
    audience_report,
    category_audiences,
    closed_loop,
    command_line,
    domain_clusters,
    drift,
    imported_models,
    lakehouse,
    loading,
    lookalike,
    model_registration,
    raw_to_events,
    real_loop,
    retrain_tick,
    score_range,
    shop_loop,
    simulator,
    status,
    traffic_decomposition,
    upkeep,
    url_audiences,
    user_ids,
)
from benchmarks.report import Section, write_section

SHARED_DATA = Path(os.environ["SHARED_DATA"]) if "SHARED_DATA" in os.environ else None
"""The folder of real data sets, where there is one."""

MEASUREMENTS: dict[str, Callable[[argparse.Namespace], Section]] = {
    "raw_to_events": lambda given: raw_to_events.measure(given.scratch, given.events, given.repetitions),
    "alerts": lambda given: alerts.measure(given.scratch),
    "audience_report": lambda given: audience_report.measure(given.scratch),
    "bank_loop": lambda given: real_loop.bank(SHARED_DATA),
    "category_audiences": lambda given: category_audiences.measure(given.scratch),
    "closed_loop": lambda given: closed_loop.measure(given.scratch),
    "click_loop": lambda given: real_loop.clicks(SHARED_DATA),
    "command_line": lambda given: command_line.measure(given.scratch),
    "drift": lambda given: drift.measure(given.scratch, SHARED_DATA),
    "imported_models": lambda given: imported_models.measure(given.scratch),
    "lakehouse": lambda given: lakehouse.measure(given.scratch),
    "status": lambda given: status.measure(given.scratch),
    "shop_loop": lambda given: shop_loop.section(shop_loop.live(given.scratch / "shop_loop")),
    "simulator": lambda given: simulator.measure(given.scratch),
    "lookalike": lambda given: lookalike.measure(given.scratch, SHARED_DATA),
    "loading": lambda given: loading.measure(),
    "model_registration": lambda given: model_registration.measure(given.scratch),
    "retrain_tick": lambda given: retrain_tick.measure(given.scratch),
    "score_range": lambda given: score_range.measure(given.scratch),
    "traffic_decomposition": lambda given: traffic_decomposition.measure(given.scratch, SHARED_DATA),
    "domain_clusters": lambda given: domain_clusters.measure(given.scratch, SHARED_DATA),
    "upkeep": lambda given: upkeep.measure(given.scratch),
    "user_ids": lambda given: user_ids.measure(given.scratch),
    "url_audiences": lambda given: url_audiences.measure(given.scratch),
}


def main() -> None:
    """Run what was asked for, everything by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("measurements", nargs="*", metavar="measurement", help=f"of: {', '.join(MEASUREMENTS)}")
    parser.add_argument("--scratch", type=Path, default=Path(".platform/bench"), help="where the simulated files lie")
    parser.add_argument("--events", type=int, nargs="+", default=[2_000_000, 20_000_000], help="volumes to measure")
    parser.add_argument("--repetitions", type=int, default=3, help="of all volumes but the largest, which runs once")
    given = parser.parse_args()
    given.scratch = given.scratch.absolute()
    if unknown := [name for name in given.measurements if name not in MEASUREMENTS]:
        parser.error(f"unknown measurement {', '.join(unknown)}; known: {', '.join(MEASUREMENTS)}")
    for name in given.measurements or MEASUREMENTS:
        write_section(name, MEASUREMENTS[name](given))


if __name__ == "__main__":
    main()
