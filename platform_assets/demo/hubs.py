"""Places where many persons look like one: kiosks, test logins, offices behind one address.

A kiosk is a device that visitors share, each logged in or not as always. Testers use a common login on their own
devices now and then. Who works in an office is seen with its address on some sessions of weekdays. Nobody buys at a
kiosk or under a test login, so that what is planted of purchases stays true of persons' own identifiers.
"""

from dataclasses import dataclass, replace

import numpy as np

from platform_assets.demo.bots import bot_count
from platform_assets.demo.events import NONE
from platform_assets.demo.population import Population
from platform_assets.demo.sessions import Sessions
from platform_assets.demo.world import World

OFFICE_WORKERS, PERSONS_PER_OFFICE = 12, 120
PERSONS_PER_KIOSK, VISITOR_SHARE = 400, 0.1
PERSONS_PER_TEST_LOGIN, TESTER_SHARE, FEWEST_TESTERS = 1_000, 0.05, 24

AT_THE_OFFICE, AT_A_KIOSK, UNDER_A_TEST_LOGIN = 0.5, 0.15, 0.3
"""Shares of the sessions of those who have such a place: of sessions on weekdays, and of any."""


@dataclass(frozen=True)
class Hubs:
    """By person, the number of their `office`, `kiosk` and `test_login`, -1 without one; and what they are called.

    A device at the office is a device of its own, with another address: `office_device` by the number of the device
    at home, -1 for those that never leave. Kiosks are devices as well; test logins are numbered after all logins.
    """

    office: np.ndarray
    kiosk: np.ndarray
    test_login: np.ndarray
    office_device: np.ndarray
    first_kiosk: int
    first_test_login: int

    @property
    def taken_along(self) -> np.ndarray:
        """The devices that are also seen at an office, in the order of their office numbers."""
        return np.flatnonzero(self.office_device != NONE)

    @property
    def kiosks(self) -> int:
        """Number of kiosks."""
        return int(self.kiosk.max(initial=NONE)) + 1

    @property
    def test_logins(self) -> int:
        """Number of test logins."""
        return int(self.test_login.max(initial=NONE)) + 1


def make_hubs(world: World, population: Population) -> Hubs:
    """The hubs of a world; none where it has none."""
    persons, logins = population.persons, len(population.login_person)
    first_copy = len(population.device_person) + bot_count(world)
    nobody, at_home = np.full(persons, NONE), np.full(len(population.device_person), NONE)
    if not world.hubs:
        return Hubs(nobody, nobody, nobody, at_home, first_copy, logins)
    rng = world.rng("hubs")
    offices = max(1, persons // PERSONS_PER_OFFICE)
    office = _spread(rng, persons, offices * OFFICE_WORKERS, offices)
    kiosk = _spread(rng, persons, round(persons * VISITOR_SHARE), max(1, persons // PERSONS_PER_KIOSK))
    testers = max(FEWEST_TESTERS, round(persons * TESTER_SHARE))
    test_login = _spread(rng, persons, testers, max(1, persons // PERSONS_PER_TEST_LOGIN))
    leaves = office[population.device_person] != NONE
    copies = np.where(leaves, first_copy + np.cumsum(leaves) - 1, NONE)
    return Hubs(office, kiosk, test_login, copies, first_copy + int(leaves.sum()), logins)


def at_hubs(world: World, hubs: Hubs, day: int, sessions: Sessions) -> Sessions:
    """The sessions of a day, some of them at the office, at a kiosk or under a test login."""
    if not world.hubs:
        return sessions
    draw = world.rng("hub visits", day).random((3, len(sessions.person)))
    person, is_weekday = sessions.person, world.date_of(day).weekday() < 5
    office = (hubs.office[person] != NONE) & is_weekday & (draw[0] < AT_THE_OFFICE)
    kiosk = (hubs.kiosk[person] != NONE) & ~sessions.buys & (draw[1] < AT_A_KIOSK)
    test = (hubs.test_login[person] != NONE) & ~sessions.buys & (draw[2] < UNDER_A_TEST_LOGIN)
    device = np.where(office, hubs.office_device[sessions.device], sessions.device)
    return replace(
        sessions,
        device=np.where(kiosk, hubs.first_kiosk + hubs.kiosk[person], device),
        login=np.where(test, hubs.first_test_login + hubs.test_login[person], sessions.login),
    )


def _spread(rng: np.random.Generator, persons: int, chosen: int, places: int) -> np.ndarray:
    """The place of every person: so many chosen ones spread evenly, -1 for all others."""
    place = np.full(persons, NONE)
    lucky = rng.permutation(persons)[:chosen]
    place[lucky] = np.arange(len(lucky)) % places
    return place
