"""What the publications of a table noted in its Delta log: from what, and with which content, each was made.

The notes are written in `publish`; what follows from them for other tables stands in `platform_assets.domain`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from platform_assets.domain.event_days import DayContent, LandingContent, RawHistory
from resources.lakehouse.tables import (
    EVENT_DAYS_NOTE,
    INPUT_VERSIONS_NOTE,
    SLICES_NOTE,
    Lakehouse,
    SliceNote,
    TableNotPublished,
)

if TYPE_CHECKING:
    from deltalake import DeltaTable


@dataclass(frozen=True)
class PublicationNotes:
    """The notes of one commit, by partition value. `input_versions` is None where it was made from no other table."""

    version: int
    slices: Mapping[str, SliceNote]
    event_days: Mapping[str, Mapping[str, DayContent]]
    input_versions: Mapping[str, int] | None


@dataclass(frozen=True)
class _Log:
    """The log of one Delta table up to a version, which never changes; `delta` reads it.

    The place belongs to it: a copy of a lake has the same ids, and a history of its own from then on.
    """

    place: str
    table_id: str
    version: int
    delta: "DeltaTable" = field(compare=False)


def publication_history(lakehouse: Lakehouse, table: str) -> tuple[PublicationNotes, ...]:
    """All publications of a table, oldest first; commits that published no partition are left out.

    Raises TableNotPublished.
    """
    delta = lakehouse.snapshot(table).delta
    return _publications(_Log(lakehouse.uri(table), str(delta.metadata().id), delta.version(), delta))


# Sensors ask every minute for logs that seldom grow.
@lru_cache(maxsize=16)
def _publications(log: _Log) -> tuple[PublicationNotes, ...]:
    found = []
    for entry in reversed(log.delta.history()):
        if SLICES_NOTE not in entry:
            continue
        slices = {value: SliceNote(*note) for value, note in json.loads(entry[SLICES_NOTE]).items()}
        noted = json.loads(entry.get(EVENT_DAYS_NOTE, "{}"))
        days = {value: {day: DayContent(*content) for day, content in of.items()} for value, of in noted.items()}
        inputs = json.loads(entry[INPUT_VERSIONS_NOTE]) if INPUT_VERSIONS_NOTE in entry else None
        found.append(PublicationNotes(int(entry["version"]), slices, days, inputs))
    return tuple(found)


def raw_history(lakehouse: Lakehouse, table: str, lateness_days: int) -> RawHistory:
    """What every landing day of a raw table held at every version. Raises TableNotPublished."""
    publications = []
    for notes in publication_history(lakehouse, table):
        landing_days = {}
        for value, note in notes.slices.items():
            noted = notes.event_days.get(value) if note.rows else {}
            days = None if noted is None else {date.fromisoformat(day): content for day, content in noted.items()}
            landing_days[date.fromisoformat(value)] = LandingContent(note.digest, days)
        publications.append((notes.version, landing_days))
    return RawHistory(lateness_days, publications)


def computed_from(lakehouse: Lakehouse, table: str) -> dict[date, Mapping[str, int]]:
    """For every day of a table that was computed, the versions of its input tables that were read last.

    Empty where nothing was published yet.
    """
    try:
        publications = publication_history(lakehouse, table)
    except TableNotPublished:
        return {}
    read: dict[date, Mapping[str, int]] = {}
    for notes in publications:
        if notes.input_versions is not None:
            read |= dict.fromkeys(map(date.fromisoformat, notes.slices), notes.input_versions)
    return read
