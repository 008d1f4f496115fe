"""An alert: what is told of one subject, of however many partitions and checks, in one message."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from platform_assets.domain.alerts.log import FIRING, RAISED, RESOLVED, AlertEvent

MOST_ITEMS = 20
"""So many things of one subject are told one by one; the others are counted."""


@dataclass(frozen=True)
class Item:
    """One thing of the subject: a check, a partition of a run."""

    name: str
    partition: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert. `items` are the first `MOST_ITEMS` things that it tells of, `count` how many there are.

    `targets` are names of recipients; without any it stays in the table. `raised_at` is UTC without a zone.
    """

    alert_id: str
    kind: str
    subject: str
    state: str
    severity: str
    owner: str
    what: str
    next_step: str
    link: str
    items: tuple[Item, ...]
    count: int
    topics: tuple[str, ...]
    targets: tuple[str, ...]
    raised_at: datetime

    @property
    def resolved(self) -> bool:
        """Whether it tells that all is well again."""
        return self.state == RESOLVED

    @property
    def partitions(self) -> tuple[str, ...]:
        """The partitions that it names, each once."""
        return tuple(dict.fromkeys(item.partition for item in self.items if item.partition))

    def as_event(self) -> AlertEvent:
        """The row that says it was raised."""
        return AlertEvent(
            event_id=f"{self.alert_id}/{RAISED}",
            recorded_at=self.raised_at,
            event=RAISED,
            alert_id=self.alert_id,
            kind=self.kind,
            subject=self.subject,
            state=self.state,
            severity=self.severity,
            owner=self.owner,
            partition=", ".join(self.partitions[:3]) + (" …" if len(self.partitions) > 3 else ""),
            what=self.what,
            next_step=self.next_step,
            link=self.link,
            targets=",".join(self.targets),
            details=json.dumps(
                {"items": [asdict(item) for item in self.items], "count": self.count, "topics": self.topics}
            ),
        )

    @classmethod
    def from_event(cls, event: AlertEvent) -> "Alert":
        """The alert that a row of the table tells of."""
        details = json.loads(event.details or "{}")
        return cls(
            alert_id=event.alert_id or "",
            kind=event.kind or "",
            subject=event.subject or "",
            state=event.state or FIRING,
            severity=event.severity or "",
            owner=event.owner or "",
            what=event.what or "",
            next_step=event.next_step or "",
            link=event.link or "",
            items=tuple(Item(**item) for item in details.get("items", ())),
            count=details.get("count", 0),
            topics=tuple(details.get("topics", ())),
            targets=tuple(filter(None, (event.targets or "").split(","))),
            raised_at=event.recorded_at,
        )
