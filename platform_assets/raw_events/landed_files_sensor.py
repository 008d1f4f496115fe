"""The sensor `landed_files`: landing days whose files are new, or other ones than those that were read, are read.

It stands in this stage because it looks at the stage's files. What the events of these days need then is the business
of the sensor `late_events`; what was changed after it was read is also told by `landed_files_check`.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from platform_assets.automation.partition_requests import Asked, ask_for, tick_result
from platform_assets.domain.source import Source
from platform_assets.raw_events.landed_files_check import FileRead, FilesRead, files_read
from platform_assets.raw_events.landing_places import FoundFile, find_landed_files
from resources.landing_zone import LandingZoneResource

NAME = "landed_files"
TICK_SECONDS = 60

QUIET_PERIOD = timedelta(seconds=60)
"""A file that was written to within it may not be complete, so its landing day waits. Whoever pauses for longer while
writing should rename the file when it is complete; a file that is taken up too early is read again when it changes."""


def landed_files_sensor(
    sources: Sequence[Source], landing_days: dg.DailyPartitionsDefinition, watch_days: int
) -> dg.SensorDefinition:
    """The sensor over the last `watch_days` landing days of these sources."""
    assets = {source.name: dg.AssetKey(f"raw_{source.name}") for source in sources}

    @dg.sensor(
        name=NAME,
        asset_selection=dg.AssetSelection.assets(*assets.values()),
        minimum_interval_seconds=TICK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Reads those of the last {watch_days} landing days whose files are new, or were changed after they were "
            f"read, once nobody has written to them for {QUIET_PERIOD.seconds} seconds."
        ),
    )
    def landed_files(context: dg.SensorEvaluationContext, landing_zone: LandingZoneResource) -> dg.SensorResult:
        keys, now = landing_days.get_partition_keys(), datetime.now(UTC)
        watched, asked = keys[-watch_days:], []
        for source in sources:
            read = files_read(context.instance, assets[source.name], watched)
            days = days_to_read(source, landing_zone.root, watched, read, now)
            asked.append(ask_for(context.instance, NAME, assets[source.name], days.ready, keys))
            asked.append(Asked([], days.waiting))
        return tick_result(context, asked, f"no file has come or changed in the last {watch_days} landing days")

    return landed_files


@dataclass
class LandingDays:
    """Landing days to read, each with a digest of its files, and why others have to wait."""

    ready: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)


def days_to_read(
    source: Source, landing_root: str, watched: Sequence[str], read: FilesRead, now: datetime
) -> LandingDays:
    """Those of the watched landing days whose files differ in name, size or time of change from those that were read.

    A day without files that was never read isn't read; a day that lost a file waits until somebody decides.
    """
    found: dict[str, dict[str, FoundFile]] = {day: {} for day in watched}
    for file in find_landed_files(source, [date.fromisoformat(day) for day in watched], landing_root):
        found[file.landing_date.isoformat()][file.name] = file
    days = LandingDays()
    for day, there in found.items():
        known, read_at = read.get(day, ({}, now))
        fresh = [file for name, file in there.items() if name not in known or _is_other(file, known[name], read_at)]
        gone = sorted(known.keys() - there.keys())
        busy = sorted(file.name for file in fresh if file.modified_at and now - file.modified_at < QUIET_PERIOD)
        if gone:
            days.waiting.append(f"raw_{source.name} {day}: {gone[0]} was read and is gone; see landed_files_unchanged")
        elif busy:
            days.waiting.append(f"raw_{source.name} {day}: {busy[0]} is still being written")
        elif fresh:
            days.ready[day] = _digest(there.values())
    return days


def _is_other(found: FoundFile, known: FileRead, read_at: datetime) -> bool:
    if known.modified_at is None:
        return found.info.size != known.bytes or (found.modified_at is not None and found.modified_at > read_at)
    return (found.info.size, found.modified_at) != (known.bytes, known.modified_at)


def _digest(files: Iterable[FoundFile]) -> str:
    told = sorted(f"{file.name} {file.info.size} {file.modified_at}" for file in files)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]
