"""`platform sources check`: are the declared sources right, and what lies in their landing places?"""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from platform_assets.cli.printed_table import print_table
from platform_assets.domain.source import Source
from platform_assets.domain.sources import load_sources
from resources.compute.duckdb_engine import DuckDBEngine
from resources.settings import Settings, load_settings

app = typer.Typer(help="Declared sources.", no_args_is_help=True)
EXAMPLES = 5


@app.callback()
def _group() -> None:
    """Declared sources."""


@app.command("check")
def check(
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Also read this landing day and count its records.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Another sources file than the settings name.")] = None,
) -> None:
    """Validate the sources file; with --day, read that landing day of every source without publishing anything.

    Exit code 1 if the file is wrong (every mistake with its line) or if a landed file can't be read.
    """
    settings = load_settings()
    sources = load_sources(file or settings.sources_file)
    console = Console()
    shown = Table("source", "format", "event type", "lateness (days)", "place", header_style="bold")
    for source in sources:
        kind = source.event_type.constant or f"field {source.event_type.field}"
        shown.add_row(source.name, source.format.value, kind, str(source.lateness_days), source.place)
    print_table(shown)
    if day is not None:
        for source in sources:
            _read_day(console, settings, source, day)


def _read_day(console: Console, settings: Settings, source: Source, day: datetime) -> None:
    from platform_assets.raw_events.landed_file import ReadLimits
    from platform_assets.raw_events.landed_records import read_landing_days
    from platform_assets.raw_events.parsing import parse_records

    limits = ReadLimits.configured(settings)
    engine = DuckDBEngine.from_settings(settings)
    landed = read_landing_days(source, [day.date()], settings.landing_root, limits)
    parsed = parse_records(engine.from_arrow("landed", landed.reader), source)
    with landed.naming_the_file():
        verdicts = parsed.select("file", "line", "reject_reason").to_pyarrow()
    reasons = Counter(reason.split(":")[0] for reason in verdicts["reject_reason"].to_pylist() if reason is not None)
    good = verdicts.num_rows - reasons.total()
    console.print(
        f"[bold]{source.name}[/], landed {day:%Y-%m-%d}: {len(landed.files)} file(s), {verdicts.num_rows:,} records, "
        f"{good:,} good for the raw table, {reasons.total():,} for the quarantine"
        + (f" {dict(reasons)}" if reasons else "")
    )
    if not landed.files:
        place = source.place.replace("{landing_zone}", settings.landing_root)
        console.print(f"  nothing lies at {place} for that day", highlight=False)
    bad = verdicts.filter(verdicts["reject_reason"].is_valid()).slice(0, EXAMPLES).to_pylist()
    for row in bad:
        console.print(f"  {row['file']}:{row['line']}: {row['reject_reason']}")
