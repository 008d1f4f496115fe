"""Publishers in processes of their own, which may be killed at any instant.

`python -m platform_assets_tests.lakehouse.publishers` has imported everything and forks a publisher on command, before
any thread of DuckDB or delta-rs exists: a new publisher costs milliseconds. `Publishers` talks to it.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

# What a publisher imports late is imported before the first fork.
import deltalake  # noqa: F401
import ibis.backends.duckdb
import ibis.formats.pandas  # noqa: F401
import pandas  # noqa: F401
import pyarrow.dataset
import pyarrow.parquet  # noqa: F401

from platform_assets.domain.contracts.contract import Contract
from platform_assets_tests.lakehouse.publishing import VISITS, Shop, visits
from platform_assets_tests.stores import local_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.compute.engine import StagedFile
from resources.lakehouse import commit, data_files, disk, publish, quarantine, replacement

MODULES = (publish, quarantine, replacement, data_files, disk, commit)
WATCHED = {module.__file__: module.__name__.rsplit(".")[-1] for module in MODULES}
CONTRACTS: dict[str, Contract] = {
    "visits": VISITS,
    "purchases": replace(VISITS, name="purchases", partition_column=None),
}
SHOPS = ("north", "south")


@dataclass(frozen=True)
class Batch:
    """A publication: what it replaces, and with what. Rows are (shop, visit, spent)."""

    number: int
    table: str
    shops: Sequence[str]
    good: list[tuple]
    rejected: list[tuple]


def batch(number: int, table: str, shops: Sequence[str], *, full: bool = False) -> Batch:
    """The batch of a number, which stands in each of its rows.

    A full one has rows of both kinds for every shop, another one anything from nothing on.
    """
    dice = random.Random(f"{number} {table} {' '.join(shops)}")
    places = [shop for shop in shops for _ in range(1 if full else dice.randrange(4))]
    rejects = [shop for shop in shops for _ in range(1 if full else dice.randrange(3) // 2)]
    return Batch(
        number,
        table,
        shops,
        [(shop, 100 * number + row, number) for row, shop in enumerate(places)],
        [(shop, 100 * number + 50 + row, -number - 1) for row, shop in enumerate(rejects)],
    )


def publish_batch(folder: Path, wanted: Batch, engine: DuckDBEngine) -> tuple[str, int]:
    """Publish a batch to the lake in a folder; its batch id and version."""
    contract = CONTRACTS[wanted.table]
    shop = Shop(local_store(folder), engine, contract, contract.partition_column)
    rows = [*wanted.good, *wanted.rejected]
    result = visits(*rows) if rows else visits(("", 0, 0)).limit(0)
    done = shop.publish(result, wanted.shops if contract.partition_column else None, allow_emptying=True)
    return done.batch_id, done.version


def publish_again_and_again(folder: str, first: int, count: int, **batches: Any) -> None:
    """Publish `count` batches one after the other, each acknowledged by a line in the folder's file `acks-<pid>`."""
    engine = new_engine(folder)
    acks = os.open(Path(folder) / f"acks-{os.getpid()}", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    for number in range(first, first + count):
        batch_id, version = publish_batch(Path(folder), batch(number, **batches), engine)
        os.write(acks, f"{number} {batch_id} {version}\n".encode())


def publish_until_step(folder: str, number: int, step: int, **batches: Any) -> None:
    """Publish one batch and die by SIGKILL before the `step`-th line that the modules that publish execute, counted
    from the end of staging on: before that nothing has left the staging folder.

    Step -1 never comes: the functions that the lines belong to are told in the folder's file `steps` instead.
    """
    tracing = Tracing(spill_folder=Path(folder) / f"spill-{os.getpid()}", threads=1)
    tracing.reached, tracing.step = [], step
    publish_batch(Path(folder), batch(number, **batches), tracing)
    sys.settrace(None)
    Path(folder, "steps").write_text(json.dumps(tracing.reached))


class Tracing(DuckDBEngine):
    """An engine that lets lines be watched while it isn't staging (watching all of Ibis would take seconds)."""

    reached: list[str]
    step: int

    def stage(self, *args: Any) -> list[StagedFile]:
        sys.settrace(None)
        staged = super().stage(*args)
        sys.settrace(self._watch)
        frame = sys._getframe().f_back
        while frame is not None:
            frame.f_trace, frame = self._watch, frame.f_back
        return staged

    def _watch(self, frame: Any, event: str, argument: object) -> Any:
        module = WATCHED.get(frame.f_code.co_filename)
        if module is None:
            return None
        if event == "line":
            if len(self.reached) == self.step:
                os.kill(os.getpid(), signal.SIGKILL)
            self.reached.append(f"{module}.{frame.f_code.co_name}")
        return self._watch


def new_engine(folder: str) -> DuckDBEngine:
    return DuckDBEngine(spill_folder=Path(folder) / f"spill-{os.getpid()}", threads=1)


JOBS = {job.__name__: job for job in (publish_again_and_again, publish_until_step)}


class Publishers:
    """Starts publishers by fork and waits for them."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", __name__]
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._lock = threading.Lock()
        self._ended: dict[int, int] = {}

    def start(self, job: Any, folder: Path, **arguments: Any) -> int:
        """The new publisher's process id."""
        return self._ask({"job": job.__name__, "arguments": {"folder": str(folder), **arguments}})

    def wait(self, pid: int) -> int:
        """How a publisher ended: 0, or the negative number of the signal."""
        while not self.has_ended(pid):
            time.sleep(0.002)
        return self._ended[pid]

    def has_ended(self, pid: int) -> bool:
        """Whether a publisher has ended."""
        if pid not in self._ended and (status := self._ask({"ended": pid})) != RUNS:
            self._ended[pid] = status
        return pid in self._ended

    def close(self) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=10)

    def _ask(self, request: dict[str, Any]) -> int:
        with self._lock:
            assert self._server.stdin is not None and self._server.stdout is not None
            print(json.dumps(request), file=self._server.stdin, flush=True)
            return int(self._server.stdout.readline())


RUNS = 1000


def serve() -> None:
    """Fork a publisher for every line that asks for one."""
    for line in sys.stdin:
        request = json.loads(line)
        if "ended" in request:
            pid, status = os.waitpid(request["ended"], os.WNOHANG)
            print(os.waitstatus_to_exitcode(status) if pid else RUNS, flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            _be_publisher(**request)
        print(pid, flush=True)


def _be_publisher(job: str, arguments: dict[str, Any]) -> None:
    try:
        JOBS[job](**arguments)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    serve()
