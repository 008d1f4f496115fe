"""`platform models show`: all that is known of a version, or of the newest versions of a model."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown

from platform_assets.cli.models.declared import ModelName, declared_model, registry_of, roles
from platform_assets.cli.models.rows import print_rows
from platform_assets.cli.sql import OutputFormat
from platform_assets.domain.model_spec import ModelSpec
from resources.settings import load_settings

if TYPE_CHECKING:
    from resources.model_registry.model_version import ModelVersion
    from resources.model_registry.registry import ModelRegistry

_DELTA = "delta_version."


def show(
    model: ModelName,
    version: Annotated[
        int | None, typer.Option(min=1, help="The version; without it the champion, else the challenger.")
    ] = None,
    output: Annotated[
        OutputFormat, typer.Option("--format", help="`json` and `csv` give all facts, `table` also the model card.")
    ] = OutputFormat.TABLE,
) -> None:
    """Show a version: its card, its figures, the tables and columns it reads, the Delta versions it learnt from, every
    decision on it, and whether its files are still those that were registered.

    Example: platform models show conversion --version 3
    """
    registry, spec = registry_of(load_settings()), declared_model(model)
    found = _version(registry, spec, version)
    facts = {name: value for name, value in _facts(registry, spec, found).items() if value not in (None, "")}
    if output is OutputFormat.JSON:
        typer.echo(json.dumps(facts, default=str))
        return
    print_rows([{"fact": name, "value": value} for name, value in facts.items()], output, nothing="")
    if output is OutputFormat.TABLE:
        Console().print(Markdown(registry.card(found)))


def _version(registry: "ModelRegistry", spec: ModelSpec, number: int | None) -> "ModelVersion":
    if number is not None:
        return registry.version(spec.name, number)
    return registry.champion(spec.name) or registry.challenger(spec.name) or registry.require_champion(spec.name)


def _facts(registry: "ModelRegistry", spec: ModelSpec, version: "ModelVersion") -> dict[str, Any]:
    tags = registry.tags(version)
    columns = {each.table: ", ".join(each.columns) for each in spec.features}
    decisions = [each for each in registry.decisions(spec.name) if each.version == version.version]
    told = {
        f"decided {each.decided_at:%Y-%m-%d %H:%M} by {each.decided_by}": f"{each.decision}: {each.verdict.reason}"
        for each in decisions
    }
    return {
        "model": version.name,
        "version": version.version,
        "is": roles(registry.champion(spec.name), registry.challenger(spec.name), version),
        "trained as of": version.training_date,
        "has seen days until": version.trained_until,
        "files": version.uri,
        "digest": version.digest,
        "verified": registry.verified(version),
        **{f"reads {table}": names for table, names in columns.items()},
        **{
            f"learnt from {name.removeprefix(_DELTA)}": f"Delta version {value}"
            for name, value in sorted(tags.items())
            if name.startswith(_DELTA)
        },
        **{name: tags.get(name) for name in ("dagster_run_id", "code_version")},
        "mlflow_run_id": version.run_id,
        **dict(sorted(registry.metrics(version).items())),
        **told,
    }
