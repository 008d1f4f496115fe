"""The `platform` command: what people and scripts do beside the Dagster UI, one command a module.

Exit codes: 0 done, 1 the platform refused (the message says what to do), 2 wrong usage.
"""

import errno
import sys

import typer

from platform_assets.cli import (
    alerts,
    audiences,
    checks,
    demo,
    maintain,
    migrate,
    models,
    quarantine,
    recover,
    replay,
    retrain,
    simulate,
    sources,
    sql,
    tables,
)
from platform_assets.cli.erasure import command as erasure
from platform_assets.cli.status import command as status
from platform_assets.domain.errors import PlatformError

DISK_ERRORS = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.ENOTDIR)
"""What a place that can't be written to answers."""

app = typer.Typer(
    help="An ML data platform for web and ad events: simulate, look, query. Runs themselves are started by Dagster.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("simulate")(simulate.simulate)
app.command("demo")(demo.demo)
app.add_typer(sources.app, name="sources")
app.add_typer(audiences.app, name="audiences")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(models.app, name="models")
app.command("status")(status.status)
app.add_typer(alerts.app, name="alerts")
app.command("checks")(checks.checks)
app.command("recover")(recover.recover)
app.command("tables")(tables.tables)
app.command("sql")(sql.sql)
app.command("migrate")(migrate.migrate_tables)
app.command("replay")(replay.replay)
app.command("retrain")(retrain.retrain)
app.command("maintain")(maintain.maintain_tables)
app.command("erase")(erasure.erase)


def main() -> None:
    """Run the command line; an error of ours, or of the disk, becomes one readable line on stderr and exit code 1."""
    try:
        app()
    except PlatformError as error:
        typer.secho(f"error: {error}", fg=typer.colors.RED, err=True)
        sys.exit(1)
    except OSError as error:
        if error.filename is None or error.errno not in DISK_ERRORS:
            raise
        todo = "What to do: make room, or name another place (PLATFORM_HOME holds everything that is kept)"
        typer.secho(f"error: {error.filename}: {error.strerror}. {todo}", fg=typer.colors.RED, err=True)
        sys.exit(1)
