"""Judges mended rows by reading their landed files with them, exactly as the raw asset will, and stores them.

The file that holds them is read in `mended_file`, what a correction does is said in `platform_assets.raw_events`.
"""

import functools
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from platform_assets.cli.quarantine.mended_file import MendedRow, Place, refuse
from platform_assets.cli.quarantine.quarantined_rows import quarantined_rows
from platform_assets.cli.quarantine.workbench import Workbench
from platform_assets.domain.source import Source
from platform_assets.raw_events.corrections import Correction, record_digest


@dataclass(frozen=True)
class Judged:
    """What mended rows come to: corrections to store, how many rows are as they were or stored before.

    `stored` are the rows of the corrections' table for the same landing days, at its version `based_on`.
    """

    new: tuple[Correction, ...]
    unedited: int
    known: int
    stored: Sequence[Mapping[str, Any]]
    based_on: int

    @property
    def days(self) -> list[date]:
        """The landing days of the new corrections."""
        return sorted({correction.landing_date for correction in self.new})


def landing_day_by(bench: Workbench, source: Source) -> Callable[[str, int], date | None]:
    """Tells the landing day of quarantined and of corrected records, by file and line; read when one is asked for."""

    @functools.cache
    def days() -> dict[tuple[str, int], date]:
        rows = quarantined_rows(bench.lakehouse, bench.engine, source.raw_contract().name)
        rows = rows.select("file", "line", landing_date=rows.partition.cast("date"))
        found = [*rows.to_pyarrow().to_pylist(), *bench.corrections(source).rows()[0]]
        return {(row["file"], row["line"]): row["landing_date"] for row in found}

    return lambda file, line: days().get((file, line))


def judge(bench: Workbench, source: Source, rows: Sequence[MendedRow]) -> Judged:
    """Tell what mended rows come to, by reading their landed files. Nothing is stored.

    Raises MendedRowsRefused for rows whose record isn't landed, has changed since it was quarantined, or still breaks a
    rule; CorrectionOutdated where an earlier correction of the same files no longer holds.
    """
    days = sorted({row.place.landing_date for row in rows})
    stored, based_on = bench.corrections(source).rows(days)
    corrected = {_place(row): str(row["record"]) for row in stored}
    received = _received(bench, source, rows)
    quarantined = _quarantined(bench, source, rows)
    new, problems, unedited, known = [], [], 0, 0
    for row in rows:
        text = received.get(row.place)
        shown = quarantined.get(row.place)
        if text is None:
            problems.append(f"{row.at}: no record of landing day {row.place.landing_date} begins in {_name(row.place)}")
        elif row.record == corrected.get(row.place):
            known += 1
        elif row.record == (shown or text):
            unedited += 1
        elif shown not in (None, text, corrected.get(row.place)):
            problems.append(f"{row.at}: {_name(row.place)} holds another record now than the one that was quarantined")
        else:
            new.append(Correction(*row.place, row.record, record_digest(text)))
    refuse(problems, source.name)
    judged = Judged(tuple(new), unedited, known, stored, based_on)
    _refuse_still_broken(bench, source, judged, {row.place: row.at for row in rows})
    return judged


def store(bench: Workbench, source: Source, judged: Judged) -> None:
    """Store the new corrections beside those of the same landing days. Raises PublishedMeanwhile."""
    batch, now = uuid.uuid4().hex, datetime.now(UTC).replace(tzinfo=None)
    fresh = {
        Place(each.landing_date, each.file, each.line): {**vars(each), "corrected_at": now, "batch": batch}
        for each in judged.new
    }
    kept = [row for row in judged.stored if row["landing_date"] in judged.days and _place(row) not in fresh]
    rows = [*kept, *fresh.values()]
    bench.corrections(source).replace(judged.days, rows, based_on=judged.based_on, batch=batch)


def withdraw(bench: Workbench, source: Source, file: str, line: int | None, *, dry_run: bool) -> list[str]:
    """Take the corrections of a file back, or of one of its records; the landing days that had any."""
    every, based_on = bench.corrections(source).rows()
    gone = [row for row in every if row["file"] == file and line in (None, row["line"])]
    days = sorted({row["landing_date"] for row in gone})
    if days and not dry_run:
        kept = [row for row in every if row["landing_date"] in days and row not in gone]
        bench.corrections(source).replace(days, kept, based_on=based_on, batch=uuid.uuid4().hex)
    return [day.isoformat() for day in days]


def _received(bench: Workbench, source: Source, rows: Sequence[MendedRow]) -> dict[Place, str]:
    """The landed text of the rows' records, without any correction."""
    places = [row.place for row in rows]
    landed = bench.landed(source, sorted({place.landing_date for place in places}), only_files=_files(places))
    wanted = {place[:2]: pa.array([each.line for each in places if each[:2] == place[:2]]) for place in places}
    found: dict[Place, str] = {}
    with landed.naming_the_file():
        for batch in landed.reader:
            if not batch.num_rows:
                continue
            day, file = batch["landing_date"][0].as_py(), batch["file"][0].as_py()
            if (day, file) not in wanted:
                continue
            chosen = batch.filter(pc.is_in(batch["line"], wanted[day, file]))
            for line, record in zip(chosen["line"].to_pylist(), chosen["record"].to_pylist(), strict=True):
                found[Place(day, file, line)] = record
    return found


def _quarantined(bench: Workbench, source: Source, rows: Sequence[MendedRow]) -> dict[Place, str]:
    """The text under which the rows are quarantined, where they are."""
    table = source.raw_contract().name
    days = sorted({row.place.landing_date.isoformat() for row in rows})
    quarantine = quarantined_rows(bench.lakehouse, bench.engine, table, partitions=days)
    asked = _as_table([row.place for row in rows])
    quarantine = quarantine.mutate(landing_date=quarantine.partition.cast("date"))
    found = quarantine.semi_join(asked, Place._fields).select(*Place._fields, "record").to_pyarrow().to_pylist()
    return {_place(row): row["record"] for row in found}


def _refuse_still_broken(bench: Workbench, source: Source, judged: Judged, at: Mapping[Place, str]) -> None:
    if not judged.new:
        return
    places = [Place(each.landing_date, each.file, each.line) for each in judged.new]
    files = _files(places)
    earlier = [
        Correction(*_place(row), row["record"], row["original_sha256"])
        for row in judged.stored
        if row["file"] in files and _place(row) not in set(places)
    ]
    landed = bench.landed(source, judged.days, [*earlier, *judged.new], files)
    parsed = bench.parsed(source, landed)
    broken = parsed.filter(parsed.reject_reason.notnull()).select(*Place._fields, "reject_reason")
    with landed.naming_the_file():
        found = broken.semi_join(_as_table(places), Place._fields).order_by(Place._fields).to_pyarrow().to_pylist()
    refuse([f"{at[_place(row)]}: still breaks a rule: {row['reject_reason']}" for row in found], source.name)


def _as_table(places: Sequence[Place]) -> ibis.Table:
    schema = {"landing_date": "date", "file": "string", "line": "int64"}
    return ibis.memtable([place._asdict() for place in places], schema=schema)


def _files(places: Sequence[Place]) -> list[str]:
    return sorted({place.file for place in places})


def _place(row: Mapping[str, Any]) -> Place:
    return Place(row["landing_date"], row["file"], row["line"])


def _name(place: Place) -> str:
    return f"{place.file}:{place.line}"
