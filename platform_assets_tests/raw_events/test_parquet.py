"""Parquet: every value becomes text that loses nothing."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from platform_assets.raw_events.json_text import as_received
from platform_assets.raw_events.landed_records import LandedFileError
from platform_assets_tests.raw_events.landing import DAY, NOON, PARQUET, Landing


def land(landing: Landing, columns: dict) -> None:
    pq.write_table(pa.table(columns), landing.file("", "a.parquet"), row_group_size=2)


def test_rows_are_numbered_and_undeclared_columns_become_json(landing: Landing) -> None:
    land(
        landing,
        {"time": [NOON] * 3, "login": ["a", None, "c"], "item": [1, 2, 3], "more": [{"x": [1]}, None, {"x": []}]},
    )
    rows = landing.parse(PARQUET)
    assert [(row["line"], row["login"], row["item"], row["record"]) for row in rows] == [
        (1, "a", "1", None),
        (2, None, "2", None),
        (3, "c", "3", None),
    ]
    assert [json.loads(row["extra_fields"])["more"] for row in rows] == [{"x": [1]}, None, {"x": []}]


def test_times_with_a_zone_are_instants_and_others_are_clock_times(landing: Landing) -> None:
    local = datetime(2026, 1, 5, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    times = pa.array([local], pa.timestamp("us", "Europe/Berlin"))
    land(landing, {"time": times, "login": ["a"], "item": [1]})
    assert landing.parse(PARQUET)[0]["event_time"] == datetime(2026, 1, 5, 11)
    land(landing, {"time": [datetime(2026, 1, 5, 12)], "login": ["a"], "item": [1]})
    assert landing.reasons(PARQUET) == ["time_without_zone: time"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array([0.1]), "0.1"),
        (pa.array([2**63 - 1]), "9223372036854775807"),
        (pa.array([Decimal("1.500")]), "1.500"),
        (pa.array([True]), "true"),
        (pa.array([DAY]), "2026-01-05"),
        (pa.array([datetime(2026, 1, 5, tzinfo=UTC)], pa.timestamp("ns", "UTC")), "2026-01-05T00:00:00.000000000Z"),
        (pa.array([timedelta(seconds=1)], pa.duration("ms")), "1000"),
        (pa.array([b"text"]), "text"),
        (pa.array([b"\xff\x00"]), "\\xff00"),
        (pa.array(["a"]).dictionary_encode(), "a"),
        (pa.array([[1, None], None], pa.list_(pa.int8()))[:1], "[1,null]"),
        (pa.array([[1], [2, 3]], pa.large_list(pa.int8()))[1:], "[2,3]"),
        (pa.array([[1, 2], [3, 4]], pa.list_(pa.int8(), 2))[1:], "[3,4]"),
        (pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string())), '{"k":"v"}'),
        (pa.array([{"a": 'x"', "b": date(2026, 1, 5)}]), '{"a":"x\\"","b":"2026-01-05"}'),
        (pa.array([[float("nan")]]), '["NaN"]'),
        (pa.array([[]], pa.list_(pa.string())), "[]"),
        (pa.array([None], pa.list_(pa.string())), None),
        (pa.array([None], pa.null()), None),
    ],
    ids=str,
)
def test_a_value_becomes_text(values: pa.Array, text: str | None) -> None:
    received = as_received(values)[0].as_py()
    assert (received.lower() if text == '["NaN"]' and received else received) == (
        text.lower() if text == '["NaN"]' else text
    )


def test_a_file_that_lacks_a_declared_column_is_refused(landing: Landing) -> None:
    land(landing, {"time": [NOON], "login": ["a"]})
    with pytest.raises(LandedFileError, match=r"a\.parquet.*has no column for item"):
        landing.read(PARQUET)


def test_a_file_that_is_no_parquet_is_refused(landing: Landing) -> None:
    landing.file("PAR1 but no more")
    with pytest.raises(LandedFileError, match="is no readable Parquet"):
        landing.read(PARQUET)


def test_identical_rows_are_events_of_their_own_with_ids_that_stay(landing: Landing) -> None:
    land(landing, {"time": [NOON] * 3, "login": ["a", "a", None], "item": ["", "", "a"]})
    first = [row["event_id"] for row in landing.parse(PARQUET)]
    assert len(set(first)) == 3
    assert [row["event_id"] for row in landing.parse(PARQUET)] == first
