"""`platform status`: one screen, the whole platform's health, and what to do where it is not well."""

from enum import StrEnum
from typing import Annotated

import typer

from platform_assets.cli.status.gathered import Gathered, status_lines
from platform_assets.cli.status.screen import as_json, print_screen
from platform_assets.domain.status.line import is_healthy
from resources.settings import load_settings


class Format(StrEnum):
    """For people or for machines."""

    SCREEN = "screen"
    JSON = "json"


def status(
    form: Annotated[Format, typer.Option("--format", help="A screen for people, or JSON for machines.")] = Format.SCREEN,
) -> None:
    """Tell how the whole platform is: data, models, runs, checks, automation, places, costs.

    Every line begins with ok, watch (worth a look by day), act (somebody has to do something) or unknown (it couldn't be
    read), and says the next step. Exit code 0: nobody has to do anything; 1: at least one line says act or unknown.
    Nothing is started or changed, and what can't be read keeps nothing else from being told.
    """
    gathered = Gathered(load_settings())
    lines = status_lines(gathered)
    home = str(gathered.settings.home_folder)
    if form is Format.JSON:
        typer.echo(as_json(lines, home, gathered.now))
    else:
        print_screen(lines, f"{home}, {gathered.now:%Y-%m-%d %H:%M} UTC")
    if not is_healthy(lines):
        raise typer.Exit(1)
