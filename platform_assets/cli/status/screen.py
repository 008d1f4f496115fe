"""The status as people read it: a line a thing, the mark as a word and a colour, the next step below it."""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from platform_assets.domain.status.line import Line, Mark, is_healthy

WIDTH = 112
"""Of a screen that isn't a terminal."""
COLOURS = {Mark.OK: "green", Mark.WATCH: "yellow", Mark.ACT: "bold red", Mark.UNKNOWN: "bold magenta"}
MODELS_IN_FULL = 3
LONGEST = 170
"""Characters of one thing: about two rows. `--format json` and `--model` tell all."""


def as_json(lines: Sequence[Line], home: str, now: datetime, details: Mapping[str, Any]) -> str:
    """The status for machines: `healthy`, every line with the figures that it rests on, and further details."""
    found = {
        "taken_at": now.isoformat(timespec="seconds"),
        "home": home,
        "healthy": is_healthy(lines),
        "lines": [line.as_json() for line in lines],
        **details,
    }
    return json.dumps(found, indent=2, default=str)


def print_screen(lines: Sequence[Line], title: str, *, longest: int = LONGEST) -> None:
    """Print the sections; what is not well is followed by what to do."""
    console = Console(width=shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH, emoji=False)
    shown = Table.grid(padding=(0, 1), expand=True)
    shown.add_column(width=7, no_wrap=True)
    shown.add_column(width=12, no_wrap=True, overflow="ellipsis")
    shown.add_column(ratio=1, overflow="fold")
    console.print(Text.assemble((headline(lines), _colour_of(lines)), ("  " + title, "dim")))
    section = None
    for line in condensed(lines):
        if line.section != section:
            section = line.section
            shown.add_row("", "", "")
            shown.add_row(Text(section.upper(), "bold"), "", "")
        subject = f"· {line.subject}" if line.of else line.subject
        shown.add_row(Text(line.mark.value, COLOURS[line.mark]), Text(subject), Text(_cut(line.says, longest)))
        if line.todo and line.mark is not Mark.OK:
            shown.add_row("", "", Text(f"→ {line.todo}", "cyan"))
    console.print(shown)


def condensed(lines: Sequence[Line]) -> list[Line]:
    """The lines of a screen: of many models, each only by its first line and by what is not well."""
    many = len({line.of for line in lines if line.of}) > MODELS_IN_FULL
    return [line for line in lines if not (many and line.of and line.mark is Mark.OK)]


def headline(lines: Sequence[Line]) -> str:
    """How things stand, in a sentence."""
    marks = [line.mark for line in lines]
    acts, unknown, watched = (marks.count(mark) for mark in (Mark.ACT, Mark.UNKNOWN, Mark.WATCH))
    if acts or unknown:
        parts = [f"{acts} to act on"] * bool(acts) + [f"{unknown} not readable"] * bool(unknown)
        return f"Needs a person: {', '.join(parts)}" + (f", {watched} to watch." if watched else ".")
    return f"Healthy; {watched} to watch." if watched else "Healthy."


def _colour_of(lines: Sequence[Line]) -> str:
    return "bold green" if is_healthy(lines) else "bold red"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
