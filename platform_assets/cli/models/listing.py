"""`platform models list`: the declared models, or the versions of one: how good, and what was decided last."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_assets.cli.models.declared import declared_model, registry_of, roles
from platform_assets.cli.models.rows import print_rows
from platform_assets.cli.sql import OutputFormat
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.trained_models.specs import all_specs
from resources.settings import load_settings

if TYPE_CHECKING:
    from platform_assets.domain.promotion.decision import Decision
    from resources.model_registry.model_version import ModelVersion
    from resources.model_registry.registry import ModelRegistry


def list_models(
    model: Annotated[str, typer.Argument(help="List the versions of this model, newest first.")] = "",
    output: Annotated[OutputFormat, typer.Option("--format", help="How rows are printed.")] = OutputFormat.TABLE,
) -> None:
    """List the declared models, or the versions of one: how good, and what was decided last.

    Ages are days since the training date. The metric is the champion's, or the version's own, on days that it never
    saw, with its 95 % interval. `csv` and `json` give every figure in a field of its own.
    """
    registry = registry_of(load_settings())
    if model:
        rows = _versions(registry, declared_model(model))
        shown = [_version_shown(row) for row in rows]
    else:
        today = datetime.now(UTC).date()
        rows = [_model(registry, spec, today) for spec in all_specs()]
        shown = [_model_shown(row) for row in rows]
    nothing = f"{model} was never trained." if model else "No model is declared."
    print_rows(shown if output is OutputFormat.TABLE else rows, output, nothing=nothing)


def _model(registry: "ModelRegistry", spec: ModelSpec, today: date) -> dict[str, Any]:
    champion, challenger = registry.champion(spec.name), registry.challenger(spec.name)
    decisions = registry.decisions(spec.name)
    return {
        "model": spec.name,
        "champion": champion.version if champion else None,
        "champion_age_days": (today - champion.training_date).days if champion else None,
        "challenger": challenger.version if challenger else None,
        "challenger_age_days": (today - challenger.training_date).days if challenger else None,
        **_quality(registry, spec, champion),
        **_decided(decisions[-1] if decisions else None),
    }


def _versions(registry: "ModelRegistry", spec: ModelSpec) -> list[dict[str, Any]]:
    champion, challenger = registry.champion(spec.name), registry.challenger(spec.name)
    last = {each.version: each for each in registry.decisions(spec.name)}
    return [
        {
            "role": roles(champion, challenger, version) or None,
            "training_date": version.training_date,
            "trained_until": version.trained_until,
            **_quality(registry, spec, version),
            **(_decided(last.get(version.version)) | {"version": version.version}),
        }
        for version in reversed(registry.versions(spec.name))
    ]


def _quality(registry: "ModelRegistry", spec: ModelSpec, version: "ModelVersion | None") -> dict[str, Any]:
    figures = registry.metrics(version) if version else {}
    ends = {"value": "", "low": "_low", "high": "_high"}
    return {"metric": spec.metric} | {name: figures.get(f"holdout_{spec.metric}{end}") for name, end in ends.items()}


def _decided(decision: "Decision | None") -> dict[str, Any]:
    return {
        "last_decision": decision.decision if decision else None,
        "version": decision.version if decision else None,
        "decided_at": decision.decided_at if decision else None,
        "reason": decision.verdict.reason if decision else None,
    }


def _model_shown(row: Mapping[str, Any]) -> dict[str, str]:
    """The row in fewer columns, for a screen."""
    aged = {
        role: f"{row[role]} ({row[f'{role}_age_days']} days)" if row[role] else "none"
        for role in ("champion", "challenger")
    }
    subject = f"version {row['version']}: " if row["version"] else ""
    return {"model": row["model"], **aged, "metric": _measured(row), "last decision": _said(row, subject)}


def _version_shown(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "version": str(row["version"]),
        "role": row["role"] or "",
        "trained as of": str(row["training_date"]),
        "metric": _measured(row),
        "last decision": _said(row, ""),
    }


def _measured(row: Mapping[str, Any]) -> str:
    if row["low"] is None:
        return str(row["metric"])
    return f"{row['metric']} {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def _said(row: Mapping[str, Any], subject: str) -> str:
    return f"{row['decided_at']:%Y-%m-%d %H:%M}, {subject}{row['reason']}" if row["decided_at"] else ""
