"""Why people buy: a person's intent, what it makes likely, and the exact probability of a purchase within a horizon.

A person is on every day in one of three states of intent. The state and the person's interests fix the probability
of buying on that day; then the coin is tossed. Intent shows in what the person does on the same day (`browsing`), so
earlier behaviour tells of later purchases. After a purchase the intent is gone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from platform_assets.demo.population import Population
from platform_assets.demo.rhythm import purchase_weight
from platform_assets.demo.web import COMMERCE, COMMERCE_AFTER_DRIFT
from platform_assets.demo.world import World

IDLE, CONSIDERING, KEEN = range(3)
BASE_LOGIT = np.array([-4.5, -3.95, -3.6])
AFFINITY_WEIGHT = 0.85
ACTIVITY_WEIGHT = 1.0

COOLS = 0.05
WARMS = 0.04
KEEN_COOLS = 0.05
KEEN_ENDS = 0.09

BURN_IN_DAYS = 40


@dataclass(frozen=True)
class DayOfIntent:
    """One day: the state each person is in, and whether the coin says that the person buys."""

    day: int
    state: np.ndarray
    buys: np.ndarray


class ConversionLaw:
    """The planted law: probabilities of buying and of becoming interested, by person and day."""

    def __init__(self, world: World, population: Population) -> None:
        self._world, self._population = world, population

    def buying(self, day: int) -> np.ndarray:
        """Probability that a person buys on a day, by person and state."""
        drifted = self._world.drift_day is not None and day >= self._world.drift_day
        affinity = self._population.shopping_affinity(day, COMMERCE_AFTER_DRIFT if drifted else COMMERCE)
        persistent = AFFINITY_WEIGHT * affinity + ACTIVITY_WEIGHT * np.log(self._population.activity)
        odds = np.exp(BASE_LOGIT + persistent[:, None]) * purchase_weight(self._world.date_of(day))
        return odds / (1 + odds)

    def awakening(self, day: int) -> np.ndarray:
        """Probability that an idle person considers buying on the next day."""
        odds = np.exp(-4.0 + 0.5 * self._population.shopping_affinity(day))
        return odds / (1 + odds)


def live(world: World, population: Population, law: ConversionLaw) -> Iterator[DayOfIntent]:
    """Walk through the world's days: the states of intent and who buys."""
    state = np.zeros(population.persons, dtype=np.int8)
    for day in range(-BURN_IN_DAYS, world.days):
        rng = world.rng("intent", day + BURN_IN_DAYS)
        today = np.arange(population.persons)
        buys = rng.random(population.persons) < law.buying(day)[today, state]
        if day >= 0:
            yield DayOfIntent(day, state, buys)
        state = _next_state(state, buys, law.awakening(day), rng.random(population.persons))


def _next_state(state: np.ndarray, buys: np.ndarray, awakening: np.ndarray, draw: np.ndarray) -> np.ndarray:
    following = np.select(
        [state == IDLE, state == CONSIDERING],
        [
            np.where(draw < awakening, CONSIDERING, IDLE),
            np.where(draw < COOLS, IDLE, np.where(draw < COOLS + WARMS, KEEN, CONSIDERING)),
        ],
        np.where(draw < KEEN_ENDS, IDLE, np.where(draw < KEEN_ENDS + KEEN_COOLS, CONSIDERING, KEEN)),
    )
    return np.where(buys, IDLE, following).astype(np.int8)


class Horizon:
    """The exact probability that a person buys at least once in `days` days, given the person's state at their start.

    It runs the law backwards from the last day: the probability of no purchase from each state.
    """

    def __init__(self, law: ConversionLaw, days: int) -> None:
        self._law, self._days = law, days
        self._laws: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def probability(self, today: DayOfIntent) -> np.ndarray:
        """Probability for every person of a purchase in today … today + days - 1."""
        window = range(today.day, today.day + self._days)
        self._laws = {day: self._laws.get(day) or (self._law.buying(day), self._law.awakening(day)) for day in window}
        none = np.ones((len(today.state), 3))
        for day in reversed(window):
            buying, awakening = self._laws[day]
            carried_on = np.empty_like(none)
            carried_on[:, IDLE] = none[:, IDLE] + awakening * (none[:, CONSIDERING] - none[:, IDLE])
            carried_on[:, CONSIDERING] = none @ (COOLS, 1 - COOLS - WARMS, WARMS)
            carried_on[:, KEEN] = none @ (KEEN_ENDS, KEEN_COOLS, 1 - KEEN_ENDS - KEEN_COOLS)
            none = (1 - buying) * carried_on
        return 1 - none[np.arange(len(none)), today.state]
