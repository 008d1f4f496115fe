"""Who an event is: what its source says, or a hash that every delivery gives again."""

from dataclasses import replace
from datetime import date

from platform_assets.domain.sources import Combine, FieldMapping
from platform_assets_tests.raw_events.landing import DAY, EVENTS, NOON, Landing

NEXT_DAY = date(2026, 1, 6)
NAMED = replace(EVENTS, fields={"event_id": FieldMapping(("id",)), **EVENTS.fields})
LINES = f'{{"time":"{NOON}"}}\n' * 3 + f'{{"time":"{NOON}","login":"ann"}}\n'


def test_a_file_that_arrives_twice_gives_the_same_ids_twice(landing: Landing) -> None:
    landing.file(LINES)
    landing.file(LINES, "other name", day=NEXT_DAY, zipped=True)
    ids = [row["event_id"] for row in landing.parse(EVENTS, DAY, NEXT_DAY)]
    assert len(set(ids[:4])) == 4
    assert ids[4:] == ids[:4]


def test_another_source_gives_other_ids_to_the_same_records(landing: Landing) -> None:
    landing.file(LINES)
    here, there = ({row["event_id"] for row in landing.parse(replace(EVENTS, name=name))} for name in ("shop", "forum"))
    assert not here & there


def test_a_declared_id_is_taken_as_it_is_and_never_made_up(landing: Landing) -> None:
    landing.file(f'{{"time":"{NOON}","id":"e1"}}\n{{"time":"{NOON}","id":""}}\n{{"time":"{NOON}"}}\n')
    assert [(row["event_id"], row["reject_reason"]) for row in landing.parse(NAMED)] == [
        ("e1", None),
        (None, "event_id_missing: id"),
        (None, "event_id_missing: id"),
    ]


def test_an_id_of_several_fields_needs_them_all(landing: Landing) -> None:
    joined = replace(NAMED, fields={**NAMED.fields, "event_id": FieldMapping(("id", "login"), Combine.JOIN)})
    landing.file(f'{{"time":"{NOON}","id":"e1","login":"ann"}}\n{{"time":"{NOON}","id":"e2"}}\n')
    assert [row["event_id"] for row in landing.parse(joined)] == ["e1|ann", None]
