"""`platform quarantine withdraw`: corrections are taken back, and their records read as received again."""

from typing import Annotated

import typer

from platform_assets.cli.quarantine.release import workbench
from resources.settings import load_settings


def withdraw(
    table: Annotated[str, typer.Argument(help="The raw table whose corrections are taken back.")],
    file: Annotated[str, typer.Option(help="The landed file, as the table names it.")],
    line: Annotated[int | None, typer.Option(min=1, help="Only the record that begins in this line.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")] = False,
    no_downstream: Annotated[
        bool, typer.Option("--no-downstream", help="Leave the event days that are touched as they are.")
    ] = False,
) -> None:
    """Take corrections back, for example because the file was delivered again, and recompute what they touch."""
    from platform_assets.cli.quarantine.releasing import withdraw_corrections

    bench = workbench(load_settings())
    withdraw_corrections(bench, table, file, line, dry_run=dry_run, downstream=not no_downstream)
