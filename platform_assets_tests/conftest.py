"""Fixtures that every part of the suite shares: a lakehouse on each store, an engine, the real data's folder."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_assets_tests.small_platform import SmallPlatform
from platform_assets_tests.stores import Store, local_store, moto_store
from resources.compute.duckdb_engine import DuckDBEngine

DEMO_KEY = b"a-key-that-only-tests-know"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, or a skip that says so."""
    folder = Path(os.environ.get("SHARED_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set SHARED_DATA)")
    return folder


@pytest.fixture(params=["duckdb"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> DuckDBEngine:
    """Every engine, one after the other."""
    return DuckDBEngine(spill_folder=tmp_path / "spill", pseudonym_key=DEMO_KEY)


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """Address of an S3 server on loopback, in a process of its own: moto, or the one that TEST_S3_ENDPOINT names."""
    if given := os.environ.get("TEST_S3_ENDPOINT"):
        yield given
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()  # a shell in the background may have made it ignore every kinder signal
        server.wait(timeout=10)


def _wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"no S3 server on port {port} after 30 s")


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A lakehouse in a folder, and the same on S3."""
    if request.param == "local":
        return local_store(tmp_path)
    return moto_store(request.getfixturevalue("moto_server"), tmp_path)


@pytest.fixture(scope="session")
def mlflow_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow store whose tables exist: making them takes MLflow seconds."""
    from resources.model_registry.registry import ModelRegistry

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    ModelRegistry(f"sqlite:///{path}", str(path.parent)).champion("nothing")
    return path


@pytest.fixture
def empty_mlflow(mlflow_template: Path, tmp_path: Path) -> Path:
    """The file of an empty MLflow store of the test's own."""
    return Path(shutil.copy(mlflow_template, tmp_path / "mlflow.db"))


@pytest.fixture(scope="session")
def small_platform(tmp_path_factory: pytest.TempPathFactory) -> SmallPlatform:
    """A few simulated days below one home, with raw events, events and user features published. Only to be read."""
    platform = SmallPlatform.simulated(tmp_path_factory.mktemp("platform"))
    platform.materialise("raw_web_events", "events", "identifier_pairs", "user_ids", "user_features")
    return platform
