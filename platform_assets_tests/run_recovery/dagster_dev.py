"""A live `dagster dev` (UI, daemon, code server) on loopback, started and killed as one process group."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[2]
MODULE = "platform_assets_tests.run_recovery.held_table"
T = TypeVar("T")
PATIENCE_SECONDS = 240

LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}
"""


def wait_for(what: Callable[[], T | None], said: str) -> T:
    """The first true answer; TimeoutError if none comes."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if answer := what():
            return answer
        time.sleep(0.2)
    raise TimeoutError(f"{said}: not within {PATIENCE_SECONDS} s")


def environment(home: Path) -> dict[str, str]:
    """What a process of the platform of `held_table` below `home` needs."""
    return {
        **os.environ,
        "DAGSTER_HOME": str(home / "dagster"),
        "HOLD": str(home / "hold"),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }


class DagsterDev:
    """`dagster dev` in a process group of its own."""

    def __init__(self, home: Path, module: str = MODULE, **variables: str) -> None:
        self._module = module
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        command = [sys.executable, "-m", "dagster", "dev", "-m", module, "-h", "127.0.0.1", "-p", str(self._port)]
        with (home / "dev.log").open("a") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment(home) | variables, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self._is_up, "the UI comes up")

    def launch(self, asset: str = "held") -> str:
        """Start a run of an asset as the UI does; returns its id."""
        selector = {
            "repositoryName": "__repository__",
            "repositoryLocationName": self._module,
            "jobName": "__ASSET_JOB",
            "assetSelection": [{"path": [asset]}],
        }
        answer = self._ask(LAUNCH, {"params": {"selector": selector, "mode": "default", "runConfigData": {}}})
        return answer["launchRun"]["run"]["runId"]

    def kill(self) -> None:
        """kill -9 of everything at once, as a power cut does."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.loads(reply.read())["data"]

    def _is_up(self) -> bool:
        try:
            return bool(self._ask("{ version }", {}))
        except OSError:
            return False
