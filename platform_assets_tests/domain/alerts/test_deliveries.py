"""A delivery is tried later and later, until it is taken over or given up, and never by two at once."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.alerts.deliveries import (
    LEASE,
    MOST_ATTEMPTS,
    claims,
    deliveries,
    messages,
    outbox_health,
    pause_after,
)
from platform_assets.domain.alerts.log import CLAIMED, DEAD, DELIVERED, FAILED, REQUEUED
from platform_assets_tests.domain.alerts.made_up import MINUTE, NOON, MemoryLog, signal


def raised(alerts: int = 1) -> MemoryLog:
    log = MemoryLog()
    log.look(NOON, *(signal(asset=f"asset_{number}") for number in range(alerts)))
    return log


def claim(log: MemoryLog, now: datetime) -> int:
    return sum(row.event == CLAIMED for row in log.update(lambda rows: claims(rows, now)))


def end(log: MemoryLog, now: datetime, event: str, **given: datetime) -> None:
    claimed = [each for each in deliveries(log.rows).values() if each.state == CLAIMED]
    log.update(lambda rows: [each.event(event, now, **given) for each in claimed])


def test_pauses_double_up_to_an_hour_and_respect_what_the_receiver_asks_for() -> None:
    assert [pause_after(attempt) / MINUTE for attempt in (1, 2, 3, 6, 7, 48)] == [1, 2, 4, 32, 60, 60]
    assert pause_after(1, timedelta(minutes=7)) == timedelta(minutes=7)
    assert pause_after(5, timedelta(seconds=1)) == timedelta(minutes=16)


def test_what_is_claimed_is_not_claimed_again_until_the_claim_ends() -> None:
    log = raised()
    assert claim(log, NOON) == 1
    assert claim(log, NOON + LEASE / 2) == 0
    assert claim(log, NOON + LEASE) == 1


def test_what_was_delivered_is_never_claimed_again() -> None:
    log = raised()
    claim(log, NOON)
    end(log, NOON, DELIVERED)
    assert claim(log, NOON + timedelta(days=30)) == 0
    assert outbox_health(log.rows).pending == 0


def test_what_fails_for_good_is_given_up_and_counted_and_can_be_asked_for_again() -> None:
    log, now = raised(), NOON
    for _ in range(MOST_ATTEMPTS):
        now += timedelta(hours=1)
        assert claim(log, now) == 1
        end(log, now, FAILED, due_at=now)
    assert claim(log, now + timedelta(hours=1)) == 0
    assert (outbox_health(log.rows).dead, outbox_health(log.rows).pending) == (1, 0)
    log.update(lambda rows: [each.event(REQUEUED, now, due_at=now) for each in deliveries(rows).values()])
    assert claim(log, now) == 1
    assert outbox_health(log.rows).dead == 0


def test_health_tells_how_many_wait_since_when_and_how_many_are_for_nobody() -> None:
    log = raised(3)
    log.update(lambda rows: [next(iter(deliveries(rows).values())).event(DEAD, NOON)])
    health = outbox_health(log.rows)
    assert (health.pending, health.dead, health.oldest, health.unaddressed) == (2, 1, NOON, 0)


def test_few_alerts_go_one_by_one_and_many_in_digests() -> None:
    for alerts, expected in ((3, 3), (4, 1), (100, 3)):
        log = raised(alerts)
        made = messages(log.rows, log.update(lambda rows: claims(rows, NOON)))
        assert len(made) == expected
        assert sum(len(message.alerts) for message in made) == alerts


EVENTS = st.lists(st.tuples(st.sampled_from(["claim", DELIVERED, FAILED, DEAD]), st.integers(0, 200)), max_size=30)


@given(EVENTS)
@settings(max_examples=150, deadline=None)
def test_a_delivery_ends_delivered_or_dead_or_will_be_tried(steps: list[tuple[str, int]]) -> None:
    log, now, delivered = raised(), NOON, False
    for step, minutes in steps:
        now += minutes * MINUTE
        held = any(each.state == CLAIMED for each in deliveries(log.rows).values())
        if step == "claim":
            taken = claim(log, now)
            assert not (taken and delivered)
        elif held:
            end(log, now, step, **({"due_at": now + MINUTE} if step == FAILED else {}))
            delivered |= step == DELIVERED
    (state,) = {each.state for each in deliveries(log.rows).values()}
    assert (state == DELIVERED) == delivered
    assert state in (DELIVERED, DEAD) or claim(log, now + timedelta(days=1)) == 1
