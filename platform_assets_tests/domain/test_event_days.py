"""Event days are stale if, and only if, the raw rows that they read are other ones than when they were computed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.event_days import (
    DayContent,
    LandingContent,
    RawHistory,
    inputs_digest,
    missing_event_days,
    stale_event_days,
)
from platform_assets_tests.domain.raw_worlds import DAY, DAYS, NOON, SOURCES, RawRow, made, row, worlds
from resources.compute.duckdb_engine import DuckDBEngine

LANDING_DAYS = [DAYS[0] + timedelta(days=number) for number in range(len(DAYS) + 4)]
LATE = timedelta(minutes=1410)


def digest(rows: Iterable[RawRow]) -> str:
    return "\n".join(sorted(map(repr, rows)))


def content(rows: Sequence[RawRow]) -> LandingContent:
    """What a publication notes of the rows of one landing day."""
    days = {each.at.date() for each in rows}
    own = {day: [each for each in rows if each.at.date() == day] for day in days}
    late = {day: [each for each in own[day] if each.at - datetime.combine(day, time()) >= LATE] for day in days}
    return LandingContent(
        digest(rows), {day: DayContent(len(own[day]), digest(own[day]), digest(late[day])) for day in days}
    )


@dataclass(frozen=True)
class Versions:
    """The rows of one raw table at each of its versions, and the landing days that each version replaced."""

    source: str
    rows: list[list[RawRow]]
    replaced: list[set[date]]

    @property
    def history(self) -> RawHistory:
        publications = [
            (number, {day: content([each for each in rows if each.landing_date == day]) for day in days})
            for number, (rows, days) in enumerate(zip(self.rows, self.replaced, strict=True))
        ]
        return RawHistory(SOURCES[self.source].lateness_days, publications)


@st.composite
def raw_tables(draw: st.DrawFn) -> list[Versions]:
    """Both raw tables over a few publications: rows come, go and change on some landing days; some land too late."""
    tables = []
    base = [replace(each, days_late=each.days_late + draw(st.sampled_from([0, 0, 0, 1]))) for each in draw(worlds())]
    for source in sorted(SOURCES):
        now = [each for each in base if each.source == source]
        rows, replaced = [now], [set(LANDING_DAYS)]
        for number in range(draw(st.integers(0, 2))):
            kept = [each for each in now if draw(st.integers(0, 4))]
            came = [
                replace(each, line=100 * (number + 1) + each.line)
                for each in draw(worlds())[: draw(st.integers(0, 2))]
                if each.source == source
            ]
            days = set(draw(st.lists(st.sampled_from(LANDING_DAYS), min_size=1)))
            now = [each for each in now if each.landing_date not in days]
            now += [each for each in (*kept, *came) if each.landing_date in days]
            rows.append(now)
            replaced.append(days)
        tables.append(Versions(source, rows, replaced))
    return tables


def read_by(day: date, rows: Iterable[RawRow]) -> str:
    """Brute force: the rows that events of a day see at all."""
    begin, end = (datetime.combine(day + timedelta(days=number), time()) for number in (-1, 1))
    seen = [each for each in rows if begin - timedelta(minutes=30) <= each.at < end]
    return digest(each for each in seen if (each.landing_date - day).days <= SOURCES[each.source].lateness_days)


@settings(max_examples=25, deadline=None)
@given(tables=raw_tables(), data=st.data())
def test_every_day_that_comes_out_differently_is_stale_and_none_that_reads_the_same_rows(
    tables: list[Versions], data: st.DataObject, one_engine: DuckDBEngine
) -> None:
    raws = {table.source: table.history for table in tables}
    computed = {day: {table.source: data.draw(st.integers(0, len(table.rows) - 1)) for table in tables} for day in DAYS}
    stale = stale_event_days(raws, computed)
    now = [each for table in tables for each in table.rows[-1]]
    for day, versions in computed.items():
        then = [each for table in tables for each in table.rows[versions[table.source]]]
        assert (day in stale) == (read_by(day, then) != read_by(day, now))
        if day not in stale and then != now:
            # As text, because a rejected value may be NaN, which equals nothing.
            assert str(made(one_engine, then, day)) == str(made(one_engine, now, day))


@settings(max_examples=25, deadline=None)
@given(tables=raw_tables())
def test_days_that_read_the_same_rows_have_the_same_digest_of_inputs(tables: list[Versions]) -> None:
    now = {table.source: table.history for table in tables}
    before = {
        table.source: replace(table, rows=table.rows[:1], replaced=table.replaced[:1]).history for table in tables
    }
    for day in DAYS:
        same = all(read_by(day, table.rows[0]) == read_by(day, table.rows[-1]) for table in tables)
        assert (inputs_digest(now, day) == inputs_digest(before, day)) == same


@settings(max_examples=6, deadline=None)
@given(rows=worlds(), data=st.data())
def test_files_that_arrive_in_any_order_end_in_the_same_events(
    rows: list[RawRow], data: st.DataObject, one_engine: DuckDBEngine
) -> None:
    files = data.draw(st.permutations(sorted({each.path for each in rows})))
    stops = data.draw(st.sets(st.integers(1, len(files)), max_size=3)) | {len(files)}
    arrived: dict[str, Versions] = {source: Versions(source, [], []) for source in SOURCES}
    computed: dict[date, dict[str, int]] = {}
    results: dict[date, list[dict]] = {}
    for stop in sorted(stops):
        there = [each for each in rows if each.path in files[:stop]]
        for source, versions in arrived.items():
            versions.rows.append([each for each in there if each.source == source])
            versions.replaced.append({each.landing_date for each in versions.rows[-1]})
        raws = {source: versions.history for source, versions in arrived.items()}
        for day in stale_event_days(raws, computed).keys() | missing_event_days(raws, computed):
            results[day] = made(one_engine, there, day)
            computed[day] = {source: len(versions.rows) - 1 for source, versions in arrived.items()}
    for day in DAYS:
        assert str(results.get(day, [])) == str(made(one_engine, rows, day))


def history(*publications: dict[date, LandingContent]) -> dict[str, RawHistory]:
    """A source with two days of lateness; `publications` are its versions from 0."""
    return {"web": RawHistory(2, list(enumerate(publications)))}


def landed(at: datetime) -> LandingContent:
    return content([row(at)])


NEXT, SECOND_NEXT = DAY + timedelta(days=1), DAY + timedelta(days=2)
ALL_AT_ZERO = {DAY + timedelta(days=number): {"web": 0} for number in range(-3, 5)}
NOTHING_LANDED: dict[date, LandingContent] = {}


@pytest.mark.parametrize(
    ("at", "reopened"),
    [
        (NOON, [DAY, NEXT]),
        (datetime.combine(DAY, time(23, 29, 59)), [DAY, NEXT]),
        (datetime.combine(DAY, time(23, 30)), [DAY, NEXT, SECOND_NEXT]),
    ],
)
def test_a_late_row_reopens_its_day_the_next_and_the_one_after_if_it_happened_shortly_before_midnight(
    at: datetime, reopened: list[date]
) -> None:
    assert list(stale_event_days(history(NOTHING_LANDED, {NEXT: landed(at)}), ALL_AT_ZERO)) == reopened


def test_a_landing_day_read_again_unchanged_reopens_nothing() -> None:
    assert stale_event_days(history({DAY: landed(NOON)}, {DAY: landed(NOON)}), ALL_AT_ZERO) == {}


def test_a_change_that_was_taken_back_reopens_nothing_that_did_not_see_it() -> None:
    raws = history({DAY: landed(NOON)}, {DAY: landed(NOON.replace(hour=1))}, {DAY: landed(NOON)})
    assert list(stale_event_days(raws, {DAY: {"web": 0}, NEXT: {"web": 1}})) == [NEXT]


def test_a_row_that_landed_after_the_lateness_reopens_no_day_that_does_not_read_it() -> None:
    raws = history(NOTHING_LANDED, {DAY + timedelta(days=3): landed(NOON)})
    assert list(stale_event_days(raws, ALL_AT_ZERO)) == [NEXT]


def test_a_day_that_was_never_computed_is_missing_and_not_stale() -> None:
    raws = history({NEXT: landed(NOON)})
    assert stale_event_days(raws, {}) == {}
    assert missing_event_days(raws, {}) == {DAY}
    assert missing_event_days(raws, {DAY}) == set()


def test_a_source_that_was_declared_after_a_day_was_computed_counts_as_read_empty() -> None:
    assert stale_event_days(history({DAY: landed(NOON)}), {DAY: {"shop": 4}}) == {DAY: frozenset({"web"})}


def test_a_changed_landing_day_without_noted_event_days_reopens_all_that_it_may_hold() -> None:
    unknown = replace(landed(NOON), event_days=None)
    raws = history({DAY: unknown}, {DAY: replace(unknown, digest="other")})
    wanted = [DAY + timedelta(days=number) for number in range(-2, 3)]
    assert list(stale_event_days(raws, ALL_AT_ZERO)) == wanted
    assert stale_event_days(history({DAY: unknown}, {DAY: landed(NOON)}), ALL_AT_ZERO) == {}
