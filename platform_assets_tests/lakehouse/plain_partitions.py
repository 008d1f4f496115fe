"""The oracle: what partitions mean and what a table holds, in plain Python. No Dagster, no Ibis, no engine in it."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Row = tuple[Any, ...]
BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """The rows of one time partition happened from `start` until before `end`, both in UTC."""

    key: str
    start: datetime
    end: datetime


def _windows(starts: Iterable[datetime], text: Callable[[datetime], str]) -> list[Window]:
    bounds = [start.replace(tzinfo=start.tzinfo or UTC) for start in starts]
    return [
        Window(text(start), start.astimezone(UTC), end.astimezone(UTC)) for start, end in itertools.pairwise(bounds)
    ]


def steps(first: datetime, last: datetime, step: timedelta, text: str) -> list[Window]:
    """Windows of one length in UTC, from `first` until before `last`."""
    count = (last - first) // step
    return _windows((first + number * step for number in range(count + 1)), lambda start: start.strftime(text))


def months(first: date, count: int) -> list[Window]:
    """Calendar months in UTC."""
    numbers = range(first.month - 1, first.month + count)
    starts = [datetime(first.year + number // 12, number % 12 + 1, 1) for number in numbers]
    return _windows(starts, lambda start: start.strftime("%Y-%m-%d"))


def berlin_days(first: date, count: int) -> list[Window]:
    """Days as a clock in Berlin shows them."""
    starts = [datetime.combine(first + number * DAY, datetime.min.time(), BERLIN) for number in range(count + 1)]
    return _windows(starts, lambda start: start.strftime("%Y-%m-%d"))


def berlin_hours(first: date, last: date) -> list[Window]:
    """Hours as a clock in Berlin shows them; the second of two equal ones carries its offset."""
    start, end = (datetime.combine(day, datetime.min.time(), BERLIN).astimezone(UTC) for day in (first, last))
    hours = [(start + number * HOUR).astimezone(BERLIN) for number in range((end - start) // HOUR + 1)]
    return _windows(hours, lambda hour: hour.strftime("%Y-%m-%d-%H:%M%z" if hour.fold else "%Y-%m-%d-%H:%M"))


def overlapping(windows: Sequence[Window], start: datetime, end: datetime) -> list[str]:
    """Keys of the windows that share an instant with a span of time."""
    return [window.key for window in windows if window.start < end and start < window.end]


def mapped(own: Sequence[Window], asked: Sequence[str], upstream: Sequence[Window], first: int, last: int) -> list[str]:
    """Keys of upstream windows that a run over neighbouring windows reads, its bounds shifted by own windows."""
    positions = [number for number, window in enumerate(own) if window.key in asked]
    start, end = _shifted(own, positions[0] + first).start, _shifted(own, positions[-1] + last).end
    return overlapping(upstream, start, end)


def _shifted(windows: Sequence[Window], position: int) -> Window:
    """A window also before the first and after the last one, where all windows are of one length."""
    edge = windows[0] if position < 0 else windows[-1]
    beyond = min(position, 0) if position < 0 else max(position - len(windows) + 1, 0)
    if not beyond:
        return windows[position]
    shift = beyond * (edge.end - edge.start)
    return Window("", edge.start + shift, edge.end + shift)


def instants(window: Window) -> list[datetime]:
    """Instants of a window where mistakes show: its first and last, and those around midnight and full hours."""
    length = window.end - window.start
    inner = [window.start + length * share / 7 for share in (1, 3, 6)]
    midnight = window.start.replace(hour=0, minute=0) + DAY
    around = [midnight - timedelta(microseconds=1), midnight, window.start + HOUR - timedelta(microseconds=1)]
    found = [window.start, window.end - timedelta(microseconds=1), *inner, *around]
    return [instant for instant in found if window.start <= instant < window.end]


class Refused(Exception):
    """What was asked for must raise, and must change nothing."""


@dataclass
class PlainTable:
    """A table as a dictionary: the rows of every partition key."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    published: bool = False

    def replace(self, parts: dict[str, list[Row]]) -> None:
        """Publish partitions. Raises Refused where one that holds rows would be emptied."""
        if any(self.rows.get(key) and not rows for key, rows in parts.items()):
            raise Refused
        self.rows |= parts
        self.published = True

    def read(self, keys: Iterable[str] | None = None) -> list[Row]:
        """Rows of some partitions (None: all), sorted."""
        wanted: Iterator[list[Row]] = (self.rows.get(key, []) for key in (self.rows if keys is None else set(keys)))
        return sorted(itertools.chain.from_iterable(wanted), key=repr)
