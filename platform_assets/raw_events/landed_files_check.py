"""`landed_files_unchanged`: the files that a raw table was read from are still what they were.

A file that was changed, added or taken away after it was read makes the raw table say something else than its files.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from platform_assets.domain.source import Source
from platform_assets.raw_events.landing_places import find_landed_files
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
        read = _files_read(context.instance, dg.AssetKey(table))
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


FilesRead = Mapping[str, tuple[Mapping[str, int], datetime]]
"""By landing day: bytes by file name, and when the day was read (UTC)."""


def changed_files(source: Source, landing_root: str, read: FilesRead) -> list[str]:
    """Sentences, one a file that is not what it was when its landing day was read."""
    days = [date.fromisoformat(day) for day in read]
    now: dict[str, dict[str, Any]] = {day: {} for day in read}
    for found in find_landed_files(source, days, landing_root):
        now[found.landing_date.isoformat()][found.name] = found.info
    differences = []
    for day, (files, read_at) in sorted(read.items()):
        there = now[day]
        differences += [f"{name} is gone" for name in sorted(files.keys() - there.keys())]
        differences += [f"{name} is new" for name in sorted(there.keys() - files.keys())]
        differences += [
            f"{name} was changed"
            for name in sorted(files.keys() & there.keys())
            if there[name].size != files[name] or _changed_after(there[name], read_at)
        ]
    return differences


def _changed_after(info: Any, read_at: datetime) -> bool:
    return info.mtime is not None and info.mtime.astimezone(UTC) > read_at


def _files_read(instance: dg.DagsterInstance, table: dg.AssetKey) -> FilesRead:
    read: dict[str, tuple[Mapping[str, int], datetime]] = {}
    for record in instance.fetch_materializations(table, limit=LOOK_BACK_MATERIALISATIONS).records:
        materialisation = record.asset_materialization
        if materialisation is None or record.partition_key is None or record.partition_key in read:
            continue
        files = materialisation.metadata.get("landed_files")
        rows: Sequence[Any] = files.value.records if isinstance(files, dg.TableMetadataValue) else ()
        sizes = {str(row.data["file"]): int(row.data["bytes"]) for row in rows}
        read[record.partition_key] = (sizes, datetime.fromtimestamp(record.timestamp, UTC))
    return read
