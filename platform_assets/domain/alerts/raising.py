"""What is told and when: a function of the log and the instant. Nothing is told twice, nothing is kept back for ever.

What belongs together (one kind of trouble of one subject) is told in one alert, and again at the earliest after
`GROUP_INTERVAL`. What goes on failing is told again after `REPEAT_AFTER` if it failed anew. What passes counts as
recovered after `QUIET`, and after twice as long with every alert of the same topic within `REPEAT_AFTER`: something
that flaps makes a few messages a day, not hundreds. The scheme is that of Prometheus' Alertmanager (group_interval,
repeat_interval), whose words these are.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from platform_assets.domain.alerts.alert import MOST_ITEMS, Alert, Item
from platform_assets.domain.alerts.log import (
    FAILING,
    FIRING,
    INFO,
    RAISED,
    RESOLVED,
    SEEN,
    SEVERITIES,
    AlertEvent,
    digest_of,
    in_order,
    once_a_log,
)
from platform_assets.domain.alerts.signals import Signal, news

GROUP_INTERVAL = timedelta(minutes=5)
REPEAT_AFTER = timedelta(hours=24)
QUIET = timedelta(minutes=10)

Route = Callable[[str, str, tuple[str, ...]], tuple[str, ...]]
"""From owner, severity and the subject's own targets to names of recipients."""

_NOUNS = {
    "check": "checks failed",
    "metric": "metrics fell below their threshold",
    "freshness": "times late",
    "run": "runs failed",
    "tick": "ticks failed",
    "promotion": "decisions",
}


@dataclass
class Topic:
    """What is known of one thing that can fail: how it is, since when, and what was told of it."""

    last: AlertEvent
    failing: bool = False
    since: datetime = datetime.min
    passed_at: datetime = datetime.min
    told: str = ""
    told_at: datetime = datetime.min
    untold: list[AlertEvent] = field(default_factory=list)
    fired_at: list[datetime] = field(default_factory=list)

    def news_due(self, now: datetime) -> bool:
        """Whether a failure is to be told: nobody knows of it, or it was told long ago and has failed anew."""
        again = bool(self.last.lasting) and now >= self.told_at + REPEAT_AFTER
        return bool(self.untold) and (self.told != FIRING or again)

    def recovery_due(self, now: datetime) -> bool:
        """Whether it is to be told that all is well again."""
        if self.told != FIRING or self.failing or not self.last.lasting:
            return False
        lately = sum(instant > self.since - REPEAT_AFTER for instant in self.fired_at)
        return now >= self.since + QUIET * 2 ** min(max(lately - 1, 0), 7)


@once_a_log
def topics(events: Iterable[AlertEvent]) -> Mapping[str, Topic]:
    """Every topic of the log as the log leaves it."""
    found: dict[str, Topic] = {}
    for event in in_order(events):
        if event.event == SEEN and event.topic:
            topic = found.setdefault(event.topic, Topic(event))
            topic.since, happened = event.recorded_at, event.occurred_at or event.recorded_at
            if event.state == FAILING:
                # A failure may be seen after the pass that followed it: it is told, and it is over.
                topic.failing = happened > topic.passed_at
                topic.last = event
                topic.untold.append(event)
            else:
                topic.failing, topic.passed_at = False, happened
        elif event.event == RAISED:
            for name in Alert.from_event(event).topics:
                if name in found:
                    found[name].told, found[name].told_at = event.state or FIRING, event.recorded_at
                    found[name].untold.clear()
                    if event.state == FIRING:
                        found[name].fired_at.append(event.recorded_at)
    return found


def alerts_due(known: Mapping[str, Topic], now: datetime, route: Route) -> list[Alert]:
    """The alerts to raise now (UTC without a zone), the gravest first."""
    groups: dict[tuple[str, str], list[tuple[str, Topic]]] = {}
    for name, topic in known.items():
        groups.setdefault((topic.last.kind or "", topic.last.subject or ""), []).append((name, topic))
    raised: list[Alert] = []
    for members in groups.values():
        told_last = max((topic.told_at for _, topic in members if topic.told == FIRING), default=datetime.min)
        if now - told_last >= GROUP_INTERVAL and (bad := [each for each in members if each[1].news_due(now)]):
            raised.append(_alert(bad, FIRING, now, route))
        if well := [each for each in members if each[1].recovery_due(now) and not each[1].news_due(now)]:
            raised.append(_alert(well, RESOLVED, now, route))
    return sorted(raised, key=lambda alert: (-SEVERITIES.index(alert.severity), alert.subject, alert.alert_id))


def _alert(members: Sequence[tuple[str, Topic]], state: str, now: datetime, route: Route) -> Alert:
    """One alert of what belongs together; its id follows from what it tells."""
    told = [event for _, topic in members for event in (topic.untold if state == FIRING else [topic.last])]
    told.sort(key=lambda event: (event.occurred_at or now, event.event_id))
    gravest = max(told, key=lambda event: SEVERITIES.index(event.severity or INFO))
    severity = gravest.severity if state == FIRING else INFO
    own = tuple(dict.fromkeys(name for event in told for name in (event.targets or "").split(",") if name))
    items = [Item(event.item or "", event.partition or "", event.what or "") for event in told]
    once = list(dict.fromkeys(items))
    return Alert(
        alert_id=digest_of(state, *sorted(event.event_id for event in told)),
        kind=gravest.kind or "",
        subject=gravest.subject or "",
        state=state,
        severity=severity or INFO,
        owner=gravest.owner or "",
        what=_headline(once, gravest, state),
        next_step=(gravest.next_step or "") if state == FIRING else "nothing: it holds again",
        link=gravest.link or "",
        items=tuple(once[:MOST_ITEMS]),
        count=len(once),
        topics=tuple(name for name, _ in members),
        # An all-clear goes to those who were told of the trouble.
        targets=route(gravest.owner or "", gravest.severity or INFO, own),
        raised_at=now,
    )


def _headline(items: Sequence[Item], gravest: AlertEvent, state: str) -> str:
    named = f"{gravest.item}: " if gravest.item else ""
    if state == RESOLVED:
        return f"well again; it was {named}{gravest.what}" if len(items) == 1 else f"{len(items)} troubles are over"
    if len(items) == 1:
        return f"{named}{gravest.what}"
    return f"{len(items)} {_NOUNS.get(gravest.kind or '', 'troubles')}"


def rows_to_record(
    events: Sequence[AlertEvent], signals: Iterable[Signal], now: datetime, route: Route
) -> list[AlertEvent]:
    """Everything that a look at the world adds to the log: what was seen for the first time, and the alerts due."""
    known = topics(events)
    seen = {event.event_id for event in events if event.event == SEEN}
    failing = {name: topic.last.occurred_at or now for name, topic in known.items() if topic.failing}
    told = [signal.as_event(now) for signal in news(signals, seen, failing)]
    place = max((event.sequence for event in events), default=0) + 1
    numbered = [replace(event, sequence=place + number) for number, event in enumerate(told)]
    if told:
        known = topics([*events, *numbered])
    return [*numbered, *(alert.as_event() for alert in alerts_due(known, now, route))]
