"""What the publications of a table noted in its Delta log: from what, and with which content, each was made.

The notes are written in `publish`; what follows from them for other tables stands in `platform_assets.domain`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from platform_assets.domain.event_days import DayContent, LandingContent, RawHistory
from resources.lakehouse.tables import EVENT_DAYS_NOTE, INPUT_VERSIONS_NOTE, SLICES_NOTE, Lakehouse, SliceNote


@dataclass(frozen=True)
class PublicationNotes:
    """The notes of one commit, by partition value. `input_versions` is None where it was made from no other table."""

    version: int
    slices: Mapping[str, SliceNote]
    event_days: Mapping[str, Mapping[str, DayContent]]
    input_versions: Mapping[str, int] | None


def publication_history(lakehouse: Lakehouse, table: str) -> list[PublicationNotes]:
    """All publications of a table, oldest first; commits that published no partition are left out.

    Raises TableNotPublished.
    """
    found = []
    for entry in reversed(lakehouse.snapshot(table).delta.history()):
        if SLICES_NOTE not in entry:
            continue
        slices = {value: SliceNote(*note) for value, note in json.loads(entry[SLICES_NOTE]).items()}
        noted = json.loads(entry.get(EVENT_DAYS_NOTE, "{}"))
        days = {value: {day: DayContent(*content) for day, content in of.items()} for value, of in noted.items()}
        inputs = json.loads(entry[INPUT_VERSIONS_NOTE]) if INPUT_VERSIONS_NOTE in entry else None
        found.append(PublicationNotes(int(entry["version"]), slices, days, inputs))
    return found


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
    if not lakehouse.exists(table):
        return {}
    read: dict[date, Mapping[str, int]] = {}
    for notes in publication_history(lakehouse, table):
        if notes.input_versions is not None:
            read |= dict.fromkeys(map(date.fromisoformat, notes.slices), notes.input_versions)
    return read
