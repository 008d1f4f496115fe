"""Which event days read which raw rows, and which of them would come out differently now.

A raw table is cut by landing day. For every landing day its publication notes what it holds of every event day
(`DayContent`); from these notes alone this module tells stale event days, without reading a row. How events are
computed stands in `events`; who asks and starts runs, in `platform_assets.automation`.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

SESSION_LOOK_BACK_DAYS = 2
"""`events` of a day read two days before it: a session that runs on from the day before, and the last minutes of the
day before that, which tell whether that session began there."""


class DayContent(NamedTuple):
    """What one landing day holds of one event day: its rows, their digest, and the digest of its last minutes.

    Digests don't depend on the order of rows and are empty where there is none. The last minutes are the session gap
    before midnight: all that the second day after reads of a day.
    """

    rows: int
    digest: str
    last_minutes_digest: str


NOTHING = DayContent(0, "", "")


@dataclass(frozen=True)
class LandingContent:
    """What one landing day holds: the digest of all its rows, and its event days (None: they were not noted)."""

    digest: str
    event_days: Mapping[date, DayContent] | None


NEVER_LANDED = LandingContent("", {})


class RawHistory:
    """What every landing day of one raw table held at every version of the table.

    `publications` are the versions with the landing days that each replaced, oldest first.
    """

    def __init__(self, lateness_days: int, publications: Sequence[tuple[int, Mapping[date, LandingContent]]]) -> None:
        self.lateness_days = lateness_days
        self._versions: dict[date, list[int]] = {}
        self._contents: dict[date, list[LandingContent]] = {}
        for version, landing_days in publications:
            for landing_day, content in landing_days.items():
                self._versions.setdefault(landing_day, []).append(version)
                self._contents.setdefault(landing_day, []).append(content)

    @property
    def landing_days(self) -> Collection[date]:
        """The landing days that were ever published."""
        return self._contents.keys()

    def now(self, landing_day: date) -> LandingContent:
        """What a landing day holds."""
        return self._contents.get(landing_day, [NEVER_LANDED])[-1]

    def at(self, landing_day: date, version: int) -> LandingContent:
        """What a landing day held at a version of the table."""
        published = bisect_right(self._versions.get(landing_day, []), version)
        return self._contents[landing_day][published - 1] if published else NEVER_LANDED

    def landing_days_read_by(self, event_day: date) -> Iterator[date]:
        """The landing days that `events` of a day are computed from."""
        for offset in range(-SESSION_LOOK_BACK_DAYS, self.lateness_days + 1):
            yield event_day + timedelta(days=offset)


def stale_event_days(
    raws: Mapping[str, RawHistory], computed_from: Mapping[date, Mapping[str, int]]
) -> dict[date, frozenset[str]]:
    """The computed event days that read other raw rows now than when they were computed, with those raw tables.

    `computed_from` gives for every computed event day the version of each raw table that was read (a table that is
    not named was read empty). A day is named if and only if the rows that it reads differ: its own, those of the day
    before, and the last minutes of the day before that, on the landing days within the source's lateness. Where a
    landing day changed and its event days were not noted, all that it may hold count as changed. Other code and
    other declarations of sources are not looked at.
    """
    stale = {}
    for event_day, versions in computed_from.items():
        changed = frozenset(
            name
            for name, raw in raws.items()
            for landing_day in raw.landing_days_read_by(event_day)
            if reads_otherwise(
                event_day,
                landing_day,
                raw.at(landing_day, versions.get(name, -1)),
                raw.now(landing_day),
                raw.lateness_days,
            )
        )
        if changed:
            stale[event_day] = changed
    return stale


def reads_otherwise(
    event_day: date, landing_day: date, then: LandingContent, now: LandingContent, lateness_days: int
) -> bool:
    """Whether an event day reads other rows of a landing day now than it did then."""
    if then is now or then.digest == now.digest:
        return False
    if then.event_days is None or now.event_days is None:
        oldest, read = landing_day - timedelta(days=lateness_days), _days_read(event_day)
        return any(oldest <= day <= landing_day for day in read)
    return _read_of(event_day, then.event_days) != _read_of(event_day, now.event_days)


def missing_event_days(raws: Mapping[str, RawHistory], computed: Collection[date]) -> set[date]:
    """The event days that were never computed although rows of them landed in time, as far as that was noted."""
    return {
        event_day
        for raw in raws.values()
        for landing_day in raw.landing_days
        for event_day, content in (raw.now(landing_day).event_days or {}).items()
        if content.rows and event_day not in computed and (landing_day - event_day).days <= raw.lateness_days
    }


def inputs_digest(raws: Mapping[str, RawHistory], event_day: date) -> str:
    """A short digest of the raw rows that an event day reads now: equal rows, equal digest."""
    digest = hashlib.sha256()
    for name, raw in sorted(raws.items()):
        for landing_day in raw.landing_days_read_by(event_day):
            content = raw.now(landing_day)
            read = content.digest if content.event_days is None else _read_of(event_day, content.event_days)
            digest.update(f"{name} {landing_day} {read}\n".encode())
    return digest.hexdigest()[:12]


def _days_read(event_day: date) -> tuple[date, date, date]:
    """The event days whose rows an event day reads: itself, the day before, and the last minutes of the one before."""
    return event_day, event_day - timedelta(days=1), event_day - timedelta(days=SESSION_LOOK_BACK_DAYS)


def _read_of(event_day: date, landed: Mapping[date, DayContent]) -> tuple[str, str, str]:
    """What identifies the rows that an event day reads of a landing day."""
    itself, before, before_that = (landed.get(day, NOTHING) for day in _days_read(event_day))
    return itself.digest, before.digest, before_that.last_minutes_digest
