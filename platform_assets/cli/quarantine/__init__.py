"""`platform quarantine`: what is quarantined and why, and the way back for rows whose rule or text was mended."""

import typer

from platform_assets.cli.quarantine import release, show, withdraw

app = typer.Typer(
    help="Quarantined rows: see them, release them after the rule or the row was mended.", no_args_is_help=True
)
app.command("show")(show.show)
app.command("release")(release.release)
app.command("withdraw")(withdraw.withdraw)
