"""The way to an MLflow store: one client, quick failures, and an error that says which store and what to do."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from resources.model_registry.model_version import RegistryUnavailable

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # An unreachable server is told in seconds; by default MLflow tries for four minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


class MlflowConnection:
    """A client of the store at `tracking_uri`, made when it is first used.

    Everything goes through this client, never through MLflow's global tracking address or active run.
    """

    def __init__(self, tracking_uri: str) -> None:
        self.tracking_uri = tracking_uri

    @cached_property
    def client(self) -> "MlflowClient":
        """The connected client. Callers use it within `reach`."""
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        if self.tracking_uri.startswith("sqlite:///"):
            Path(self.tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        client = MlflowClient(self.tracking_uri, self.tracking_uri)
        client.search_experiments(max_results=1)
        return client

    @contextmanager
    def reach(self) -> Iterator["MlflowClient"]:
        """The client for a few calls; a store that can't serve them raises `RegistryUnavailable`."""
        try:
            client = self.client
        except Exception as error:
            raise self._unavailable(error) from error
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import OperationalError

        try:
            yield client
        except (OperationalError, ConnectionError) as error:
            raise self._unavailable(error) from error
        except MlflowException as error:
            if error.error_code not in ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE"):
                raise
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> RegistryUnavailable:
        reason = without_password(str(error).partition("\n")[0])[:200]
        return RegistryUnavailable(
            f"the MLflow store can't serve the request ({type(error).__name__}: {reason})",
            where=without_password(self.tracking_uri),
            todo="start it or correct PLATFORM_MLFLOW_URI, then run the step again",
        )


@contextmanager
def exists_already() -> Iterator[None]:
    """Passes over that something to be created exists: another process was faster."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def without_password(text: str) -> str:
    """An address, or a text that names one, without the login in it."""
    return re.sub(r"://[^/@\s]*@", "://…@", text)
