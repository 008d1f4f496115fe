"""Who lives in the simulated world: persons, their devices, logins and interests. No behaviour and no text of records.

Persons are of three kinds: always logged in, never, and mixed (logged in wherever they shop, seldom elsewhere).
"""

from dataclasses import dataclass

import numpy as np

from platform_assets.demo.web import COMMERCE, TOPICS
from platform_assets.demo.world import World

KINDS = ("always", "never", "mixed")
ALWAYS, NEVER, MIXED = range(3)

COUNTRIES = ("DE", "AT", "CH", "FR", "NL", "GB", "US", "BR")
COUNTRY_SHARE = (0.38, 0.08, 0.07, 0.14, 0.08, 0.13, 0.09, 0.03)
UTC_OFFSET_HOURS = np.array([1, 1, 1, 1, 1, 0, -5, -3])

_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
USER_AGENTS = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME}/126.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_CHROME}/126.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1",
    "MarketApp/5.2 (Android 14; Mobile)",
    "MarketApp/5.2 (iPhone; iOS 17.5)",
)
USER_AGENT_SHARE = (0.28, 0.11, 0.06, 0.18, 0.16, 0.06, 0.08, 0.07)
FIRST_APP = 6

_LEANINGS = (-3.0, 3.0)
_LEANING_SHARE = (0.6, 0.4)

_SHARES = np.array([[1.0, 0, 0], [0.65, 0.35, 0], [0.55, 0.3, 0.15]])
_LOGIN_SHARES = np.array([[0.0, 0], [1.0, 0], [0.75, 0.25]])


@dataclass(frozen=True)
class Population:
    """Columns by person, by device and by login. Devices and logins of one person stand together.

    `share` is how much of the person's activity goes through that device or login; shares of a person add up to 1.
    """

    kind: np.ndarray
    country: np.ndarray
    activity: np.ndarray
    interest_start: np.ndarray
    interest_drift: np.ndarray
    first_device: np.ndarray
    devices: np.ndarray
    first_login: np.ndarray
    logins: np.ndarray
    device_person: np.ndarray
    device_share: np.ndarray
    device_agent: np.ndarray
    device_address: np.ndarray
    device_consent: np.ndarray
    login_person: np.ndarray
    login_share: np.ndarray

    @property
    def persons(self) -> int:
        """Number of persons."""
        return len(self.kind)

    def interests(self, day: int) -> np.ndarray:
        """Interest of every person in every topic on a day, rows add up to 1. The path is fixed from the start."""
        raw = np.exp(self.interest_start + self.interest_drift * (day / 60))
        return raw / raw.sum(axis=1, keepdims=True)

    def shopping_affinity(self, day: int, commerce: np.ndarray = COMMERCE) -> np.ndarray:
        """How far a person's interests lie in topics where people buy, standardised to about mean 0 and deviation 1."""
        return (self.interests(day) @ commerce - commerce.mean()) / 0.24

    def choose_device(self, person: np.ndarray, draw: np.ndarray) -> np.ndarray:
        """A device of each person, by the devices' shares, from uniform draws."""
        return self.first_device[person] + _choice(_SHARES[self.devices[person] - 1], draw)

    def choose_login(self, person: np.ndarray, draw: np.ndarray) -> np.ndarray:
        """A login of each person, by the logins' shares, from uniform draws; -1 for persons without."""
        chosen = self.first_login[person] + _choice(_LOGIN_SHARES[self.logins[person]], draw)
        return np.where(self.logins[person] > 0, chosen, -1)


def make_population(world: World) -> Population:
    """The persons of a world."""
    rng = world.rng("population")
    persons = world.persons
    kind = rng.choice(len(KINDS), persons, p=(0.45, 0.35, 0.2))
    leaning = rng.choice(_LEANINGS, persons, p=_LEANING_SHARE)
    devices = rng.choice((1, 2, 3), persons, p=(0.7, 0.25, 0.05))
    logins = np.where(kind == NEVER, 0, rng.choice((1, 2), persons, p=(0.88, 0.12)))
    device_person = np.repeat(np.arange(persons), devices)
    login_person = np.repeat(np.arange(persons), logins)
    first_device = np.cumsum(devices) - devices
    first_login = np.cumsum(logins) - logins
    device_rank = np.arange(len(device_person)) - first_device[device_person]
    login_rank = np.arange(len(login_person)) - first_login[login_person]
    return Population(
        kind=kind,
        country=rng.choice(len(COUNTRIES), persons, p=COUNTRY_SHARE),
        activity=rng.lognormal(-0.5 * 0.4**2, 0.4, persons),
        interest_start=rng.normal(0, 0.35, (persons, len(TOPICS))) + leaning[:, None] * (COMMERCE - COMMERCE.mean()),
        interest_drift=rng.normal(0, 0.2, (persons, len(TOPICS))),
        first_device=first_device,
        devices=devices,
        first_login=first_login,
        logins=logins,
        device_person=device_person,
        device_share=_SHARES[devices[device_person] - 1, device_rank],
        device_agent=rng.choice(len(USER_AGENTS), len(device_person), p=USER_AGENT_SHARE),
        device_address=_home_addresses(world, rng)[device_person],
        device_consent=rng.choice(3, len(device_person), p=(0.6, 0.3, 0.1)),
        login_person=login_person,
        login_share=_LOGIN_SHARES[logins[login_person], login_rank],
    )


def _home_addresses(world: World, rng: np.random.Generator) -> np.ndarray:
    """The number of every person's address at home, which nobody else has."""
    rng.integers(0, 131_072, world.persons)  # where homes were drawn before, so that what is drawn next stays the same
    return world.rng("home addresses").permutation(world.persons)


def _choice(shares: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Index of the share into which each draw falls; `shares` has one row a draw, adding up to 1."""
    return (draw[:, None] >= np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1)
