"""What is told: every trouble, once, together with its like, and its end."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.alerts.log import FIRING, RESOLVED
from platform_assets.domain.alerts.raising import QUIET, REPEAT_AFTER, topics
from platform_assets.domain.alerts.signals import Kind
from platform_assets_tests.domain.alerts.made_up import MINUTE, NOON, MemoryLog, signal


def test_a_failed_check_is_told_with_owner_partition_link_and_the_next_step() -> None:
    (alert,) = MemoryLog().look(NOON, signal())
    assert (alert.subject, alert.owner, alert.partitions) == ("events", "team:data-platform", ("2026-03-01",))
    assert (alert.link, alert.next_step) == (signal().link, signal().next_step)
    assert alert.targets == ("operators",)


def test_what_was_seen_already_is_not_told_again() -> None:
    log = MemoryLog()
    assert log.look(NOON, signal())
    before = len(log.rows)
    assert not log.look(NOON + 30 * MINUTE, signal())
    assert len(log.rows) == before


def test_a_thousand_failing_checks_of_an_asset_make_one_alert() -> None:
    signals = [signal(check=f"check_{number}") for number in range(1_000)]
    (alert,) = MemoryLog().look(NOON, *signals)
    assert (alert.what, alert.count, len(alert.items)) == ("1000 checks failed", 1_000, 20)


def test_a_check_that_fails_on_and_on_is_told_once_a_day() -> None:
    log = MemoryLog()
    told = [len(log.look(at, signal(at))) for hour in range(49) for at in [NOON + timedelta(hours=hour)]]
    assert [hour for hour, count in enumerate(told) if count] == [0, 24, 48]


def test_other_partitions_within_minutes_wait_and_are_told_together() -> None:
    log = MemoryLog()
    assert log.look(NOON, signal(topic="first"))
    assert not log.look(NOON + MINUTE, signal(NOON + MINUTE, topic="second", partition="2026-03-02"))
    assert not log.look(NOON + 2 * MINUTE, signal(NOON + 2 * MINUTE, topic="third", partition="2026-03-03"))
    (alert,) = log.look(NOON + 5 * MINUTE)
    assert alert.partitions == ("2026-03-02", "2026-03-03")


def test_recovery_is_told_once_and_to_those_who_knew() -> None:
    log = MemoryLog()
    log.look(NOON, signal(targets=("shop_team",)))
    assert not log.look(NOON + MINUTE, signal(NOON + MINUTE, failing=False))
    (alert,) = log.look(NOON + MINUTE + QUIET)
    assert (alert.state, alert.targets) == (RESOLVED, ("shop_team",))
    assert not log.look(NOON + 60 * MINUTE, signal(NOON + 60 * MINUTE, failing=False))


def test_a_check_that_passes_always_leaves_no_trace() -> None:
    log = MemoryLog()
    log.look(NOON, signal(failing=False))
    assert log.rows == []


def test_a_failure_that_is_over_before_anybody_looked_is_told_all_the_same() -> None:
    log = MemoryLog()
    (alert,) = log.look(NOON + MINUTE, signal(NOON), signal(NOON + MINUTE, failing=False))
    assert alert.state == FIRING


def test_a_check_that_flaps_for_a_day_makes_few_messages() -> None:
    log = MemoryLog()
    raised = [
        alert
        for minute in range(24 * 60)
        for at in [NOON + minute * MINUTE]
        for alert in log.look(at, *([signal(at, failing=minute % 24 == 0)] if minute % 12 == 0 else []))
    ]
    assert 2 <= len(raised) <= 6


def test_promotions_are_told_each_and_never_recover() -> None:
    log = MemoryLog()
    first = signal(kind=Kind.PROMOTION, topic="version 1", lasting=False)
    assert log.look(NOON, first)
    later = NOON + 10 * MINUTE
    assert log.look(later, signal(later, kind=Kind.PROMOTION, topic="version 2", lasting=False))
    assert not log.look(NOON + REPEAT_AFTER * 2)


def test_the_gravest_alert_comes_first() -> None:
    alerts = MemoryLog().look(NOON, signal(severity="warning"), signal(asset="users"))
    assert [alert.subject for alert in alerts] == ["users", "events"]


STEPS = st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 40)), max_size=40)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_whoever_reads_the_messages_ends_up_knowing_how_things_are(steps: list[tuple[int, bool, int]]) -> None:
    log, told, actual, now = MemoryLog(), {}, {}, NOON
    for check, failing, minutes in steps:
        now += minutes * MINUTE + timedelta(seconds=1)
        actual[f"check/events/{check}"] = failing
        for alert in log.look(now, signal(now, check=str(check), failing=failing)):
            told |= dict.fromkeys(alert.topics, alert.state == FIRING)
    for days in range(1, 4):
        for alert in log.look(now + timedelta(days=days)):
            told |= dict.fromkeys(alert.topics, alert.state == FIRING)
    assert told == {topic: failing for topic, failing in actual.items() if topic in topics(log.rows)}


@given(STEPS, st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_signals_seen_again_after_a_crash_change_nothing(steps: list[tuple[int, bool, int]], every: int) -> None:
    plain, stuttering, now, signals = MemoryLog(), MemoryLog(), NOON, []
    for number, (check, failing, minutes) in enumerate(steps):
        now += minutes * MINUTE + timedelta(seconds=1)
        signals.append(signal(now, check=str(check), failing=failing))
        plain.look(now, signals[-1])
        stuttering.look(now, *(signals[-3:] if number % every == 0 else signals[-1:]))
    assert plain.rows == stuttering.rows


def test_a_failure_that_is_seen_after_the_pass_that_followed_it_is_told_and_over() -> None:
    log = MemoryLog()
    log.look(NOON, signal())
    log.look(NOON + 3 * MINUTE, signal(NOON + 3 * MINUTE, failing=False))
    log.look(NOON + 4 * MINUTE, signal(NOON + 2 * MINUTE))
    assert not topics(log.rows)["check/events/quarantine_share"].failing
