"""Corrected records are read as if the landed file had said them, and never in the place of another record."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_assets.domain.source import ACCESS_LOG_TIME_FORMAT, FieldMapping, Format, Source
from platform_assets.raw_events.corrections import Correction, CorrectionOutdated, record_digest
from platform_assets.raw_events.landed_records import ReadLimits
from platform_assets.raw_events.line_records import NotOneRecord
from platform_assets.raw_events.stored_corrections import StoredCorrections
from platform_assets_tests.raw_events.landing import CSV, DAY, EVENTS, NOON, PARQUET, Landing
from platform_assets_tests.stores import Store
from resources.compute.engine import Engine
from resources.lakehouse.publish import PublishedMeanwhile

LOG = replace(
    EVENTS,
    format=Format.ACCESS_LOG,
    fields={"event_time": FieldMapping(("time",))},
    time_format=ACCESS_LOG_TIME_FORMAT,
)
GOOD = {
    Format.JSON_LINES: [f'{{"time": "{NOON}", "item": "{item}"}}' for item in ("a", "a", "ü", "b")],
    Format.ACCESS_LOG: [
        f'1.2.3.4 - - [05/Jan/2026:12:00:0{second} +0000] "GET / HTTP/1.1" 200 1 "-" "-"' for second in range(4)
    ],
    Format.CSV: [f"{NOON},x,{item}" for item in ("a", "a", "ü", '"two\nlines"')],
}
BAD = {
    Format.JSON_LINES: ["{", "[1]", '{"time": "noon"}', '{"time": 1, "time": 2}', "[[[[[[["],
    Format.ACCESS_LOG: ["-", "1.2.3.4 - - [noon] x"],
    Format.CSV: [f"{NOON},x", f"{NOON},x,y,z", f"{NOON},\rx,y", '"a\nb",x'],
}
SOURCES = {source.format: source for source in (EVENTS, LOG, CSV)}
HEADER = "time,login,item"


def correction(line: int, record: str, original: str, file: str = f"shop/{DAY}/a", day: date = DAY) -> Correction:
    return Correction(day, file, line, record, record_digest(original))


def text(source: Source, records: Sequence[str]) -> str:
    return "".join(f"{record}\n" for record in ([HEADER] if source.format is Format.CSV else []) + list(records))


@st.composite
def mended_files(draw: st.DrawFn) -> tuple[Source, list[str], dict[int, str]]:
    """A source, the records of a file, and good records for some of the broken ones, by place."""
    source = SOURCES[draw(st.sampled_from(sorted(SOURCES)))]
    good, bad = st.sampled_from(GOOD[source.format]), st.sampled_from(BAD[source.format])
    records = draw(st.lists(st.one_of(good, bad), min_size=1, max_size=8))
    broken = [place for place, record in enumerate(records) if record in BAD[source.format]]
    mended = draw(st.lists(st.sampled_from(broken), unique=True)) if broken else []
    return source, records, {place: draw(good) for place in mended}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=mended_files(), batch_bytes=st.integers(1, 200))
def test_any_records_mended_are_read_as_if_the_file_had_been_right(
    landing: Landing, case: tuple[Source, list[str], dict[int, str]], batch_bytes: int
) -> None:
    source, records, mended = case
    limits = ReadLimits(max_nesting=5, batch_bytes=batch_bytes)
    right = [mended.get(place, record) for place, record in enumerate(records)]
    landing.file(text(source, right))
    expected = landing.read(source, limits=limits)

    landing.file(text(source, records))
    received = landing.read(source, limits=limits)
    lines = received["line"].to_pylist()
    assert len(lines) == len(records)
    corrections = [correction(lines[place], mended[place], records[place]) for place in mended]
    found = landing.read(source, limits=limits, corrections=corrections)
    # A record that holds line ends moves the lines of those after it.
    assert found.drop_columns("line").to_pylist() == expected.drop_columns("line").to_pylist()
    assert found["line"].to_pylist() == lines
    assert sum(file.corrected for file in landing.files) == len(mended)


def test_mended_records_get_the_ids_that_they_had_got_in_a_right_file(landing: Landing) -> None:
    good, other = GOOD[Format.JSON_LINES][0], GOOD[Format.JSON_LINES][3]
    landing.file(text(EVENTS, [good, good, other, good]))
    expected = landing.parse()
    landing.file(text(EVENTS, [good, "{", other, "}"]))
    assert landing.parse(corrections=[correction(4, good, "}"), correction(2, good, "{")]) == expected


def test_every_record_behind_a_quote_that_is_never_closed_can_be_mended(landing: Landing) -> None:
    landing.file(f'{HEADER}\n{NOON},x,a\n{NOON},x,"b\n{NOON},x,c\n')
    mended = [correction(3, f"{NOON},x,b", f'{NOON},x,"b'), correction(4, f"{NOON},x,c", f"{NOON},x,c")]
    found = landing.parse(CSV, corrections=mended)
    assert [(row["item"], row["reject_reason"]) for row in found] == [("a", None), ("b", None), ("c", None)]


def test_a_record_that_was_cut_or_no_text_is_mended(landing: Landing) -> None:
    limits = ReadLimits(max_record_bytes=70, kept_bytes=10)
    landing.file(b'{"time": "' + b"9" * 100 + b'"}\n\xff\n')
    good = GOOD[Format.JSON_LINES][0]
    found = landing.parse(limits=limits, corrections=[correction(1, good, '{"time": "'), correction(2, good, "\\xff")])
    assert [row["reject_reason"] for row in found] == [None, None]


def test_a_corrected_record_is_judged_like_any_other(landing: Landing) -> None:
    landing.file("{\n{\n")
    limits = ReadLimits(max_record_bytes=70, max_nesting=5)
    long, deep = correction(1, "x" * 71, "{"), correction(2, "[" * 9, "{")
    assert [row["reject_reason"].split(":")[0] for row in landing.parse(limits=limits, corrections=[long, deep])] == [
        "record_too_long",
        "nested_too_deep",
    ]


@pytest.mark.parametrize(
    ("outdated", "said"),
    [
        (correction(1, "{}", "another record"), f"shop/{DAY}/a:1: the record is not the one that was corrected"),
        (correction(3, "{}", "{"), f"shop/{DAY}/a:3: no record begins in this line any more"),
        (correction(1, "{}", "{", file="b"), f"b, landed {DAY}: record 1 of this file was corrected, and the file is"),
    ],
)
def test_a_correction_of_what_is_not_there_any_more_stops_the_reading(
    landing: Landing, outdated: Correction, said: str
) -> None:
    landing.file("{\n\n")
    with pytest.raises(CorrectionOutdated) as raised:
        landing.parse(corrections=[outdated])
    assert said in str(raised.value)
    assert "withdraw" in str(raised.value)


def test_parquet_has_no_records_to_correct(landing: Landing) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = landing.file("")
    pq.write_table(pa.table({"time": [NOON], "login": ["x"], "item": ["a"]}), path)
    with pytest.raises(CorrectionOutdated):
        landing.parse(PARQUET, corrections=[correction(1, "{}", "{")])


@pytest.mark.parametrize("source", [EVENTS, LOG, CSV], ids=lambda source: source.format)
@pytest.mark.parametrize("given", ["", "\r", "a,b,c\nd,e,f"])
def test_a_correction_is_exactly_one_record(landing: Landing, source: Source, given: str) -> None:
    landing.file(text(source, ["{"]))
    line = 2 if source.format is Format.CSV else 1
    with pytest.raises(NotOneRecord, match=f"line {line}"):
        landing.parse(source, corrections=[correction(line, given, "{")])


def test_corrections_are_kept_by_landing_day_and_two_at_once_are_not_both_taken(store: Store, engine: Engine) -> None:
    corrections = StoredCorrections(EVENTS, store.lakehouse, engine, store.staging)
    assert corrections.rows([DAY]) == ([], -1)
    first, second = correction(1, "a", "x"), correction(2, "b", "y", day=date(2026, 1, 6))
    rows = [{**vars(each), "corrected_at": datetime(2026, 1, 9), "batch": "1"} for each in (first, second)]
    corrections.replace([first.landing_date], rows[:1], based_on=-1, batch="1")
    assert corrections.of([DAY]) == [first]
    with pytest.raises(PublishedMeanwhile, match="somebody else has published"):
        corrections.replace([DAY], [], based_on=-1, batch="2")
    corrections.replace([second.landing_date], rows[1:], based_on=0, batch="2")
    assert corrections.of([DAY]) == [first]
    corrections.replace([DAY], [], based_on=1, batch="3")
    assert [corrections.of([day]) for day in (DAY, second.landing_date)] == [[], [second]]
    assert corrections.uncomputed() == []
