"""What is known of the models: their standing in the registry, and the newest rows of their tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from platform_assets.cli.status.lake import Lake
from platform_assets.domain.contracts.promotion_decisions import PROMOTION_DECISIONS
from platform_assets.domain.contracts.retrain_decisions import RETRAIN_DECISIONS
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.status.models import Model, Scored
from resources.model_registry.at_a_glance import Standing, standings

DECISIONS_READ = 7
"""Newest days of `retrain_decisions` that are looked through for a model's last row."""
MATURED_READ = 60
"""Newest validated days that are looked through for those of the champion."""


@dataclass
class Models:
    """All models, from a lake and the registry at an address; what they share is read once."""

    lake: Lake
    tracking_uri: str
    specs: Sequence[ModelSpec]

    def read(self, spec: ModelSpec, matured: int | None = MATURED_READ) -> Model:
        """Everything that is said of a model; `matured` is how many of the newest validated days are read, None: all.

        A registry that can't be reached is said; what its tables tell is there.
        """
        standing = self._standings.get(spec.name, Standing())
        decided = [row for row in self._decisions if row["model_name"] == spec.name]
        promoted = [row for row in self._promotions if row["model_name"].rpartition(".")[2] == spec.name]
        drift = self.lake.rows(spec.table("drift"), newest=1)
        return Model(
            spec,
            champion=standing.champion,
            challenger=standing.challenger,
            registry_error=self.registry_error,
            scored=self._scored(spec),
            validated=self.lake.rows(spec.table("validation"), newest=matured),
            decision=max(decided, key=lambda row: row["decision_date"], default=None),
            promotion=max(promoted, key=lambda row: (row["decided_at"], row["version"]), default=self._verdict(spec)),
            drift=[row for row in drift if row["reference"] == "training"],
            until=self.lake.daily(spec.feature_table).newest,
        )

    @property
    def registry_error(self) -> str:
        """Why the registry can't be read; empty where it can."""
        return self._registry.what if isinstance(self._registry, PlatformError) else ""

    @property
    def _standings(self) -> Mapping[str, Standing]:
        return {} if isinstance(self._registry, PlatformError) else self._registry

    @cached_property
    def _registry(self) -> Mapping[str, Standing] | PlatformError:
        try:
            return standings(self.tracking_uri, [spec.name for spec in self.specs])
        except PlatformError as unreachable:
            return unreachable

    @cached_property
    def _decisions(self) -> list[dict[str, Any]]:
        return self.lake.rows(RETRAIN_DECISIONS.name, newest=DECISIONS_READ)

    @cached_property
    def _promotions(self) -> list[dict[str, Any]]:
        return self.lake.rows(PROMOTION_DECISIONS.name)

    def _verdict(self, spec: ModelSpec) -> dict[str, Any] | None:
        """The gate's last verdict as a decision, for a lake whose decisions were not gathered yet."""
        for row in self.lake.rows(spec.table("champion")):
            decision = "promoted" if row["promoted"] else "refused"
            return {**row, "version": row["challenger_version"], "decision": decision}
        return None

    def _scored(self, spec: ModelSpec) -> Scored | None:
        name = spec.table("scores")
        held, days = self.lake.table(name), self.lake.daily(name)
        if held is None or days.newest is None:
            return None
        rows = held.rows_by_slice.get(days.newest.isoformat(), 0)
        return Scored(days.newest, rows, len(days.computed), days.missing)
