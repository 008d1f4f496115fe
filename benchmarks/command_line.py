"""One partition through `dagster asset materialize`, against the same command on an asset that does nothing."""

import shutil
from pathlib import Path

from benchmarks.fresh_process import ROOT, Spent, middle, run
from benchmarks.report import Section
from benchmarks.simulator import simulated_world

REPETITIONS = 5
DAYS, EVENTS_A_DAY = 35, 16_667
"""The demo's volume a day, and enough days for the features' longest window."""

PREPARED = ("2026-01-05", "2026-02-05")
PARTITION = "2026-02-03"
EMPTY = "an empty asset"
LEGS = {
    EMPTY: ("benchmarks.empty_asset", "empty"),
    "raw_web_events": ("platform_assets.definitions", "raw_web_events"),
    "events": ("platform_assets.definitions", "events"),
    "user_features": ("platform_assets.definitions", "user_features"),
}


def measure(scratch: Path) -> Section:
    """Publish a month, then materialise one of its days again and again."""
    home = scratch / "command_line"
    shutil.rmtree(home, ignore_errors=True)
    landing_zone = simulated_world(scratch / "worlds", DAYS * EVENTS_A_DAY, DAYS)
    environments = {leg: _environment(home, leg, landing_zone) for leg in LEGS}
    first, last = PREPARED
    for asset in ("raw_web_events", "events"):
        command = _command("platform_assets.definitions", asset)
        run([*command, "--partition-range", f"{first}...{last}"], environments[asset])
    runs: dict[str, list[Spent]] = {leg: [] for leg in LEGS}
    for repetition in range(REPETITIONS):
        for leg, (module, asset) in LEGS.items():
            spent, _ = run([*_command(module, asset), "--partition", PARTITION], environments[leg])
            runs[leg].append(spent)
            print(
                f"{repetition + 1}/{REPETITIONS} {leg:15} {spent.seconds:5.1f} s {spent.cpu_seconds:5.1f} CPU s",
                flush=True,
            )
    shutil.rmtree(home)
    middles = {leg: middle(spent) for leg, spent in runs.items()}
    empty = middles[EMPTY]
    return Section(
        title="One partition through the command line",
        command="python -m benchmarks command_line",
        method=(
            f"`dagster asset materialize --partition` of one day of the demo's volume ({EVENTS_A_DAY:,} events a day; "
            "`user_features` looks back over 28 such days), whole processes, each leg on a DAGSTER_HOME of its own "
            f"with the repository's dagster.yaml; median of {REPETITIONS}, alternating."
        ),
        header=("asset", "seconds", "ratio", "CPU seconds", "ratio"),
        rows=[
            (
                leg,
                f"{spent.seconds:.2f}",
                f"{spent.seconds / empty.seconds:.2f}",
                f"{spent.cpu_seconds:.2f}",
                f"{spent.cpu_seconds / empty.cpu_seconds:.2f}",
            )
            for leg, spent in middles.items()
        ],
        notes=[
            f"Other processes used up to {max(spent.busy_elsewhere for spent in middles.values()):.0%} of the machine."
        ],
        figures={leg: vars(spent) for leg, spent in middles.items()},
    )


def _command(module: str, asset: str) -> list[str]:
    return ["-m", "dagster", "asset", "materialize", "-m", module, "--select", asset]


def _environment(home: Path, leg: str, landing_zone: Path) -> dict[str, str]:
    """A DAGSTER_HOME for every leg; one lake for all of them."""
    dagster_home = home / "dagster" / leg.replace(" ", "_")
    dagster_home.mkdir(parents=True)
    (dagster_home / "dagster.yaml").symlink_to(ROOT / "dagster.yaml")
    return {
        "DAGSTER_HOME": str(dagster_home),
        "PLATFORM_HOME": str(home / "platform"),
        "PLATFORM_LANDING_ZONE": str(landing_zone),
    }
