"""`platform checks`: the latest verdict of every asset check, with an exit code that scripts can use.

`dagster asset materialize` ends with 0 when a check that does not block has failed; this command does not.
"""

import os
from typing import Annotated

import dagster as dg
import typer
from rich.table import Table

from platform_assets.cli.dagster_runs import prepare_instance
from platform_assets.cli.printed_table import print_table
from platform_assets.domain.errors import PlatformError
from resources.settings import load_settings

NOT_RUN = "did not run"


class ChecksFailed(PlatformError):
    """At least one asset check's latest verdict is bad enough to end a script."""


def checks(
    show_only: Annotated[bool, typer.Option("--show-only", help="Exit with 0 also if a check has failed.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 also for a warning.")] = False,
) -> None:
    """List the latest verdict of every asset check; exit code 1 if one has failed or could not run.

    A warning is no failure: it tells of something that may be meant.
    """
    os.environ.update(prepare_instance(load_settings()))
    from platform_assets.definitions import defs

    keys = sorted(defs.resolve_asset_graph().asset_check_keys, key=lambda key: key.to_user_string())
    with dg.DagsterInstance.get() as instance:
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    shown = Table("asset", "check", "verdict", "what it says", header_style="bold")
    failed = []
    for key in keys:
        record = latest.get(key)
        evaluation = record.event.asset_check_evaluation if record and record.event else None
        verdict = verdict_of(record.status.value if record else None, evaluation)
        if verdict not in ("succeeded", "never run") and (strict or verdict != "warning"):
            failed.append(key.to_user_string())
        said = (evaluation and evaluation.description) or ""
        if verdict == NOT_RUN:
            said = "the run ended before it; look at that run, or materialise the asset again"
        shown.add_row(key.asset_key.to_user_string(), key.name, verdict, said)
    print_table(shown)
    if failed and not show_only:
        raise ChecksFailed(f"{len(failed)} check(s) did not pass: {', '.join(failed)}", todo="read what they say above")


def verdict_of(status: str | None, evaluation: dg.AssetCheckEvaluation | None) -> str:
    """The verdict in a word: succeeded, warning, failed, `did not run` or `never run`."""
    if status is None:
        return "never run"
    if status == "FAILED" and evaluation and evaluation.severity is dg.AssetCheckSeverity.WARN:
        return "warning"
    return NOT_RUN if status == "PLANNED" else status.lower()
