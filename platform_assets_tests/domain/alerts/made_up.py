"""Made-up signals, a log without a store, and recipients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from platform_assets.domain.alerts.alert import Alert
from platform_assets.domain.alerts.log import RAISED, AlertEvent
from platform_assets.domain.alerts.message import Message
from platform_assets.domain.alerts.raising import rows_to_record
from platform_assets.domain.alerts.signals import Kind, Signal

NOON = datetime(2026, 3, 2, 12)
MINUTE = timedelta(minutes=1)


def to_operators(owner: str, severity: str, own: tuple[str, ...]) -> tuple[str, ...]:
    return own or ("operators",)


def signal(at: datetime = NOON, asset: str = "events", check: str = "quarantine_share", **changed: Any) -> Signal:
    """A failed check of an asset."""
    made = Signal(
        signal_id=f"{asset} {check} {at.isoformat()} {changed.get('failing', True)}",
        kind=Kind.CHECK,
        subject=asset,
        topic=f"check/{asset}/{check}",
        item=check,
        what="12 % of the rows were quarantined",
        at=at,
        partition="2026-03-01",
        owner="team:data-platform",
        next_step="see docs/runbooks/quarantine-grew.md",
        link=f"http://127.0.0.1:3000/assets/{asset}",
        run_id="run-1",
    )
    return replace(made, **changed)


@dataclass
class MemoryLog:
    """The log as a list, updated as the outbox is."""

    rows: list[AlertEvent] = field(default_factory=list)

    def events(self) -> list[AlertEvent]:
        return list(self.rows)

    def update(self, decide: Callable[[Sequence[AlertEvent]], Sequence[AlertEvent]]) -> list[AlertEvent]:
        decided = decide(self.rows)
        added = [replace(row, sequence=len(self.rows) + number + 1) for number, row in enumerate(decided)]
        self.rows += added
        return added

    def look(self, now: datetime, *signals: Signal) -> list[Alert]:
        """What a tick of the sensor does; gives the alerts that it raised."""
        added = self.update(lambda log: rows_to_record(log, signals, now, to_operators))
        return [Alert.from_event(row) for row in added if row.event == RAISED]


def message(*signals: Signal, recipient: str = "operators") -> Message:
    """A message that tells of signals."""
    return Message(tuple(MemoryLog().look(NOON, *(signals or [signal()]))), recipient)
