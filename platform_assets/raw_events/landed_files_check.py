"""`landed_files_unchanged`: the files that a raw table was read from are still what they were.

A file that was changed, added or taken away after it was read makes the raw table say something else than its files.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from platform_assets.domain.errors import PlatformError
from platform_assets.domain.source import Source
from platform_assets.raw_events.landing_places import FoundFile, find_landed_files
from resources.landing_zone import LandingZoneResource

LOOK_BACK_MATERIALISATIONS = 2000


def landed_files_check(source: Source) -> dg.AssetChecksDefinition:
    """A check of every landing day that was read, against what lies in the landing zone now."""
    table = f"raw_{source.name}"

    @dg.asset_check(
        asset=table,
        name="landed_files_unchanged",
        description="No landed file was changed, added or removed since its day was read.",
    )
    def landed_files_unchanged(
        context: dg.AssetCheckExecutionContext, landing_zone: LandingZoneResource
    ) -> dg.AssetCheckResult:
        read = files_read(context.instance, dg.AssetKey(table))
        differences = changed_files(source, landing_zone.root, read)
        sentence = "Every landed file is as it was read."
        if differences:
            sentence = (
                f"{len(differences)} file(s) differ, for example {differences[0]}. Materialise {table} for these "
                "landing days again to take them over."
            )
        return dg.AssetCheckResult(
            passed=not differences,
            severity=dg.AssetCheckSeverity.WARN,
            description=sentence,
            metadata={"landing_days": len(read), "differences": dg.MetadataValue.json(differences[:50])},
        )

    return landed_files_unchanged


@dataclass(frozen=True)
class FileRead:
    """A file as it was when its landing day was read."""

    bytes: int
    sha256: str
    modified_at: datetime | None = None


FilesRead = Mapping[str, tuple[Mapping[str, FileRead], datetime]]
"""By landing day: the files by name, and when the day was read (UTC)."""


class LandedFilesGone(PlatformError):
    """A landing day would be read again without files that it was read from. Nothing was published."""


def refuse_missing_files(source: Source, landing_root: str, read: FilesRead) -> None:
    """Raises LandedFilesGone if a file is gone: its rows would leave the raw table, and everything after it."""
    gone = [difference for difference in changed_files(source, landing_root, read) if difference.endswith(GONE)]
    if gone:
        raise LandedFilesGone(
            f"{len(gone)} file(s) that this was read from are not there any more, for example {gone[0]}",
            where=f"raw_{source.name}",
            todo="bring them back, or set PLATFORM_ALLOW_EMPTYING=true for this run if their rows are to leave",
        )


GONE = " is gone"


def changed_files(source: Source, landing_root: str, read: FilesRead) -> list[str]:
    """Sentences, one a file that is not what it was when its landing day was read."""
    days = [date.fromisoformat(day) for day in read]
    now: dict[str, dict[str, FoundFile]] = {day: {} for day in read}
    for found in find_landed_files(source, days, landing_root):
        now[found.landing_date.isoformat()][found.name] = found
    differences = []
    for day, (files, read_at) in sorted(read.items()):
        there = now[day]
        differences += [f"{name}{GONE}" for name in sorted(files.keys() - there.keys())]
        differences += [f"{name} is new" for name in sorted(there.keys() - files.keys())]
        differences += [
            f"{name} was changed"
            for name in sorted(files.keys() & there.keys())
            if _is_changed(there[name], files[name], read_at)
        ]
    return differences


def _is_changed(found: FoundFile, read: FileRead, read_at: datetime) -> bool:
    """By size, else by content; files that nobody wrote to since they were read are not read again."""
    if found.info.size != read.bytes:
        return True
    if found.info.mtime is None or found.info.mtime.astimezone(UTC) <= read_at:
        return False
    with found.filesystem.open_input_stream(found.info.path, compression=None) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() != read.sha256


def _file_read(row: Mapping[str, Any]) -> FileRead:
    told = row.get("modified_at")
    modified_at = datetime.fromisoformat(str(told)) if told else None
    return FileRead(int(row["bytes"]), str(row["sha256"]), modified_at)


def files_read(instance: dg.DagsterInstance, table: dg.AssetKey, partitions: Sequence[str] | None = None) -> FilesRead:
    """What the latest materialisations of a raw table were read from; None: all its partitions."""
    read: dict[str, tuple[Mapping[str, FileRead], datetime]] = {}
    asked = dg.AssetRecordsFilter(asset_key=table, asset_partitions=partitions)
    for record in instance.fetch_materializations(asked, limit=LOOK_BACK_MATERIALISATIONS).records:
        materialisation = record.asset_materialization
        if materialisation is None or record.partition_key is None or record.partition_key in read:
            continue
        files = materialisation.metadata.get("landed_files")
        rows: Sequence[Any] = files.value.records if isinstance(files, dg.TableMetadataValue) else ()
        known = {str(row.data["file"]): _file_read(row.data) for row in rows}
        read[record.partition_key] = (known, datetime.fromtimestamp(record.timestamp, UTC))
    return read
