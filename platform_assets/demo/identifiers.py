"""What the collector sees of persons: logins, cookies, device ids and addresses, as raw text.

Devices are numbered: those of persons at home, bots, persons' devices at the office, kiosks. Logins: those of persons,
then test logins.
"""

from dataclasses import dataclass

import numpy as np

from platform_assets.demo.bots import BOT_AGENTS, bot_count
from platform_assets.demo.hubs import Hubs
from platform_assets.demo.population import COUNTRIES, FIRST_APP, USER_AGENTS, Population
from platform_assets.demo.world import World

_PLANTS = ("maple", "fern", "clover", "willow", "thistle", "heather", "juniper", "alder", "bramble", "sorrel")
_ANIMALS = ("otter", "heron", "badger", "lynx", "marten", "plover", "stoat", "curlew", "dormouse", "newt")


@dataclass(frozen=True)
class Identifiers:
    """Raw identifiers: `login` by login number; the others by device number. Absent ones are empty."""

    login: list[str]
    cookie: list[str]
    device_id: list[str]
    address: list[str]
    user_agent: list[str]
    country: list[str]
    consent: np.ndarray


def make_identifiers(world: World, population: Population, hubs: Hubs) -> Identifiers:
    """The identifiers of a world's persons, bots and hubs."""
    bots = bot_count(world)
    persons_devices = len(population.device_person)
    devices = persons_devices + bots
    rng = world.rng("identifiers")
    hexadecimal = rng.bytes(16 * devices).hex()
    is_app = population.device_agent >= FIRST_APP
    agents = [USER_AGENTS[agent] for agent in population.device_agent]
    own = Identifiers(
        login=[
            f"{_PLANTS[n % 10]}.{_ANIMALS[n // 10 % 10]}{n // 100 + 1}@example.org"
            for n in range(len(population.login_person))
        ],
        cookie=[f"c-{hexadecimal[32 * n : 32 * n + 20]}" for n in range(devices)],
        device_id=[f"d-{hexadecimal[32 * n + 20 : 32 * n + 32]}" if app else "" for n, app in enumerate(is_app)]
        + [""] * bots,
        address=[_home_address(int(number)) for number in population.device_address]
        + [f"203.0.113.{n % 254 + 1}" for n in range(bots)],
        user_agent=agents + [BOT_AGENTS[n % len(BOT_AGENTS)] for n in range(bots)],
        country=[COUNTRIES[code] for code in population.country[population.device_person]] + ["US"] * bots,
        consent=np.concatenate([population.device_consent, np.zeros(bots, dtype=np.int64)]),
    )
    return _with_hubs(world, population, hubs, own) if world.hubs else own


def _with_hubs(world: World, population: Population, hubs: Hubs, own: Identifiers) -> Identifiers:
    """Those of devices at the office, of kiosks (every second one runs the app) and of test logins added."""
    along = hubs.taken_along
    hexadecimal = world.rng("kiosks").bytes(16 * hubs.kiosks).hex()
    kiosks = [hexadecimal[32 * n : 32 * n + 32] for n in range(hubs.kiosks)]
    return Identifiers(
        login=own.login + [f"test{n + 1}@example.org" for n in range(hubs.test_logins)],
        cookie=own.cookie + [own.cookie[n] for n in along] + [f"c-{text[:20]}" for text in kiosks],
        device_id=own.device_id
        + [own.device_id[n] for n in along]
        + [f"d-{text[20:]}" if n % 2 else "" for n, text in enumerate(kiosks)],
        address=own.address
        + [office_address(int(n)) for n in hubs.office[population.device_person[along]]]
        + [kiosk_address(n) for n in range(hubs.kiosks)],
        user_agent=own.user_agent
        + [own.user_agent[n] for n in along]
        + [USER_AGENTS[FIRST_APP if n % 2 else 0] for n in range(hubs.kiosks)],
        country=own.country + [own.country[n] for n in along] + ["DE"] * hubs.kiosks,
        consent=np.concatenate([own.consent, own.consent[along], np.zeros(hubs.kiosks, dtype=np.int64)]),
    )


def _home_address(number: int) -> str:
    """An address of 198.18.0.0/15, the range reserved for benchmarks; the private 10.0.0.0/8 where that is full."""
    if number < 131_072:
        return f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
    beyond = number - 131_072
    return f"10.{beyond >> 16 & 255}.{beyond >> 8 & 255}.{beyond & 255}"


def office_address(number: int) -> str:
    """The address of an office, in 172.16.0.0/12."""
    return f"172.{16 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def kiosk_address(number: int) -> str:
    """The address of a kiosk, in 172.24.0.0/13."""
    return f"172.{24 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
