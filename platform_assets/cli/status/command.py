"""`platform status`: one screen, the whole platform's health, and what to do where it is not well."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from platform_assets.cli.status.gathered import Gathered, guarded, status_lines
from platform_assets.cli.status.one_model import cost_by_stage, lines_of, model_named, print_details
from platform_assets.cli.status.screen import as_json, print_screen
from platform_assets.domain.status.line import Line, is_healthy
from platform_assets.domain.status.models import achieved
from resources.settings import load_settings

WHOLE = 2_000
"""Of one model every reason is told to its end."""


class Format(StrEnum):
    """For people or for machines."""

    SCREEN = "screen"
    JSON = "json"


def status(
    form: Annotated[
        Format, typer.Option("--format", help="A screen for people, or JSON for machines.")
    ] = Format.SCREEN,
    model: Annotated[str, typer.Option(help="Tell everything of this model instead.")] = "",
) -> None:
    """Tell how the whole platform is: data, models, runs, checks, automation, alerts, places, costs.

    Every line begins with ok, watch (worth a look by day), act (somebody has to do something) or unknown (it couldn't
    be read), and says the next step. Exit code 0: nobody has to do anything; 1: at least one line says act or unknown.
    Nothing is started or changed, and what can't be read keeps nothing else from being told.
    """
    gathered = Gathered(load_settings())
    lines = _of_model(gathered, model, form) if model else _of_platform(gathered, form)
    if not is_healthy(lines):
        raise typer.Exit(1)


def _of_platform(gathered: Gathered, form: Format) -> list[Line]:
    with gathered:
        lines = status_lines(gathered)
    _tell(gathered, lines, form, {})
    return lines


def _of_model(gathered: Gathered, name: str, form: Format) -> list[Line]:
    with gathered:
        model = model_named(gathered, name)
        costs, unread = guarded("places", gathered.costs_by_stage, list[dict[str, Any]]())
    lines = [*lines_of(model), *unread]
    details = {"achieved": achieved(model), "cost_by_stage": cost_by_stage(costs, name)}
    _tell(gathered, lines, form, details)
    if form is Format.SCREEN:
        print_details(model, costs, gathered.settings.cost_per_hour)
    return lines


def _tell(gathered: Gathered, lines: list[Line], form: Format, details: dict[str, Any]) -> None:
    home = str(gathered.settings.home_folder)
    if form is Format.JSON:
        typer.echo(as_json(lines, home, gathered.now, details))
    elif details:
        print_screen(lines, f"{home}, {gathered.now:%Y-%m-%d %H:%M} UTC", longest=WHOLE)
    else:
        print_screen(lines, f"{home}, {gathered.now:%Y-%m-%d %H:%M} UTC")
