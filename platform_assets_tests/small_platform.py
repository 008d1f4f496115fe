"""A whole platform on a few simulated days: its settings, its landing zone, and runs of its graph."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from platform_assets.definitions import build_definitions
from platform_assets.demo import SimulationSummary, simulate
from resources.settings import Settings

FIRST_DAY, DAYS, EVENTS = date(2026, 1, 5), 6, 6_000
KEYS = [(FIRST_DAY + timedelta(days=number)).isoformat() for number in range(DAYS)]


@dataclass(frozen=True)
class SmallPlatform:
    """Settings, what the simulation left, and resources that replace those of the settings."""

    settings: Settings
    truth: SimulationSummary
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def simulated(cls, home: Path, *, hubs: bool = False) -> "SmallPlatform":
        """A new world below `home`, if asked for with identifiers that many persons share; nothing is computed yet."""
        settings = Settings(home=home, first_day=FIRST_DAY, last_day=FIRST_DAY + timedelta(days=DAYS - 1))
        landing = Path(settings.landing_root)
        return cls(settings, simulate(landing, first_day=FIRST_DAY, days=DAYS, events=EVENTS, seed=3, hubs=hubs))

    def materialise(self, *assets: str, first: str = KEYS[0], last: str = KEYS[-1]) -> dg.ExecuteInProcessResult:
        """Run assets over a range of days, all of them unless told otherwise, on an instance of its own."""
        definitions = build_definitions(self.settings, self.overrides)
        job = definitions.resolve_implicit_global_asset_job_def().get_subset(
            asset_selection={dg.AssetKey(asset) for asset in assets}
        )
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        with dg.DagsterInstance.ephemeral() as instance:
            return job.execute_in_process(instance=instance, tags=tags)
