"""`platform status --model <name>`: everything of one model on one screen."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from platform_assets.cli.printed_table import print_table
from platform_assets.cli.status.costs import DAYS
from platform_assets.cli.status.gathered import Gathered
from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.status.line import Line
from platform_assets.domain.status.models import Model, achieved, model_lines, registry_lines
from platform_assets.domain.yaml_lines import nearest


def model_named(gathered: Gathered, name: str) -> Model:
    """What is known of a model. Raises ConfigurationError where no spec has this name."""
    specs = {spec.name: spec for spec in gathered.graph.specs}
    if name not in specs:
        raise ConfigurationError(
            f"no model is named {name}{nearest(name, specs)}",
            where="platform status --model",
            todo=f"ask for {', '.join(specs)}",
        )
    return gathered.models.read(specs[name], matured=None)


def lines_of(model: Model) -> list[Line]:
    """The lines of a model, and of the registry where it can't be read."""
    return [*registry_lines(model.registry_error), *model_lines(model)]


def cost_by_stage(rows: Sequence[Mapping[str, Any]], model: str) -> list[dict[str, Any]]:
    """What a model cost, a row a stage, the dearest first."""
    stages: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["model"] == model:
            stage = stages.setdefault(row["stage"], {"stage": row["stage"], **dict.fromkeys(SUMMED, 0)})
            for name in SUMMED:
                stage[name] += row[name]
    return sorted(stages.values(), key=lambda stage: (-stage["seconds"], stage["stage"]))


SUMMED = ("runs", "attempts", "failed", "rows", "seconds", "cost")


def print_details(model: Model, costs: Sequence[Mapping[str, Any]], cost_per_hour: float) -> None:
    """What every version achieved, and what every stage cost."""
    metric = model.spec.metric
    if versions := achieved(model):
        title = f"{metric} on matured days that a version had not seen"
        columns = ("version", "first", "last", "days", "rows", "positives", "mean", "lowest", "highest")
        _print(title, columns, versions)
    if stages := cost_by_stage(costs, model.spec.name):
        title = f"what it cost in the last {DAYS} days (what models share is not in it)"
        _print(title, ("stage", *SUMMED) if cost_per_hour else ("stage", *SUMMED[:-1]), stages)


def _print(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    shown = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        shown.add_column(column, justify="left" if column == "stage" else "right")
    for row in rows:
        shown.add_row(*(_told(column, row[column]) for column in columns))
    print_table(shown)


def _told(column: str, value: object) -> str:
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) and column != "version" else str(value)
    return f"{value:,.1f}" if column == "seconds" else f"{value:,.2f}" if column == "cost" else f"{value:.3f}"
