"""Which process computes a run, and whether it still exists: known for sure, or said to be out of sight.

A pid alone proves nothing: it is given again to others, also after a reboot, and containers count their own. What a
dead process means for its run is decided in `dead_runs`.
"""

import os
import socket
import subprocess
import sys
import uuid
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path


class ProcessState(StrEnum):
    """What can be said of a process from here."""

    RUNNING = "running"
    GONE = "gone"
    OUT_OF_SIGHT = "out of sight"
    """On another host, or in another container: nothing can be said."""


@dataclass(frozen=True)
class WorkerProcess:
    """One process, told apart from every other that ever was.

    `started` is its start as the system counts it, `boot` the system's boot, `namespace` the set of pids it belongs
    to (a container has its own), `host` and `machine` the name and the id of the machine; "" where there is none.
    """

    pid: int
    started: str
    boot: str
    namespace: str
    host: str
    machine: str

    @classmethod
    def with_pid(cls, pid: int) -> "WorkerProcess | None":
        """The process that has this pid here and now; None where there is none, or only what is left of one."""
        started = _start_of(pid)
        return None if started is None else cls(pid, started, _boot(), _namespace(), socket.gethostname(), _machine())

    @classmethod
    def current(cls) -> "WorkerProcess | None":
        """This process; None on a system that doesn't tell when processes started."""
        return cls.with_pid(os.getpid())

    def state(self) -> ProcessState:
        """Whether it exists, as far as that can be seen from this process."""
        if self.boot == _boot():
            if self.namespace != _namespace():
                return ProcessState.OUT_OF_SIGHT
            return ProcessState.RUNNING if _start_of(self.pid) == self.started else ProcessState.GONE
        same_machine = bool(self.machine) and (self.host, self.machine) == (socket.gethostname(), _machine())
        return ProcessState.GONE if same_machine else ProcessState.OUT_OF_SIGHT

    def __str__(self) -> str:
        return f"pid {self.pid} on {self.host}"


def _start_of(pid: int) -> str | None:
    """When the process with this pid started; None where none runs. A zombie has ended: only its exit code waits."""
    if sys.platform != "linux":
        return _start_by_ps(pid)
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may hold anything; behind it stand the state and, 19 fields on, the start in ticks.
    state, *fields = status.rpartition(")")[2].split()
    return None if state in "ZXx" else fields[18]


def _start_by_ps(pid: int) -> str | None:
    asked = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    told = subprocess.run(asked, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout.split()
    return None if not told or told[0].startswith("Z") else " ".join(told[1:])


@cache
def _boot() -> str:
    if sys.platform == "linux":
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    asked = ["sysctl", "-n", "kern.bootsessionuuid"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


@cache
def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink()) if sys.platform == "linux" else ""


@cache
def _machine() -> str:
    """Id of the installation; a container's image has none of its own, and then a reboot proves nothing."""
    if sys.platform == "linux":
        path = Path("/etc/machine-id")
        return path.read_text(encoding="ascii").strip() if path.exists() else ""
    return f"{uuid.getnode():012x}"
