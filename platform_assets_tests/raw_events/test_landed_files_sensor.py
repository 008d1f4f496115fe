"""Landing days are to be read when their files are new or other ones than those that were read, and complete."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from platform_assets.domain.source import EventType, FieldMapping, Format, Source
from platform_assets.raw_events.landed_files_check import FileRead
from platform_assets.raw_events.landed_files_sensor import QUIET_PERIOD, LandingDays, days_to_read

SOURCE = Source(
    name="clicks",
    description="Clicks.",
    format=Format.JSON_LINES,
    place="{landing_zone}/clicks/{landing_date}/*.jsonl",
    event_type=EventType(constant="click"),
    fields={"event_time": FieldMapping(("time",))},
)
DAY = "2026-01-01"
WATCHED = [DAY, "2026-01-02"]
WRITTEN_AT = datetime(2026, 1, 2, 3, tzinfo=UTC)
READ_AT = WRITTEN_AT + timedelta(hours=1)
NOW = READ_AT + timedelta(hours=1)
FILE = f"clicks/{DAY}/a.jsonl"
AS_READ = {FILE: FileRead(3, "", WRITTEN_AT)}


def write(zone: Path, text: str = "{}\n", at: datetime = WRITTEN_AT, name: str = FILE) -> None:
    path = zone / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (at.timestamp(), at.timestamp()))


def look(zone: Path, read: Mapping[str, FileRead] | None = None, now: datetime = NOW) -> LandingDays:
    """What is to be read where DAY was read from these files; None: it never was."""
    return days_to_read(SOURCE, str(zone), WATCHED, {} if read is None else {DAY: (read, READ_AT)}, now)


def test_a_day_with_files_that_was_never_read_is_to_be_read_and_one_without_is_not(tmp_path: Path) -> None:
    write(tmp_path)
    assert list(look(tmp_path).ready) == [DAY]


def test_a_day_that_is_as_it_was_read_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path)
    assert look(tmp_path, AS_READ) == LandingDays()


@pytest.mark.parametrize(
    ("text", "at"),
    [("{}\n{}\n", WRITTEN_AT), ("[]\n", WRITTEN_AT + timedelta(minutes=1)), ("[]\n", WRITTEN_AT - timedelta(days=1))],
)
def test_a_file_of_another_size_or_time_is_to_be_read(text: str, at: datetime, tmp_path: Path) -> None:
    write(tmp_path, text, at)
    assert list(look(tmp_path, AS_READ).ready) == [DAY]


def test_a_further_file_is_to_be_read_also_if_it_is_older_than_the_reading(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, name=f"clicks/{DAY}/b.jsonl")
    assert list(look(tmp_path, AS_READ).ready) == [DAY]


def test_a_file_that_is_being_written_is_waited_for(tmp_path: Path) -> None:
    write(tmp_path)
    almost = WRITTEN_AT + QUIET_PERIOD - timedelta(seconds=1)
    assert look(tmp_path, now=almost).waiting == [f"raw_clicks {DAY}: {FILE} is still being written"]
    assert look(tmp_path, now=almost).ready == {}
    assert list(look(tmp_path, now=WRITTEN_AT + QUIET_PERIOD).ready) == [DAY]


def test_a_day_that_lost_a_file_waits_for_somebody_to_decide(tmp_path: Path) -> None:
    write(tmp_path, name=f"clicks/{DAY}/b.jsonl")
    found = look(tmp_path, AS_READ)
    assert found.ready == {}
    assert found.waiting == [f"raw_clicks {DAY}: {FILE} was read and is gone; see landed_files_unchanged"]


def test_without_a_known_time_a_file_counts_as_changed_if_it_was_written_after_the_reading(tmp_path: Path) -> None:
    known = {FILE: FileRead(3, "")}
    write(tmp_path)
    assert look(tmp_path, known) == LandingDays()
    write(tmp_path, at=READ_AT + timedelta(minutes=1))
    assert list(look(tmp_path, known).ready) == [DAY]


def test_what_is_asked_for_follows_the_files(tmp_path: Path) -> None:
    digests = []
    for at in (WRITTEN_AT, WRITTEN_AT, WRITTEN_AT + timedelta(seconds=1)):
        write(tmp_path, at=at)
        digests.append(look(tmp_path).ready[DAY])
    assert digests[0] == digests[1] != digests[2]
