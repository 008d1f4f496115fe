"""Runs a command in a process of its own and says what it took: seconds, CPU seconds, peak memory."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Spent:
    """What a piece of work took. `busy_elsewhere` is the share of the machine that other processes used meanwhile."""

    seconds: float
    cpu_seconds: float
    peak_megabytes: float
    busy_elsewhere: float


class CommandFailed(RuntimeError):
    """A measured command ended with an error; its last lines say why."""


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[Spent, str]:
    """Run a Python command (`-m module …`) from the repository's root; returns what it took and its output."""
    began, busy_before = time.monotonic(), busy_seconds()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandFailed(f"{' '.join(command)} ended with {process.returncode}:\n{output[-3000:]}")
    seconds, cpu = time.monotonic() - began, usage.ru_utime + usage.ru_stime
    elsewhere = max(0.0, busy_seconds() - busy_before - cpu) / seconds / cores()
    return Spent(seconds, cpu, usage.ru_maxrss / 1024, elsewhere), output


def middle(runs: Sequence[Spent]) -> Spent:
    """The median of every figure."""
    return Spent(
        median(run.seconds for run in runs),
        median(run.cpu_seconds for run in runs),
        median(run.peak_megabytes for run in runs),
        median(run.busy_elsewhere for run in runs),
    )


def cores() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0))


def busy_seconds() -> float:
    """CPU seconds that the whole machine has spent working since it started (Linux; elsewhere 0)."""
    counters = Path("/proc/stat")
    if not counters.exists():
        return 0.0
    user, nice, system, _idle, _waiting, *rest = map(int, counters.read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")
