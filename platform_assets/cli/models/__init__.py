"""`platform models`: what people ask of models and do to them, one command a module."""

import typer

from platform_assets.cli.models.import_model import import_model

app = typer.Typer(help="The registered models: list, show, compare, promote, roll back, import.", no_args_is_help=True)
app.command("import")(import_model)
