"""The sweep: what is due in the outbox is claimed, sent, and what became of it is written down, in this order.

Cut off anywhere, nothing is lost: a claim ends by itself, and what was sent without being written down is sent again
under the same id. A receiver that hangs holds up its own messages only, and no sweep beyond `BUDGET_SECONDS`.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from platform_assets.domain.alerts.deliveries import claims, deliveries, messages, pause_after
from platform_assets.domain.alerts.log import CLAIMED, DEAD, DELIVERED, FAILED, AlertEvent
from platform_assets.domain.alerts.message import Message
from platform_assets.domain.alerts.targets import EmailTarget, Recipients, SlackTarget
from platform_assets.domain.errors import PlatformError
from resources.notifications.channel import Channel, NotDelivered, filled
from resources.notifications.mail import Mail
from resources.notifications.outbox import Outbox
from resources.notifications.webhooks import SlackChannel, Webhook

BUDGET_SECONDS = 40.0
"""Dagster gives a sensor's tick 60 seconds."""


@dataclass(frozen=True)
class Outcome:
    """What became of one message; `error` is None where it was taken over."""

    message: Message
    error: PlatformError | None


@dataclass(frozen=True)
class Swept:
    """How many deliveries ended how in one sweep."""

    delivered: int = 0
    failed: int = 0
    dead: int = 0
    errors: tuple[str, ...] = ()

    def __str__(self) -> str:
        """In a sentence."""
        if not (self.delivered or self.failed or self.dead):
            return "nothing is due"
        told = f"{self.delivered} delivered, {self.failed} to be tried again, {self.dead} given up"
        return told + "".join(f"; {error}" for error in self.errors)


def utc_now() -> datetime:
    """The instant, UTC without a zone, as the log has it."""
    return datetime.now(UTC).replace(tzinfo=None)


def channel_of(recipients: Recipients, recipient: str, environment: Mapping[str, str]) -> Channel:
    """The way out to a recipient. Raises ConfigurationError where it isn't declared or a variable is not set."""
    target, address = recipients.of_recipient(recipient)
    where = f"alert target {target.name}"
    if isinstance(target, EmailTarget):
        server = target.server
        return Mail(
            server.host,
            server.port,
            server.security,
            target.sender,
            address,
            filled(server.user, environment, where),
            filled(server.password, environment, where),
            server.authorities,
        )
    if isinstance(target, SlackTarget):
        return SlackChannel(filled(target.url, environment, where))
    return Webhook(filled(target.url, environment, where), filled(target.secret, environment, where))


def sweep(
    outbox: Outbox,
    recipients: Recipients,
    *,
    clock: Callable[[], datetime] = utc_now,
    environment: Mapping[str, str] = os.environ,
    budget_seconds: float = BUDGET_SECONDS,
) -> Swept:
    """Deliver what is due. Never raises for what a receiver does; raises what the outbox raises."""
    began = clock()
    taken = outbox.update(lambda log: claims(log, began))
    if not taken:
        return Swept()
    log = outbox.events()
    outcomes = _send(messages(log, taken), recipients, environment, budget_seconds)
    rows = outbox.update(lambda newer: _results(newer, outcomes, clock()))
    ended = [row.event for row in [*taken, *rows]]
    errors = dict.fromkeys(f"{each.message.recipient}: {each.error.what}" for each in outcomes if each.error)
    return Swept(ended.count(DELIVERED), ended.count(FAILED), ended.count(DEAD), tuple(errors))


def _send(
    to_send: Sequence[Message], recipients: Recipients, environment: Mapping[str, str], budget_seconds: float
) -> list[Outcome]:
    """Send side by side, in order to each recipient; what takes longer than the budget is left to its claim's end."""
    outcomes: list[Outcome] = []
    by_recipient: dict[str, list[Message]] = {}
    for message in to_send:
        by_recipient.setdefault(message.recipient, []).append(message)
    # Daemons: a receiver that never answers must not keep a process from ending.
    threads = [
        threading.Thread(target=_send_all, args=(each, recipients, environment, outcomes), daemon=True)
        for each in by_recipient.values()
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + budget_seconds
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    return list(outcomes)


def _send_all(
    to_send: Sequence[Message], recipients: Recipients, environment: Mapping[str, str], outcomes: list[Outcome]
) -> None:
    for message in to_send:
        error: PlatformError | None = None
        try:
            channel_of(recipients, message.recipient, environment).send(message)
        except PlatformError as failed:
            error = failed
        except Exception as failed:
            # A thread's exception would be seen by nobody; its text may hold an address or a secret, its type doesn't.
            error = NotDelivered(f"unexpected {type(failed).__name__} while sending", where=message.recipient)
        outcomes.append(Outcome(message, error))


def _results(log: Sequence[AlertEvent], outcomes: Sequence[Outcome], now: datetime) -> list[AlertEvent]:
    known = deliveries(log)
    rows = []
    for outcome in outcomes:
        for alert in outcome.message.alerts:
            delivery = known[alert.alert_id, outcome.message.recipient]
            if delivery.state in (DELIVERED, DEAD) or (outcome.error and delivery.state != CLAIMED):
                continue  # the claim ended, and another sweep has dealt with it
            if outcome.error is None:
                rows.append(delivery.event(DELIVERED, now))
                continue
            # Where the receiver is, and what it said; `todo` is for people who send by hand.
            told = f"{outcome.error.where}: {outcome.error.what}"
            if getattr(outcome.error, "permanent", False):
                rows.append(delivery.event(DEAD, now, error=told))
            else:
                asked: timedelta | None = getattr(outcome.error, "retry_after", None)
                due_at = now + pause_after(delivery.attempts, asked)
                rows.append(delivery.event(FAILED, now, due_at=due_at, error=told))
    return rows
