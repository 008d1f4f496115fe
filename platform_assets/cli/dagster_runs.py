"""Runs `dagster asset materialize` in its own process and shows how it goes.

The same command people and CI use; what to run is decided by the caller.
"""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from platform_assets.domain.errors import PlatformError
from resources.settings import Settings

HEARTBEAT_SECONDS = 5
_STEP = re.compile(r" - (\w+) - (STEP_START|STEP_SUCCESS|STEP_FAILURE) - (?:.* in ([\d.]+)(ms|s)\.)?")
_OWN_ERROR = re.compile(r"^(?:platform_assets|resources)\.[\w.]+: (.+)")
_ANY_ERROR = re.compile(r"^(?!dagster\.)[\w.]+\.[\w.]*(?:Error|Exception)\b[^:]*: (.+)")


class RunFailed(PlatformError):
    """A `dagster asset materialize` ended with an error."""


@dataclass
class RunReport:
    """Seconds of every step of a run, by asset."""

    seconds: dict[str, float] = field(default_factory=dict)


def prepare_instance(settings: Settings) -> dict[str, str]:
    """DAGSTER_HOME below the platform's home with the environment's instance file; returns the environment of runs.

    The file is the repository's dagster.<environment>.yaml where there is one, else its dagster.yaml.
    """
    home = settings.home_folder / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    own = Path(f"dagster.{settings.environment}.yaml").absolute()
    configuration, linked = own if own.exists() else Path("dagster.yaml").absolute(), home / "dagster.yaml"
    if configuration.exists() and not linked.exists():
        linked.symlink_to(configuration)
    return {**os.environ, "DAGSTER_HOME": str(home), "PLATFORM_HOME": str(settings.home_folder)}


def materialize(
    settings: Settings,
    assets: list[str],
    *,
    partition: str | None = None,
    partition_range: tuple[str, str] | None = None,
    console: Console,
) -> RunReport:
    """Materialise assets and wait. Raises RunFailed with the error's own words and the log's place."""
    command = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", "platform_assets.definitions"]
    command += ["--select", ",".join(assets)]
    if partition_range is not None and partition_range[0] != partition_range[1]:
        command += ["--partition-range", "...".join(partition_range)]
    elif partition_range is not None or partition is not None:
        command += ["--partition", partition or (partition_range or ("",))[0]]
    shown = "dagster " + " ".join(command[3:])
    console.print(f"[dim]$ {shown}[/]", soft_wrap=True, highlight=False)
    logs = settings.home_folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{assets[0]}.log"
    report = RunReport()
    environment = prepare_instance(settings)
    with (
        log.open("w", encoding="utf-8") as written,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as process,
        console.status("starting Dagster …") as status,
    ):
        _follow(process, written, report, console, status)
    if process.returncode != 0:
        raise RunFailed(_error_in(log), where=shown, todo=f"read {log}; after mending, run the same command again")
    return report


def _follow(process, written, report: RunReport, console: Console, status) -> None:  # type: ignore[no-untyped-def]
    shown_at = time.monotonic()
    for line in process.stdout:
        written.write(line)
        found = _STEP.search(line)
        if found is None:
            continue
        asset, event, seconds, unit = found.groups()
        if event == "STEP_START":
            status.update(f"computing {asset} …")
            if not console.is_terminal and time.monotonic() - shown_at > HEARTBEAT_SECONDS:
                console.print(f"  … {asset}")
        elif event == "STEP_SUCCESS" and seconds:
            report.seconds[asset] = float(seconds) / (1000 if unit == "ms" else 1)
            console.print(f"  [green]✓[/] {asset} [dim]{report.seconds[asset]:.1f} s[/]", highlight=False)
            shown_at = time.monotonic()


def _error_in(log: Path) -> str:
    """What a run died of, in the words of the error: the platform's own if there is one, else a library's."""
    lines = log.read_text(encoding="utf-8").splitlines()
    for kind in (_OWN_ERROR, _ANY_ERROR):
        told = [found[1] for line in lines if (found := kind.match(line))]
        if told:
            return told[-1]
    return lines[-1] if lines else "no output"
