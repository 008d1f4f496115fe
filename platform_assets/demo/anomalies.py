"""What happens to the traffic of single sites: outages, and topics that everybody suddenly reads about.

Only events on content sites are touched, so that nobody buys more or less because of it. That the collector itself was
down for an hour is trouble of another kind (`trouble`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from platform_assets.demo.events import Events, concatenate
from platform_assets.demo.web import CONTENT_SITES, FIRST_ENGINE, PAGES_PER_SITE, SITES_PER_TOPIC, TOPICS
from platform_assets.demo.world import HOUR_MS, World

OUTAGE, SURGE = "outage", "surge"

FIRST_ANOMALY_DAY = 28
"""Before it nobody could have learnt from four weeks what is normal."""
DAYS_BETWEEN = 2
LONGEST_HOURS = 7
READ_TOPICS = 4
"""Anomalies happen in the topics that people read most, the first ones: there they are plain to see."""
OUTAGE_SITES = 2
"""Outages happen on the busiest sites of a topic."""
SURGE_COPIES = 5


@dataclass(frozen=True)
class Anomaly:
    """One planted anomaly: content sites `first_site` … `last_site` (numbers), in whole hours from `start_ms` on."""

    number: int
    kind: str
    topic: int
    first_site: int
    last_site: int
    start_ms: int
    hours: int

    @property
    def end_ms(self) -> int:
        """The instant at which it is over, milliseconds from 1970."""
        return self.start_ms + self.hours * HOUR_MS

    @property
    def interval(self) -> tuple[datetime, datetime]:
        """Its begin and end, UTC."""
        begin, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (self.start_ms, self.end_ms))
        return begin, end


def anomalies(world: World) -> tuple[Anomaly, ...]:
    """The anomalies of a world: none in its first four weeks, then outages of sites and surges of topics in turns.

    They begin from 8 to 14 o'clock (UTC), so that they are over before midnight; the day of the missing hour has none.
    """
    if not world.anomalies:
        return ()
    found = []
    for number, day in enumerate(range(FIRST_ANOMALY_DAY, world.days - 1, DAYS_BETWEEN)):
        rng = world.rng("anomaly", number)
        topic, site = int(rng.integers(0, READ_TOPICS)), int(rng.integers(0, OUTAGE_SITES))
        start = world.midnight_ms(day) + int(rng.integers(8, 15)) * HOUR_MS
        hours = int(rng.integers(5, LONGEST_HOURS + 1))
        if day == world.missing_day:
            continue
        is_outage = number % 2 == 0
        first = topic * SITES_PER_TOPIC + (site if is_outage else 0)
        last = first if is_outage else first + len(CONTENT_SITES) - 1
        kind = OUTAGE if is_outage else SURGE
        found.append(Anomaly(number, kind, topic, first, last, start, hours))
    return tuple(found)


def with_anomalies(world: World, day: int, planted: tuple[Anomaly, ...], events: Events) -> Events:
    """A day's events of persons as they are with the anomalies: some missing, some read again by the same people."""
    for anomaly in planted:
        touched = _touched(anomaly, events)
        if not touched.any():
            continue
        if anomaly.kind == OUTAGE:
            events = events.take(~touched)
        else:
            rng = world.rng("surge", anomaly.number, day)
            events = concatenate([events, _read_again(anomaly, events.take(touched), rng)])
    return events


def planted_rows(planted: tuple[Anomaly, ...], domains: list[str]) -> list[dict[str, object]]:
    """The truth: a row for every anomaly and site that it happens on."""
    return [
        {
            "anomaly": anomaly.number,
            "kind": anomaly.kind,
            "domain": domains[site],
            "topic": TOPICS[anomaly.topic],
            "from_time": anomaly.interval[0],
            "to_time": anomaly.interval[1],
        }
        for anomaly in planted
        for site in range(anomaly.first_site, anomaly.last_site + 1)
    ]


def _touched(anomaly: Anomaly, events: Events) -> np.ndarray:
    site = np.where(events.page < FIRST_ENGINE, events.page // PAGES_PER_SITE, -1)
    there = (site >= anomaly.first_site) & (site <= anomaly.last_site)
    return there & (events.time >= anomaly.start_ms) & (events.time < anomaly.end_ms)


def _read_again(anomaly: Anomaly, events: Events, rng: np.random.Generator) -> Events:
    """Copies of events at other minutes of the same hour."""
    copies = events.take(np.repeat(np.arange(len(events)), SURGE_COPIES))
    hour = copies.time // HOUR_MS * HOUR_MS
    columns = {**vars(copies), "time": hour + rng.integers(0, HOUR_MS, len(copies))}
    return Events(**columns)
