"""`platform models show`: all that is known of a version."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

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
        OutputFormat, typer.Option("--format", help="How facts are printed; `table` ends with the model card.")
    ] = OutputFormat.TABLE,
) -> None:
    """Show all that is known of a version.

    Its figures and decisions, the tables and columns it reads, the Delta versions it learnt from, whether its files are
    still those that were registered, its card.

    Example: platform models show conversion --version 3
    """
    registry, spec = registry_of(load_settings()), declared_model(model)
    found = _version(registry, spec, version)
    facts = _facts(registry, spec, found)
    if output is OutputFormat.JSON:
        typer.echo(json.dumps(facts, default=str))
        return
    print_rows([{"fact": name, "value": value} for name, value in _flat(facts).items()], output, nothing="")
    if output is OutputFormat.TABLE:
        from rich.markdown import Markdown  # takes longer to load than all of this package

        Console().print(Markdown(registry.card(found)))


def _version(registry: "ModelRegistry", spec: ModelSpec, number: int | None) -> "ModelVersion":
    if number is not None:
        return registry.version(spec.name, number)
    return registry.champion(spec.name) or registry.challenger(spec.name) or registry.require_champion(spec.name)


def _facts(registry: "ModelRegistry", spec: ModelSpec, version: "ModelVersion") -> dict[str, Any]:
    tags, metrics = registry.tags(version), dict(sorted(registry.metrics(version).items()))
    return {
        "model": version.name,
        "version": version.version,
        "role": roles(registry.champion(spec.name), registry.challenger(spec.name), version) or None,
        "training_date": version.training_date,
        "trained_until": version.trained_until,
        "files": version.uri,
        "digest": version.digest,
        "verified": registry.verified(version),
        "dagster_run_id": tags.get("dagster_run_id"),
        "code_version": tags.get("code_version"),
        "mlflow_run_id": version.run_id,
        "reads": {each.table: list(each.columns) for each in spec.features},
        "learnt_from": {
            name.removeprefix(_DELTA): int(value) for name, value in sorted(tags.items()) if name.startswith(_DELTA)
        },
        "metrics": metrics,
        "decisions": {
            f"{each.decided_at:%Y-%m-%dT%H:%M:%SZ}": f"{each.decision} by {each.decided_by}: {each.verdict.reason}"
            for each in registry.decisions(spec.name)
            if each.version == version.version
        },
    }


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as lines: of a group each member, of a figure its interval beside it."""
    flat = {name: value for name, value in facts.items() if value is not None and not isinstance(value, dict)}
    flat |= {f"reads {table}": ", ".join(columns) for table, columns in facts["reads"].items()}
    flat |= {f"learnt from {table}": f"Delta version {version}" for table, version in facts["learnt_from"].items()}
    metrics = facts["metrics"]
    for name, value in metrics.items():
        low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
        if not name.endswith(("_low", "_high")):
            flat[name] = f"{value:,.0f}" if low is None else f"{value:.4f} [{low:.4f}, {high:.4f}]"
    return flat | {f"decided {when}": what for when, what in facts["decisions"].items()}
