"""Files that land late, by real ticks and runs: just the event days that they touch are computed again, and the tables
are those of a world in which the files had been there from the beginning."""

import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from platform_assets.automation.partition_requests import FIRST_TAG, LAST_TAG
from platform_assets_tests.automation.self_running import LONG_AGO, WEB, SelfRunning, asked
from platform_assets_tests.small_platform import FIRST_DAY, KEYS, SmallPlatform
from resources.settings import Settings

DAYS = [date(2026, 1, 5) + timedelta(days=number) for number in range(6)]
LANDED_LATE = "web_events/2026-01-06/part-001.jsonl.gz"
"""A file of the simulated world that holds events of its own landing day and of the day before."""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def small(tmp_path: Path, instance: dg.DagsterInstance) -> SelfRunning:
    """One small source over six days, nothing landed yet."""
    return SelfRunning.at(tmp_path / "home", instance, DAYS, WEB)


def seen(day: date, clock: str, cookie: str = "c", id: str = "") -> dict[str, str]:
    """A record of either source."""
    return {"time": f"{day}T{clock}Z", "id": id or f"{day} {clock} {cookie}", "cookie": cookie, "value": "2"}


def land_on(small: SelfRunning, days: Sequence[date]) -> None:
    for day in days:
        small.land("web", day, "a", seen(day, "12:00:00"))


def test_a_late_file_of_the_simulated_world_reopens_its_event_days_only(
    small_platform: SmallPlatform, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    wanted = SelfRunning(small_platform.settings, instance)
    late = SelfRunning(Settings(home=tmp_path, first_day=FIRST_DAY, last_day=date.fromisoformat(KEYS[-1])), instance)
    landing = Path(late.settings.landing_root)
    shutil.copytree(small_platform.settings.landing_root, landing)
    for file in landing.rglob("*.jsonl.gz"):
        os.utime(file, (LONG_AGO.timestamp(), LONG_AGO.timestamp()))
    held_back = (landing / LANDED_LATE).rename(tmp_path / "held back")
    late.run("raw_web_events", "events", tags={FIRST_TAG: KEYS[0], LAST_TAG: KEYS[-1]})
    assert late.until_quiet() == []  # as after a run of the whole demo: nothing starts by itself
    before = late.versions("events")

    held_back.rename(landing / LANDED_LATE)
    ran = late.until_quiet()

    assert ran[0] == "raw_web_events 2026-01-06"
    assert ran[1:] in (["events 2026-01-05...2026-01-07"], ["events 2026-01-05...2026-01-08"])
    reopened = {day for day, version in late.versions("events").items() if version != before[day]}
    assert reopened == set(KEYS[: 3 if ran[1].endswith("07") else 4])
    for table in ("raw_web_events", "raw_web_events_quarantine", "events"):
        assert late.rows(table) == wanted.rows(table)


def test_new_landing_days_become_events_by_themselves(small: SelfRunning) -> None:
    land_on(small, DAYS[:3])
    assert small.until_quiet() == [
        "raw_web 2026-01-05...2026-01-07",
        "events 2026-01-05...2026-01-07",
    ]
    small.land("web", DAYS[3], "a", seen(DAYS[3], "12:00:00"), seen(DAYS[2], "23:50:00"))
    assert small.until_quiet() == ["raw_web 2026-01-08", "events 2026-01-07...2026-01-08"]
    assert len(small.rows("events")) == 5


def test_what_is_read_again_and_says_the_same_reopens_nothing(small: SelfRunning) -> None:
    land_on(small, DAYS[:2])
    small.until_quiet()
    file = small.land("web", DAYS[0], "a", seen(DAYS[0], "12:00:00"), at=LONG_AGO + timedelta(days=1))
    assert small.until_quiet() == ["raw_web 2026-01-05"]
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    os.utime(file, (LONG_AGO.timestamp(), LONG_AGO.timestamp()))
    assert small.until_quiet() == ["raw_web 2026-01-05"]


def test_a_request_whose_run_was_lost_is_made_again_alike(small: SelfRunning) -> None:
    land_on(small, DAYS[:1])
    lost, again = (small.tick("landed_files")[0] for _ in range(2))
    assert [request.run_key for request in lost] == [request.run_key for request in again]


def test_events_wait_until_every_raw_table_is_there(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    small = SelfRunning.at(tmp_path / "home", instance, DAYS)
    small.land("web", DAYS[0], "a", seen(DAYS[0], "12:00:00"))
    assert small.until_quiet() == ["raw_web 2026-01-05"]
    assert "raw_shop" in small.tick("late_events")[1]


def test_a_day_that_cannot_be_read_holds_back_no_other_and_is_given_up_after_three_times(small: SelfRunning) -> None:
    land_on(small, DAYS[:3])
    damaged = small.land("web", DAYS[1], "b")
    damaged.write_bytes(b"\x1f\x8b damaged")
    os.utime(damaged, (LONG_AGO.timestamp(), LONG_AGO.timestamp()))
    ran = []
    while requests := small.tick("landed_files")[0]:
        ran += [(asked(request), small.obey(request, check=False)) for request in requests]
    every = "raw_web 2026-01-05...2026-01-07"
    alone = [(f"raw_web {day}", day != DAYS[1]) for day in DAYS[:3]]
    assert ran == [(every, False), (every, False), *alone]
    small.until_quiet()
    assert "raw_web 2026-01-06: asked for 3 times in vain" in small.tick("landed_files")[1]
    damaged.unlink()
    assert small.until_quiet() == ["raw_web 2026-01-06", "events 2026-01-06...2026-01-07"]


FILES = [
    ("web", DAYS[0], "a", [seen(DAYS[0], "23:40:00"), seen(DAYS[0], "12:00:00", "d")]),
    ("web", DAYS[1], "late", [seen(DAYS[0], "23:55:00"), seen(DAYS[1], "00:10:00"), seen(DAYS[0], "12:00:00", "d")]),
    ("web", DAYS[2], "a", [seen(DAYS[2], "00:05:00"), seen(DAYS[1], "23:45:00"), {"time": "?"}]),
    ("shop", DAYS[1], "a", [seen(DAYS[1], "00:20:00")]),
]
"""Sessions over two midnights that several files tell, a copy that landed a day later, a malformed line."""


def land_in(order: Sequence[int], stops: set[int], home: Path) -> SelfRunning:
    """Files land in this order; after those at `stops`, and at the end, the platform works until it is quiet."""
    with dg.DagsterInstance.ephemeral() as instance:
        small = SelfRunning.at(home, instance, DAYS[:4])
        for number in order:
            source, day, name, records = FILES[number]
            small.land(source, day, name, *records)
            if number in stops:
                small.until_quiet()
        small.until_quiet()
        return small


@pytest.fixture(scope="module")
def landed_at_once(tmp_path_factory: pytest.TempPathFactory) -> SelfRunning:
    """All files, read in one pass."""
    return land_in(range(len(FILES)), set(), tmp_path_factory.mktemp("at_once") / "home")


def arrives_in_any_order(landed_at_once: SelfRunning, home: Path, order: Sequence[int], stops: set[int]) -> None:
    found = land_in(order, stops, home)
    for table in ("raw_web", "raw_web_quarantine", "raw_shop", "events"):
        assert found.rows(table) == landed_at_once.rows(table)


NO_SHRINKING = (Phase.explicit, Phase.generate)
"""An example takes seconds, and four files are few enough to understand."""

orders, all_stops = st.permutations(range(len(FILES))), st.sets(st.sampled_from(range(len(FILES))))


@settings(max_examples=2, deadline=None, derandomize=True, phases=NO_SHRINKING)
@given(order=orders)
def test_the_order_of_arrival_changes_no_row(
    order: list[int], landed_at_once: SelfRunning, tmp_path_factory: pytest.TempPathFactory
) -> None:
    arrives_in_any_order(landed_at_once, tmp_path_factory.mktemp("order") / "home", order, set(order))


@pytest.mark.long
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), phases=NO_SHRINKING)
@given(order=orders, stops=all_stops)
def test_the_order_and_grouping_of_arrival_change_no_row(
    order: list[int], stops: set[int], landed_at_once: SelfRunning, tmp_path_factory: pytest.TempPathFactory
) -> None:
    arrives_in_any_order(landed_at_once, tmp_path_factory.mktemp("order") / "home", order, stops)
