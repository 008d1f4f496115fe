"""One line of the status: a mark, what it is about, what is said of it, and what to do next."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any


class Mark(StrEnum):
    """How things stand, in a word."""

    OK = "ok"
    WATCH = "watch"
    """Worth a look by day; nothing is lost by waiting."""
    ACT = "act"
    """Somebody has to do something."""
    UNKNOWN = "unknown"
    """It couldn't be read, so nobody knows. Never taken for well."""


HEALTHY = frozenset({Mark.OK, Mark.WATCH})
GRAVITY = (Mark.OK, Mark.WATCH, Mark.ACT, Mark.UNKNOWN)


@dataclass(frozen=True)
class Line:
    """What is said of one thing; `todo` is the next step where the mark is not `ok`, `figures` what it rests on.

    `of` names the model that the line belongs to, where it belongs to one.
    """

    section: str
    subject: str
    mark: Mark
    says: str
    todo: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    of: str = ""

    def as_json(self) -> dict[str, Any]:
        """For machines: days and instants as ISO 8601."""
        found = {**vars(self), "mark": self.mark.value, "figures": {k: _plain(v) for k, v in self.figures.items()}}
        return {name: value for name, value in found.items() if value != "" or name not in ("todo", "of")}


def is_healthy(lines: Iterable[Line]) -> bool:
    """Whether nobody has to do anything: no line says `act` or `unknown`."""
    return all(line.mark in HEALTHY for line in lines)


def unreadable(section: str, error: Exception, subject: str = "") -> Line:
    """The line of a section, or of one subject in it, whose facts couldn't be gathered."""
    says = " ".join(str(getattr(error, "what", "") or error).split()) or type(error).__name__
    todo = str(getattr(error, "todo", "")) or "mend what this says, then ask again"
    return Line(section, subject, Mark.UNKNOWN, f"not readable: {says}"[:200], todo)


def gravest(*marks: Mark) -> Mark:
    """The one of the marks that matters most."""
    return max(marks, key=GRAVITY.index, default=Mark.OK)


def some(names: Iterable[object], most: int = 3) -> str:
    """The first few of many names, and how many more there are."""
    told = [str(name) for name in names]
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")


def how_long(span: timedelta) -> str:
    """A span in the unit that people would use."""
    seconds = max(span.total_seconds(), 0)
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}s"
    return f"{seconds:.0f} s"


def days(number: int) -> str:
    """A number of days in words."""
    return f"{number:,} day" + ("" if number == 1 else "s")


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return {str(k): _plain(v) for k, v in value.items()} if isinstance(value, Mapping) else value
