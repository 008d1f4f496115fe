"""`platform audiences check`: are the declared audiences right, and what does each rule find on a day?"""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from platform_assets.cli.printed_table import print_table
from platform_assets.domain.audiences.audience import Audience
from platform_assets.domain.audiences.audiences_file import load_audiences
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.errors import PlatformError
from resources.settings import Settings, load_settings


class DayNotPublished(PlatformError):
    """Rules are asked about a day that has no published events, so what they find says nothing about them."""


app = typer.Typer(help="Declared audiences.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Declared audiences."""


@app.command("check")
def check(
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Also count what every rule finds on this event day.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Another audiences file than the settings name.")] = None,
) -> None:
    """Validate the audiences file; with --day, count the published events that meet each rule, publishing nothing.

    Exit code 1 if the file is wrong (every mistake with its line and audience), or the day has no published events.
    """
    settings = load_settings()
    path = file or settings.audiences_file
    audiences = load_audiences(path)
    if day is not None:
        _count_day(Console(), settings, audiences, path, day)
        return
    shown = Table("audience", "line", "within days", "at least", "on days", "rules", "owner", header_style="bold")
    for each in audiences:
        rules = f"{len(each.any_of)}" + (f", {len(each.none_of)} excluding" if each.none_of else "")
        figures = (str(number) for number in (each.line, each.within_days, each.at_least, each.on_days))
        shown.add_row(each.name, *figures, rules, each.owner)
    print_table(shown)


def _count_day(
    console: Console, settings: Settings, audiences: tuple[Audience, ...], path: Path, day: datetime
) -> None:
    from platform_assets.domain.audiences.rule_table import rule_table
    from platform_assets.domain.audiences.url_audiences import rule_counts
    from resources.compute.duckdb_engine import DuckDBEngine
    from resources.lakehouse.io_manager import read
    from resources.lakehouse.tables import Lakehouse

    lakehouse, engine, rules = (
        Lakehouse(settings.lake_root),
        DuckDBEngine.from_settings(settings),
        rule_table(audiences),
    )
    published = sorted(lakehouse.slice_notes(EVENTS.name))
    if f"{day:%Y-%m-%d}" not in published:
        raise DayNotPublished(
            "no events are published for this day",
            where=f"{day:%Y-%m-%d}",
            todo=f"choose one of {published[0]} … {published[-1]}" if published else f"materialise {EVENTS.name} first",
        )
    events = read(lakehouse, engine, lakehouse.snapshot(EVENTS.name), [f"{day:%Y-%m-%d}"])
    counted = {row["rule"]: row for row in engine.backend.to_pyarrow(rule_counts(events, rules)).to_pylist()}
    shown = Table("audience", "rule in line", "events", "cookies", header_style="bold")
    for number, (audience, rule) in enumerate(rules.rules):
        found = counted.get(number, {"events": 0, "cookies": 0})
        shown.add_row(audience, f"{path}:{rule.line}", f"{found['events']:,}", f"{found['cookies']:,}")
    print_table(shown)
    nothing = len(rules.rules) - len(counted)
    console.print(f"{nothing} of {len(rules.rules)} rules find nothing on {day:%Y-%m-%d}", highlight=False)
