"""An MLflow server that dies while a model is registered: a named error within seconds; when it is back, once more."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient

from platform_assets.domain.modelling.training import train
from platform_assets.domain.promotion.verdict import Verdict
from platform_assets_tests.model_worlds import TRAINING_DATE, small_spec, training_rows
from resources.model_registry.model_version import RegistryUnavailable
from resources.model_registry.registry import ModelRegistry

pytestmark = pytest.mark.long  # a server takes ten seconds to start

SPEC = small_spec()
DIES_BEFORE = ("create_run", "log_model_artifacts", "create_model_version", "set_registered_model_alias")


@dataclass
class Server:
    """An MLflow server on loopback, in a process group of its own."""

    database: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--backend-store-uri", f"sqlite:///{self.database}"]
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        self.process = subprocess.Popen(
            command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.2)
        raise TimeoutError("no MLflow server after two minutes")

    def kill(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=10)
            self.process = None


@pytest.fixture
def server(empty_mlflow: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = Server(empty_mlflow, port)
    found.start()
    try:
        yield found
    finally:
        found.kill()


@pytest.mark.parametrize("write", DIES_BEFORE)
def test_a_server_that_dies_while_a_model_is_registered_is_told_and_the_model_registered_once_it_is_back(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    trained = train(training_rows(SPEC, users=60), SPEC, TRAINING_DATE)
    later = replace(trained, training_date=TRAINING_DATE + timedelta(days=1), digest="later")
    registry = ModelRegistry(server.uri, str(tmp_path / "files"))
    first = registry.register(SPEC, trained, card="# card", picture=b"")
    registry.record_verdict(first, Verdict(True, "promoted: first"))
    call = getattr(MlflowClient, write)
    with monkeypatch.context() as during:
        during.setattr(MlflowClient, write, lambda *given, **named: (server.kill(), call(*given, **named))[1])
        started = time.monotonic()
        with pytest.raises(RegistryUnavailable, match="correct PLATFORM_MLFLOW_URI"):
            registry.register(SPEC, later, card="# card", picture=b"")
        assert time.monotonic() - started < 30
    server.start()
    again = ModelRegistry(server.uri, str(tmp_path / "files"))
    assert again.champion(SPEC.name) == first
    assert again.register(SPEC, later, card="# card", picture=b"").version == 2
    assert [version.version for version in again.versions(SPEC.name)] == [1, 2]
    assert again.champion(SPEC.name) == first
