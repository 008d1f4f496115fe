"""`platform models list`: every declared model, who is champion and challenger, how good, and what was decided last."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_assets.cli.models.declared import registry_of
from platform_assets.cli.models.rows import print_rows
from platform_assets.cli.sql import OutputFormat
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.trained_models.specs import all_specs
from resources.settings import load_settings

if TYPE_CHECKING:
    from resources.model_registry.registry import ModelRegistry


def list_models(
    output: Annotated[OutputFormat, typer.Option("--format", help="How rows are printed.")] = OutputFormat.TABLE,
) -> None:
    """List the declared models: champion, challenger, how good, and the last decision.

    Ages are days since the training date. The metric is the champion's on days that it never saw, with its 95 %
    interval. `csv` and `json` give every figure in a field of its own.
    """
    registry, today = registry_of(load_settings()), datetime.now(UTC).date()
    rows = [_row(registry, spec, today) for spec in all_specs()]
    shown = [_shown(row) for row in rows] if output is OutputFormat.TABLE else rows
    print_rows(shown, output, nothing="No model is declared.")


def _shown(row: Mapping[str, Any]) -> dict[str, str]:
    """The row in fewer columns, for a screen."""
    aged = {
        role: f"{row[role]} ({row[f'{role}_age_days']} days)" if row[role] else "none"
        for role in ("champion", "challenger")
    }
    quality = f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" if row["value"] is not None else ""
    decided = f"{row['decided_at']:%Y-%m-%d %H:%M}, version {row['version']}: " if row["decided_at"] else ""
    return {
        "model": row["model"],
        **aged,
        "metric": f"{row['metric']} {quality}".strip(),
        "last decision": f"{decided}{row['reason'] or ''}",
    }


def _row(registry: "ModelRegistry", spec: ModelSpec, today: date) -> dict[str, Any]:
    champion, challenger = registry.champion(spec.name), registry.challenger(spec.name)
    decisions = registry.decisions(spec.name)
    figures = registry.metrics(champion) if champion else {}
    metric = f"holdout_{spec.metric}"
    return {
        "model": spec.name,
        "champion": champion.version if champion else None,
        "champion_age_days": (today - champion.training_date).days if champion else None,
        "challenger": challenger.version if challenger else None,
        "challenger_age_days": (today - challenger.training_date).days if challenger else None,
        "metric": spec.metric,
        "value": figures.get(metric),
        "low": figures.get(f"{metric}_low"),
        "high": figures.get(f"{metric}_high"),
        "last_decision": decisions[-1].decision if decisions else None,
        "version": decisions[-1].version if decisions else None,
        "decided_at": decisions[-1].decided_at if decisions else None,
        "reason": decisions[-1].verdict.reason if decisions else None,
    }
