"""Files of a landing day are read to the last byte, or refused by name."""

import gzip
import hashlib
import os
from datetime import UTC, date, datetime

import pytest

from platform_assets.raw_events.landed_records import LandedFileError, ReadLimits, read_landing_days
from platform_assets_tests.raw_events.landing import CSV, DAY, EVENTS, PARQUET, Landing

NEXT_DAY = date(2026, 1, 6)


def lines_and_records(landing: Landing, **how) -> list[tuple]:
    table = landing.read(**how)
    return list(zip(table["line"].to_pylist(), table["record"].to_pylist(), strict=True))


def test_every_line_is_a_record_with_its_number(landing: Landing) -> None:
    landing.file("one\ntwo\nthree\n")
    assert lines_and_records(landing) == [(1, "one"), (2, "two"), (3, "three")]


def test_the_last_line_needs_no_end(landing: Landing) -> None:
    landing.file("one\ntwo")
    assert lines_and_records(landing) == [(1, "one"), (2, "two")]


def test_windows_line_ends_and_a_byte_order_mark_are_no_part_of_records(landing: Landing) -> None:
    landing.file(b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert lines_and_records(landing) == [(1, "one"), (2, "two")]


def test_blank_lines_are_counted_but_are_no_records(landing: Landing) -> None:
    landing.file("\none\n\n\r\ntwo\n\n")
    assert lines_and_records(landing) == [(2, "one"), (5, "two")]
    assert (landing.files[0].records, landing.files[0].blank_lines) == (2, 4)


def test_gzip_is_known_by_its_content_not_by_its_name(landing: Landing) -> None:
    landing.file("one\n", "plain.gz")
    landing.file("two\n", "zipped.jsonl", zipped=True)
    assert landing.read()["record"].to_pylist() == ["one", "two"]


def test_gzip_of_several_members_with_padding_is_one_text(landing: Landing) -> None:
    landing.file(gzip.compress(b"one\ntw") + gzip.compress(b"") + gzip.compress(b"o\n") + bytes(600))
    assert lines_and_records(landing) == [(1, "one"), (2, "two")]


def test_batches_meet_without_losing_a_line(landing: Landing) -> None:
    texts = [f"{number}" * (number % 50 + 1) for number in range(3000)]
    landing.file("\n".join(texts), zipped=True)
    read = lines_and_records(landing, limits=ReadLimits(batch_bytes=1000))
    assert read == list(enumerate(texts, start=1))


def test_what_was_read_is_told_for_each_file(landing: Landing) -> None:
    path = landing.file("one\ntwo\n", zipped=True)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    landing.read()
    (file,) = landing.files
    content = path.read_bytes()
    assert (file.landing_date, file.file, file.bytes) == (DAY, "shop/2026-01-05/a", len(content))
    assert (file.sha256, file.records) == (hashlib.sha256(content).hexdigest(), 2)
    assert file.modified_at == datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)


def test_files_come_by_day_and_name(landing: Landing) -> None:
    for day, name in [(NEXT_DAY, "a"), (DAY, "b"), (DAY, "a")]:
        landing.file(f"{day} {name}\n", name, day=day)
    records = landing.read(EVENTS, NEXT_DAY, DAY, NEXT_DAY)["record"].to_pylist()
    assert records == ["2026-01-05 a", "2026-01-05 b", "2026-01-06 a"]


@pytest.mark.parametrize("source", [EVENTS, CSV, PARQUET], ids=lambda source: source.format)
def test_a_file_of_no_bytes_gives_no_records_but_is_listed(landing: Landing, source) -> None:
    landing.file("")
    assert landing.reasons(source) == []
    assert [(file.bytes, file.records) for file in landing.files] == [(0, 0)]


def test_a_day_without_files_gives_nothing(landing: Landing) -> None:
    assert landing.parse() == []
    assert landing.files == []


def test_hidden_files_and_other_folders_are_left_alone(landing: Landing) -> None:
    for name in (".a.tmp", "folder/a"):
        landing.file("no\n", name)
    landing.file("yes\n", "a")
    assert landing.read()["record"].to_pylist() == ["yes"]


def test_a_record_that_is_not_utf8_is_shown_with_escapes_and_the_rest_goes_on(landing: Landing) -> None:
    landing.file(b'{"a":1}\n\xffcaf\xe9 {\n{"b":2}\n')
    rows = landing.parse()
    assert [row["record"] for row in rows] == ['{"a":1}', "\\xffcaf\\xe9 {", '{"b":2}']
    assert rows[1]["reject_reason"] == "not_utf8: byte 1 is 0xff"


def test_a_record_that_is_too_long_is_cut_and_the_rest_goes_on(landing: Landing) -> None:
    limits = ReadLimits(max_record_bytes=100, kept_bytes=10, batch_bytes=64)
    landing.file("short\n" + "x" * 101 + "\nshort\n" + "é" * 5000 + "\nshort\n" + "y" * 999)
    rows = landing.parse(limits=limits)
    assert [(row["line"], row["record"]) for row in rows] == [
        *[(1, "short"), (2, "x" * 10), (3, "short"), (4, "é" * 5), (5, "short"), (6, "y" * 10)]
    ]
    long = "record_too_long: more than 100 bytes, the first 10 kept"
    assert [row["reject_reason"] for row in rows][1::2] == [long] * 3


@pytest.mark.parametrize("kept", [5, 30, -1])
def test_a_gzip_cut_short_names_its_file(landing: Landing, kept: int) -> None:
    landing.file(gzip.compress(os.urandom(200).hex().encode() + b"\n")[:kept])
    with pytest.raises(LandedFileError, match=r"shop/2026-01-05/a.*gzip cut short"):
        landing.read()


def test_a_damaged_gzip_names_its_file(landing: Landing) -> None:
    whole = bytearray(gzip.compress(b"one\n" * 1000))
    whole[-6] ^= 0xFF
    landing.file(bytes(whole))
    with pytest.raises(LandedFileError, match=r"a: is damaged gzip"):
        landing.read()


def test_a_file_that_breaks_off_names_the_line_that_was_reached(landing: Landing) -> None:
    landing.file(gzip.compress(b"one\n" * 1000)[:-4])
    with pytest.raises(LandedFileError, match=r"a:1000: is gzip cut short"):
        landing.read()


def test_a_file_that_decompresses_to_more_than_the_cap_is_refused(landing: Landing) -> None:
    landing.file(b"0\n" * 500_000, zipped=True)
    with pytest.raises(LandedFileError, match=r"more than 100,000 bytes"):
        landing.read(limits=ReadLimits(max_file_bytes=100_000))


def test_a_file_that_changes_while_it_is_read_is_refused(landing: Landing) -> None:
    path = landing.file("one\ntwo\n")
    landed = read_landing_days(EVENTS, [DAY], str(landing.zone))
    landed.reader.read_next_batch()
    path.write_text("one\ntwo\nthree\n")
    with pytest.raises(LandedFileError, match="changed while it was read"), landed.naming_the_file():
        landed.reader.read_all()


def test_the_engine_s_error_becomes_the_file_s_error_again(landing: Landing) -> None:
    landing.file(gzip.compress(b"one\n" * 100)[:-9])
    landed = read_landing_days(EVENTS, [DAY], str(landing.zone))
    with pytest.raises(LandedFileError, match="gzip cut short"), landed.naming_the_file():
        landing.connection.con.from_arrow(landed.reader).fetchall()


def test_records_in_s3_are_read_by_the_same_code(moto_server: str, landing: Landing, monkeypatch) -> None:
    import boto3

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    s3 = boto3.client("s3", endpoint_url=moto_server, region_name="us-east-1")
    s3.create_bucket(Bucket="landing")
    for name in ("a.gz", ".hidden", "deep/b"):
        s3.put_object(Bucket="landing", Key=f"zone/shop/{DAY}/{name}", Body=gzip.compress(b"one\n"))
    address = moto_server.removeprefix("http://")
    zone = f"s3://landing/zone?endpoint_override={address}&scheme=http&region=us-east-1"
    landed = read_landing_days(EVENTS, [DAY, NEXT_DAY], zone)
    assert landed.reader.read_all()["record"].to_pylist() == ["one"]
    assert [file.file for file in landed.files] == [f"shop/{DAY}/a.gz"]
