"""What bots do: many page views in fast bursts over all sites, under user agents that say so. They never log in."""

import numpy as np

from platform_assets.demo.events import NONE, PAGE_VIEW, SEARCH, Events
from platform_assets.demo.web import FIRST_PAGE, FIRST_SEARCH, ITEMS_PER_TOPIC, PAGES_PER_SITE, QUERIES, SITES
from platform_assets.demo.world import DAY_MS, World

BOT_SHARE = 0.03

BOT_AGENTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.finder.example/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.lookup.example/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://links.example/robot/)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://rank.example/bot.html)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
    "python-requests/2.32.3",
    "curl/8.5.0",
    "Go-http-client/1.1",
)

BURSTS_A_DAY = 2
EVENTS_A_DAY = 160


def bot_count(world: World) -> int:
    """How many bots roam this world."""
    return max(1, round(world.events / world.days * BOT_SHARE / EVENTS_A_DAY))


def bot_events(world: World, day: int, first_device: int) -> Events:
    """The bots' events of one day, none of them beyond midnight. Bots are numbered from `first_device`."""
    rng = world.rng("bots", day)
    bots = bot_count(world)
    wished = world.events / world.days * BOT_SHARE / bots / BURSTS_A_DAY
    size = np.maximum(1, rng.poisson(wished, bots * BURSTS_A_DAY))
    burst = np.repeat(np.arange(len(size)), size)
    gap = np.minimum(rng.exponential(1_200, len(burst)), 20_000).astype(np.int64) + 100
    within = np.cumsum(gap)
    first = np.cumsum(size) - size
    start = rng.integers(0, DAY_MS - 7_200_000, len(size))
    elapsed = within - within[first][burst]
    search = rng.random(len(burst)) < 0.1
    offset = np.where(
        search,
        FIRST_SEARCH + rng.integers(0, len(QUERIES), len(burst)),
        FIRST_PAGE + rng.integers(0, ITEMS_PER_TOPIC, len(burst)),
    )
    none = np.full(len(burst), NONE, dtype=np.int32)
    return Events(
        time=world.midnight_ms(day) + np.minimum(start[burst] + elapsed, DAY_MS - 1),
        event_type=np.where(search, SEARCH, PAGE_VIEW).astype(np.int8),
        device=(first_device + burst // BURSTS_A_DAY).astype(np.int32),
        login=none,
        page=(rng.integers(0, SITES, len(burst)) * PAGES_PER_SITE + offset).astype(np.int32),
        referrer=none,
        item=none,
        is_bot=np.ones(len(burst), dtype=bool),
    )
