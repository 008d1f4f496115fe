"""What was seen: a check's verdict, a run's end, a sensor's tick. Which of them are written down.

Where signals come from stands in `platform_assets.automation.alert_signals`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from platform_assets.domain.alerts.log import ERROR, FAILING, PASSING, SEEN, AlertEvent


class Kind(StrEnum):
    """What an alert can be about."""

    CHECK = "check"
    METRIC = "metric"
    FRESHNESS = "freshness"
    RUN = "run"
    TICK = "tick"
    PROMOTION = "promotion"


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One thing that was seen. `signal_id` is the same whenever the same thing is seen again.

    `topic` names what recovers together; a signal that is not `lasting` (a promotion) never recovers. `at` is UTC
    without a zone. `targets` are those that the subject itself names (`ModelSpec.alerts`).
    """

    signal_id: str
    kind: Kind
    subject: str
    topic: str
    what: str
    at: datetime
    failing: bool = True
    lasting: bool = True
    item: str = ""
    partition: str = ""
    severity: str = ERROR
    owner: str = ""
    next_step: str = ""
    link: str = ""
    run_id: str = ""
    targets: tuple[str, ...] = ()

    def as_event(self, recorded_at: datetime) -> AlertEvent:
        """The row that says it was seen."""
        return AlertEvent(
            event_id=self.signal_id,
            recorded_at=recorded_at,
            event=SEEN,
            kind=self.kind.value,
            subject=self.subject,
            item=self.item,
            topic=self.topic,
            state=FAILING if self.failing else PASSING,
            lasting=self.lasting,
            severity=self.severity,
            owner=self.owner,
            partition=self.partition,
            what=self.what,
            next_step=self.next_step,
            link=self.link,
            run_id=self.run_id,
            occurred_at=self.at,
            targets=",".join(self.targets),
        )


def news(signals: Iterable[Signal], seen: Collection[str], failing: Mapping[str, datetime]) -> list[Signal]:
    """The signals worth writing down, oldest first: failures, and the first pass of what was failing.

    `seen` are ids of signals that stand in the log already; `failing` says which topics fail as far as the log knows,
    and when they failed last. A pass from before that, which is seen again after a crash, says nothing.
    """
    found: list[Signal] = []
    known, bad = set(seen), dict(failing)
    for signal in sorted(signals, key=lambda each: (each.at, each.signal_id)):
        if signal.signal_id in known:
            continue
        if signal.failing:
            bad[signal.topic] = max(signal.at, bad.get(signal.topic, signal.at))
        elif signal.topic in bad and signal.at > bad[signal.topic]:
            del bad[signal.topic]
        else:
            continue
        known.add(signal.signal_id)
        found.append(signal)
    return found
