"""`platform migrate`: published tables are brought to the newest version of their contracts."""

from typing import Annotated

import dagster as dg
import typer
from rich.console import Console
from rich.table import Table

from platform_assets.cli.printed_table import print_table
from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.errors import ConfigurationError
from platform_assets.table_asset import contract_of
from resources.lakehouse.audit import schema_at_rest
from resources.lakehouse.migration import MigratedTable, migrate
from resources.lakehouse.schema_evolution import missing_columns
from resources.lakehouse.slicing import Slicing, slicing_for
from resources.lakehouse.store_safety import require_safe_store
from resources.lakehouse.tables import Lakehouse
from resources.settings import load_settings


def migrate_tables(
    table: Annotated[str | None, typer.Argument(help="The table; none named: every table that needs it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compute and judge everything, change nothing.")] = False,
) -> None:
    """Bring published tables to the version of their contracts: schema, rows and quarantine, in one commit a table.

    Former versions stay readable. Run again after a crash; a table that is up to date is left alone.
    """
    from platform_assets.definitions import build_definitions, declared_sources, resources_for

    settings, console = load_settings(), Console(stderr=True)
    assets = build_definitions(settings).resolve_asset_graph().assets_defs
    tables = {contract.name: definition for definition in assets if (contract := contract_of(definition))}
    if table is not None and table not in tables:
        raise ConfigurationError(
            f"no table is named {table}", where="platform migrate", todo=f"there are: {', '.join(sorted(tables))}"
        )
    lakehouse = Lakehouse(settings.lake_root)
    require_safe_store(lakehouse, settings.safe_stores_file)
    engine = resources_for(settings, declared_sources(settings))["engine"]
    migrated = []
    for name in [table] if table else sorted(tables):
        contract = contract_of(tables[name])
        assert contract is not None
        done = migrate(
            contract,
            _slicing(tables[name]),
            engine=engine,
            lakehouse=lakehouse,
            staging_folder=settings.staging_folder,
            dry_run=dry_run,
            tell=lambda sentence: console.print(sentence, highlight=False, soft_wrap=True),
        )
        migrated += [done] if done else []
        if not done:
            _refuse_undeclared_change(lakehouse, contract, _slicing(tables[name]))
    _print(migrated, dry_run=dry_run)


def _refuse_undeclared_change(lakehouse: Lakehouse, contract: Contract, slicing: Slicing) -> None:
    """Raise what a publication would raise where a contract has changed without a new version."""
    published = lakehouse.latest(contract.name)
    if published:
        missing_columns(published, contract, slicing.column, schema_at_rest(contract, slicing))


def _slicing(definition: dg.AssetsDefinition) -> Slicing:
    contract = contract_of(definition)
    assert contract is not None
    return slicing_for(contract, definition.partitions_def)


def _print(migrated: list[MigratedTable], *, dry_run: bool) -> None:
    if not migrated:
        typer.echo("Every published table is up to date with its contract.")
        return
    shown = Table("table", "version", header_style="bold")
    for name in ("partitions", "rows", "quarantined", "dropped"):
        shown.add_column(name, justify="right")
    for done in migrated:
        counts = (done.partitions, done.rows, done.quarantined, done.dropped)
        shown.add_row(done.table, f"{done.from_version} → {done.to_version}", *(f"{count:,}" for count in counts))
    print_table(shown)
    if dry_run:
        typer.echo("Nothing was changed.")
