"""A record's text says what its columns say."""

import json
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_assets.demo.bots import bot_count
from platform_assets.demo.events import EVENT_TYPES, PURCHASE, Events
from platform_assets.demo.hubs import make_hubs
from platform_assets.demo.identifiers import make_identifiers
from platform_assets.demo.population import make_population
from platform_assets.demo.records import CONSENTS, RecordText
from platform_assets.demo.trouble import Deliveries
from platform_assets.demo.web import item_names, item_prices, page_urls
from platform_assets.demo.world import World

WORLD = World(date(2026, 1, 5), 3, 500, 1)
POPULATION = make_population(WORLD)
IDENTIFIERS = make_identifiers(WORLD, POPULATION, make_hubs(WORLD, POPULATION))
URLS, ITEMS, CENTS = page_urls(WORLD), item_names(), item_prices(WORLD)

ROW = st.fixed_dictionaries(
    {
        "time": st.integers(0, 4_102_444_799_999),
        "event_type": st.integers(0, len(EVENT_TYPES) - 1),
        "device": st.integers(0, len(IDENTIFIERS.cookie) - 1),
        "login": st.integers(-1, len(IDENTIFIERS.login) - 1),
        "page": st.integers(0, len(URLS) - 1),
        "referrer": st.integers(-1, len(URLS) - 1),
        "item": st.integers(0, len(ITEMS) - 1),
        "event_id": st.binary(min_size=16, max_size=16),
        "event_day": st.integers(0, 2),
        "malformed": st.integers(0, 2),
    }
)


@pytest.fixture(scope="module")
def text() -> RecordText:
    return RecordText(WORLD, IDENTIFIERS)


@given(rows=st.lists(ROW, min_size=1, max_size=20))
def test_every_record_reads_back_as_its_columns(text: RecordText, rows: list[dict]):
    lines = text.lines(deliveries(rows)).to_pylist()
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in lines)
    for row, line in zip(rows, lines, strict=True):
        if row["malformed"]:
            with pytest.raises(json.JSONDecodeError):
                json.loads(line)
        else:
            assert json.loads(line) == expected(row)


def deliveries(rows: list[dict]) -> Deliveries:
    column = {name: np.array([row[name] for row in rows]) for name in rows[0] if name != "event_id"}
    zeros = np.zeros(len(rows), dtype=np.int32)
    events = Events(
        **{name: column[name] for name in ("time", "event_type", "device", "login", "page", "referrer", "item")},
        is_bot=zeros > 0,
    )
    return Deliveries(
        events=events,
        event_id=np.frombuffer(b"".join(row["event_id"] for row in rows), dtype=np.uint8).reshape(-1, 16),
        event_day=column["event_day"],
        malformed=column["malformed"],
        **dict.fromkeys(("landing", "late", "copy", "batch", "arrival"), zeros),
    )


def expected(row: dict) -> dict:
    moment = datetime.fromtimestamp(row["time"] // 1000, UTC)
    device = row["device"]
    consent = [*POPULATION.device_consent, *[0] * bot_count(WORLD)]
    found = {
        "event_id": row["event_id"].hex(),
        "event_time": f"{moment:%Y-%m-%dT%H:%M:%S}.{row['time'] % 1000:03d}Z",
        "event_type": EVENT_TYPES[row["event_type"]],
        "login": IDENTIFIERS.login[row["login"]] if row["login"] >= 0 else None,
        "cookie_id": IDENTIFIERS.cookie[device],
        "device_id": IDENTIFIERS.device_id[device] or None,
        "ip": IDENTIFIERS.address[device],
        "user_agent": IDENTIFIERS.user_agent[device],
        "country": IDENTIFIERS.country[device],
        "url": URLS[row["page"]],
        "referrer": URLS[row["referrer"]] if row["referrer"] >= 0 else None,
        "item": ITEMS[row["item"]],
        "value": CENTS[row["item"]] / 100 if row["event_type"] == PURCHASE else None,
        "consent": CONSENTS[consent[device]] if row["event_day"] >= WORLD.consent_day else None,
    }
    return {name: value for name, value in found.items() if value is not None}
