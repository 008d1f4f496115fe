"""All sections of the status, each gathered by itself: one that fails becomes a line that says so."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg

from platform_assets.cli.dagster_runs import prepare_instance
from platform_assets.cli.status import instance as known
from platform_assets.cli.status.costs import DAYS, costs_by_stage, since_then, told_costs
from platform_assets.cli.status.graph import Graph, declared_graph
from platform_assets.cli.status.lake import Lake
from platform_assets.cli.status.models import Models
from platform_assets.domain.alerts.deliveries import outbox_health
from platform_assets.domain.contracts.alert_events import ALERT_EVENTS
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.status import alerts, data, models, places, work
from platform_assets.domain.status.line import Line, Mark, unreadable
from resources.settings import Settings

T = TypeVar("T")
QUARANTINE_DAYS = 7


@dataclass
class Gathered:
    """What the sections share, opened when the first of them asks; an error is each asking section's own."""

    settings: Settings
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def lake(self) -> Lake:
        """The lake's tables."""
        return Lake.at(self.settings.lake_root)

    @cached_property
    def graph(self) -> Graph:
        """What is declared."""
        return declared_graph(self.settings)

    @cached_property
    def instance(self) -> dg.DagsterInstance | None:
        """The Dagster instance, None where this home never had one: looking makes none."""
        if not (self.settings.home_folder / "dagster").exists():
            return None
        os.environ.update(prepare_instance(self.settings))
        return dg.DagsterInstance.get()

    def costs_by_stage(self) -> list[dict[str, Any]]:
        """Rows of `model_costs` up to now."""
        return costs_by_stage(self.lake, self.instance, self.graph, self.now, self.settings.cost_per_hour)

    @cached_property
    def models(self) -> Models:
        """What is known of every model."""
        return Models(self.lake, self.settings.tracking_uri, self.graph.specs)

    def __enter__(self) -> "Gathered":
        return self

    def __exit__(self, *error: object) -> None:
        if isinstance(opened := self.__dict__.get("instance"), dg.DagsterInstance):
            opened.dispose()


def status_lines(gathered: Gathered) -> list[Line]:
    """Every line of the status, the sections in their order."""
    lines: list[Line] = []
    for section, tell in SECTIONS:
        told, unread = guarded(section, partial(tell, gathered), list[Line]())
        lines += [*told, *unread]
    return lines


def guarded(section: str, gather: Callable[[], T], otherwise: T, subject: str = "") -> tuple[T, list[Line]]:
    """What is gathered; where that fails, something else and the line that says why."""
    try:
        return gather(), []
    except Exception as error:
        return otherwise, [unreadable(section, error, subject)]


def _data(gathered: Gathered) -> list[Line]:
    lake, graph = gathered.lake, gathered.graph
    events = lake.daily(EVENTS.name)
    raws = [lake.daily(name) for name in graph.raws]
    quarantined = [lake.quarantined(name, QUARANTINE_DAYS) for name in (*graph.raws, EVENTS.name)]
    products = [lake.daily(name, events.newest) for name in graph.products if name not in lake.unreadable]
    reopened = _reopened_days(gathered)
    return data.data_lines(data.Data(raws, events, products, quarantined, graph.calendar_end, reopened))


def _unreadable_tables(gathered: Gathered) -> list[Line]:
    return [unreadable(data.SECTION, error, name) for name, error in gathered.lake.unreadable.items()]


def _reopened_days(gathered: Gathered) -> list[Any]:
    """Event days that read other raw rows now than when they were computed."""
    from platform_assets.definitions import declared_sources
    from platform_assets.domain.event_days import stale_event_days
    from resources.lakehouse.publication_history import computed_from, raw_history

    lakehouse = gathered.lake.lakehouse
    raws = {
        name: raw_history(lakehouse, name, source.lateness_days)
        for source in declared_sources(gathered.settings)
        for name in [f"raw_{source.name}"]
        if gathered.lake.table(name) is not None
    }
    return sorted(stale_event_days(raws, computed_from(lakehouse, EVENTS.name)))


def _models(gathered: Gathered) -> list[Line]:
    lines = models.registry_lines(gathered.models.registry_error)
    for spec in gathered.graph.specs:
        tell = partial(_model, gathered, spec)
        told, unread = guarded(models.SECTION, tell, list[Line](), spec.name)
        lines += [*told, *unread]
    return lines


def _model(gathered: Gathered, spec: ModelSpec) -> list[Line]:
    return models.model_lines(gathered.models.read(spec))


def _runs(gathered: Gathered) -> list[Line]:
    if gathered.instance is None:
        return [Line(work.SECTION, "runs", Mark.WATCH, "nothing ever ran here", "`platform demo`, or `make dev`")]
    return work.run_lines(known.runs_of(gathered.instance, gathered.now), gathered.now)


def _of_instance(tell: Callable[[dg.DagsterInstance, Gathered], list[Line]]) -> Callable[[Gathered], list[Line]]:
    return lambda gathered: tell(gathered.instance, gathered) if gathered.instance is not None else []


def _checks(instance: dg.DagsterInstance, gathered: Gathered) -> list[Line]:
    return work.check_lines(known.checks_of(instance, gathered.graph.checks))


def _freshness(instance: dg.DagsterInstance, gathered: Gathered) -> list[Line]:
    return work.freshness_lines(known.freshness_of(instance, gathered.graph.promised_fresh))


def _automation(instance: dg.DagsterInstance, gathered: Gathered) -> list[Line]:
    tickers, heartbeat = known.tickers_of(instance, gathered.graph.tickers), known.heartbeat_of(instance)
    return work.ticker_lines(tickers, heartbeat, gathered.now, expected=gathered.graph.calendar_end is not None)


def _alerts(gathered: Gathered) -> list[Line]:
    from resources.notifications.outbox import Outbox

    if gathered.lake.table(ALERT_EVENTS.name) is None:
        return alerts.alert_lines(None, gathered.now)
    outbox = Outbox(gathered.lake.lakehouse, gathered.settings.staging_folder)
    return alerts.alert_lines(outbox_health(outbox.events()), gathered.now)


def _places(gathered: Gathered) -> list[Line]:
    disk = shutil.disk_usage(_existing(gathered.settings.home_folder))
    tables = gathered.lake.tables
    lake_bytes = sum(held.bytes for held in tables.values())
    home, root = str(gathered.settings.home_folder), gathered.settings.lake_root
    return places.place_lines(places.Places(home, disk.total, disk.free, root, lake_bytes, len(tables)))


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def _costs(gathered: Gathered) -> list[Line]:
    rows, first = told_costs(gathered.lake, gathered.now.date())
    since = since_then(gathered.instance, first, gathered.now) if gathered.instance is not None else None
    return places.cost_lines(rows, since, DAYS, gathered.settings.cost_per_hour)


SECTIONS: tuple[tuple[str, Callable[[Gathered], list[Line]]], ...] = (
    (data.SECTION, _data),
    (data.SECTION, _unreadable_tables),
    (models.SECTION, _models),
    (work.SECTION, _runs),
    (work.SECTION, _of_instance(_checks)),
    (work.SECTION, _of_instance(_freshness)),
    (work.SECTION, _of_instance(_automation)),
    (alerts.SECTION, _alerts),
    (places.SECTION, _places),
    (places.SECTION, _costs),
)
