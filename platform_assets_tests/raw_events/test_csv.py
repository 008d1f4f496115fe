"""CSV: records and fields as Python's csv module sees them, with the line and the text of each."""

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from platform_assets.domain.sources import FieldMapping
from platform_assets.raw_events.landed_records import LandedFileError, ReadLimits
from platform_assets_tests.raw_events.landing import CSV, NOON, Landing

HEADER = "time,login,item\n"


def records(landing: Landing, text: str | bytes, **how) -> list[tuple]:
    landing.file(text)
    rows = landing.parse(CSV, **how)
    return [(row["line"], row["login"], row["item"], row["reject_reason"]) for row in rows]


def test_fields_are_kept_as_received(landing: Landing) -> None:
    text = f'{HEADER}{NOON},"ann ""a"" b",NA\n{NOON},, x \n{NOON},"",null\n'
    assert records(landing, text) == [(2, 'ann "a" b', "NA", None), (3, "", " x ", None), (4, "", "null", None)]


def test_a_quoted_field_may_hold_line_ends_and_delimiters(landing: Landing) -> None:
    assert records(landing, f'{HEADER}{NOON},"a\r\nb,c\n",1\r\n\r\n{NOON},d,2\r\n') == [
        (2, "a\r\nb,c\n", "1", None),
        (6, "d", "2", None),
    ]


def test_the_record_is_the_text_between_line_ends(landing: Landing) -> None:
    landing.file(f'{HEADER}{NOON},"a\nb",1\r\n')
    assert landing.parse(CSV)[0]["record"] == f'{NOON},"a\nb",1'


def test_undeclared_columns_become_json(landing: Landing) -> None:
    landing.file(f'note,time,login,item,"a ""b"""\n"x\ny\\\t\x01",{NOON},ann,1,\n')
    assert json.loads(landing.parse(CSV)[0]["extra_fields"]) == {"note": "x\ny\\\t\x01", 'a "b"': ""}


def test_files_may_order_their_columns_each_in_its_way(landing: Landing) -> None:
    landing.file(f"{HEADER}{NOON},ann,1\n", "a")
    landing.file(f"item,new,login,time\n2,n,bob,{NOON}\n", "b")
    assert [(row["login"], row["item"], row["extra_fields"]) for row in landing.parse(CSV)] == [
        ("ann", "1", None),
        ("bob", "2", '{"new":"n"}'),
    ]


def test_another_delimiter_is_declared(landing: Landing) -> None:
    landing.file(f"time;login;item\n{NOON};a,b;\n")
    assert landing.parse(replace(CSV, delimiter=";"))[0]["login"] == "a,b"


def test_a_wrong_number_of_fields_is_told_and_the_rest_goes_on(landing: Landing) -> None:
    text = f"{HEADER}{NOON},a\n{NOON},b,1\n{NOON},c,1,2\n{NOON},d,1"
    assert records(landing, text) == [
        (2, None, None, "wrong_field_count: 2 fields instead of 3"),
        (3, "b", "1", None),
        (4, None, None, "wrong_field_count: 4 fields instead of 3"),
        (5, "d", "1", None),
    ]


def test_bytes_that_are_no_utf8_spoil_one_record_only(landing: Landing) -> None:
    text = f"{HEADER}{NOON},a,1\n{NOON},caf\xe9,1\n{NOON},b,1\n".encode("latin-1")
    assert [reason for *_, reason in records(landing, text)] == [None, "not_utf8: byte 25 is 0xe9", None]


def test_a_stray_carriage_return_does_not_split_a_record(landing: Landing) -> None:
    reasons = [reason for *_, reason in records(landing, f"{HEADER}{NOON},a\rb,1\n{NOON},c,1\n")]
    assert reasons == ["stray_carriage_return: a carriage return outside quotes ends no line", None]


def test_a_quote_that_never_closes_quarantines_the_rest_line_by_line(landing: Landing) -> None:
    landing.file(f'{HEADER}{NOON},a,1\n{NOON},"b,1\n{NOON},c,1\n\n{NOON},d,1\n', zipped=True)
    for limits in (ReadLimits(), ReadLimits(max_record_bytes=40, kept_bytes=10, batch_bytes=16)):
        rows = landing.parse(CSV, limits=limits)
        assert [(row["line"], (row["record"] or "")[-3:]) for row in rows] == [
            (2, "a,1"),
            (3, "b,1"),
            (4, "c,1"),
            (6, "d,1"),
        ]
        reason = "unterminated_quote: a quote of the record that begins in line 3 is never closed"
        assert [row["reject_reason"] for row in rows] == [None, reason, reason, reason]
        assert landing.files[0].records == 4


def test_a_record_that_is_too_long_is_cut_and_the_rest_goes_on(landing: Landing) -> None:
    limits = ReadLimits(max_record_bytes=100, kept_bytes=30, batch_bytes=64)
    long = "x\n" * 200
    text = f'{HEADER}{NOON},"{long}",1\n{NOON},b,1\n'
    assert records(landing, text, limits=limits) == [
        (2, None, None, "record_too_long: more than 100 bytes, the first 30 kept"),
        (203, "b", "1", None),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,item\n1,2\n", "a:1: has no column for login; its columns are time, item"),
        ("time,login,item,login\n", "a:1: has several columns named login"),
        ("\n\ntime;login;item\n", "a:3: has no column for time, login, item"),
        ('time,"login,item\n', "a:1: has a quote in its header that is never closed"),
    ],
)
def test_a_header_that_does_not_fit_names_file_line_and_fields(landing: Landing, text: str, message: str) -> None:
    landing.file(text)
    with pytest.raises(LandedFileError, match=message):
        landing.read(CSV)


TWO = replace(CSV, fields={"event_time": FieldMapping(("a",)), "login": FieldMapping(("b",))})
texts = st.text(st.sampled_from(list('",ab\n\r\\ é')), max_size=80)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=texts, batch_bytes=st.integers(1, 40))
@example(text='x"y,"p"q"r,s\n"a""",b\n', batch_bytes=3)
@example(text='"a\n",""b""\n', batch_bytes=2)
def test_any_text_is_split_as_the_csv_module_would(landing: Landing, text: str, batch_bytes: int) -> None:
    landing.file(f"a,b\n{text}")
    table = landing.read(TWO, limits=ReadLimits(batch_bytes=batch_bytes))
    rows = table.select(["record", "a", "b", "read_problem"]).to_pylist()
    if any((row["read_problem"] or "").startswith(("stray", "unterminated")) for row in rows):
        kept = "".join(row["record"] for row in rows)
        assert kept.replace("\n", "").replace("\r", "") == text.replace("\n", "").replace("\r", "")
        return
    expected = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert [[row["a"], row["b"]] if not row["read_problem"] else None for row in rows] == [
        row if len(row) == 2 else None for row in expected
    ]
