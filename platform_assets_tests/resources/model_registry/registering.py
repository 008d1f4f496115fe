"""Registrations that are killed, raced, or meet a full disk; what is found, as JSON.

`python -m platform_assets_tests.resources.model_registry.registering <folder> <small disk or nothing>`. Everything
heavy is imported once; every try is a fork of its own, killed with SIGKILL before its n-th write to the store.
"""

import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from platform_assets.domain.errors import PlatformError
from platform_assets.domain.modelling.training import TrainedModel, train
from platform_assets.domain.promotion.verdict import Verdict
from platform_assets_tests.lakehouse.full_disk import fill
from platform_assets_tests.model_worlds import TRAINING_DATE, small_spec, training_rows
from resources.model_registry.registry import ModelRegistry

SPEC = small_spec()
LATER = TRAINING_DATE + timedelta(days=1)
WRITES = (
    "create_experiment",
    "create_registered_model",
    "create_run",
    "log_batch",
    "log_artifacts",
    "create_logged_model",
    "log_model_artifacts",
    "finalize_logged_model",
    "set_terminated",
    "create_model_version",
    "delete_model_version",
    "set_model_version_tag",
    "set_registered_model_tag",
    "set_registered_model_alias",
)
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Store:
    """A sqlite store and the folder of its files; a client of its own for whoever asks."""

    database: Path
    files: Path
    trained: TrainedModel

    @property
    def registry(self) -> ModelRegistry:
        return ModelRegistry(f"sqlite:///{self.database}", str(self.files))

    def register(self) -> int:
        again = replace(self.trained, training_date=LATER, digest="later")
        return self.registry.register(SPEC, again, card="# card", picture=b"").version

    def judge(self) -> None:
        registry = self.registry
        challenger = registry.challenger(SPEC.name)
        assert challenger is not None
        registry.record_verdict(challenger, Verdict(True, "promoted: better"))

    def found(self) -> dict[str, Any]:
        registry = self.registry
        versions, champion = registry.versions(SPEC.name), registry.champion(SPEC.name)
        challenger = registry.challenger(SPEC.name)
        for version in versions:
            registry.load(version)  # whatever is registered is whole
        return {
            "versions": [version.version for version in versions],
            "champion": champion.version if champion else None,
            "challenger": challenger.version if challenger else None,
            "decisions": [(each.decision, each.version) for each in registry.decisions(SPEC.name)],
        }


def in_a_process(call: Callable[[], Any]) -> Any:
    """The result of a call in a fork, which opens the store anew; what went wrong there is raised here."""
    ours, theirs = _FORK.Pipe()

    def run() -> None:
        theirs.send(call())

    process = _FORK.Process(target=run)
    process.start()
    theirs.close()
    result = ours.recv()
    process.join()
    return result


def killed(call: Callable[[], Any], write: int) -> bool:
    """Whether a fork that does this is killed before its write number `write`, or has fewer writes."""
    process = _FORK.Process(target=_until, args=(call, write))
    process.start()
    process.join()
    return process.exitcode == -signal.SIGKILL


def _until(call: Callable[[], Any], write: int) -> None:
    left = iter(range(write - 1, -1, -1))

    def before(name: str) -> Callable[..., Any]:
        method = getattr(MlflowClient, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            if next(left, -1) == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*args, **kwargs)

        return counted

    for name in WRITES:
        setattr(MlflowClient, name, before(name))
    call()


def killed_everywhere(make: Callable[[str], Store], call: Callable[[Store], Any]) -> list[dict[str, Any]]:
    """What is left after a kill before every write, and after the same was done once more."""
    found: list[dict[str, Any]] = []
    while True:
        store = make(f"{call.__name__}-{len(found) + 1}")
        if not killed(partial(call, store), len(found) + 1):
            return found
        found.append(in_a_process(partial(_once_more, store, call)))


def _once_more(store: Store, call: Callable[[Store], Any]) -> dict[str, Any]:
    left = store.found()
    call(store)
    return {"left": left, "then": store.found()}


def raced(make: Callable[[str], Store], rounds: int) -> list[dict[str, Any]]:
    """Two processes that have both seen that the training isn't registered yet, and then register it."""
    return [_race(make(f"race-{number}")) for number in range(rounds)]


def _race(store: Store) -> dict[str, Any]:
    meeting = _FORK.Barrier(2)
    create = MlflowClient.create_model_version

    def together(*args: Any, **kwargs: Any) -> Any:
        meeting.wait(timeout=60)
        return create(*args, **kwargs)

    def register(answers: Any) -> None:
        MlflowClient.create_model_version = together
        answers.put(store.register())

    answers = _FORK.Queue()
    both = [_FORK.Process(target=register, args=(answers,)) for _ in range(2)]
    for process in both:
        process.start()
    told = [answers.get(timeout=60) for _ in both]
    for process in both:
        process.join()
    return {"told": told, **in_a_process(store.found)}


def into_a_full_disk(store: Store, disk: Path) -> dict[str, Any]:
    """What a registration into a full disk is told, what is left, and what it gives when there is room again."""
    fill(disk)
    started = time.monotonic()
    told = in_a_process(lambda: _told(store))
    seconds = time.monotonic() - started
    (disk / "filler").unlink()
    left = in_a_process(store.found)
    in_a_process(store.register)
    return {"told": told, "seconds": seconds, "left": left, "then": in_a_process(store.found)}


def _told(store: Store) -> str:
    try:
        return f"registered {store.register()}"
    except PlatformError as error:
        return f"{type(error).__name__}: {error}"


def main(folder: Path, disk: Path | None) -> dict[str, Any]:
    trained = train(training_rows(SPEC, users=60), SPEC, TRAINING_DATE)
    first = Store(folder / "first.db", folder / "files", trained)
    everything_imported(first)
    shutil.copy(folder / "empty.db", first.database)
    in_a_process(lambda: champion_of(first))

    def copied(name: str) -> Store:
        return replace(first, database=Path(shutil.copy(first.database, folder / f"{name}.db")))

    def challenged(name: str) -> Store:
        store = copied(name)
        in_a_process(store.register)
        return store

    found: dict[str, Any] = {
        "registering": killed_everywhere(copied, Store.register),
        "judging": killed_everywhere(challenged, Store.judge),
        "races": raced(copied, 2),
    }
    if disk is not None:
        files = Store(folder / "full.db", disk / "files", trained)
        both = Store(disk / "full.db", disk / "both", trained)
        for name, store in (("full files", files), ("full files and store", both)):
            shutil.copy(first.database.with_name("empty.db"), store.database)
            in_a_process(partial(champion_of, store))
            found[name] = into_a_full_disk(store, disk)
    return found


def everything_imported(store: Store) -> None:
    """Use a registry once in this process: what it imports is there in every fork."""
    scrap = replace(store, database=store.database.with_name("scrap.db"), files=store.files.with_name("scrap"))
    shutil.copy(store.database.with_name("empty.db"), scrap.database)
    champion_of(scrap)
    scrap.found()


def champion_of(store: Store) -> None:
    """A first version that is challenger and champion."""
    registry = store.registry
    version = registry.register(SPEC, store.trained, card="# card", picture=b"")
    registry.record_verdict(version, Verdict(True, "promoted: first"))


if __name__ == "__main__":
    target, small = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None
    print(json.dumps(main(target, small)), flush=True)
