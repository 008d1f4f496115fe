"""What persons do in the sessions of a day: page views, searches, advertisements and shopping, and purchases.

Which sessions there are stands in `sessions`; what the collector makes of the events, in `trouble`.
"""

import numpy as np

from platform_assets.demo.conversions import DayOfIntent
from platform_assets.demo.events import (
    AD_CLICK,
    AD_IMPRESSION,
    ADD_TO_CART,
    NONE,
    PAGE_VIEW,
    PRODUCT_VIEW,
    PURCHASE,
    SEARCH,
    Events,
)
from platform_assets.demo.hubs import Hubs, at_hubs
from platform_assets.demo.population import Population
from platform_assets.demo.sessions import Sessions, plan_sessions
from platform_assets.demo.web import (
    CART,
    CHECKOUT,
    CONTENT_SITES,
    ENGINES,
    FIRST_ENGINE,
    FIRST_PAGE,
    FIRST_SEARCH,
    HOME,
    ITEMS_PER_TOPIC,
    PAGES_PER_SITE,
    QUERIES,
    SITES_PER_TOPIC,
    Campaign,
)
from platform_assets.demo.world import DAY_MS, HOUR_MS, MISSING_HOUR, World

LONGEST_GAP_MS = 25 * 60_000
LONGEST_SESSION_MS = 6 * HOUR_MS

_TYPES = (PAGE_VIEW, PRODUCT_VIEW, SEARCH, AD_IMPRESSION, AD_CLICK, ADD_TO_CART)
_CONTENT_TYPES = np.array([0.72, 0.0, 0.06, 0.2, 0.02, 0.0])
_SHOP_TYPES_AT_REST = np.array([0.62, 0.18, 0.11, 0.075, 0.01, 0.005])
_SHOP_TYPES_ON_FIRE = np.array([0.16, 0.5, 0.06, 0.02, 0.01, 0.25])
_LEVELS = 12

_CONTENT_SITE_SHARE = np.cumsum([0.4, 0.25, 0.17, 0.11, 0.07])
_SHOP_SITE_SHARE = np.cumsum([0.65, 0.35])


def browse(world: World, population: Population, hubs: Hubs, running: list[Campaign], intent: DayOfIntent) -> Events:
    """The persons' events of the sessions that start on a day, session by session; some run over midnight."""
    rng = world.rng("browsing", intent.day)
    planned = plan_sessions(world, population, running, intent, rng)
    sessions = at_hubs(world, hubs, intent.day, planned)
    session = np.repeat(np.arange(len(sessions.size)), sessions.size)
    first = np.cumsum(sessions.size) - sessions.size
    position = np.arange(len(session)) - first[session]
    last = position == sessions.size[session] - 1
    buys = sessions.buys[session]
    event_type = _event_types(sessions, session, rng)
    event_type[(position == 0) & (event_type != PRODUCT_VIEW)] = PAGE_VIEW
    event_type[buys & (position == sessions.size[session] - 2)] = ADD_TO_CART
    event_type[buys & last] = PURCHASE
    page, item = _pages(sessions, session, position, event_type, rng)
    elapsed = _elapsed(session, position, first, rng)
    start = _start_of_purchases(world, intent.day, sessions, elapsed[first + sessions.size - 1])
    return Events(
        time=world.midnight_ms(intent.day) + start[session] + elapsed,
        event_type=event_type,
        device=sessions.device[session].astype(np.int32),
        login=sessions.login[session].astype(np.int32),
        page=page,
        referrer=_referrers(sessions, session, position, page, rng),
        item=item,
        is_bot=np.zeros(len(session), dtype=bool),
    )


def _event_types(sessions: Sessions, session: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Types by the mix of content sites, or of shops: the stronger the drive to buy, the more products and carts."""
    heat = np.linspace(0, 1, _LEVELS)[:, None]
    mixes = np.vstack([_CONTENT_TYPES, (1 - heat) * _SHOP_TYPES_AT_REST + heat * _SHOP_TYPES_ON_FIRE])
    ladder = np.cumsum(mixes, axis=1)[:, :-1]
    level = np.clip(((sessions.drive + 1.0) * _LEVELS / 4.5).astype(int), 0, _LEVELS - 1)
    row = np.where(sessions.shops, 1 + level, 0)[session]
    draw = rng.random(len(session), dtype=np.float32)
    step = np.zeros(len(session), dtype=np.int8)
    for edge in ladder.T:
        step += draw >= edge[row]
    return np.array(_TYPES, dtype=np.int8)[step]


def _elapsed(session: np.ndarray, position: np.ndarray, first: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Milliseconds since the session's start; gaps of a minute in the middle, always below half an hour."""
    gap = rng.exponential(65_000, len(session)) * np.where(rng.random(len(session)) < 0.03, 8, 1)
    gap = np.where(position == 0, 0, 500 + np.minimum(gap, LONGEST_GAP_MS)).astype(np.int64)
    total = np.cumsum(gap)
    return np.minimum(total - total[first][session], LONGEST_SESSION_MS)


def _start_of_purchases(world: World, day: int, sessions: Sessions, length: np.ndarray) -> np.ndarray:
    """Starts, moved where a purchase would otherwise fall beyond midnight or into the outage, where none is planted."""
    start = np.where(sessions.buys, np.minimum(sessions.start, DAY_MS - 60_000 - length), sessions.start)
    if day != world.missing_day:
        return start
    outage = MISSING_HOUR * HOUR_MS
    falls_into = sessions.buys & (start < outage + HOUR_MS) & (start + length >= outage)
    return np.where(falls_into, outage + HOUR_MS + start % (HOUR_MS // 2), start)


def _pages(
    sessions: Sessions,
    session: np.ndarray,
    position: np.ndarray,
    event_type: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Page and item of every event. Readers wander between the sites of a topic; shoppers stay in one shop."""
    events = len(session)
    shops = sessions.shops[session]
    leg = np.cumsum((position == 0) | (~shops & (rng.random(events) < 0.22))) - 1
    leg_draw = rng.random(int(leg[-1]) + 1 if events else 0)[leg]
    rank = np.where(
        shops,
        len(CONTENT_SITES) + np.searchsorted(_SHOP_SITE_SHARE[:-1], leg_draw, side="right"),
        np.searchsorted(_CONTENT_SITE_SHARE[:-1], leg_draw, side="right"),
    )
    topic = sessions.topic[session]
    number = (ITEMS_PER_TOPIC * rng.random(events) ** 2).astype(np.int64)
    bought = event_type == PURCHASE
    number[bought] = number[np.flatnonzero(bought) - 1]
    offset = FIRST_PAGE + number
    offset[event_type == SEARCH] = FIRST_SEARCH + number[event_type == SEARCH] % len(QUERIES)
    offset[(event_type == PAGE_VIEW) & (number < 12)] = HOME
    offset[shops & (event_type == PAGE_VIEW) & (number % 16 == 15)] = CART
    offset[bought] = CHECKOUT
    page = (topic * SITES_PER_TOPIC + rank) * PAGES_PER_SITE + offset
    landing = sessions.landing_page[session]
    lands = (position == 0) & (landing != NONE)
    event_type[lands] = PAGE_VIEW
    page[lands] = landing[lands]
    has_item = (event_type == PRODUCT_VIEW) | (event_type == ADD_TO_CART) | bought
    return page.astype(np.int32), np.where(has_item, topic * ITEMS_PER_TOPIC + number, NONE).astype(np.int32)


def _referrers(
    sessions: Sessions, session: np.ndarray, position: np.ndarray, page: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The page before; at a session's start a search engine, the campaign's channel or nothing."""
    draw = rng.random(len(sessions.size))
    entry = np.where(draw < 0.45, NONE, FIRST_ENGINE + (draw * 1_000).astype(int) % len(ENGINES))
    entry = np.where(sessions.landing_page != NONE, FIRST_ENGINE, entry)
    return np.where(position == 0, entry[session], np.roll(page, 1)).astype(np.int32)
