"""`platform recover`: runs that died with their processes are closed, so that nothing waits for them.

The `dead_runs` sensor does the same while the daemon runs, and every run when it begins.
"""

import os
from typing import Annotated

import dagster as dg
import typer

from platform_assets.cli.dagster_runs import prepare_instance
from platform_assets.domain.errors import PlatformError
from resources.run_recovery.dead_runs import UnfinishedRun, close, unfinished_runs
from resources.run_recovery.worker_process import ProcessState
from resources.settings import Settings, load_settings


class RunStillAlive(PlatformError):
    """A run is to be closed whose process is known to run."""


class NoSuchRun(PlatformError):
    """No unfinished run has this id."""


def recover(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be closed.")] = False,
    run: Annotated[
        str | None,
        typer.Option(help="Close this run also if its process can't be seen from here: you know that it is dead."),
    ] = None,
) -> None:
    """Close runs whose process is gone, as after kill -9 or a power cut, and free their pool slots."""
    for line in recover_runs(load_settings(), dry_run=dry_run, run_id=run) or ["No run is unfinished."]:
        typer.echo(line)


def recover_runs(settings: Settings, *, dry_run: bool = False, run_id: str | None = None) -> list[str]:
    """Close dead runs and the one that is named; returns a line on every run that has not ended.

    Raises NoSuchRun and RunStillAlive for the one that is named.
    """
    os.environ.update(prepare_instance(settings))
    with dg.DagsterInstance.get() as instance:
        found = list(unfinished_runs(instance))
        named = _named(found, run_id) if run_id else None
        told = []
        for each in found:
            dead = each.is_dead or each is named
            if dead and not dry_run and not close(instance, each):
                continue
            told.append(f"{_verdict(each, dead, dry_run)}: run {each.run.run_id} of {each.assets}, {_known(each)}")
    return told


def _named(found: list[UnfinishedRun], run_id: str) -> UnfinishedRun:
    named = next((each for each in found if each.run.run_id == run_id), None)
    if named is None:
        raise NoSuchRun(
            "no run with this id is unfinished", where=run_id, todo="see the ids by `platform recover --dry-run`"
        )
    if named.state is ProcessState.RUNNING:
        raise RunStillAlive(
            f"its process ({named.worker}) runs",
            where=run_id,
            todo="end it in the UI, or end the process, and try again",
        )
    return named


def _verdict(each: UnfinishedRun, dead: bool, dry_run: bool) -> str:
    if dead:
        return "would be closed" if dry_run else "closed"
    return "runs" if each.state is ProcessState.RUNNING else "left alone"


def _known(each: UnfinishedRun) -> str:
    if each.worker is None:
        return "nobody has said which process computes it"
    return f"{each.worker} is {each.state}"
