"""Migrations in processes that die by SIGKILL at a given step.

`python -m platform_assets_tests.lakehouse.killed_migrations <job> ...` imports everything and then forks one process a
job, before any thread of DuckDB or delta-rs exists. A job is `<folder>|<contract>|<function>|<call>|<before or after>`.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# What a migration imports late is imported before the first fork.
import deltalake  # noqa: F401
import ibis.backends.duckdb
import ibis.formats.pandas  # noqa: F401
import pyarrow.dataset
import pyarrow.parquet  # noqa: F401

from platform_assets_tests.lakehouse.publishing import Shop
from platform_assets_tests.lakehouse.test_migrations import BY_VISIT, CENTS, migrate
from platform_assets_tests.stores import local_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse import commit, migrated_quarantine, migration

CONTRACTS = {"cents": CENTS, "by_visit": BY_VISIT}
MODULES = (commit, migration, migrated_quarantine)


def die_at(function: str, call: int, moment: str) -> None:
    """Let the `call`-th call of a function be the last thing this process begins, or ends."""
    calls = 0

    def watched(real: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **how: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == call and moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = real(*args, **how)
            if calls == call:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return run

    for module in MODULES:
        if real := vars(module).get(function):
            setattr(module, function, watched(real))


def main(jobs: list[str]) -> None:
    """Run every job in a process of its own; fail if one of them survives."""
    for job in jobs:
        folder, contract, function, call, moment = job.split("|")
        child = os.fork()
        if not child:
            die_at(function, int(call), moment)
            engine = DuckDBEngine(spill_folder=Path(folder) / "spill", threads=1)
            migrate(Shop(local_store(Path(folder)), engine), CONTRACTS[contract])
            os._exit(1)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(f"{job} was not killed")


if __name__ == "__main__":
    main(sys.argv[1:])
