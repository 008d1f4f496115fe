"""Which sessions start on a day: whose, where, logged in or not, how long, and which of them end in a purchase.

What happens within a session stands in `browsing`.
"""

from dataclasses import dataclass

import numpy as np

from platform_assets.demo.conversions import DayOfIntent
from platform_assets.demo.events import NONE
from platform_assets.demo.population import ALWAYS, MIXED, UTC_OFFSET_HOURS, Population
from platform_assets.demo.rhythm import local_hours, visit_weight
from platform_assets.demo.web import COMMERCE, Campaign
from platform_assets.demo.world import HOUR_MS, World

SESSIONS_A_DAY = 1.0
STATE_ACTIVITY = np.array([1.0, 1.6, 2.2])
STATE_DRIVE = np.array([0.0, 0.9, 1.6])
SHOPPING_LOGIT = -1.2
SHOPPING_STEEPNESS = 2.4
LOGIN_ELSEWHERE = 0.85

MEAN_EVENTS = {False: 3.5, True: 5.0}
FEWEST_EVENTS, MOST_EVENTS = 2, 48


@dataclass(frozen=True)
class Sessions:
    """The sessions of one day, one row each.

    `drive` is how much the person is out to buy, `landing_page` the campaign's page where the session begins on one.
    """

    person: np.ndarray
    drive: np.ndarray
    buys: np.ndarray
    shops: np.ndarray
    topic: np.ndarray
    device: np.ndarray
    login: np.ndarray
    landing_page: np.ndarray
    size: np.ndarray
    start: np.ndarray


def plan_sessions(
    world: World, population: Population, running: list[Campaign], intent: DayOfIntent, rng: np.random.Generator
) -> Sessions:
    """The sessions that start on a day, by person; a person who buys has at least one, and buys in the first."""
    interests = population.interests(intent.day)
    rate = SESSIONS_A_DAY * population.activity * STATE_ACTIVITY[intent.state] * visit_weight(world.date_of(intent.day))
    for campaign in running:
        rate = rate * (1 + 0.6 * interests[:, campaign.topic])
    count = np.maximum(rng.poisson(rate), intent.buys)
    person = np.repeat(np.arange(population.persons), count)
    is_first = np.arange(len(person)) == (np.cumsum(count) - count)[person]
    buys = intent.buys[person] & is_first
    drive = population.shopping_affinity(intent.day)[person] + STATE_DRIVE[intent.state[person]]
    appetite = np.exp(SHOPPING_LOGIT + SHOPPING_STEEPNESS * drive)
    shops = buys | (rng.random(len(person)) < appetite / (1 + appetite))
    weighted = interests * np.array([np.ones_like(COMMERCE), COMMERCE + 0.02])[:, None]
    ladder = np.cumsum(weighted / weighted.sum(axis=2, keepdims=True), axis=2)[:, :, :-1]
    topic = (rng.random(len(person))[:, None] >= ladder[shops.astype(int), person]).sum(axis=1)
    landing_page = np.full(len(person), NONE)
    for campaign in running:
        caught = shops & ~buys & (topic == campaign.topic) & (rng.random(len(person)) < 0.35)
        landing_page[caught] = campaign.page
    logged_in = (population.kind[person] == ALWAYS) | (
        (population.kind[person] == MIXED) & (shops | (rng.random(len(person)) < LOGIN_ELSEWHERE))
    )
    login = population.choose_login(person, rng.random(len(person)))
    mean = np.where(shops, MEAN_EVENTS[True], MEAN_EVENTS[False])
    size = np.minimum(FEWEST_EVENTS - 1 + rng.geometric(1 / mean), MOST_EVENTS)
    hour = local_hours(world.date_of(intent.day), rng.random(len(person)))
    start = (hour - UTC_OFFSET_HOURS[population.country[person]]) % 24 * HOUR_MS + rng.integers(0, HOUR_MS, len(person))
    return Sessions(
        person=person,
        drive=drive,
        buys=buys,
        shops=shops,
        topic=topic,
        device=population.choose_device(person, rng.random(len(person))),
        login=np.where(logged_in, login, NONE),
        landing_page=landing_page,
        size=np.where(buys, np.maximum(size, 4), size),
        start=start,
    )
