"""The rows of `alert_events`, and the order in which they are read.

One class for all of them, because they are one table: what a kind of row doesn't have is None or empty.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

Made = TypeVar("Made")
SEEN, RAISED = "seen", "raised"
CLAIMED, DELIVERED, FAILED, DEAD, REQUEUED = "claimed", "delivered", "failed", "dead", "requeued"
FAILING, PASSING = "failing", "passing"
FIRING, RESOLVED = "firing", "resolved"
INFO, WARNING, ERROR = SEVERITIES = ("info", "warning", "error")
"""From the mildest to the gravest."""


@dataclass(frozen=True)
class AlertEvent:
    """One row of `alert_events`; the fields are its columns, instants are UTC without a zone."""

    event_id: str
    recorded_at: datetime
    event: str
    sequence: int = 0
    """Its place in the log, given when it is written down."""
    alert_id: str | None = None
    kind: str | None = None
    subject: str | None = None
    item: str | None = None
    topic: str | None = None
    state: str | None = None
    lasting: bool | None = None
    severity: str | None = None
    owner: str | None = None
    partition: str | None = None
    what: str | None = None
    next_step: str | None = None
    link: str | None = None
    run_id: str | None = None
    occurred_at: datetime | None = None
    targets: str | None = None
    details: str | None = None
    recipient: str | None = None
    attempt: int | None = None
    due_at: datetime | None = None
    error: str | None = None


class AlertLog(list[AlertEvent]):
    """A log in its order that doesn't change any more, with what was made of it as a whole (see `once_a_log`)."""

    def __init__(self, events: Iterable[AlertEvent] = ()) -> None:
        super().__init__(in_order(events))
        self.made: dict[Callable, Any] = {}


def once_a_log(function: Callable[[Iterable[AlertEvent]], Made]) -> Callable[[Iterable[AlertEvent]], Made]:
    """Let a function of a whole log be computed once for an `AlertLog`: most ticks find the log as it was."""

    @functools.wraps(function)
    def made(events: Iterable[AlertEvent]) -> Made:
        if not isinstance(events, AlertLog):
            return function(events)
        if function not in events.made:
            events.made[function] = function(events)
        return events.made[function]

    return made


def in_order(events: Iterable[AlertEvent]) -> list[AlertEvent]:
    """Events in the order in which they were recorded."""
    return sorted(events, key=lambda event: event.sequence)


def digest_of(*parts: object) -> str:
    """A short id that is the same for the same parts."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:16]
