"""A file that is not what it was when its landing day was read is named."""

import os
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from platform_assets.domain.source import EventType, FieldMapping, Format, Source
from platform_assets.raw_events.landed_files_check import FileRead, LandedFilesGone, changed_files, refuse_missing_files

SOURCE = Source(
    name="clicks",
    description="Clicks.",
    format=Format.JSON_LINES,
    place="{landing_zone}/clicks/{landing_date}/*.jsonl",
    event_type=EventType(constant="click"),
    fields={"event_time": FieldMapping(("time",))},
)
READ_AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    folder = tmp_path / "clicks" / "2026-01-01"
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        write(folder / f"{name}.jsonl", '{"time": 1}\n', READ_AT - timedelta(hours=1))
    return tmp_path


def write(path: Path, text: str, at: datetime) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, (at.timestamp(), at.timestamp()))


def differences(zone: Path) -> list[str]:
    read = {f"clicks/2026-01-01/{name}.jsonl": FileRead(12, sha256(b'{"time": 1}\n').hexdigest()) for name in "ab"}
    return changed_files(SOURCE, str(zone), {"2026-01-01": (read, READ_AT)})


def test_files_as_they_were_read_are_no_difference(zone: Path) -> None:
    assert differences(zone) == []


def test_a_longer_file_was_changed(zone: Path) -> None:
    write(zone / "clicks/2026-01-01/a.jsonl", '{"time": 1}\n{"time": 2}\n', READ_AT - timedelta(hours=1))
    assert differences(zone) == ["clicks/2026-01-01/a.jsonl was changed"]


def test_a_file_of_the_same_size_written_later_was_changed(zone: Path) -> None:
    write(zone / "clicks/2026-01-01/b.jsonl", '{"time": 9}\n', READ_AT + timedelta(hours=1))
    assert differences(zone) == ["clicks/2026-01-01/b.jsonl was changed"]


def test_a_file_that_came_or_went_is_named(zone: Path) -> None:
    (zone / "clicks/2026-01-01/a.jsonl").rename(zone / "clicks/2026-01-01/c.jsonl")
    assert differences(zone) == ["clicks/2026-01-01/a.jsonl is gone", "clicks/2026-01-01/c.jsonl is new"]


def test_the_same_content_written_again_is_no_difference(zone: Path) -> None:
    write(zone / "clicks/2026-01-01/b.jsonl", '{"time": 1}\n', READ_AT + timedelta(hours=1))
    assert differences(zone) == []


def test_a_day_is_not_read_again_without_a_file_that_it_was_read_from(zone: Path) -> None:
    read = {"clicks/2026-01-01/a.jsonl": FileRead(12, ""), "clicks/2026-01-01/z.jsonl": FileRead(12, "")}
    with pytest.raises(LandedFilesGone, match=r"z\.jsonl is gone"):
        refuse_missing_files(SOURCE, str(zone), {"2026-01-01": (read, READ_AT)})
