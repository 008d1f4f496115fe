"""Sessions with planted topics, small enough to be embedded in a second."""

from datetime import date, datetime, time, timedelta

import ibis
import numpy as np
import pyarrow as pa

from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.embeddings.spec import EmbeddingSpec

DAY = date(2026, 3, 1)
TOPICS = ("art", "boats", "cars", "dogs")
SITES = 5
SPEC = EmbeddingSpec(
    name="test",
    description="A test's embedding.",
    owner="team:test",
    token="domain",
    sequence="session_id",
    window_days=7,
    dimensions=16,
)


def topic_of(domain: str) -> str:
    """The planted topic."""
    return domain.partition("-")[0]


def browsing(seed: int = 1, sessions: int = 600, portals: int = 0, days: int = 7) -> ibis.Table:
    """Events of sessions that stay in one topic, in the days before DAY. `portals` are visited in half of all sessions,
    whatever their topic."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(sessions):
        topic, size = TOPICS[random.integers(len(TOPICS))], random.integers(2, 6)
        visited = [f"{topic}-{site}.example" for site in random.integers(SITES, size=size)]
        for portal in range(portals):
            if random.random() < 0.5:
                visited.insert(int(random.integers(len(visited) + 1)), f"portal-{portal}.example")
        day = DAY - timedelta(days=1 + int(random.integers(days)))
        begin = datetime.combine(day, time(int(random.integers(23))))
        rows += [
            {
                "event_id": f"{number:05d}-{step}",
                "event_time": begin + timedelta(minutes=step),
                "event_date": day,
                "session_id": f"s{number:05d}",
                "domain": domain,
                "is_bot": False,
            }
            for step, domain in enumerate(visited)
        ]
    return ibis.memtable(pa.Table.from_pylist(rows, schema=EVENTS.schema().to_pyarrow()))
