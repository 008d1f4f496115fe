"""Rows come back from the quarantine: after the rule was mended, after the record was, and only what they touch is
computed again."""

import json
from pathlib import Path

import pytest

from platform_assets.cli.quarantine.mended_file import MendedRowsRefused, read_mended
from platform_assets.cli.quarantine.mended_rows import judge, landing_day_by, store
from platform_assets.cli.quarantine.quarantined_rows import NoSuchTable
from platform_assets.cli.quarantine.releasing import (
    CannotBeMended,
    release_mended_rows,
    release_partitions,
    withdraw_corrections,
)
from platform_assets.cli.quarantine.workbench import NoSuchPartition
from platform_assets.cli.recompute import Recomputation
from platform_assets.raw_events.corrections import CorrectionOutdated
from platform_assets_tests.cli.quarantine_world import DAYS, RAW, QuarantineWorld, changed, record, row

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = DAYS
BROKEN, ENDLESS, WORTHLESS = f"shop/{WEDNESDAY}/a", f"shop/{SATURDAY}/a", f"shop/{MONDAY}/a"


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> QuarantineWorld:
    """Two records without a zone, two that are no JSON, one whose worth is no number; tables are computed."""
    world = QuarantineWorld(tmp_path_factory.mktemp("computed"))
    world.land(MONDAY, record(f"{MONDAY}T10:00:00Z", "a"), record(f"{MONDAY}T11:00:00Z", "worth", value="1,50"))
    world.land(
        WEDNESDAY,
        record(f"{WEDNESDAY}T09:00:00Z", "b"),
        record(f"{TUESDAY}T23:45:00", "no zone, before midnight"),
        '{"time": "2026-01-07T12:00:00Z", "item": "c", "cookie": "c"',
        record(f"{WEDNESDAY}T13:00:00", "no zone"),
    )
    world.land(SATURDAY, record(f"{FRIDAY}T23:45:00Z", "d"), "cut o")
    world.compute()
    return world


@pytest.fixture
def world(computed: QuarantineWorld, tmp_path: Path) -> QuarantineWorld:
    """A copy of it."""
    return computed.copied(tmp_path / "world")


def release(world: QuarantineWorld, rule: str | None = None, *, dry_run: bool = False, downstream: bool = True) -> str:
    world.told.clear()
    release_partitions(world.bench, RAW, None, rule, dry_run=dry_run, downstream=downstream)
    return "\n".join(world.told)


def mend(world: QuarantineWorld, *rows: dict | str, dry_run: bool = False, downstream: bool = True) -> str:
    world.told.clear()
    release_mended_rows(world.bench, RAW, world.mended(*rows), dry_run=dry_run, downstream=downstream)
    return "\n".join(world.told)


C = '{"time": "2026-01-07T12:00:00Z", "item": "c", "cookie": "c"}'
E = record(f"{FRIDAY}T12:00:00Z", "e")


def test_a_mended_rule_brings_its_rows_back_and_only_the_event_days_they_touch_are_computed_again(
    world: QuarantineWorld,
) -> None:
    before, received = world.written(), world.accounted()
    world.declare("    time_zone: UTC\n")
    said = release(world, "time_without_zone")
    assert "2 row(s) left the quarantine of raw_shop, 1 stay, 0 new." in said
    assert "stay: 1 × malformed_json" in said
    assert world.quarantined() == [(BROKEN, 3, "malformed_json"), (ENDLESS, 2, "malformed_json")]
    assert world.items() == {
        MONDAY: ["a"],
        TUESDAY: ["no zone, before midnight"],
        WEDNESDAY: ["b", "no zone"],
        FRIDAY: ["d"],
    }
    # Tuesday's last minutes are read by Thursday too.
    assert changed(before, world.written()) == [TUESDAY, WEDNESDAY, THURSDAY]
    assert world.runs == [(RAW, WEDNESDAY, WEDNESDAY), ("events", TUESDAY, THURSDAY)]
    assert world.accounted() == received == 8
    assert "nothing to release" in release(world, "time_without_zone")
    assert len(world.runs) == 2


def test_a_rehearsal_says_what_would_happen_and_changes_nothing(world: QuarantineWorld) -> None:
    before = (world.written(), world.written(RAW), world.written(f"{RAW}_quarantine"))
    world.declare("    time_zone: UTC\n")
    said = release(world, "time_without_zone", dry_run=True)
    assert "2 row(s) would leave the quarantine of raw_shop, 1 would stay, 0 new." in said
    assert f"would be computed again: 3 partition(s): {TUESDAY}, {WEDNESDAY}, {THURSDAY}" in said
    said = mend(world, row(BROKEN, 3, C), dry_run=True)
    assert "3 row(s) would leave the quarantine of raw_shop, 0 would stay" in said
    assert (world.written(), world.written(RAW), world.written(f"{RAW}_quarantine")) == before
    assert world.runs == []
    assert world.rows(f"{RAW}_corrections") == []


def test_without_a_mended_rule_nothing_leaves_and_the_rule_is_told(world: QuarantineWorld) -> None:
    said = release(world, "time_without_zone")
    assert "0 row(s) left the quarantine of raw_shop, 3 stay, 0 new." in said
    assert "stay: 2 × time_without_zone (the time tells no zone" in said
    assert "No computed event day is touched." in said
    assert world.runs == [(RAW, WEDNESDAY, WEDNESDAY)]


def test_mended_records_are_read_in_the_place_of_the_received_ones_from_then_on(world: QuarantineWorld) -> None:
    before = world.written()
    said = mend(world, row(BROKEN, 3, C), row(ENDLESS, 2, "cut o"))
    assert "1 record(s) put right, 1 not edited, 0 stored before." in said
    assert "1 row(s) left the quarantine of raw_shop, 2 stay, 0 new." in said
    assert world.items()[WEDNESDAY] == ["b", "c"]
    assert changed(before, world.written()) == [WEDNESDAY, THURSDAY]
    (stored,) = world.rows(f"{RAW}_corrections")
    assert (stored["file"], stored["line"], stored["record"]) == (BROKEN, 3, C)

    raw = world.rows(RAW)
    with Recomputation(world.settings) as recomputation:
        for published, keys in recomputation.plan(RAW):
            found = recomputation.difference(published, keys, shown=0)
            assert (found.missing, found.surplus) == (0, 0)
    world.run(RAW, None)
    assert world.rows(RAW) == raw
    assert world.accounted() == 8
    assert "0 record(s) put right, 1 not edited, 1 stored before.\nNothing to release." in mend(
        world, row(BROKEN, 3, C), row(ENDLESS, 2, "cut o")
    )


def test_a_corrected_record_can_be_corrected_again_beside_others_of_its_day(world: QuarantineWorld) -> None:
    mend(world, row(BROKEN, 3, C), downstream=False)
    mend(world, row(BROKEN, 4, record(f"{WEDNESDAY}T13:00:00Z", "zone")), downstream=False)
    mend(world, row(BROKEN, 3, record(f"{WEDNESDAY}T12:00:00Z", "c, better"), WEDNESDAY))
    assert world.items()[WEDNESDAY] == ["b", "c, better", "zone"]
    assert len(world.rows(f"{RAW}_corrections")) == 2


def test_event_days_can_be_left_as_they_are(world: QuarantineWorld) -> None:
    before = world.written()
    said = mend(world, row(ENDLESS, 2, E), downstream=False)
    assert f"Stale event days, left as they are: 2 partition(s): {FRIDAY}, {SATURDAY}." in said
    assert world.written() == before
    assert world.runs == [(RAW, SATURDAY, SATURDAY)]


def test_a_good_raw_record_is_mended_for_a_later_table_whose_quarantine_is_then_released(
    world: QuarantineWorld,
) -> None:
    assert len(world.rows("events_quarantine")) == 1
    mend(world, row(WORTHLESS, 2, record(f"{MONDAY}T11:00:00Z", "worth", value="1.50"), MONDAY), downstream=False)
    world.told.clear()
    release_partitions(world.bench, "events", None, "value_not_a_number", dry_run=False, downstream=True)
    assert "1 row(s) left the quarantine of events, 0 stay, 0 new." in "\n".join(world.told)
    assert world.items()[MONDAY] == ["a", "worth"]
    assert world.runs[1:] == [("events", MONDAY, MONDAY), ("events", TUESDAY, TUESDAY)]


def test_a_correction_of_a_file_that_was_delivered_again_stops_its_landing_day_until_it_is_withdrawn(
    world: QuarantineWorld,
) -> None:
    mend(world, row(BROKEN, 3, C))
    raw = world.rows(RAW)
    world.land(WEDNESDAY, record(f"{WEDNESDAY}T09:00:00Z", "b"), "", C.replace('"c"', '"new"'))
    with pytest.raises(
        CorrectionOutdated, match=rf"{BROKEN}:3: the record is not the one that was corrected"
    ) as raised:
        world.run(RAW, (WEDNESDAY, WEDNESDAY))
    assert "platform quarantine withdraw" in str(raised.value)
    assert world.rows(RAW) == raw
    withdraw_corrections(world.bench, RAW, BROKEN, None, dry_run=False, downstream=True)
    assert world.items()[WEDNESDAY] == ["b", "new"]
    assert world.rows(f"{RAW}_corrections") == []


def test_a_release_that_broke_off_after_the_corrections_were_stored_is_finished_by_the_next(
    world: QuarantineWorld,
) -> None:
    (source,) = world.bench.sources
    rows = read_mended(world.mended(row(ENDLESS, 2, E)), landing_day_by(world.bench, source))
    store(world.bench, source, judge(world.bench, source, rows))
    assert "0 record(s) put right, 0 not edited, 1 stored before." in mend(world, row(ENDLESS, 2, E))
    assert world.items()[FRIDAY] == ["d", "e"]


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> QuarantineWorld:
    """A world that is only asked for what it refuses."""
    world = QuarantineWorld(tmp_path_factory.mktemp("refusing"))
    world.land(MONDAY, record(f"{MONDAY}T10:00:00Z", "a"), "{")
    world.compute()
    return world


FILE = f"shop/{MONDAY}/a"
WRONG_ROWS = {
    "no json": ("{", "is no JSON"),
    "no object": ("[1]", "is no JSON object"),
    "no record": (json.dumps({"file": FILE, "line": 2}), "needs the texts `file` and `record`"),
    "no line": (json.dumps({"file": FILE, "line": "x", "record": "{}"}), "needs the number `line`"),
    "unknown line": (row(FILE, 9, "{}", MONDAY), f"no record of landing day {MONDAY} begins in {FILE}:9"),
    "unknown file": (row("shop/b", 1, "{}", MONDAY), "begins in shop/b:1"),
    "unknown place": (row("shop/b", 1, "{}"), "give its landing day as `partition`"),
    "wrong day": (row(FILE, 2, "{}", "Monday"), "`partition` is no day"),
    "still broken": (row(FILE, 2, '{"a":'), "still breaks a rule: malformed_json"),
    "broken otherwise": (row(FILE, 2, record(f"{MONDAY}T10:00:00", "a")), "still breaks a rule: time_without_zone"),
    "half a character": (json.dumps(row(FILE, 2, "\ud800")), "half a character"),
}


@pytest.mark.parametrize("case", WRONG_ROWS)
def test_rows_that_cant_be_taken_are_named_and_nothing_is_stored(refusing: QuarantineWorld, case: str) -> None:
    given, said = WRONG_ROWS[case]
    with pytest.raises(MendedRowsRefused) as raised:
        mend(refusing, row(FILE, 1, record(f"{MONDAY}T11:00:00Z", "good"), MONDAY), given)
    assert said in str(raised.value)
    assert "mended.jsonl:" in str(raised.value)
    assert refusing.runs == []
    assert refusing.rows(f"{RAW}_corrections") == []


def test_two_records_for_one_are_refused(refusing: QuarantineWorld) -> None:
    with pytest.raises(Exception, match="not exactly one record"):
        mend(refusing, row(FILE, 2, f"{C}\n{C}"))
    assert refusing.runs == []


def test_what_is_not_there_is_named(refusing: QuarantineWorld) -> None:
    with pytest.raises(NoSuchTable, match=r"there is no table raw_shoes.*raw_shop"):
        release_partitions(refusing.bench, "raw_shoes", None, None, dry_run=False, downstream=True)
    with pytest.raises(NoSuchPartition, match=r"there is no partition 2025-01-01.*2026-01-05 to 2026-01-11"):
        release_partitions(refusing.bench, RAW, "2025-01-01", None, dry_run=False, downstream=True)
    with pytest.raises(CannotBeMended, match="mend the landed record in its raw table: raw_shop"):
        release_mended_rows(refusing.bench, "events", refusing.mended(), dry_run=False, downstream=True)
    refusing.told.clear()
    release_partitions(refusing.bench, RAW, SUNDAY, None, dry_run=False, downstream=True)
    assert refusing.told == ["No such row of raw_shop is quarantined: nothing to release."]
    assert refusing.runs == []
