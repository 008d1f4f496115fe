"""What is said of a subject beside what happened to it: owner, targets, link, partitions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from platform_assets.automation.partition_requests import FIRST_TAG, LAST_TAG, PARTITION_TAG

PLATFORM_TEAM = "team:data-platform"
"""Answers for what is no asset: sensors, schedules, jobs such as the nightly maintenance."""

RunOf = Callable[[str], dg.DagsterRun | None]
"""From a run's id to the run, looked up once a tick."""


@dataclass(frozen=True)
class Graph:
    """What is known of subjects beside the event log: owners of assets, targets that models name, the UI's address."""

    ui_url: str
    owner_of: Callable[[dg.AssetKey], str] = lambda key: ""
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    champions: Sequence[str] = ()

    def targets_of(self, asset: str) -> tuple[str, ...]:
        """The targets that the model of an asset names; `targets` is by the model's name."""
        return next((named for model, named in self.targets.items() if asset.startswith(f"{model}_")), ())

    def about(self, key: dg.AssetKey, run_id: str = "") -> dict[str, Any]:
        """What a signal says of an asset: its name, owner, targets and where the UI shows it."""
        name = key.to_user_string()
        link = f"{self.ui_url}/runs/{run_id}" if run_id else f"{self.ui_url}/assets/{'/'.join(key.path)}"
        return {
            "subject": name,
            "owner": self.owner_of(key) or PLATFORM_TEAM,
            "targets": self.targets_of(name),
            "link": link,
            "run_id": run_id,
        }


def partitions_of(run: dg.DagsterRun) -> str:
    """The partition or range of partitions of a run; empty where it has none."""
    first = run.tags.get(FIRST_TAG) or run.tags.get(PARTITION_TAG) or ""
    last = run.tags.get(LAST_TAG, first)
    return first if first == last else f"{first}...{last}"


def instant(timestamp: float) -> datetime:
    """A Unix time as an instant, UTC without a zone, as the log has it."""
    return datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None)
