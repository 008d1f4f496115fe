"""`platform retrain`: ask by hand that a model be trained again; the next decision takes the request up, once."""

import difflib
import getpass
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console

from platform_assets.cli.dagster_runs import materialize
from platform_assets.domain.contracts.retrain_decisions import RETRAIN_DECISIONS
from platform_assets.domain.errors import ConfigurationError, PlatformError
from platform_assets.domain.imported_models.declaration import is_imported
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.retraining.evidence import Request
from platform_assets.validation_reports.retrain_requests import RetrainRequests
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.store_safety import require_safe_store
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings, load_settings


class DecidedAlready(PlatformError):
    """The day that a model is asked to be trained on has decided so already."""


def retrain(
    model: Annotated[str, typer.Argument(help="The model, as its assets begin, for example conversion.")],
    reason: Annotated[str, typer.Option(help="Why; it stands with the decision.")] = "",
    by: Annotated[str, typer.Option(help="Who asks; your login name by default.")] = "",
    now: Annotated[
        bool,
        typer.Option("--now", help="Decide the newest day again with the request; don't wait for the next."),
    ] = False,
) -> None:
    """Ask that a model be trained again, whatever its triggers say and without waiting for a cooldown.

    The decision of the next landing day takes the request up; the sensor `retrain` then trains and judges the model.
    A champion is still replaced only by a challenger that is shown to be better. `platform sql "select * from
    retrain_decisions"` shows what was decided and why.
    """
    settings = load_settings()
    spec, desk = _declared(model), _Desk.open(settings)
    day = desk.newest_day(spec.feature_table) if now else desk.next_day()
    if now and (decided := desk.decision(model, day)) and decided["retrain"]:
        raise DecidedAlready(
            f"the training as of {day} is decided already ({decided['reason']})",
            where=model,
            todo="the same data would give the same model: ask without --now, then the next landing day trains it",
        )
    asked = desk.requests.ask(model, Request(day, by or getpass.getuser(), reason), datetime.now(UTC))
    typer.echo(f"{asked.requested_by} asks that {model} be trained as of {day} or the first day that can.")
    if not now:
        typer.echo("The next decision takes it up; --now decides the newest day again.")
        return
    desk.decide(day)
    told = desk.decision(model, day)
    typer.echo(f"{day}: {told['reason'] if told else 'nothing was decided'}")
    if told and told["retrain"]:
        typer.echo("The sensor `retrain` starts the training within a minute where `dagster dev` runs.")


def _declared(model: str) -> ModelSpec:
    """The spec of a model. Raises ConfigurationError for one that no file declares."""
    from platform_assets.trained_models.specs import all_specs

    known = {spec.name: spec for spec in all_specs() if not is_imported(spec)}
    if model not in known:
        near = difflib.get_close_matches(model, known, n=1)
        todo = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
        raise ConfigurationError("no such model is trained here", where=model, todo=todo)
    return known[model]


@dataclass(frozen=True)
class _Desk:
    """Requests and decisions of the lake that the settings name."""

    settings: Settings
    lakehouse: Lakehouse
    engine: DuckDBEngine
    requests: RetrainRequests

    @classmethod
    def open(cls, settings: Settings) -> "_Desk":
        lakehouse, engine = Lakehouse(settings.lake_root), DuckDBEngine.from_settings(settings)
        require_safe_store(lakehouse, settings.safe_stores_file)
        return cls(settings, lakehouse, engine, RetrainRequests(lakehouse, engine, settings.staging_folder))

    def newest_day(self, features: str) -> date:
        """The last day with a decision or features. Raises ConfigurationError where there is none."""
        known = [day for table in (RETRAIN_DECISIONS.name, features) if (day := self._last(table))]
        if not known:
            raise ConfigurationError(
                "no day has features yet",
                where=self.settings.lake_root,
                todo=f"materialise {features}, or ask without --now",
            )
        return max(known)

    def next_day(self) -> date:
        """The first day that nothing was decided on. Raises ConfigurationError where the days end before it."""
        decided, end = self._last(RETRAIN_DECISIONS.name), self.settings.last_partition_day
        if decided is None:
            return self.settings.first_partition_day
        if end is not None and decided >= end:
            raise ConfigurationError(
                f"the days end on {end}, which is decided on already",
                where="PLATFORM_LAST_DAY",
                todo="add --now, or let the days go on",
            )
        return decided + timedelta(days=1)

    def decision(self, model: str, day: date) -> dict[str, Any] | None:
        """What was decided about a model on a day."""
        if not self.lakehouse.exists(RETRAIN_DECISIONS.name):
            return None
        snapshot = self.lakehouse.snapshot(RETRAIN_DECISIONS.name)
        rows = read(self.lakehouse, self.engine, snapshot, [day.isoformat()])
        found = rows.filter(rows.model_name == model).select("retrain", "reason").to_pyarrow().to_pylist()
        return found[0] if found else None

    def decide(self, day: date) -> None:
        """Compute the decisions of a day."""
        materialize(self.settings, [RETRAIN_DECISIONS.name], partition=day.isoformat(), console=Console(stderr=True))

    def _last(self, table: str) -> date | None:
        if not self.lakehouse.exists(table):
            return None
        days = [day for day in self.lakehouse.snapshot(table).rows_by_slice() if day]
        return date.fromisoformat(max(days)) if days else None
