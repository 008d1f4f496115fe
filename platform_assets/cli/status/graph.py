"""What is declared: the graph's tables by stage, its checks, promises of freshness, sensors and schedules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg

from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.model_costs import Charge, charges_of
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.trained_models.specs import all_specs
from resources.settings import Settings

BY_NEED = frozenset({"trained_models"})
"""Stages whose tables have days of their own: models are trained when it is decided, clusters every two weeks."""


@dataclass(frozen=True)
class Graph:
    """The declared graph, as far as a status needs it. `raws` names the raw tables with their lateness in days."""

    groups: Mapping[str, str]
    raws: Sequence[str]
    products: Sequence[str]
    specs: Sequence[ModelSpec]
    checks: Sequence[dg.AssetCheckKey]
    promised_fresh: Sequence[dg.AssetKey]
    tickers: Sequence[str]
    calendar_end: date | None

    @property
    def charges(self) -> dict[str, Charge]:
        """Where seconds are booked, by asset."""
        return charges_of(self.groups, self.specs)


def declared_graph(settings: Settings) -> Graph:
    """The graph of these settings. Raises ConfigurationError where something is declared wrongly."""
    from platform_assets.definitions import defs

    graph, specs = defs.resolve_asset_graph(), all_specs()
    nodes = {key.path[-1]: graph.get(key) for key in graph.get_all_asset_keys()}
    groups = {name: str(node.group_name) for name, node in nodes.items()}
    days = nodes[EVENTS.name].partitions_def
    keys = days.get_partition_keys() if days else []
    owned = tuple(f"{spec.name}_" for spec in specs)
    products = [
        name
        for name, node in sorted(nodes.items())
        if node.partitions_def == days
        and groups[name] not in BY_NEED | {"raw_events"}
        and name not in (EVENTS.name, "retrain_decisions")
        and not name.startswith(owned)
    ]
    return Graph(
        groups=groups,
        raws=[name for name in sorted(groups) if groups[name] == "raw_events"],
        products=products,
        specs=specs,
        checks=sorted(graph.asset_check_keys, key=lambda key: key.to_user_string()),
        promised_fresh=[node.key for _, node in sorted(nodes.items()) if node.freshness_policy_or_from_metadata],
        tickers=[each.name for each in (*(defs.sensors or ()), *(defs.schedules or ())) if hasattr(each, "name")],
        calendar_end=_calendar_end(keys, settings),
    )


def _calendar_end(keys: Sequence[str], settings: Settings) -> date | None:
    """The last day that is over, None where the data ends by itself before it."""
    if not keys:
        return None
    last = date.fromisoformat(keys[-1])
    ended = settings.last_partition_day is not None and last >= settings.last_partition_day
    return None if ended and last < datetime.now(UTC).date() else last
