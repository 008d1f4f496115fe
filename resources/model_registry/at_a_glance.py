"""Who is champion and challenger of every model, and what their training measured: in one look.

A database is asked directly: importing MLflow's client takes longer than all else that a status tells, and it would
make or migrate the store that is only looked at. Any other store is asked through `ModelRegistry`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from platform_assets.domain.status.models import Registered
from resources.model_registry.connection import without_password
from resources.model_registry.model_version import RegistryUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection

CHALLENGER, CHAMPION = "challenger", "champion"
SQLITE = "sqlite:///"
DATABASES = (SQLITE, "postgresql")
CONNECT_SECONDS = 5


@dataclass(frozen=True)
class Standing:
    """The champion and the challenger of one model, None where there is none."""

    champion: Registered | None = None
    challenger: Registered | None = None


@dataclass(frozen=True)
class _Aliases:
    """Versions by alias, tags and metrics of one model, as the tables hold them."""

    versions: Mapping[str, int] = field(default_factory=dict)
    training_dates: Mapping[int, date] = field(default_factory=dict)
    metrics: Mapping[int, Mapping[str, float]] = field(default_factory=dict)

    def registered(self, alias: str) -> Registered | None:
        number = self.versions.get(alias)
        if number is None or number not in self.training_dates:
            return None
        return Registered(number, self.training_dates[number], self.metrics.get(number, {}))


def standings(tracking_uri: str, models: Sequence[str], *, prefix: str = "main.platform") -> dict[str, Standing]:
    """The standing of each model; a model that was never registered has none. Raises RegistryUnavailable."""
    if not tracking_uri.startswith(DATABASES):
        return _by_client(tracking_uri, models, prefix)
    if tracking_uri.startswith(SQLITE):
        file = Path(tracking_uri.removeprefix(SQLITE))
        if not file.exists():
            return dict.fromkeys(models, Standing())
        tracking_uri = f"{SQLITE}file:{file}?mode=ro&uri=true"
    return _by_tables(tracking_uri, models, prefix)


def _by_tables(address: str, models: Sequence[str], prefix: str) -> dict[str, Standing]:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    options = {"timeout" if address.startswith(SQLITE) else "connect_timeout": CONNECT_SECONDS}
    try:
        engine = create_engine(address, connect_args=options)
        with engine.connect() as connection:
            found = {model: _aliases(connection, f"{prefix}.{model}") for model in models}
        engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        raise RegistryUnavailable(
            f"{type(error).__name__}: {without_password(str(error).partition(chr(10))[0])}",
            where=without_password(address),
            todo="start the database or correct PLATFORM_MLFLOW_URI",
        ) from error
    return {model: Standing(each.registered(CHAMPION), each.registered(CHALLENGER)) for model, each in found.items()}


def _aliases(connection: "Connection", name: str) -> _Aliases:
    from sqlalchemy import text

    def rows(query: str) -> Sequence[tuple]:
        return [tuple(row) for row in connection.execute(text(query), {"name": name})]

    versions = {alias: int(number) for alias, number in rows(_ALIASES)}
    dates = {int(number): date.fromisoformat(day) for number, day in rows(_TRAINING_DATES)}
    metrics: dict[int, dict[str, float]] = {}
    for number, key, value in rows(_METRICS):
        metrics.setdefault(int(number), {})[key] = float(value)
    return _Aliases(versions, dates, metrics)


_ALIASES = "SELECT alias, version FROM registered_model_aliases WHERE name = :name"
_TRAINING_DATES = "SELECT version, value FROM model_version_tags WHERE name = :name AND key = 'training_date'"
_METRICS = (
    "SELECT a.version, m.key, m.value FROM registered_model_aliases a "
    "JOIN model_versions v ON v.name = a.name AND v.version = a.version AND v.workspace = a.workspace "
    "JOIN latest_metrics m ON m.run_uuid = v.run_id "
    "WHERE a.name = :name AND NOT m.is_nan"
)


def _by_client(tracking_uri: str, models: Sequence[str], prefix: str) -> dict[str, Standing]:
    from resources.model_registry.registry import ModelRegistry

    registry = ModelRegistry(tracking_uri, "", prefix=prefix)

    def registered(version: object) -> Registered | None:
        from resources.model_registry.model_version import ModelVersion

        if not isinstance(version, ModelVersion):
            return None
        return Registered(version.version, version.training_date, registry.metrics(version))

    return {
        model: Standing(registered(registry.champion(model)), registered(registry.challenger(model)))
        for model in models
    }
