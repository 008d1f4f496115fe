"""`platform maintain`: the nightly upkeep of the lakehouse, by hand."""

import os
from datetime import UTC, datetime
from typing import Annotated

import dagster as dg
import typer
from rich.console import Console
from rich.table import Table

from platform_assets.automation.maintenance import Upkeep, maintain, oldest_run_in_progress
from platform_assets.cli.dagster_runs import prepare_instance
from platform_assets.cli.printed_table import print_table
from platform_assets.domain.errors import ConfigurationError
from resources.lakehouse.store_safety import require_safe_store
from resources.lakehouse.tables import Lakehouse
from resources.settings import load_settings


def maintain_tables(
    tables: Annotated[list[str] | None, typer.Argument(help="Tables; none named: all of them.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, change nothing.")] = False,
) -> None:
    """Join small files, write checkpoints, and delete what no promised version needs. It runs every night by itself.

    Versions of the last PLATFORM_RETENTION_DAYS days stay readable, and so does what a run in progress reads.
    """
    settings, console = load_settings(), Console(stderr=True)
    lakehouse = Lakehouse(settings.lake_root)
    require_safe_store(lakehouse, settings.safe_stores_file)
    known = lakehouse.table_names()
    unknown = sorted(set(tables or ()) - set(known))
    if unknown:
        raise ConfigurationError(
            f"no table is named {', '.join(unknown)}", where=settings.lake_root, todo=f"there are: {', '.join(known)}"
        )
    os.environ.update(prepare_instance(settings))
    with dg.DagsterInstance.get() as instance:
        oldest = oldest_run_in_progress(instance)
    done = maintain(
        settings,
        lakehouse,
        datetime.now(UTC),
        oldest,
        tables=tables or (),
        dry_run=dry_run,
        tell=lambda sentence: console.print(sentence, highlight=False, soft_wrap=True),
    )
    _print(done, dry_run=dry_run)


def _print(done: Upkeep, *, dry_run: bool) -> None:
    shown = Table("table", header_style="bold")
    for name in ("live files", "stored files", "expired", "orphans", "freed MB", "log MB"):
        shown.add_column(name, justify="right")
    for table in done.tables:
        shown.add_row(
            table.table,
            f"{table.live_files_before} → {table.live_files}",
            f"{table.stored_files_before} → {table.stored_files}",
            str(table.expired_files),
            str(table.orphans),
            f"{table.freed_bytes / 1e6:,.1f}",
            f"{table.log_bytes / 1e6:,.1f}",
        )
    print_table(shown)
    typer.echo(
        f"{done.staging_leftovers} left-over(s) of dead publications in the staging folder"
        + ("" if dry_run else f", {done.staging_bytes / 1e6:,.1f} MB freed")
    )
    if dry_run:
        typer.echo("Nothing was changed.")
