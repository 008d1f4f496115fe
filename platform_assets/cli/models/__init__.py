"""`platform models`: what people ask of models and do to them, one command a module."""

import typer

from platform_assets.cli.models import compare, decide, listing, show
from platform_assets.cli.models.import_model import import_model

app = typer.Typer(help="The registered models: list, show, compare, promote, roll back, import.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The registered models."""


app.command("list")(listing.list_models)
app.command("show")(show.show)
app.command("compare")(compare.compare_versions)
app.command("promote")(decide.promote)
app.command("rollback")(decide.roll_back)
app.command("import")(import_model)
