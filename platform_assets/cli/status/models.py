"""What is known of the models: their standing in the registry, and the newest rows of their tables."""

from collections.abc import Sequence
from typing import Any

from platform_assets.cli.status.lake import Lake
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.status.models import Model, Scored
from resources.model_registry.at_a_glance import Standing, standings
from resources.settings import Settings

PROMOTIONS, RETRAININGS = "promotion_decisions", "retrain_decisions"
DECISIONS_READ = 7
"""Newest days of `retrain_decisions` that are looked through for a model's last row."""
MATURED_READ = 60
"""Newest validated days that are looked through for those of the champion."""


def models_of(
    settings: Settings, lake: Lake, specs: Sequence[ModelSpec], matured: int | None = MATURED_READ
) -> list[Model]:
    """Everything that is said of each model; a registry that can't be reached is said of each, the rest is there.

    `matured` is how many of the newest validated days are read, None: all.
    """
    try:
        registered = standings(settings.tracking_uri, [spec.name for spec in specs])
        error = ""
    except PlatformError as unreachable:
        registered, error = {}, unreachable.what
    decisions = lake.rows(RETRAININGS, newest=DECISIONS_READ)
    promotions = lake.rows(PROMOTIONS)
    return [
        _model(lake, spec, registered.get(spec.name, Standing()), error, decisions, promotions, matured)
        for spec in specs
    ]


def _model(
    lake: Lake,
    spec: ModelSpec,
    standing: Standing,
    error: str,
    decisions: Sequence[dict[str, Any]],
    promotions: Sequence[dict[str, Any]],
    matured: int | None,
) -> Model:
    decided = [row for row in decisions if row["model_name"] == spec.name]
    promoted = [row for row in promotions if row["model_name"].rpartition(".")[2] == spec.name]
    drift = lake.rows(spec.table("drift"), newest=1)
    return Model(
        spec,
        champion=standing.champion,
        challenger=standing.challenger,
        registry_error=error,
        scored=_scored(lake, spec),
        validated=lake.rows(spec.table("validation"), newest=matured),
        decision=max(decided, key=lambda row: row["decision_date"], default=None),
        promotion=max(promoted, key=lambda row: (row["decided_at"], row["version"]), default=_verdict(lake, spec)),
        drift=[row for row in drift if row["reference"] == "training"],
        until=lake.daily(spec.feature_table).newest,
    )


def _verdict(lake: Lake, spec: ModelSpec) -> dict[str, Any] | None:
    """The gate's last verdict as a decision, for a lake whose decisions were not gathered yet."""
    rows = lake.rows(spec.table("champion"))
    return next(
        ({**row, "version": row["challenger_version"], "decision": "promoted" if row["promoted"] else "refused"}
         for row in rows), None
    )  # fmt: skip


def _scored(lake: Lake, spec: ModelSpec) -> Scored | None:
    name = spec.table("scores")
    held, days = lake.table(name), lake.daily(name)
    if held is None or days.newest is None:
        return None
    rows = held.rows_by_slice.get(days.newest.isoformat(), 0)
    return Scored(days.newest, rows, len(days.computed), days.missing)
