"""`platform simulate`: write the demo world's landing zone."""

import time
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from platform_assets.domain.errors import ConfigurationError
from resources.settings import Settings, load_settings


def simulate(
    days: Annotated[int, typer.Option(min=1, help="Landing days.")] = 60,
    events: Annotated[int, typer.Option(min=100, help="Events in all, about.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 7,
    first_day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First landing day; default: the first partition.")
    ] = None,
    drift_day: Annotated[int | None, typer.Option(help="Day number from which behaviour changes.")] = None,
    hubs: Annotated[bool, typer.Option(help="With kiosks, test logins and offices that many persons share.")] = True,
    anomalies: Annotated[bool, typer.Option(help="With outages of sites and surges of topics.")] = True,
) -> None:
    """Write a simulated world: landed files in the landing zone, the planted truth beside it.

    Running it again with the same options leaves every file as it is.
    """
    settings = load_settings()
    start = first_day.date() if first_day else settings.first_partition_day
    simulate_world(
        settings,
        first_day=start,
        days=days,
        events=events,
        seed=seed,
        drift_day=drift_day,
        hubs=hubs,
        anomalies=anomalies,
    )


def simulate_world(
    settings: Settings,
    *,
    first_day: date,
    days: int,
    events: int,
    seed: int,
    drift_day: int | None = None,
    hubs: bool = True,
    anomalies: bool = True,
) -> None:
    """Simulate into the settings' landing zone, with a progress bar and a line that says what is there now."""
    from platform_assets.demo.simulation import simulate as write_world

    if not settings.preset.simulated_sources:
        raise ConfigurationError(
            f"simulated files don't belong among the data of the environment {settings.environment}",
            where="PLATFORM_ENVIRONMENT",
            todo="unset it, or set it to demo, with a PLATFORM_HOME of the demo's own",
        )
    if "://" in settings.landing_root:
        raise ConfigurationError(
            "the simulated world is written to a local folder",
            where="PLATFORM_LANDING_ZONE",
            todo="simulate into a folder and copy it to the store",
        )
    console, began = Console(stderr=True), time.monotonic()
    columns = (
        TextColumn("simulating"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("landing days"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("simulate", total=days)
        summary = write_world(
            Path(settings.landing_root),
            first_day=first_day,
            days=days,
            events=events,
            seed=seed,
            drift_day=drift_day,
            hubs=hubs,
            anomalous=anomalies,
            truth_folder=truth_folder(settings),
            progress=lambda day, count: progress.advance(task),
        )
    seconds = time.monotonic() - began
    written = (
        f"{summary.files_written} of {summary.files} files written" if summary.files_written else "all files were there"
    )
    console.print(
        f"[bold]{summary.events:,}[/] events of {summary.persons:,} persons on {summary.days} landing days "
        f"({summary.bytes / 1e6:.0f} MB, {written}, {seconds:.1f} s) in {settings.landing_root}"
    )


def truth_folder(settings: Settings) -> Path:
    """Where the planted truth lies: beside the landing zone, where no asset reads."""
    return Path(settings.landing_root).parent / "truth"
