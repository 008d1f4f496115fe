"""New days are computed by themselves: real ticks of the conditions against an instance, and the runs they ask for.

The graph is a small one of the platform's shapes: a raw table, events, a trailing window that reads itself, features of
the days before, a champion, scores, and a validation that waits for labels.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from platform_assets.automation.conditions import (
    PAUSES,
    WATCHED_DAYS,
    as_champion_can,
    as_inputs_arrive,
    in_service_checks,
    new_days_sensor,
    once,
)
from platform_assets.partitions import daily, days_around, trailing_days

FIRST = date(2026, 1, 1)
MATURITY = 3
DAYS = daily(FIRST, None)
UNPARTITIONED = ("model_champion", "promotion_decisions", "maps")


@dataclass
class World:
    """The graph on an instance; `broken` assets fail, `in_service` is whether a champion is there."""

    instance: dg.DagsterInstance
    days: dg.DailyPartitionsDefinition = DAYS
    broken: set[str] = field(default_factory=set)
    in_service: bool = True
    ran: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.graph = [
            self.table("raw"),
            self.table("events", raw=days_around(2, 1)),
            self.table("persons", as_inputs_arrive(), events=days_around(5, 0), persons=trailing_days(5)),
            self.table("clusters"),
            self.table(
                "features",
                as_inputs_arrive(optional=["clusters"]),
                events=trailing_days(28),
                persons=trailing_days(1),
                clusters=days_around(13, 0),
            ),
            self.table("model_champion"),
            self.table("promotion_decisions"),
            self.table(
                "scores",
                as_champion_can("model"),
                features=None,
                model_champion=None,
            ),
            self.table(
                "validation",
                as_inputs_arrive(known_after_days=MATURITY),
                scores=None,
                events=days_around(0, 1),
                raw=days_around(0, MATURITY),
            ),
            self.table("maps", once()),
        ]

        checks = [self.check(key) for key in in_service_checks("model")]
        self.definitions = dg.Definitions(self.graph, asset_checks=checks, sensors=[new_days_sensor()])

    def check(self, key: dg.AssetCheckKey) -> dg.AssetChecksDefinition:
        @dg.asset_check(asset=key.asset_key, name=key.name)
        def in_service() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=self.in_service, severity=dg.AssetCheckSeverity.WARN)

        return in_service

    def table(
        self,
        name: str,
        condition: dg.AutomationCondition | None = None,
        **reads: dg.PartitionMapping | None,
    ) -> dg.AssetsDefinition:
        deps = [dg.AssetDep(upstream, partition_mapping=mapping) for upstream, mapping in reads.items()]

        @dg.asset(
            name=name,
            partitions_def=None if name in UNPARTITIONED else self.days,
            backfill_policy=dg.BackfillPolicy.single_run(),
            automation_condition=condition,
            deps=deps,
        )
        def compute() -> None:
            if name in self.broken:
                raise ValueError(name)

        return compute

    def run(self, asset: str, *days: date) -> None:
        """Run an asset over days, as somebody, or a sensor, asks for them."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        for day in days or (None,):
            job.execute_in_process(
                instance=self.instance,
                asset_selection=[dg.AssetKey(asset)],
                partition_key=str(day) if day else None,
                raise_on_error=False,
            )

    def land(self, *days: date) -> None:
        """The sensors of raw tables and events have done their work for these landing days."""
        self.run("raw", *days)
        self.run("events", *days)

    def tick(self, now: datetime) -> list[tuple[str, str]]:
        """What a tick asks for; the runs are done before the next."""
        result = dg.evaluate_automation_conditions(self.definitions, self.instance, evaluation_time=now)
        asked = [
            (key.to_user_string(), partition or "")
            for key in sorted(self.definitions.resolve_asset_graph().get_all_asset_keys())
            for partition in sorted(result.get_requested_partitions(key), key=str)
        ]
        for asset, partition in asked:
            self.run(asset, *([date.fromisoformat(partition)] if partition else []))
        self.ran += asked
        return asked

    def until_quiet(self, now: datetime) -> list[tuple[str, str]]:
        """Ticks until nothing is asked for."""
        before = len(self.ran)
        while self.tick(now):
            pass
        return self.ran[before:]


@pytest.fixture
def world() -> Iterator[World]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(instance)


def days(first: int, last: int) -> list[date]:
    """Days by their number from the first one, which is 0."""
    return [FIRST + timedelta(days=number) for number in range(first, last + 1)]


def morning(number: int, **later: int) -> datetime:
    """The morning after the day of this number."""
    return datetime(2026, 1, 2, 4, tzinfo=UTC) + timedelta(days=number, **later)


def keys(*numbers: int) -> list[str]:
    return [str(FIRST + timedelta(days=number)) for number in numbers]


def asked(ran: list[tuple[str, str]], asset: str) -> list[str]:
    return sorted(partition for each, partition in ran if each == asset)


def test_every_new_day_is_computed_exactly_once_as_days_go_by(world: World) -> None:
    world.run("model_champion")
    for number in range(5):
        world.land(*days(number, number))
        world.until_quiet(morning(number))
    assert Counter(world.ran).most_common(1)[0][1] == 1
    assert asked(world.ran, "maps") == [""]
    for table in ("persons", "features", "scores"):
        assert asked(world.ran, table) == keys(*range(5)), table
    assert asked(world.ran, "validation") == keys(*range(5 - MATURITY))
    assert not {"raw", "events", "clusters", "model_champion"} & {asset for asset, _ in world.ran}


def test_what_is_there_is_not_computed_again_when_its_inputs_change(world: World) -> None:
    world.run("model_champion")
    world.land(*days(0, 4))
    world.until_quiet(morning(4))
    world.run("events", *days(2, 3))
    world.run("model_champion")
    assert world.tick(morning(4)) == []


def test_a_day_waits_until_its_inputs_are_there(world: World) -> None:
    world.land(*days(0, 2))
    ran = world.until_quiet(morning(4))
    assert asked(ran, "persons") == keys(0, 1, 2)
    assert asked(ran, "features") == keys(0, 1, 2, 3), "features of a day read the days before it"
    assert asked(ran, "scores") == [], "no champion was ever decided on"


def test_days_that_pile_up_are_all_made_up_for(world: World) -> None:
    world.run("model_champion")
    world.land(*days(0, 7))
    ran = world.until_quiet(morning(7))
    assert [asked(ran, table) for table in ("persons", "scores")] == [keys(*range(8))] * 2


@pytest.fixture
def one_day() -> Iterator[World]:
    """Runs are planned now, so that the pauses after them are those of now: the only day stays the newest."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(instance, daily(FIRST, FIRST), broken={"persons"})


def test_a_failed_day_is_tried_three_times_with_pauses_and_then_left_to_people(one_day: World) -> None:
    world = one_day
    world.land(*days(0, 0))
    first, second = PAUSES
    tries = [
        len(asked(world.tick(datetime.now(UTC) + later), "persons"))
        for later in (
            timedelta(),
            timedelta(minutes=1),
            first + timedelta(minutes=1),
            first + timedelta(minutes=2),
            second + timedelta(minutes=1),
            10 * second,
        )
    ]
    assert tries == [1, 0, 1, 0, 1, 0]


def test_a_lost_run_is_asked_for_again(one_day: World) -> None:
    world = one_day
    world.land(*days(0, 0))
    assert ("persons", keys(0)[0]) in world.tick(datetime.now(UTC))
    world.broken = set()
    assert ("persons", keys(0)[0]) in world.until_quiet(datetime.now(UTC) + PAUSES[0] + timedelta(minutes=1))


def test_what_reads_a_failed_day_waits_and_everything_else_goes_on(world: World) -> None:
    world.broken = {"persons"}
    world.land(*days(0, 1))
    ran = world.until_quiet(morning(1))
    assert asked(ran, "features") == []
    assert asked(ran, "maps") == [""]


def test_a_gap_that_is_older_than_the_watched_days_blocks_nothing(world: World) -> None:
    world.land(*days(1, WATCHED_DAYS + 1))
    ran = world.until_quiet(morning(WATCHED_DAYS + 1))
    assert asked(ran, "persons") == keys(*range(2, WATCHED_DAYS + 2)), "those of day 1 are never computed"
    assert asked(ran, "features") == keys(*range(2, WATCHED_DAYS + 2))


def test_old_days_are_not_asked_for(world: World) -> None:
    world.land(*days(0, 0))
    assert asked(world.tick(morning(WATCHED_DAYS + 1)), "persons") == []


def test_without_a_champion_no_day_is_scored_and_with_one_the_waiting_days_are(world: World) -> None:
    world.in_service = False
    world.run("model_champion")
    world.land(*days(0, 2))
    assert asked(world.until_quiet(morning(2)), "scores") == []
    world.in_service = True
    world.run("model_champion")
    assert asked(world.until_quiet(morning(2)), "scores") == keys(0, 1, 2)


def test_a_first_champion_that_was_made_by_hand_scores_too(world: World) -> None:
    world.land(*days(0, 1))
    assert asked(world.until_quiet(morning(1)), "scores") == []
    world.run("promotion_decisions")
    assert asked(world.until_quiet(morning(1)), "scores") == keys(0, 1)


def test_a_day_is_validated_once_the_landing_days_that_make_its_labels_final_are_there(world: World) -> None:
    world.run("model_champion")
    world.land(*days(0, 4))
    assert asked(world.until_quiet(morning(5)), "validation") == keys(0, 1)
    world.run("raw", *days(6, 6))
    assert asked(world.until_quiet(morning(6)), "validation") == [], "landing day 5 may still bring records of day 2"
    world.run("raw", *days(5, 5))
    assert asked(world.until_quiet(morning(6)), "validation") == keys(2, 3)


def test_where_days_end_nothing_is_asked_for_for_ever() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(instance, daily(FIRST, FIRST + timedelta(days=5)))
        world.run("model_champion")
        world.land(*days(0, 5))
        ran = world.until_quiet(morning(5))
        assert asked(ran, "validation") == keys(0, 1, 2)
        assert [world.tick(morning(number)) for number in (6, 30, 300)] == [[], [], []]


def test_nothing_is_asked_for_before_anything_landed(world: World) -> None:
    assert asked(world.until_quiet(morning(3)), "maps") == [""]
    assert {asset for asset, _ in world.ran} == {"maps"}


def test_the_sensor_runs_by_default_and_asks_for_days_one_by_one(world: World) -> None:
    sensor = world.definitions.resolve_sensor_def("new_days")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    world.land(*days(0, 1))
    with dg.build_sensor_context(
        instance=world.instance, definitions=world.definitions, sensor_name="new_days"
    ) as context:
        requests = sensor.evaluate_tick(context).run_requests or []
    assert all(request.partition_key or request.asset_selection == [dg.AssetKey("maps")] for request in requests)
