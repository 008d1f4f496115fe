"""A session ends with a pause of more than half an hour, survives midnight, and depends on no more than two days."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from platform_assets_tests.domain.raw_worlds import DAY, NOON, made, numbered, row
from resources.compute.duckdb_engine import DuckDBEngine

MIDNIGHT = datetime.combine(DAY, time())
HALF_AN_HOUR = timedelta(minutes=30)


def sessions_at(engine: DuckDBEngine, *times: datetime, days: int = 1) -> list[str]:
    """Sessions of one client that was seen at these times, as far as they are of the asked days, which end with DAY."""
    rows = numbered(row(at, cookie_id="c") for at in sorted(times))
    return [event["session_id"] for event in made(engine, rows, DAY - timedelta(days=days - 1), DAY)]


@pytest.mark.parametrize(
    ("pause", "sessions"),
    [(timedelta(0), 1), (HALF_AN_HOUR, 1), (HALF_AN_HOUR + timedelta(microseconds=1), 2), (timedelta(hours=5), 2)],
)
def test_a_pause_of_more_than_thirty_minutes_ends_a_session(
    pause: timedelta, sessions: int, one_engine: DuckDBEngine
) -> None:
    assert len(set(sessions_at(one_engine, NOON, NOON + pause))) == sessions


def test_many_short_pauses_make_one_long_session(one_engine: DuckDBEngine) -> None:
    times = [NOON + number * HALF_AN_HOUR for number in range(8)]
    assert len(set(sessions_at(one_engine, *times))) == 1


def test_a_session_survives_midnight(one_engine: DuckDBEngine) -> None:
    before, after = MIDNIGHT - timedelta(minutes=10), MIDNIGHT + timedelta(minutes=20)
    assert len(set(sessions_at(one_engine, before, after, days=2))) == 1


def test_a_session_over_midnight_is_the_same_whichever_of_its_days_is_asked_for(one_engine: DuckDBEngine) -> None:
    rows = numbered(row(MIDNIGHT + minutes * timedelta(minutes=1), cookie_id="c") for minutes in (-10, 20))
    alone = [made(one_engine, rows, day)[0]["session_id"] for day in (DAY - timedelta(days=1), DAY)]
    assert alone[0] == alone[1]


def test_what_never_pauses_gets_a_new_session_on_every_day_from_its_third_on(one_engine: DuckDBEngine) -> None:
    times = [MIDNIGHT - timedelta(days=3) + number * HALF_AN_HOUR for number in range(4 * 48)]
    by_day = [sessions_at(one_engine, *times, days=4)[start : start + 48] for start in range(0, 4 * 48, 48)]
    assert [len(set(day)) for day in by_day] == [1, 1, 1, 1]
    assert by_day[0][0] == by_day[1][0]
    assert len({day[0] for day in by_day[1:]}) == 3


def test_a_copy_of_an_event_from_before_the_read_days_changes_no_session_of_a_day_alone(
    one_engine: DuckDBEngine,
) -> None:
    original = row(MIDNIGHT - timedelta(days=1, hours=1), cookie_id="c")
    copy = replace(original, at=MIDNIGHT - timedelta(minutes=20), line=2)
    rows = [original, copy, replace(row(MIDNIGHT + timedelta(minutes=5), cookie_id="c"), id="2", line=3)]
    in_range = made(one_engine, rows, DAY - timedelta(days=2), DAY)
    assert [event["reject_reason"] for event in in_range] == [None, "duplicate", None]
    assert made(one_engine, rows) == in_range[2:]


def test_clients_have_sessions_of_their_own(one_engine: DuckDBEngine) -> None:
    identifiers = [{"cookie_id": "a"}, {"cookie_id": "b"}, {"login": "a"}, {"device_id": "a"}]
    found = made(one_engine, numbered(row(**identifier) for identifier in identifiers))
    assert len({event["session_id"] for event in found}) == 4


def test_the_cookie_tells_the_client_also_when_the_login_changes(one_engine: DuckDBEngine) -> None:
    found = made(one_engine, numbered(row(cookie_id="c", login=login) for login in (None, "ann", "bob")))
    assert len({event["session_id"] for event in found}) == 1


def test_without_any_identifier_there_is_no_session(one_engine: DuckDBEngine) -> None:
    assert [event["session_id"] for event in made(one_engine, [row(cookie_id="", login="  ")])] == [None]


def test_a_rejected_row_is_part_of_no_session(one_engine: DuckDBEngine) -> None:
    rows = numbered(
        row(NOON + number * timedelta(minutes=20), cookie_id="c", value=value)
        for number, value in enumerate(["1", "?", "1"])
    )
    first, rejected, last = (event["session_id"] for event in made(one_engine, rows))
    assert rejected is None
    assert first != last
