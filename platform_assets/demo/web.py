"""The web that persons browse: topics, sites, their pages and items, search engines and campaigns.

Pages and items are numbers while events are made; `landing_files` turns the numbers into text once a file.
Who visits which page stands in `browsing` and `bots`.
"""

from dataclasses import dataclass

import numpy as np

from platform_assets.demo.world import World

TOPICS = ("news", "finance", "health", "games", "cooking", "sports", "travel", "home", "fashion", "electronics")

COMMERCE = np.array([0.0, 0.05, 0.15, 0.3, 0.35, 0.5, 0.65, 0.75, 0.9, 1.0])
"""How readily an interest in each topic turns into a purchase, before any drift."""

COMMERCE_AFTER_DRIFT = COMMERCE[::-1]

CONTENT_SITES = ("gazette", "journal", "corner", "forum", "notes")
SHOP_SITES = ("store", "market")
SITES_PER_TOPIC = len(CONTENT_SITES) + len(SHOP_SITES)
SITES = len(TOPICS) * SITES_PER_TOPIC

QUERIES = (
    "best",
    "new",
    "cheap",
    "review",
    "how to",
    "near me",
    "2026",
    "ideas",
    "compare",
    "offers",
    "vintage",
    "top 10",
)

HOME, CART, CHECKOUT, FIRST_SEARCH = 0, 1, 2, 3
FIRST_PAGE = FIRST_SEARCH + len(QUERIES)
ITEMS_PER_TOPIC = 145
PAGES_PER_SITE = FIRST_PAGE + ITEMS_PER_TOPIC
FIRST_ENGINE = SITES * PAGES_PER_SITE
ENGINES = ("https://www.finder.example/", "https://www.lookup.example/", "https://www.social.example/")
FIRST_CAMPAIGN = FIRST_ENGINE + len(ENGINES)

DAYS_PER_CAMPAIGN = 6
CHANNELS = (("finder", "cpc"), ("newsletter", "email"), ("social", "paid_social"))


@dataclass(frozen=True)
class Campaign:
    """One campaign: the days `first_day` … `last_day` (numbers) on which visitors of `topic` land on its page."""

    number: int
    name: str
    topic: int
    channel: int
    first_day: int
    last_day: int

    @property
    def page(self) -> int:
        """The page number of its landing page, utm parameters included."""
        return FIRST_CAMPAIGN + self.number


def campaigns(world: World) -> tuple[Campaign, ...]:
    """The campaigns of a world, about one every six days."""
    found = []
    for number in range(world.days // DAYS_PER_CAMPAIGN + 1):
        rng = world.rng("campaign", number)
        topic = int(rng.integers(3, len(TOPICS)))
        first = number * DAYS_PER_CAMPAIGN + int(rng.integers(0, 3))
        channel = int(rng.integers(0, len(CHANNELS)))
        name = f"{TOPICS[topic]}_{number + 1:02d}"
        found.append(Campaign(number, name, topic, channel, first, first + int(rng.integers(3, 6))))
    return tuple(found)


def site_domains() -> list[str]:
    """Domain of every site, by site number."""
    return [f"www.{topic}-{name}.example" for topic in TOPICS for name in (*CONTENT_SITES, *SHOP_SITES)]


def page_urls(world: World) -> list[str]:
    """URL of every page, by page number: the sites' pages, the search engines, the campaigns' landing pages."""
    domains = site_domains()
    urls = [url for site, domain in enumerate(domains) for url in _urls_of_site(site, domain)]
    urls.extend(ENGINES)
    for campaign in campaigns(world):
        source, medium = CHANNELS[campaign.channel]
        domain = domains[campaign.topic * SITES_PER_TOPIC + len(CONTENT_SITES)]
        urls.append(
            f"https://{domain}/{TOPICS[campaign.topic]}/offers"
            f"?utm_source={source}&utm_medium={medium}&utm_campaign={campaign.name}"
        )
    return urls


def _urls_of_site(site: int, domain: str) -> list[str]:
    topic = TOPICS[site // SITES_PER_TOPIC]
    is_shop = site % SITES_PER_TOPIC >= len(CONTENT_SITES)
    paths = ["", "cart", "checkout/thanks"]
    paths += [f"search?q={topic}+{query.replace(' ', '+')}" for query in QUERIES]
    paths += [f"{topic}/{'product' if is_shop else 'article'}-{number:03d}" for number in range(ITEMS_PER_TOPIC)]
    return [f"https://{domain}/{path}" for path in paths]


def item_names() -> list[str]:
    """Name of every item, by item number: topic × items per topic."""
    return [f"{topic}-{number:03d}" for topic in TOPICS for number in range(ITEMS_PER_TOPIC)]


def item_prices(world: World) -> np.ndarray:
    """Price of every item, by item number, in whole cents."""
    rng = world.rng("prices")
    return np.maximum(99, np.round(rng.lognormal(8.2, 0.8, len(TOPICS) * ITEMS_PER_TOPIC))).astype(np.int64)
