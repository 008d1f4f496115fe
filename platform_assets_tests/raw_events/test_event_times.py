"""When an event happened: read from what the source wrote, in UTC, or refused with the reason."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_assets.domain.source import ACCESS_LOG_TIME_FORMAT, Source
from platform_assets_tests.raw_events.landing import DAY, EVENTS, Landing

LENIENT = replace(EVENTS, lateness_days=30_000)
LONDON = replace(LENIENT, time_zone="Europe/London")


def times(
    landing: Landing, source: Source, *values: object, day: date = DAY
) -> list[tuple[datetime | None, str | None]]:
    landing.file("\n".join(json.dumps({"time": value}) for value in values), day=day)
    return [(row["event_time"], row["reject_reason"]) for row in landing.parse(source, day)]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-05T10:23:45Z", datetime(2026, 1, 5, 10, 23, 45)),
        ("2026-01-05 10:23:45.5Z", datetime(2026, 1, 5, 10, 23, 45, 500_000)),
        ("2026-01-05T10:23:45.123456789Z", datetime(2026, 1, 5, 10, 23, 45, 123_456)),
        ("2026-01-05T10:23:45+02:00", datetime(2026, 1, 5, 8, 23, 45)),
        ("2026-01-05T10:23:45.25-0030", datetime(2026, 1, 5, 10, 53, 45, 250_000)),
        ("2026-01-05T00:30:00+01", datetime(2026, 1, 4, 23, 30)),
    ],
)
def test_iso_times_with_a_zone_become_utc(landing: Landing, text: str, time: datetime) -> None:
    assert times(landing, EVENTS, text) == [(time, None)]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "yesterday",
            "2026-01-05",
            "2026-02-30T00:00:00Z",
            "2026-01-05T24:00:00Z",
            "2026-01-05T10:23:60Z",
            "infinity",
        ),
        *("0000-01-01T00:00:00Z", "2026-01-05T10:23:45+99:00", "٢٠٢٦-01-05T10:23:45Z", " 2026-01-05T10:23:45Z"),
        *("2026-01-05T10:23:45Z\n", "9999-12-31T23:59:59-10:00"),
    ],
)
def test_what_is_no_time_is_refused_with_its_field(landing: Landing, text: str) -> None:
    assert times(landing, EVENTS, text) == [(None, "time_unreadable: time")]


def test_a_time_without_zone_is_refused_unless_the_source_declares_one(landing: Landing) -> None:
    assert times(landing, LENIENT, "2025-07-05T12:00:00") == [(None, "time_without_zone: time")]
    assert times(landing, LONDON, "2025-07-05T12:00:00") == [(datetime(2025, 7, 5, 11), None)]
    assert times(landing, LONDON, "2025-07-05T12:00:00Z") == [(datetime(2025, 7, 5, 12), None)]


def test_clock_times_skipped_or_shown_twice_are_read_without_daylight_saving(landing: Landing) -> None:
    skipped, twice = "2025-03-30 01:30:00", "2025-10-26 01:30:00"
    read = [(datetime(2025, 3, 30, 1, 30), None), (datetime(2025, 10, 26, 1, 30), None)]
    assert times(landing, LONDON, skipped, twice) == read


@pytest.mark.parametrize(
    ("time_format", "value", "time"),
    [
        ("epoch_seconds", 1_767_600_000, datetime(2026, 1, 5, 8)),
        ("epoch_seconds", "1767600000.123456", datetime(2026, 1, 5, 8, 0, 0, 123_456)),
        ("epoch_seconds", 1.7676e9, datetime(2026, 1, 5, 8)),
        ("epoch_millis", 1_767_600_000_123, datetime(2026, 1, 5, 8, 0, 0, 123_000)),
        (ACCESS_LOG_TIME_FORMAT, "05/Jan/2026:10:00:00 +0200", datetime(2026, 1, 5, 8)),
    ],
)
def test_other_formats_are_read_as_declared(landing: Landing, time_format: str, value: object, time: datetime) -> None:
    assert times(landing, replace(EVENTS, time_format=time_format), value) == [(time, None)]


@pytest.mark.parametrize("time_format", ["epoch_seconds", "epoch_millis", "%d.%m.%Y %H:%M"])
@pytest.mark.parametrize("value", ["soon", "1e99", "99999999999999999999", "NaN", "1_0", "2026-01-05T10:00:00Z"])
def test_what_does_not_fit_a_format_is_refused(landing: Landing, time_format: str, value: str) -> None:
    assert times(landing, replace(LONDON, time_format=time_format), value) == [(None, "time_unreadable: time")]


def test_a_pattern_without_zone_takes_the_source_s(landing: Landing) -> None:
    pattern = replace(LENIENT, time_format="%d.%m.%Y %H:%M")
    in_london = replace(pattern, time_zone="Europe/London")
    assert times(landing, in_london, "05.07.2025 12:00") == [(datetime(2025, 7, 5, 11), None)]
    assert times(landing, pattern, "05.07.2025 12:00") == [(None, "time_without_zone: time")]


def test_times_that_cannot_be_are_refused(landing: Landing) -> None:
    reasons = [reason for _, reason in times(
        landing,
        EVENTS,
        "1969-12-31T23:59:59.999999Z",
        "2026-01-06T00:00:00Z",
        "2026-01-05T23:59:59.999999Z",
        "2026-01-02T00:00:00Z",
        "2026-01-01T23:59:59.999999Z",
        None,
        "",
    )]  # fmt: skip
    assert reasons == [
        "time_before_1970: time",
        "time_in_future: time is after the landing day",
        None,
        None,
        "too_late: time is over 3 days before the landing day",
        "time_missing: time",
        "time_missing: time",
    ]


moments = st.datetimes(datetime(1971, 1, 1), datetime(2025, 12, 30))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(moments, offsets), min_size=1, max_size=30))
def test_any_written_instant_is_read_back(landing: Landing, instants: list[tuple[datetime, timezone]]) -> None:
    written = [moment.replace(tzinfo=offset).isoformat() for moment, offset in instants]
    read = times(landing, LENIENT, *written)
    assert read == [(moment - offset.utcoffset(None), None) for moment, offset in instants]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(moments, min_size=1, max_size=30), st.sampled_from(["Europe/London", "America/New_York", "Asia/Kolkata"])
)
def test_any_clock_time_that_exists_once_is_read_back(landing: Landing, clocks: list[datetime], zone: str) -> None:
    clocks = [clock for clock in clocks if _offset(clock, zone, 0) == _offset(clock, zone, 1)]
    read = times(landing, replace(LENIENT, time_zone=zone), *(clock.isoformat(" ") for clock in clocks))
    assert read == [(clock - _offset(clock, zone, 0), None) for clock in clocks]


def _offset(clock: datetime, zone: str, fold: int) -> timedelta:
    return clock.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() or timedelta()
