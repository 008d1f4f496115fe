"""`platform quarantine release`: rows come back from the quarantine after their rule or their text was mended."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from resources.settings import Settings, load_settings

if TYPE_CHECKING:
    from platform_assets.cli.quarantine.workbench import Workbench


def release(
    table: Annotated[str, typer.Argument(help="The table whose quarantine is released, for example raw_web_events.")],
    partition: Annotated[str | None, typer.Option(help="Only this partition.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only partitions with rows that this rule rejected.")] = None,
    mended: Annotated[
        Path | None, typer.Option(help="Rows of `platform quarantine show --format jsonl` with `record` put right.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")] = False,
    no_downstream: Annotated[
        bool, typer.Option("--no-downstream", help="Leave the event days that are touched as they are.")
    ] = False,
) -> None:
    """Recompute the partitions that hold quarantined rows, then the event days that the released rows touch.

    Without --mended, the rule was mended: the source's declaration, a setting or the code. With --mended, the records
    were: they are stored as corrections and read in the place of the received ones from now on.
    """
    from platform_assets.cli.quarantine.releasing import release_mended_rows, release_partitions

    if mended is not None and (partition or rule):
        raise typer.BadParameter("the file says which rows; give it alone", param_hint="--mended")
    bench = workbench(load_settings())
    if mended is not None:
        release_mended_rows(bench, table, mended, dry_run=dry_run, downstream=not no_downstream)
    else:
        release_partitions(bench, table, partition, rule, dry_run=dry_run, downstream=not no_downstream)


def workbench(settings: Settings) -> "Workbench":
    """What a release needs, from the settings; runs are processes of their own."""
    from platform_assets.cli.dagster_runs import materialize
    from platform_assets.cli.quarantine.workbench import Workbench
    from platform_assets.definitions import build_definitions, declared_sources
    from resources.compute.duckdb_engine import DuckDBEngine
    from resources.lakehouse.store_safety import require_safe_store
    from resources.lakehouse.tables import Lakehouse

    console, lakehouse = Console(stderr=True), Lakehouse(settings.lake_root)
    require_safe_store(lakehouse, settings.safe_stores_file)

    def run(asset: str, span: tuple[str, str] | None) -> None:
        materialize(settings, [asset], partition_range=span, console=console)

    return Workbench(
        settings,
        build_definitions(settings),
        declared_sources(settings),
        lakehouse,
        DuckDBEngine.from_settings(settings),
        run,
        typer.echo,
    )
