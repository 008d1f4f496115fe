"""Writes the results: `results.json` for programs, `results.md` for people. No dates, so that runs compare."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.fresh_process import cores

FOLDER = Path(__file__).resolve().parent
PACKAGES = ("duckdb", "ibis-framework", "deltalake", "pyarrow", "dagster")


@dataclass(frozen=True)
class Section:
    """One measurement: what was done, its table as shown, its notes, and the figures behind it."""

    title: str
    command: str
    method: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: Sequence[str] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)

    def markdown(self) -> str:
        """The section as shown to people."""
        lines = [f"## {self.title}", "", self.method, "", f"    {self.command}", ""]
        lines += [f"| {' | '.join(self.header)} |", f"|{'---|' * len(self.header)}"]
        lines += [f"| {' | '.join(row)} |" for row in self.rows]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes)]).rstrip() + "\n"


def write_section(name: str, section: Section) -> None:
    """Print a section and put it in the place of the one that was there."""
    print(f"\n{section.markdown()}", flush=True)
    place = FOLDER / "results.json"
    results = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    results[name] = {**asdict(section), "machine": machine()}
    place.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    (FOLDER / "results.md").write_text(_page(results), encoding="utf-8")


def _page(results: dict[str, dict]) -> str:
    lines = [
        "# Measured",
        "",
        "Written by `make bench`. The ratios are within one run; seconds depend on the machine.",
        "",
    ]
    for name in sorted(results):
        entry = dict(results[name])
        machine_of_it = entry.pop("machine")
        lines += [Section(**entry).markdown(), f"Measured on {machine_of_it}.", ""]
    return "\n".join(lines)


def machine() -> str:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{cores()} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}, {versions}"
