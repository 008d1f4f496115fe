"""What goes wrong on the way: an outage, late records, duplicates and malformed lines; and where every record lands.

Purchases are never lost here, so that what is planted and what can be observed agree. The files themselves are written
by `landing_files`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from platform_assets.demo.events import PURCHASE, Events, concatenate
from platform_assets.demo.world import DAY_MS, HOUR_MS, MISSING_HOUR, World

RECORDS_PER_PART = 200_000

LATE_SHARE = 0.02
LATE_BY_TWO_DAYS = 0.3
DUPLICATE_SHARE = 0.01
MALFORMED_SHARE = 0.0005

COPIES = ("original", "same_file", "other_file", "next_landing_day")
ORIGINAL, SAME_FILE, OTHER_FILE, NEXT_LANDING_DAY = range(len(COPIES))

MALFORMATIONS = ("none", "truncated", "garbage")
WELL_FORMED, TRUNCATED, GARBAGE = range(len(MALFORMATIONS))

STRAGGLERS = -1
"""The batch of records that do not come with their own day's stream: a landing day's last part."""


@dataclass(frozen=True)
class Deliveries:
    """Records on their way, one row a line: the events with their ids, and where and how each one lands.

    `landing` is a day number, `batch` the part of the landing day's stream, `arrival` the order within a file.
    """

    events: Events
    event_id: np.ndarray
    event_day: np.ndarray
    landing: np.ndarray
    late: np.ndarray
    copy: np.ndarray
    malformed: np.ndarray
    batch: np.ndarray
    arrival: np.ndarray

    def __len__(self) -> int:
        return len(self.landing)

    def take(self, rows: np.ndarray) -> "Deliveries":
        """The deliveries at some positions, or where a mask is true."""
        columns = {column.name: getattr(self, column.name)[rows] for column in fields(self) if column.name != "events"}
        return Deliveries(events=self.events.take(rows), **columns)

    def in_order_of_arrival(self) -> "Deliveries":
        """The deliveries as they stand in a file."""
        return self.take(np.argsort(self.arrival, kind="stable"))


def join_deliveries(pieces: Sequence[Deliveries]) -> Deliveries:
    """Several pieces one after the other."""
    names = [column.name for column in fields(Deliveries) if column.name != "events"]
    columns = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in names}
    return Deliveries(events=concatenate([piece.events for piece in pieces]), **columns)


def outage(world: World, day: int, events: Events) -> np.ndarray:
    """Mask of the events that the collector missed."""
    start = world.midnight_ms(world.missing_day) + MISSING_HOUR * HOUR_MS
    if day != world.missing_day:
        return np.zeros(len(events), dtype=bool)
    return (events.time >= start) & (events.time < start + HOUR_MS)


def deliver(world: World, day: int, events: Events) -> Deliveries:
    """Where the events of one day's sessions land, copies included; events missed in the outage are left out before."""
    rng = world.rng("trouble", day)
    events = events.take(np.argsort(events.time, kind="stable"))
    rows = len(events)
    event_id = np.frombuffer(rng.bytes(16 * rows), dtype=np.uint8).reshape(rows, 16)
    event_day = ((events.time - world.midnight_ms(0)) // DAY_MS).astype(np.int32)
    delay = np.where(rng.random(rows) < LATE_BY_TWO_DAYS, 2, 1)
    late = np.where(rng.random(rows) < LATE_SHARE, delay, 0).astype(np.int8)
    in_stream = (late == 0) & (event_day == day)
    spoilt = in_stream & (events.event_type != PURCHASE) & (rng.random(rows) < MALFORMED_SHARE)
    kind = np.where(rng.random(rows) < 0.7, TRUNCATED, GARBAGE)
    batch = np.where(in_stream, (np.cumsum(in_stream) - 1) // RECORDS_PER_PART, STRAGGLERS)
    originals = Deliveries(
        events=events,
        event_id=event_id,
        event_day=event_day,
        landing=event_day + late,
        late=late,
        copy=np.full(rows, ORIGINAL, dtype=np.int8),
        malformed=np.where(spoilt, kind, WELL_FORMED).astype(np.int8),
        batch=batch.astype(np.int32),
        arrival=events.time,
    )
    twice = np.flatnonzero(in_stream & ~spoilt & (rng.random(rows) < DUPLICATE_SHARE))
    return join_deliveries([originals, _copies(originals.take(twice), rng)])


def _copies(sent_twice: Deliveries, rng: np.random.Generator) -> Deliveries:
    rows = len(sent_twice)
    copy = rng.integers(SAME_FILE, NEXT_LANDING_DAY + 1, rows).astype(np.int8)
    columns = {column.name: getattr(sent_twice, column.name) for column in fields(Deliveries)}
    columns["copy"] = copy
    columns["landing"] = sent_twice.landing + (copy == NEXT_LANDING_DAY)
    columns["batch"] = np.where(copy == SAME_FILE, sent_twice.batch, STRAGGLERS).astype(np.int32)
    columns["arrival"] = sent_twice.arrival + rng.integers(1, 600_000, rows)
    return Deliveries(**columns)
