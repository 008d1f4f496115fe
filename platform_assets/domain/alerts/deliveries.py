"""What becomes of an alert on its way to one recipient: a state machine over the log.

pending → claimed → delivered | pending again, later and later | dead after `MOST_ATTEMPTS`. A claim ends by itself:
who died between sending and writing it down has the alert sent once more, never lost.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from platform_assets.domain.alerts.alert import Alert
from platform_assets.domain.alerts.log import (
    CLAIMED,
    DEAD,
    DELIVERED,
    FAILED,
    RAISED,
    REQUEUED,
    AlertEvent,
    digest_of,
    in_order,
    once_a_log,
)
from platform_assets.domain.alerts.message import Message

PENDING = "pending"
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MOST_ATTEMPTS = 48
"""With these pauses an alert is tried for about 43 hours."""
MOST_MESSAGES = 3
"""To one recipient in one sweep."""
MOST_IN_DIGEST = 40
"""Alerts in one message, where more than `MOST_MESSAGES` wait for one recipient."""
LEASE = timedelta(minutes=3)
"""A claim holds so long: longer than a sweep may take, so that two sweepers don't send the same."""


@dataclass(frozen=True)
class Delivery:
    """One alert on its way to one recipient. `due_at`: when it is tried (again), or when its claim ends."""

    alert: Alert
    recipient: str
    state: str
    attempts: int
    due_at: datetime
    error: str = ""

    def is_due(self, now: datetime) -> bool:
        """Whether it may be tried now."""
        return self.state in (PENDING, CLAIMED) and now >= self.due_at

    def event(self, event: str, now: datetime, *, due_at: datetime | None = None, error: str = "") -> AlertEvent:
        """The row that says what happened to this delivery."""
        attempt = self.attempts + (event == CLAIMED)
        return AlertEvent(
            event_id=digest_of(self.alert.alert_id, self.recipient, event, attempt, now.isoformat()),
            recorded_at=now,
            event=event,
            alert_id=self.alert.alert_id,
            recipient=self.recipient,
            attempt=attempt,
            due_at=due_at,
            error=error or None,
        )


@dataclass(frozen=True)
class OutboxHealth:
    """How the outbox stands. `oldest`: when the oldest alert was raised that is still on its way (UTC, no zone)."""

    pending: int
    dead: int
    oldest: datetime | None
    unaddressed: int
    """Alerts of the log that were for nobody, because no target was declared."""


def pause_after(attempt: int, asked: timedelta | None = None) -> timedelta:
    """How long to wait after the attempt-th failure: doubling, capped, and at least what the receiver asked for."""
    # Beyond a few doublings the cap holds anyway, and timedelta would overflow.
    doubled = FIRST_PAUSE * 2 ** min(attempt - 1, 10)
    return min(max(doubled, asked or timedelta(0)), LONGEST_PAUSE)


@once_a_log
def deliveries(events: Iterable[AlertEvent]) -> Mapping[tuple[str, str], Delivery]:
    """Every delivery of the log by alert and recipient, in the order in which the alerts were raised."""
    found: dict[tuple[str, str], Delivery] = {}
    for event in in_order(events):
        if event.event == RAISED:
            alert = Alert.from_event(event)
            for name in alert.targets:
                found.setdefault((alert.alert_id, name), Delivery(alert, name, PENDING, 0, event.recorded_at))
            continue
        key = (event.alert_id or "", event.recipient or "")
        if key in found:
            found[key] = _after(found[key], event)
    return found


def _after(delivery: Delivery, event: AlertEvent) -> Delivery:
    due_at = event.due_at or event.recorded_at
    if event.event == REQUEUED:
        return replace(delivery, state=PENDING, attempts=0, due_at=due_at)
    if delivery.state == DELIVERED:
        return delivery
    if event.event == CLAIMED:
        return replace(delivery, state=CLAIMED, attempts=event.attempt or 0, due_at=due_at)
    if event.event == FAILED:
        return replace(delivery, state=PENDING, due_at=due_at, error=event.error or "")
    if event.event in (DELIVERED, DEAD):
        return replace(delivery, state=event.event, error=event.error or "")
    return delivery


def claims(events: Iterable[AlertEvent], now: datetime) -> list[AlertEvent]:
    """The rows by which a sweep takes what is due (UTC, no zone), and gives up what was tried too often.

    At most `MOST_MESSAGES` messages a recipient: a receiver that hangs must not hold a sweep for long.
    """
    rows: list[AlertEvent] = []
    taken: Counter[str] = Counter()
    for delivery in deliveries(events).values():
        if not delivery.is_due(now):
            continue
        if delivery.attempts >= MOST_ATTEMPTS:
            rows.append(delivery.event(DEAD, now, error=delivery.error or "nobody knows what became of the attempts"))
        elif taken[delivery.recipient] < MOST_MESSAGES * MOST_IN_DIGEST:
            taken[delivery.recipient] += 1
            rows.append(delivery.event(CLAIMED, now, due_at=now + LEASE))
    return rows


def messages(events: Iterable[AlertEvent], claimed: Iterable[AlertEvent]) -> list[Message]:
    """What is sent for rows that `claims` made: each alert by itself, or, of more than a few, many in a digest."""
    raised = {event.alert_id: event for event in events if event.event == RAISED}
    waiting: dict[str, list[Alert]] = {}
    for row in claimed:
        if row.event == CLAIMED and row.alert_id in raised:
            waiting.setdefault(row.recipient or "", []).append(Alert.from_event(raised[row.alert_id]))
    return [
        Message(tuple(group), recipient)
        for recipient, each in waiting.items()
        for size in [1 if len(each) <= MOST_MESSAGES else MOST_IN_DIGEST]
        for group in (each[start : start + size] for start in range(0, len(each), size))
    ]


def outbox_health(events: Iterable[AlertEvent]) -> OutboxHealth:
    """How many deliveries are on their way, how many were given up, and since when the oldest waits."""
    rows = events if isinstance(events, list) else list(events)
    found = deliveries(rows)
    waiting = [each.alert.raised_at for each in found.values() if each.state in (PENDING, CLAIMED)]
    return OutboxHealth(
        pending=len(waiting),
        dead=sum(each.state == DEAD for each in found.values()),
        oldest=min(waiting, default=None),
        unaddressed=sum(event.event == RAISED and not event.targets for event in rows),
    )
