"""The small value by which a model travels between assets, and what can go wrong on the way to its files."""

from dataclasses import dataclass
from datetime import date

from platform_assets.domain.errors import PlatformError


class RegistryUnavailable(PlatformError):
    """The model registry can't be reached."""


class ModelNotFound(PlatformError):
    """No such model, version or alias."""


class ModelTampered(PlatformError):
    """The files of a model are not those that were registered. They were not loaded."""


class ModelTypeNotTrusted(PlatformError):
    """A model holds types that are not on the platform's list."""


class SignatureMismatch(PlatformError):
    """The rows to be scored don't have the columns that the model was trained on."""


class SignatureMissing(PlatformError):
    """A model doesn't say which columns it reads."""


@dataclass(frozen=True)
class ModelVersion:
    """One registered version: enough to load exactly this model again, and to tell which days it has seen."""

    name: str
    """Three-level registered name."""
    version: int
    uri: str
    digest: str
    """SHA-256 over the model's files, recorded at registration."""
    training_date: date
    trained_until: date
    run_id: str
    """The MLflow run that made it."""

    def __str__(self) -> str:
        return f"{self.name} version {self.version}"
