"""Every planted fault is where the truth says, and nothing else is wrong."""

import json

import pytest

from platform_assets_tests.demo.left_behind import LeftBehind


def test_lines_are_unique_events_and_duplicates_and_malformed_lines_and_nothing_else(world: LeftBehind):
    duplicates, malformed = (
        world.value(f"SELECT sum(count) FROM trouble WHERE kind = '{kind}'") for kind in ("duplicate", "malformed")
    )
    assert world.value("SELECT count(*) FROM lines") == world.summary.lines
    assert world.value("SELECT count(*) FROM records") == world.summary.lines - malformed
    assert world.value("SELECT count(*) FROM events") == world.summary.lines - malformed - duplicates
    assert world.value("SELECT count(*) FROM events") == world.summary.events


def test_the_table_of_files_tells_what_each_file_holds(world: LeftBehind):
    assert world.rows("SELECT file, lines FROM files ORDER BY file") == world.rows(
        "SELECT file, count(*) FROM lines GROUP BY file ORDER BY file"
    )
    assert not world.rows("SELECT file FROM files WHERE lines <> unique_events + duplicates + malformed")
    assert not world.rows(
        "SELECT file, malformed FROM files EXCEPT SELECT file, count(t.line) FROM files"
        " LEFT JOIN (FROM trouble WHERE kind = 'malformed') t USING (file) GROUP BY file"
    )


@pytest.mark.parametrize(
    ("kind", "share", "tolerance"), [("duplicate", 0.01, 0.002), ("late", 0.02, 0.002), ("bot", 0.03, 0.005)]
)
def test_trouble_is_planted_in_the_share_that_is_promised(world: LeftBehind, kind: str, share: float, tolerance: float):
    planted = world.value(f"SELECT sum(count) FROM trouble WHERE kind = '{kind}'")
    assert planted / world.summary.lines == pytest.approx(share, abs=tolerance)


def test_the_lines_that_do_not_parse_are_exactly_the_planted_ones(world: LeftBehind):
    planted = world.rows("SELECT file, line, text FROM trouble JOIN lines USING (file, line) WHERE kind = 'malformed'")
    found = world.rows("SELECT file, line, text FROM lines ANTI JOIN records USING (file, line)")
    assert sorted(planted) == sorted(found)
    assert len(found) > 50
    for *_, text in found:
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)


def test_every_duplicate_stands_at_its_line_as_a_copy_to_the_letter(world: LeftBehind):
    assert world.value(
        "SELECT count(*) FROM trouble JOIN records USING (file, line, event_id) WHERE kind = 'duplicate'"
    )
    assert not world.rows(
        "SELECT t.event_id FROM trouble t JOIN records USING (event_id) WHERE kind = 'duplicate'"
        " GROUP BY t.event_id HAVING count(*) <> 2 OR count(DISTINCT text) <> 1"
    )
    assert not world.rows(
        "SELECT event_id FROM records GROUP BY event_id HAVING count(*) > 1"
        " EXCEPT SELECT event_id FROM trouble WHERE kind = 'duplicate'"
    )


@pytest.mark.parametrize(
    ("detail", "condition"),
    [
        ("same_file", "copy.file = original.file"),
        ("other_file", "copy.file <> original.file AND copy.landing_date = original.landing_date"),
        ("next_landing_day", "copy.landing_date = original.landing_date + 1"),
    ],
)
def test_a_duplicate_lands_where_its_detail_says(world: LeftBehind, detail: str, condition: str):
    placed = world.rows(
        f"SELECT {condition} AS kept, count(*) FROM trouble copy JOIN records original"
        " ON copy.event_id = original.event_id AND (copy.file, copy.line) <> (original.file, original.line)"
        f" WHERE copy.kind = 'duplicate' AND copy.detail = '{detail}' GROUP BY kept"
    )
    assert [kept for kept, _ in placed] == [True]


def test_late_records_are_those_of_the_truth_and_land_at_most_two_days_late(world: LeftBehind):
    late = (
        "SELECT file, line, landing_date - CAST(event_time AS DATE) AS days FROM records"
        " WHERE landing_date > CAST(event_time AS DATE)"
        " AND (file, line) NOT IN (SELECT (file, line) FROM trouble WHERE kind = 'duplicate')"
    )
    planted = "SELECT file, line, landing_date - event_date FROM trouble WHERE kind = 'late'"
    assert not world.rows(f"({late}) EXCEPT ({planted})")
    assert not world.rows(f"({planted}) EXCEPT ({late})")
    assert {days for _, _, days in world.rows(late)} == {1, 2}


def test_no_record_lands_before_its_event_or_more_than_two_days_after(world: LeftBehind):
    assert set(world.rows("SELECT DISTINCT landing_date - CAST(event_time AS DATE) FROM records")) == {(0,), (1,), (2,)}


def test_bots_are_known_by_their_user_agent_and_visit_at_a_high_rate(world: LeftBehind):
    said = "SELECT event_id FROM events WHERE regexp_matches(user_agent, '(?i)bot|curl|python|headless|go-http')"
    assert not world.rows(f"({said}) EXCEPT SELECT event_id FROM trouble WHERE kind = 'bot'")
    assert not world.rows(f"SELECT event_id FROM trouble WHERE kind = 'bot' EXCEPT ({said})")
    by_visitor = (
        "SELECT cookie_id, count(*) AS views FROM events"
        f" WHERE {{}} event_id IN ({said}) GROUP BY cookie_id, CAST(event_time AS DATE)"
    )
    bots = world.value(f"SELECT median(views) FROM ({by_visitor.format('')})")
    persons = world.value(f"SELECT median(views) FROM ({by_visitor.format('NOT')})")
    assert bots > 10 * persons


def test_the_missing_hour_is_empty_and_the_only_empty_one(world: LeftBehind):
    hours = {row[0] for row in world.rows("SELECT DISTINCT date_trunc('hour', event_time) FROM events")}
    (day, lost), *others = world.rows("SELECT event_date, count FROM trouble WHERE kind = 'missing_hour'")
    assert not others
    assert lost > 100
    assert {hour.hour for hour in hours if hour.date() == day} == set(range(24)) - {13}
    assert len(hours) == 30 * 24 - 1


def test_consent_is_recorded_from_the_schema_change_on_and_never_before(world: LeftBehind):
    change = world.value("SELECT event_date FROM trouble WHERE kind = 'schema_change'")
    both = world.rows(
        f"SELECT CAST(event_time AS DATE) >= DATE '{change}' AS after, consent IS NOT NULL AS has, count(*) > 1000"
        " FROM records GROUP BY after, has ORDER BY after"
    )
    assert both == [(False, False, True), (True, True, True)]


def test_what_is_still_on_its_way_after_the_last_day_is_counted(world: LeftBehind):
    assert world.value("SELECT count FROM trouble WHERE kind = 'not_landed'") > 0
    assert world.value("SELECT max(landing_date) FROM records") == world.summary.last_day
